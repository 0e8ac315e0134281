import { codeOfStatus, Problem } from '../../ground/problem.ts'

/** Why groups and roles cannot be changed. SCIM is their only API, so the codes are its keywords (RFC 7644, section 3.12). */
export const membershipProblems = {
  /** @param what The name of the list, for example `users`. */
  stranger: (what: string, id: string) =>
    new Problem(
      400,
      'invalidValue',
      `${what}: this organization has no entry with the id ${JSON.stringify(id.slice(0, 80))}. Leave it out, or create it first.`,
    ),
  unknownPermission: (name: string) =>
    new Problem(
      400,
      'invalidValue',
      `permissions: no API has the scope ${JSON.stringify(name.slice(0, 80))}, or it has no effect here. Leave it out.`,
    ),
  unknownAudience: () =>
    new Problem(
      400,
      'invalidValue',
      'audience: must be this organization or, at the root of the tenant, one of its applications, by type and value.',
    ),
  fixedRole: () =>
    new Problem(403, codeOfStatus(403), 'This role belongs to the server: it cannot be renamed, changed or deleted.'),
  nameTaken: (name: string) =>
    new Problem(409, 'uniqueness', `The name ${JSON.stringify(name)} is in use. Choose another.`),
  lastAdministrator: () =>
    new Problem(403, codeOfStatus(403), 'The tenant would have no active administrator. Add another one first.'),
  changedMeanwhile: () =>
    new Problem(412, codeOfStatus(412), 'This was changed in the meantime. Read it again and repeat the change.'),
  notFound: () => new Problem(404, codeOfStatus(404), 'The resource does not exist.'),
}
