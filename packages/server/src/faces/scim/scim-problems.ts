import { present } from '@preflow/contract'
import { callIdOf } from '../../domain/actions/call-record.ts'
import { isByExtension } from '../../domain/actions/extension-problems.ts'
import { DOCUMENT_FORM } from '../../domain/users/user-change.ts'
import { codeOfStatus, Problem } from '../../ground/problem.ts'

/** @param scimType One of the keywords of RFC 7644, section 3.12; most statuses have none. */
const problem = (status: number, sentence: string, scimType?: string, headers?: Record<string, string>) =>
  new Problem(status, scimType ?? codeOfStatus(status), sentence, present({ headers }))

/** The problems of SCIM: their codes are the keywords of the standard. */
export const scimProblems = {
  invalidSyntax: (sentence: string) => problem(400, sentence, 'invalidSyntax'),
  invalidValue: (sentence: string) => problem(400, sentence, 'invalidValue'),
  invalidFilter: (sentence: string) => problem(400, sentence, 'invalidFilter'),
  invalidPath: (sentence: string) => problem(400, sentence, 'invalidPath'),
  noTarget: (sentence: string) => problem(400, sentence, 'noTarget'),
  mutability: (sentence: string) => problem(400, sentence, 'mutability'),
  passwordStays: () =>
    problem(400, 'A password cannot be taken away. Replace it, or set active to false.', 'mutability'),
  tooLong: () => problem(400, `The attributes of a user must have ${DOCUMENT_FORM}. Shorten them.`, 'invalidValue'),
  lastAdministrator: () => problem(403, 'This is the last administrator of the tenant.'),
  passwordByToken: () =>
    problem(403, 'A token does not prove the password. Send user name and password (Basic), or use change-password.'),
  notFound: () => problem(404, 'There is no such resource.'),
  noSuchEndpoint: () => problem(404, 'There is no such endpoint; /ResourceTypes lists what there is.'),
  methodNotAllowed: (methods: readonly string[]) =>
    problem(405, `Use ${methods.join(' or ')}.`, undefined, { allow: methods.join(', ') }),
  notHere: () => problem(404, 'The caller is not a user of this organization. Use the path of the own one.'),
  userNameTaken: () => problem(409, 'The user name is taken. Choose another.', 'uniqueness'),
  changedMeanwhile: () => problem(409, 'The user was changed meanwhile. Read it again and repeat the change.'),
  otherVersion: () => problem(412, 'The user was changed meanwhile. Read it again and repeat the change.'),
  /**
   * What an action did not let happen, as the reference says it: in the words of the extension, or, when it could not be called,
   * without them. The record of the call has the rest.
   *
   * @param what What failed, in the words of the reference.
   */
  byAction(refusal: Problem, what: string, { userName }: { userName: string }): Problem {
    const { code, headers, sentence, status } = refusal
    if (isByExtension(refusal)) return problem(status, sentence ?? code, code, headers)
    const callId = callIdOf(refusal)
    const why =
      callId === undefined ? '' : ` The action could not be asked; why is in the record of its call, ${callId}.`
    return problem(status, `${what}: ${userName}.${why}`, undefined, headers)
  },
  unexpected: (traceId: string) => problem(500, `The server met an unexpected fault; its log has it under ${traceId}.`),
}

const CODE_OF_STATUS = /^PREFLOW-\d{3}$/

/** A problem in the form of RFC 7644, section 3.12. A code that is none of SCIM's says no more than the status. */
export function describeProblem({ code, sentence, status, title }: Problem): object {
  const scimType = CODE_OF_STATUS.test(code) ? undefined : code
  return {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
    ...present({ scimType }),
    detail: sentence ?? title,
    status: String(status),
  }
}
