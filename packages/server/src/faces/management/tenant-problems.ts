import { Problem } from '../../ground/problem.ts'

const problem = (status: number, code: string, title: string, sentence: string) =>
  new Problem(status, code, sentence, { title })

/** The problems of tenants (TM) and organizations (ORG), with the reference's codes. */
export const tenantProblems = {
  domainTaken: (domain: string) =>
    problem(409, 'TM-60009', 'Tenant already exists.', `The domain ${domain} already exists. Choose another.`),
  noSuchTenant: (id: string) => problem(404, 'TM-60010', 'Tenant not found.', `No tenant has the id ${id}.`),
  noSuchOrganization: (id: string) =>
    problem(404, 'ORG-60015', 'Organization not found.', `No organization of this tenant has the id ${id}.`),
  handleTaken: (handle: string) =>
    problem(
      409,
      'ORG-60076',
      'Unable to create the organization.',
      `The organization handle ${handle} already exists. Choose another.`,
    ),
}
