import { callIdOf } from '../../domain/actions/call-record.ts'
import { Problem } from '../../ground/problem.ts'

/** Why an invitation page cannot be shown, in sentences for users. */
export const invitationProblems = {
  invalid: () =>
    new Problem(400, 'invalid_invitation', 'This link was already used or has expired. Request a new one.'),
  /** The action could not be called. */
  notCalled(problem: Problem): Problem {
    const callId = callIdOf(problem)
    const record = callId === undefined ? '' : ` The id of the call record is ${callId}.`
    return new Problem(500, problem.code, `The server encountered an internal error. Try again later.${record}`)
  },
}
