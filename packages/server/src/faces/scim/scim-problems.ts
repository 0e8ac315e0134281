import { present } from '@preflow/contract'
import { callIdOf } from '../../domain/actions/call-record.ts'
import { isByExtension } from '../../domain/actions/extension-problems.ts'
import { DOCUMENT_FORM } from '../../domain/users/user-change.ts'
import { codeOfStatus, Problem } from '../../ground/problem.ts'

/** @param scimType A keyword of RFC 7644, section 3.12. Most statuses have none. */
const problem = (status: number, sentence: string, scimType?: string, headers?: Record<string, string>) =>
  new Problem(status, scimType ?? codeOfStatus(status), sentence, present({ headers }))

/** The problems of SCIM. Their codes are the keywords of the standard. */
export const scimProblems = {
  invalidSyntax: (sentence: string) => problem(400, sentence, 'invalidSyntax'),
  invalidValue: (sentence: string) => problem(400, sentence, 'invalidValue'),
  invalidFilter: (sentence: string) => problem(400, sentence, 'invalidFilter'),
  invalidPath: (sentence: string) => problem(400, sentence, 'invalidPath'),
  tooManyOperations: (most: number) => problem(413, `Send at most ${most} operations in one request.`),
  circularReference: () =>
    problem(409, 'The operations refer to each other in a circle. Create one without the reference.'),
  unresolvedReference: (bulkId: string) =>
    problem(409, `No operation created the resource bulkId:${bulkId.slice(0, 80)}. Correct that operation first.`),
  invalidCursor: () =>
    problem(400, 'The cursor belongs to another query or is damaged. Start again without one.', 'invalidCursor'),
  tooMany: () =>
    problem(
      400,
      'The filter would have to compare too many resources. Add a comparison with eq of an attribute such as userName or emails.',
      'tooMany',
    ),
  noTarget: (sentence: string) => problem(400, sentence, 'noTarget'),
  mutability: (sentence: string) => problem(400, sentence, 'mutability'),
  passwordStays: () => problem(400, 'A password cannot be removed. Replace it, or set active to false.', 'mutability'),
  tooLong: () => problem(400, `The attributes of a user must have ${DOCUMENT_FORM}. Shorten them.`, 'invalidValue'),
  lastAdministrator: () => problem(403, 'This is the last administrator of the tenant.'),
  passwordByToken: () =>
    problem(403, 'A token does not prove the password. Send user name and password (Basic), or use change-password.'),
  notFound: () => problem(404, 'The resource does not exist.'),
  noSuchEndpoint: () =>
    problem(
      404,
      'The endpoint does not exist. /ResourceTypes lists the resource types. Roles are at /v2/Roles and /v3/Roles.',
    ),
  methodNotAllowed: (methods: readonly string[]) =>
    problem(405, `Use ${methods.join(' or ')}.`, undefined, { allow: methods.join(', ') }),
  notHere: () => problem(404, 'The caller is not a user of this organization. Use the path of its own organization.'),
  userNameTaken: () => problem(409, 'The user name already exists. Choose another.', 'uniqueness'),
  changedMeanwhile: () => problem(409, 'The user changed in the meantime. Read it again and repeat the change.'),
  otherVersion: () => problem(412, 'The user changed in the meantime. Read it again and repeat the change.'),
  /**
   * The refusal of an action, in the reference's form. It has the extension's message, or the id of the call record if the
   * extension could not be called.
   *
   * @param what What failed, in the reference's wording.
   */
  byAction(refusal: Problem, what: string, { userName }: { userName: string }): Problem {
    const { code, headers, sentence, status } = refusal
    if (isByExtension(refusal)) return problem(status, sentence ?? code, code, headers)
    const callId = callIdOf(refusal)
    const why =
      callId === undefined ? '' : ` The extension could not be called. The call record ${callId} has the reason.`
    return problem(status, `${what}: ${userName}.${why}`, undefined, headers)
  },
  unexpected: (traceId: string) =>
    problem(500, `An unexpected error occurred. The server's log has it under ${traceId}.`),
}

const CODE_OF_STATUS = /^PREFLOW-\d{3}$/

/** Renders a problem in the form of RFC 7644, section 3.12. Codes that SCIM does not define are left out. */
export function describeProblem({ code, sentence, status, title }: Problem): object {
  const scimType = CODE_OF_STATUS.test(code) ? undefined : code
  return {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
    ...present({ scimType }),
    detail: sentence ?? title,
    status: String(status),
  }
}
