import type { Facts } from './context.ts'
import type { Decision } from './decision.ts'

/** The result of one call, without anything from its payload. It may be logged unchanged. */
export interface DecisionRecord {
  /** `refused` if the call never reached a handler. */
  decision: Decision['decision'] | 'refused'
  /** The HTTP status of the answer. */
  status: number
  requestId?: string
  actionType?: string
  /** The reason of a denial, or the message of an error. */
  reason?: string
  /** The explanation by the handler or of the refusal. */
  why?: string
  /** The operations sent, as `op path`, without values. */
  operations: string[]
  /** What the author should fix: edits that were not offered, messages that platforms would reject. */
  reports: string[]
  facts?: Facts
  /** Name, code and place of the exception of a handler. Its message is left out, because it may quote the payload. */
  thrown?: { name: string; code?: string; at?: string }
  durationMs: number
  /** The platform retried: the answer is the earlier one, and the handler was not called. */
  isRepeat?: true
}
