import { present } from '@preflow/contract'

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
  /** `CONFIRMED`: after the right PIN, the sign-in itself was confirmed as well. */
  status: 'PENDING' | 'SUCCESS' | 'CONFIRMED' | 'FAILED' | 'CONSUMED'
  /** Why it failed. */
  refusal?: Refusal
  /** Attempts, counted before they are checked. */
  attempts: number
  /** SHA-256 of the cookie of the browser that opened the page first. No other browser may continue. */
  browserHash?: string
  /** SHA-256 of the return code that only the browser with the right PIN has. */
  codeHash?: string
  /** Identifies the entry in the URL of the confirmation page. */
  confirmHandle?: string
  /** What the confirmation page shows of the start: the name of the organization, epoch milliseconds, network and browser. */
  organizationName?: string
  startedAt?: number
  startedFrom?: string
  startedWith?: string
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
  return_refused: 'The sign-in was not finished where it was started. Start the sign-in again.',
} as const

export type Refusal = keyof typeof refusals

/**
 * How a deployment makes sure that the browser with the right PIN is the one that started the sign-in: by a return code, by a
 * page that asks the user, or not at all.
 */
export type ReturnCheck = 'code' | 'confirm' | 'off'

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
  facts: Omit<Entry, 'version' | 'status' | 'attempts' | 'expiresAt'>,
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

/** The version of an entry after {@link accept}. The return code is made for it, also when the page is loaded again. */
export function acceptedVersion(entry: Entry): number {
  return entry.status === 'PENDING' ? entry.version + 1 : entry.version
}

/** The PIN was right. */
export function accept(
  entry: Entry,
  { userId, codeHash }: { userId: string; codeHash?: string },
  now: number,
  limits: EntryLimits,
): Entry {
  const change = { status: 'SUCCESS', userId, expiresAt: now + limits.resultMs } as const
  return next(entry, 'PENDING', { ...change, ...present({ codeHash }) })
}

/** From now on the sign-in waits for the user to confirm it, at a page of its own. */
export function askConfirmation(entry: Entry, confirmHandle: string): Entry {
  return next(entry, 'SUCCESS', { confirmHandle })
}

/** The user confirmed the sign-in. */
export function confirm(entry: Entry, now: number, limits: EntryLimits): Entry {
  return next(entry, 'SUCCESS', { status: 'CONFIRMED', expiresAt: now + limits.resultMs })
}

/** The sign-in can no longer succeed. */
export function refuse(entry: Entry, refusal: Refusal, now: number, limits: EntryLimits): Entry {
  return next(entry, 'PENDING', { status: 'FAILED', refusal, expiresAt: now + limits.resultMs })
}

/** The PIN was right, and the sign-in fails nevertheless: because of who returned, or because the user does not confirm it. */
export function refuseReturn(entry: Entry, refusal: Refusal, now: number, limits: EntryLimits): Entry {
  return next(entry, 'SUCCESS', { status: 'FAILED', refusal, expiresAt: now + limits.resultMs })
}

/** A call of the platform. */
export interface ResumingCall {
  /** The platform's request id. Empty if it sends none. Then every call within ten seconds counts as a repetition. */
  id: string
  check: ReturnCheck
  /** What the call brings as a return code, compared with {@link Entry.codeHash}. */
  code: 'right' | 'missing' | 'wrong'
}

/** The answer for the platform, and the entry to swap in first if the answer changes something. */
export type Resumption =
  | { tell: 'enter' }
  | { tell: 'confirm' }
  | { tell: 'refusal'; refusal: Refusal; swap?: Entry }
  | { tell: 'success'; swap?: Entry }

/**
 * The answer to a call of the platform. A success is returned once. Only the same call, repeated within ten seconds,
 * gets it again.
 */
export function resume(entry: Entry, call: ResumingCall, now: number, limits: EntryLimits): Resumption {
  if (now >= entry.expiresAt) return { tell: 'refusal', refusal: 'flow_expired' }
  switch (entry.status) {
    case 'PENDING':
      return { tell: 'enter' }
    case 'FAILED':
      return { tell: 'refusal', refusal: entry.refusal ?? 'flow_expired' }
    case 'SUCCESS':
      return afterRightPin(entry, call, now, limits)
    case 'CONFIRMED':
      return take(entry, call, now)
    case 'CONSUMED': {
      const isRepetition = entry.consumedBy === call.id && (call.check !== 'code' || call.code === 'right')
      return isRepetition ? { tell: 'success' } : { tell: 'refusal', refusal: 'flow_expired' }
    }
    default:
      return entry.status satisfies never
  }
}

function afterRightPin(entry: Entry, call: ResumingCall, now: number, limits: EntryLimits): Resumption {
  if (call.check === 'confirm') return { tell: 'confirm' }
  if (call.check === 'off' || call.code === 'right') return take(entry, call, now)
  // The browser that entered the PIN finds its code at the page. All other browsers are rejected there.
  if (call.code === 'missing') return { tell: 'enter' }
  const refusal = 'return_refused'
  return { tell: 'refusal', refusal, swap: refuseReturn(entry, refusal, now, limits) }
}

function take(entry: Entry, { id }: ResumingCall, now: number): Resumption {
  const change = { status: 'CONSUMED', consumedBy: id, expiresAt: now + REPETITION_MS } as const
  return { tell: 'success', swap: next(entry, entry.status, change) }
}

/** The only place where an entry changes. FAILED and CONSUMED are final. */
function next(entry: Entry, from: Entry['status'], change: Partial<Entry>): Entry {
  if (entry.status !== from) throw new Error(`An entry that is ${entry.status} does not change this way.`)
  return { ...entry, ...change, version: entry.version + 1 }
}
