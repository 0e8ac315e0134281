import { codeOfStatus, Problem } from '../../ground/problem.ts'

/** Why groups and roles stay as they are. SCIM is their only API: codes are its keywords (RFC 7644, section 3.12). */
export const membershipProblems = {
  /** @param what Of the list, for example `users`. */
  stranger: (what: string, id: string) =>
    new Problem(
      400,
      'invalidValue',
      `${what}: this organization has none with the id ${JSON.stringify(id.slice(0, 80))}. Leave it out, or create it first.`,
    ),
  nameTaken: (name: string) =>
    new Problem(409, 'uniqueness', `The name ${JSON.stringify(name)} is in use. Choose another.`),
  lastAdministrator: () =>
    new Problem(403, codeOfStatus(403), 'The tenant would have no active administrator. Add another one first.'),
  changedMeanwhile: () =>
    new Problem(412, codeOfStatus(412), 'This was changed in the meantime. Read it again and repeat the change.'),
  notFound: () => new Problem(404, codeOfStatus(404), 'There is no such resource.'),
}
