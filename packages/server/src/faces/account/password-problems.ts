import { callIdOf } from '../../domain/actions/call-record.ts'
import { isByExtension } from '../../domain/actions/extension-problems.ts'
import { Problem } from '../../ground/problem.ts'

const problem = (status: number, code: string, title: string, sentence: string, headers: Record<string, string> = {}) =>
  new Problem(status, `PWD-${code}`, sentence, { title, headers })

/** The reference's description for a refusal without one. */
const NO_DESCRIPTION = 'The new password does not meet the custom requirements configured for this organization.'

/** The problems of changing the own password, with the reference's codes. */
export const passwordProblems = {
  missingData: () =>
    problem(400, '10000', 'Required data is missing', 'Send currentPassword and newPassword as non-empty strings.'),
  wrongPassword: () =>
    problem(400, '10001', 'Current password is incorrect', 'Send the current password in currentPassword.'),
  samePassword: () =>
    problem(400, '10002', 'New password is the same as the current one', 'Choose another new password.'),
  /** @param sentence The rule. */
  brokeRule: (sentence: string) => problem(400, '10003', 'Password policy violation', sentence),
  /** The problem of the action in the form of this API. */
  byAction(refusal: Problem): Problem {
    if (isByExtension(refusal)) {
      const { headers, sentence = NO_DESCRIPTION } = refusal
      return problem(400, '10004', 'Password validation failed', sentence, headers)
    }
    const callId = callIdOf(refusal)
    const record = callId === undefined ? 'The log has the reason.' : `The call record ${callId} has the reason.`
    const sentence = `The extension could not be called. ${record}`
    return problem(500, '15001', 'Error updating password', sentence, refusal.headers)
  },
  notOwn: () =>
    problem(400, '10005', 'Invalid request', 'The caller is not a user of this organization. Sign in as the user.'),
  /** Too many passwords were wrong, or too many are being checked. */
  notNow: (status: number, sentence: string, afterSeconds: number) =>
    problem(status, '10005', 'The password cannot be checked now', sentence, { 'retry-after': String(afterSeconds) }),
  changedMeanwhile: () => problem(409, '10005', 'The user changed in the meantime', 'Repeat the change.'),
  unexpected: (traceId: string) =>
    problem(500, '15001', 'Error updating password', `The server's log has it under ${traceId}.`),
}
