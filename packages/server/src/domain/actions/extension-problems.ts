import { Problem } from '../../ground/problem.ts'
import { callIdHeader } from './call-record.ts'

/** An extension that said FAILED, in its own words. */
export interface Refusal {
  reason: string
  description?: string
  callId?: string
}

/**
 * Why an action does not let happen what was asked for. Nothing was consumed or stored then. Faces put it into the words of their
 * protocol.
 */
export const extensionProblems = {
  /** The reason is the code: an OAuth error, or whatever the extension calls it. */
  refused: ({ callId, description, reason }: Refusal, status: 400 | 401 = 400) =>
    new Problem(status, reason, description, { headers: callIdHeader(callId) }),
  /** The extension could not be called. Why is for the operator, in the record of the call. */
  notCalled: ({ callId }: { callId?: string }) =>
    new Problem(500, 'server_error', 'Internal Server Error.', { headers: callIdHeader(callId) }),
}

/** Whether the extension itself refused, rather than could not be called. */
export function isByExtension({ status }: Problem): boolean {
  return status < 500
}
