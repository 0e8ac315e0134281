import type { Facts } from './context.ts'
import type { Decision } from './decision.ts'

/** What became of one call, without anything that came from its payload: safe to write to a log as it is. */
export interface DecisionRecord {
  /** `refused` when the call never reached a handler. */
  decision: Decision['decision'] | 'refused'
  /** The HTTP status of the answer. */
  status: number
  requestId?: string
  actionType?: string
  /** The reason of a denial, the message of an error. */
  reason?: string
  /** The explanation of the handler or of the refusal. */
  why?: string
  /** The operations sent, as `op path`, without values. */
  operations: string[]
  /** What the author should mend: edits that were not offered, texts that platforms would refuse. */
  reports: string[]
  facts?: Facts
  /** Name, code and place of what a handler threw. Its message stays out: it may quote the payload. */
  thrown?: { name: string; code?: string; at?: string }
  durationMs: number
  /** The platform asked again: answered as before, without asking the handler. */
  isRepeat?: true
}
