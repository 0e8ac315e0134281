/**
 * What a call that cannot be decided means for the flow: `error` breaks it off, as the reference does, `deny` refuses what was
 * about to happen, `continue` lets it happen unchanged.
 */
export type FailureMode = 'error' | 'deny' | 'continue'
