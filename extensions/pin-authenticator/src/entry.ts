/**
 * One PIN entry: what happens between the platform's first call of a step and the call that gets the result.
 *
 * Every function here turns an entry into the next one and does nothing else. The store swaps them only if no other
 * request did so in between (`version`). If two requests race, one wins and the other reads again.
 */
export interface Entry {
  flowId: string
  /** Position of the authenticator in the sign-in, from 1. A flow may contain it at two positions. */
  step: number
  /** Identifies the entry in the page's URL. It is not the flow id, which appears in URLs, histories and logs. */
  handle: string
  version: number
  tenant: string
  /** Id of the organization of the sign-in, unless it is the tenant's root. */
  organization?: string
  /** Shown on the page, so that people see where they sign in. */
  application: string
  /** The user whose PIN it must be. Absent until a user name is entered, if the platform did not identify the user. */
  userId?: string
  /** Name of the user's store, as the platform sent it. */
  userStore?: string
  status: 'PENDING' | 'SUCCESS' | 'FAILED' | 'CONSUMED'
  /** Why it failed. */
  refusal?: Refusal
  /** Attempts, counted before they are checked. */
  attempts: number
  /** SHA-256 of the cookie of the browser that opened the page first. No other browser may continue. */
  browserHash?: string
  /** The call that got the result. The platform's own repetition of it gets the same answer. */
  consumedBy?: string
  /** Epoch milliseconds. Afterwards the entry is invalid, with any status. */
  expiresAt: number
}

/** Why a sign-in fails: the `failureReason` and `failureDescription` that the application sees. */
export const refusals = {
  pin_attempts_exceeded: 'The PIN was wrong too many times. Start the sign-in again.',
  pin_locked: 'There were too many wrong PINs. Wait before you start the sign-in again.',
  pin_cancelled: 'The sign-in was cancelled.',
  flow_expired: 'The PIN entry has expired. Start the sign-in again.',
} as const

export type Refusal = keyof typeof refusals

/** Limits on time, in milliseconds, and on attempts. */
export interface EntryLimits {
  /** From the first call until the PIN must be entered. */
  entryMs: number
  /** From the PIN until the platform must request the result. */
  resultMs: number
  /** Attempts per entry. */
  attempts: number
}

/** Platforms repeat a call once if its answer was lost. After this time they have given up. */
const REPETITION_MS = 10_000

/** The entry that the platform's first call creates. */
export function openEntry(
  facts: Pick<Entry, 'flowId' | 'step' | 'handle' | 'tenant' | 'organization' | 'application' | 'userId' | 'userStore'>,
  now: number,
  limits: EntryLimits,
): Entry {
  return { ...facts, version: 0, status: 'PENDING', attempts: 0, expiresAt: now + limits.entryMs }
}

/** From now on only the browser with this cookie may continue. */
export function bindBrowser(entry: Entry, browserHash: string): Entry {
  return next(entry, 'PENDING', { browserHash })
}

/** Counts a PIN before it is checked. */
export function spendAttempt(entry: Entry): Entry {
  return next(entry, 'PENDING', { attempts: entry.attempts + 1 })
}

/** The PIN was right. */
export function accept(entry: Entry, userId: string, now: number, limits: EntryLimits): Entry {
  return next(entry, 'PENDING', { status: 'SUCCESS', userId, expiresAt: now + limits.resultMs })
}

/** The sign-in can no longer succeed. */
export function refuse(entry: Entry, refusal: Refusal, now: number, limits: EntryLimits): Entry {
  return next(entry, 'PENDING', { status: 'FAILED', refusal, expiresAt: now + limits.resultMs })
}

/** The answer for the platform, and the entry to swap in first if the answer changes something. */
export type Resumption = { tell: 'enter' } | { tell: 'refusal'; refusal: Refusal } | { tell: 'success'; swap?: Entry }

/**
 * The answer to a call of the platform. A success is returned once. Only the same call, repeated within ten seconds,
 * gets it again.
 *
 * @param call Identifies the call: the platform's request id. Empty if it sends none. Then every call within ten
 *   seconds counts as a repetition.
 */
export function resume(entry: Entry, call: string, now: number): Resumption {
  if (now >= entry.expiresAt) return { tell: 'refusal', refusal: 'flow_expired' }
  switch (entry.status) {
    case 'PENDING':
      return { tell: 'enter' }
    case 'FAILED':
      return { tell: 'refusal', refusal: entry.refusal ?? 'flow_expired' }
    case 'SUCCESS': {
      const change = { status: 'CONSUMED', consumedBy: call, expiresAt: now + REPETITION_MS } as const
      return { tell: 'success', swap: next(entry, 'SUCCESS', change) }
    }
    case 'CONSUMED':
      return entry.consumedBy === call ? { tell: 'success' } : { tell: 'refusal', refusal: 'flow_expired' }
    default:
      return entry.status satisfies never
  }
}

/** The only place where an entry changes. FAILED and CONSUMED are final. */
function next(entry: Entry, from: Entry['status'], change: Partial<Entry>): Entry {
  if (entry.status !== from) throw new Error(`An entry that is ${entry.status} does not change this way.`)
  return { ...entry, ...change, version: entry.version + 1 }
}
