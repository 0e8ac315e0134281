/**
 * One asking for a PIN: what happens between the platform's first call of a step and the call that takes the result.
 *
 * Every function here turns an entry into the next one and does nothing else. The store swaps the one for the other only
 * if nobody else did so in between (`version`), hence of two requests that race one wins and the other reads again.
 */
export interface Entry {
  flowId: string
  /** Position of the authenticator in the sign-in, from 1: the same flow may ask at two of them. */
  step: number
  /** Names the entry in the page's URL. Not the flow id: that one travels through URLs, histories and logs. */
  handle: string
  version: number
  tenant: string
  /** Id of the organization signed in to, unless it is the tenant's root. */
  organization?: string
  /** Shown on the page, so that people see what they sign in to. */
  application: string
  /** Whose PIN it must be. Absent until a user name is entered, when the platform did not say. */
  userId?: string
  /** Name of the user's store, as the platform gave it. */
  userStore?: string
  status: 'PENDING' | 'SUCCESS' | 'FAILED' | 'CONSUMED'
  /** Why it failed. */
  refusal?: Refusal
  /** PINs that were tried, counted before they are checked. */
  attempts: number
  /** SHA-256 of the cookie of the browser that opened the page first. No other browser may go on. */
  browserHash?: string
  /** The call that took the result: the platform's own repetition of it gets the same answer. */
  consumedBy?: string
  /** Epoch milliseconds. Afterwards the entry is worth nothing, whatever its status. */
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

/** How long things last, in milliseconds, and how often they may be tried. */
export interface EntryLimits {
  /** From the first call until the PIN must be entered. */
  entryMs: number
  /** From the PIN until the platform must take the result. */
  resultMs: number
  /** PINs that may be tried in one entry. */
  attempts: number
}

/** Platforms repeat a call once when its answer was lost; after this they have given up. */
const REPETITION_MS = 10_000

/** The entry as the platform's first call makes it. */
export function openEntry(
  facts: Pick<Entry, 'flowId' | 'step' | 'handle' | 'tenant' | 'organization' | 'application' | 'userId' | 'userStore'>,
  now: number,
  limits: EntryLimits,
): Entry {
  return { ...facts, version: 0, status: 'PENDING', attempts: 0, expiresAt: now + limits.entryMs }
}

/** From now on only the browser with this cookie may go on. */
export function bindBrowser(entry: Entry, browserHash: string): Entry {
  return next(entry, 'PENDING', { browserHash })
}

/** Counts a PIN that is about to be checked. */
export function spendAttempt(entry: Entry): Entry {
  return next(entry, 'PENDING', { attempts: entry.attempts + 1 })
}

/** The PIN was right. */
export function accept(entry: Entry, userId: string, now: number, limits: EntryLimits): Entry {
  return next(entry, 'PENDING', { status: 'SUCCESS', userId, expiresAt: now + limits.resultMs })
}

/** The sign-in cannot succeed any more. */
export function refuse(entry: Entry, refusal: Refusal, now: number, limits: EntryLimits): Entry {
  return next(entry, 'PENDING', { status: 'FAILED', refusal, expiresAt: now + limits.resultMs })
}

/** What the platform is to be told, and the entry to swap in first when telling it changes something. */
export type Resumption = { tell: 'enter' } | { tell: 'refusal'; refusal: Refusal } | { tell: 'success'; swap?: Entry }

/**
 * What a call of the platform gets. A success is told once; only the same call repeated within ten seconds gets it again.
 *
 * @param call Tells calls apart: the platform's request id. Empty when it sends none; then every call within ten seconds
 *   counts as a repetition.
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

/** The only way an entry changes. Nothing leads out of FAILED and CONSUMED: what was decided stays decided. */
function next(entry: Entry, from: Entry['status'], change: Partial<Entry>): Entry {
  if (entry.status !== from) throw new Error(`An entry that is ${entry.status} does not change this way.`)
  return { ...entry, ...change, version: entry.version + 1 }
}
