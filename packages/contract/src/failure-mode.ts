/**
 * What a flow does after a call without a decision: `error` ends it with an error, as the reference does; `deny`
 * refuses it; `continue` continues it unchanged.
 */
export type FailureMode = 'error' | 'deny' | 'continue'
