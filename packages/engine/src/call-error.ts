/**
 * Why a call has no decision.
 *
 * | code | |
 * |---|---|
 * | `deadline` | no complete answer in time |
 * | `connect_timeout`, `no_connection`, `refused`, `reset`, `unreachable`, `unknown_host`, `tls`, `protocol` | transport |
 * | `answer_too_large`, `unreadable_answer`, `unexpected_status` | the answer violates the contract |
 * | `extension_error` | the extension answered ERROR |
 * | `not_supported` | INCOMPLETE for a type without it, a reserved reason, an operation at which the reference fails |
 * | `address_refused`, `misconfigured`, `retired_version`, `rule`, `credentials` | never sent |
 * | `breaker_open` | not tried: the endpoint kept failing |
 */
export interface CallError {
  code: CallErrorCode
  /** What happened and what to do. For the operator, never for the client. Contains no secrets. */
  message: string
}

export type CallErrorCode =
  | 'deadline'
  | 'connect_timeout'
  | 'no_connection'
  | 'refused'
  | 'reset'
  | 'unreachable'
  | 'unknown_host'
  | 'tls'
  | 'protocol'
  | 'answer_too_large'
  | 'unreadable_answer'
  | 'unexpected_status'
  | 'extension_error'
  | 'not_supported'
  | 'address_refused'
  | 'misconfigured'
  | 'retired_version'
  | 'rule'
  | 'credentials'
  | 'breaker_open'

/** A value, or why there is none. */
export type Result<Value> = { ok: true; value: Value } | { ok: false; error: CallError }

export function failure(code: CallErrorCode, message: string): { ok: false; error: CallError } {
  return { ok: false, error: { code, message } }
}
