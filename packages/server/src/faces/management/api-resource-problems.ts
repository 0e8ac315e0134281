import { Problem } from '../../ground/problem.ts'
import type { Tenant } from '../../ground/store/model.ts'

const problem = (status: number, code: string, title: string, sentence: string) =>
  new Problem(status, `API-RESOURCE-${code}`, sentence, { title })

/** The problems of API resources, with the reference's codes and wording. */
export const apiResourceProblems = {
  notFound: (id: string) =>
    problem(
      404,
      '60002',
      'Unable to find the API resource.',
      `Unable to find the API resource with the id: ${id} in the tenant domain.`,
    ),
  taken: ({ domain }: Tenant) =>
    problem(
      409,
      '60003',
      'Unable to add API resource.',
      `API resource already exists for the tenant: ${domain}. Identifiers and names of scopes are unique in a tenant.`,
    ),
  scopeTaken: ({ domain }: Tenant) =>
    problem(409, '60004', 'Unable to add scope.', `Scope already exists for the tenant: ${domain}.`),
  restrictedScope: () => problem(400, '60008', 'Restricted scope name provided.', 'Scope name is restricted.'),
  oidcScope: () =>
    problem(
      400,
      '60009',
      'Existing OIDC scope name provided.',
      'Provided scopes name is already exists in the system as an OIDC scope.',
    ),
  systemApi: () =>
    problem(403, '60012', 'Cannot modify or delete System APIs.', 'Cannot modify or delete the read-only System APIs.'),
}
