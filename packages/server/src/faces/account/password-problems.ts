import { callIdOf } from '../../domain/actions/call-record.ts'
import { isByExtension } from '../../domain/actions/extension-problems.ts'
import { Problem } from '../../ground/problem.ts'

const problem = (status: number, code: string, title: string, sentence: string, headers: Record<string, string> = {}) =>
  new Problem(status, `PWD-${code}`, sentence, { title, headers })

/** The reference's words for a refusal without words. */
const NO_DESCRIPTION = 'The new password does not meet the custom requirements configured for this organization.'

/** The problems of changing one's own password, with the reference's codes. */
export const passwordProblems = {
  missingData: () =>
    problem(
      400,
      '10000',
      'Required data is missing',
      'Send currentPassword and newPassword, as texts that are not empty.',
    ),
  wrongPassword: () =>
    problem(400, '10001', 'Current password is incorrect', 'Send the password as it is now in currentPassword.'),
  samePassword: () =>
    problem(400, '10002', 'New password is the same as the current one', 'Choose another new password.'),
  /** @param sentence The rule. */
  brokeRule: (sentence: string) => problem(400, '10003', 'Password policy violation', sentence),
  /** The problem of the action in the words of this API. */
  byAction(refusal: Problem): Problem {
    if (isByExtension(refusal)) {
      const { headers, sentence = NO_DESCRIPTION } = refusal
      return problem(400, '10004', 'Password validation failed', sentence, headers)
    }
    const callId = callIdOf(refusal)
    const record = callId === undefined ? 'The log says why.' : `Why is in the record of its call, ${callId}.`
    const sentence = `The action could not be asked. ${record}`
    return problem(500, '15001', 'Error updating password', sentence, refusal.headers)
  },
  notOwn: () =>
    problem(400, '10005', 'Invalid request', 'The caller is not a user of this organization. Sign in as the user.'),
  tooManyWrong: () =>
    problem(429, '10005', 'Too many wrong passwords', 'Try again in a minute.', { 'retry-after': '60' }),
  changedMeanwhile: () => problem(409, '10005', 'The user was changed meanwhile', 'Repeat the change.'),
  unexpected: (traceId: string) =>
    problem(500, '15001', 'Error updating password', `The server's log has it under ${traceId}.`),
}
