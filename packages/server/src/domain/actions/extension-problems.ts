import { Problem } from '../../ground/problem.ts'
import { callIdHeader } from './call-record.ts'

/** An extension's FAILED, with its own message. */
export interface Refusal {
  reason: string
  description?: string
  callId?: string
}

/**
 * Why an action refuses a request. Nothing was consumed or stored. Faces render it in the form of their protocol.
 */
export const extensionProblems = {
  /** The code is the extension's reason: an OAuth error or any other string. */
  refused: ({ callId, description, reason }: Refusal, status: 400 | 401 = 400) =>
    new Problem(status, reason, description, { headers: callIdHeader(callId) }),
  /** The extension could not be called. The reason is in the call record, for the operator. */
  notCalled: ({ callId }: { callId?: string }) =>
    new Problem(500, 'server_error', 'Internal Server Error.', { headers: callIdHeader(callId) }),
}

/** Whether the extension itself refused, as opposed to a failed call. */
export function isByExtension({ status }: Problem): boolean {
  return status < 500
}
