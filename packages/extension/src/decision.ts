import type { AuthenticationData } from '@preflow/contract'
import type { Edit } from './edits.ts'

interface DataByType {
  AUTHENTICATION: AuthenticationData
}

/** What a SUCCESS may carry besides operations; nothing for a type without an entry. */
export type DataFor<T extends string> = T extends keyof DataByType ? DataByType[T] : never

/** Allows the operation, with the requested edits. */
export interface Allow<E extends Edit = Edit, Data = never> {
  decision: 'allow'
  edits: readonly E[]
  /** What the action type's SUCCESS carries besides operations: the user of a custom authentication. */
  data?: Data
  why?: string
}

/**
 * Refuses it. The client sees this: at a token endpoint `reason` becomes `error` and `description` `error_description`.
 */
export interface Deny {
  decision: 'deny'
  reason: string
  description: string
  why?: string
}

/** Reports that no decision is possible. The client gets a server error and never sees the message. */
export interface Fail {
  decision: 'fail'
  message: string
  description: string
  /** The HTTP status. Default 500: the extension failed; 400: the request is invalid. */
  status?: 400 | 500
  why?: string
}

/** Redirects the browser first. Only action types that offer `redirect` accept it. */
export interface Redirect {
  decision: 'redirect'
  url: string
  why?: string
}

/** What a handler decides. `why` explains it to the operator in the log line and is never sent to the platform. */
export type Decision<E extends Edit = Edit, Data = unknown> = Allow<E, Data> | Deny | Fail | Redirect

/**
 * Answers SUCCESS.
 *
 * @param edits The changes, in order. An edit that the event does not allow is left out and reported.
 * @example
 * return allow([setExpiresIn(900), addClaim('tier', 'gold')], { why: 'a gold customer' })
 */
export function allow<E extends Edit = never, Data = never>(
  edits: readonly E[] = [],
  more: { data?: Data; why?: string } = {},
): Allow<E, Data> {
  return { decision: 'allow', edits, ...more }
}

/**
 * Answers FAILED.
 *
 * @param reason A code for programs, for example `access_denied`. At most 100 characters.
 * @param description A sentence for people. At most 300 characters. Characters that some platform rejects are replaced
 *   in both.
 */
export function deny(reason: string, description: string, more: { why?: string } = {}): Deny {
  return { decision: 'deny', reason, description, ...more }
}

/**
 * Answers ERROR with HTTP 500, which a platform does not retry; with 400 if the request cannot be served. Limits as for
 * {@link deny}.
 */
export function fail(message: string, description: string, more: { status?: 400 | 500; why?: string } = {}): Fail {
  return { decision: 'fail', message, description, ...more }
}

/** Answers INCOMPLETE with a redirect to an absolute http or https URL. */
export function redirectTo(url: string, more: { why?: string } = {}): Redirect {
  return { decision: 'redirect', url, ...more }
}
