import { callIdOf } from '../../domain/actions/call-record.ts'
import { Problem } from '../../ground/problem.ts'

/** Why the page of an invitation cannot be shown, in words for people. */
export const invitationProblems = {
  invalid: () => new Problem(400, 'invalid_invitation', 'This link was used before or is too old. Ask for another.'),
  /** The action could not be called. */
  notCalled(problem: Problem): Problem {
    const callId = callIdOf(problem)
    const record = callId === undefined ? '' : ` Its record is ${callId}.`
    return new Problem(500, problem.code, `The server encountered an internal error. Try again later.${record}`)
  },
}
