import { type LockPolicy, reserveAttempt } from './attempts.ts'
import { subjectOf } from './enrolment.ts'
import { accept, type Entry, type EntryLimits, refuse, spendAttempt } from './entry.ts'
import type { PinHasher } from './pin-hash.ts'
import type { Ports } from './ports.ts'
import { nameFlow } from './sign-in.ts'
import type { Store } from './store.ts'

export interface PinCheckOptions {
  store: Store
  hasher: PinHasher
  limits: EntryLimits
  locks: LockPolicy
  ports: Pick<Ports, 'now' | 'log'>
}

/** The state of an entry, for the page. */
export type Shown =
  /** `isWrong`: this PIN was wrong, and there are attempts left. */
  | { page: 'entry'; entry: Entry; isWrong?: true }
  /** Another request is processing it. */
  | { page: 'checking'; entry: Entry }
  /** It no longer exists. */
  | { page: 'unknown' }

/** Checks PINs and decides entries. */
export interface PinCheck {
  /** @param username As returned by `normalizeUsername`. Used if the entry does not name its user. */
  checkPin(entry: Entry, pin: string, username: string): Promise<Shown>
  /** Ends the entry because the user cancelled. */
  cancel(entry: Entry): Promise<Shown>
}

export function createPinCheck({ store, hasher, limits, locks, ports }: PinCheckOptions): PinCheck {
  const logTry = (entry: Entry, result: string) =>
    ports.log({ event: 'pin', result, flow: nameFlow(entry.flowId), attempt: entry.attempts })

  /** Decides the entry, unless another request has done so. */
  async function finish(before: Entry, after: Entry): Promise<Shown> {
    const isOurs = await store.swapEntry(before, after)
    if (isOurs) logTry(after, after.refusal ?? 'accepted')
    const entry = isOurs ? after : await store.findEntry(before)
    return entry ? { page: 'entry', entry } : { page: 'unknown' }
  }

  const end = (entry: Entry, refusal: Parameters<typeof refuse>[1]) =>
    finish(entry, refuse(entry, refusal, ports.now(), limits))

  async function checkPin(entry: Entry, pin: string, username: string): Promise<Shown> {
    // Counted before it is checked, so concurrent guesses are not free.
    if (entry.attempts >= limits.attempts) return end(entry, 'pin_attempts_exceeded')
    const spent = spendAttempt(entry)
    if (!(await store.swapEntry(entry, spent))) return { page: 'checking', entry }
    const enrolment = await store.findEnrolment(entry.userId === undefined ? { username } : { userId: entry.userId })
    const userId = entry.userId ?? enrolment?.userId
    // An unknown name is counted and locked like any other, so the page does not reveal which users exist.
    const subject = userId === undefined ? hasher.disguise(`name:${username}`) : subjectOf(userId, hasher)
    if ((await reserveAttempt(store, subject, ports.now(), locks)) === 'locked') return end(spent, 'pin_locked')
    const check = await hasher.check(userId ?? username, pin, enrolment?.pinHash)
    logTry(spent, check)
    if (enrolment && (check === 'right' || check === 'outdated')) {
      await store.forgetAttempts(subject)
      if (check === 'outdated') {
        await store.swapPinHash(enrolment.userId, enrolment.pinHash, await hasher.hash(enrolment.userId, pin))
      }
      return finish(spent, accept(spent, enrolment.userId, ports.now(), limits))
    }
    if (spent.attempts === limits.attempts) return end(spent, 'pin_attempts_exceeded')
    return { page: 'entry', entry: spent, isWrong: true }
  }

  return { checkPin, cancel: entry => end(entry, 'pin_cancelled') }
}
