import { present } from '@preflow/contract'
import { type LockPolicy, reserveAttempt, returnAttempt } from './attempts.ts'
import { strangersOf, subjectOf } from './enrolment.ts'
import { accept, type Entry, type EntryLimits, type Refusal, refuse, refuseReturn, spendAttempt } from './entry.ts'
import type { PinHasher } from './pin-hash.ts'
import type { Ports } from './ports.ts'
import { nameFlow } from './sign-in.ts'
import type { Enrolment, Store } from './store.ts'

export interface PinCheckOptions {
  store: Store
  hasher: PinHasher
  limits: EntryLimits
  /** For one user, or where anyone may enter a user name, for one user in one network or one known browser. */
  locks: LockPolicy
  /** For one user name from all unknown browsers together. */
  accountLocks: LockPolicy
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

/** What a browser entered. */
export interface Tried {
  pin: string
  /** As returned by `normalizeUsername`. Used if the entry does not name its user. */
  username: string
  /** Of the browser. Empty if it is unknown. */
  network: string
  /** Names the browser, if this user entered the right PIN in it before. */
  knownAs(userId: string): string | undefined
  /** The hash of the browser's return code once the PIN is right. Absent: none is checked. */
  codeHashFor(entry: Entry): Promise<string | undefined>
}

/** A counter, and when it locks. */
interface Counter {
  subject: string
  policy: LockPolicy
}

/** Checks PINs and decides entries. */
export interface PinCheck {
  checkPin(entry: Entry, tried: Tried): Promise<Shown>
  /** Ends the entry before its PIN was right. */
  end(entry: Entry, refusal: Refusal): Promise<Shown>
  /** Ends the entry after its PIN was right. */
  endReturn(entry: Entry, refusal: Refusal): Promise<Shown>
}

export function createPinCheck({ store, hasher, limits, locks, accountLocks, ports }: PinCheckOptions): PinCheck {
  const logTry = (entry: Entry, result: string) =>
    ports.log({ event: 'pin', result, flow: nameFlow(entry.flowId), attempt: entry.attempts })

  /** Decides the entry, unless another request has done so. */
  async function finish(before: Entry, after: Entry): Promise<Shown> {
    const isOurs = await store.swapEntry(before, after)
    if (isOurs) logTry(after, after.refusal ?? 'accepted')
    const entry = isOurs ? after : await store.findEntry(before)
    return entry ? { page: 'entry', entry } : { page: 'unknown' }
  }

  const end: PinCheck['end'] = (entry, refusal) => finish(entry, refuse(entry, refusal, ports.now(), limits))

  /**
   * The counters of an attempt. A user of an earlier step has one, because only somebody who passed that step can try. Where
   * anyone may enter a user name, strangers must not lock the owner: each network has a counter of its own, and each browser in
   * which the user signed in before. Unknown browsers of all networks share another one, because many networks together would
   * have too many attempts.
   */
  function countersOf(
    entry: Entry,
    enrolment: Enrolment | undefined,
    { knownAs, network, username }: Tried,
  ): Counter[] {
    if (entry.userId !== undefined) return [{ subject: subjectOf(entry.userId, hasher), policy: locks }]
    // An unknown name is counted and locked like any other, so the page does not reveal which users exist.
    const { userId, pinHash = '' } = enrolment ?? {}
    const everywhere = userId === undefined ? hasher.disguise(`name:${username}`) : strangersOf(userId, hasher)
    const known = userId === undefined ? undefined : knownAs(userId)
    const here = known === undefined ? `network:${network}` : `browser:${known}`
    const own = { subject: hasher.disguise(`${here}:${everywhere}:${pinHash}`), policy: locks }
    return known === undefined ? [own, { subject: everywhere, policy: accountLocks }] : [own]
  }

  /** Counts an attempt everywhere, before the PIN is checked: concurrent guesses are not free. */
  async function areLocked(counters: readonly Counter[]): Promise<boolean> {
    for (const { subject, policy } of counters) {
      if ((await reserveAttempt(store, subject, ports.now(), policy)) === 'locked') return true
    }
    return false
  }

  /** A right PIN forgives the attempts of the same network or browser, and takes itself back elsewhere. */
  async function forgive([own, ...shared]: readonly Counter[]): Promise<void> {
    if (own) await store.forgetAttempts(own.subject)
    for (const { subject, policy } of shared) await returnAttempt(store, subject, policy)
  }

  async function checkPin(entry: Entry, tried: Tried): Promise<Shown> {
    const { pin, username } = tried
    if (entry.attempts >= limits.attempts) return end(entry, 'pin_attempts_exceeded')
    const spent = spendAttempt(entry)
    if (!(await store.swapEntry(entry, spent))) return { page: 'checking', entry }
    const enrolment = await store.findEnrolment(entry.userId === undefined ? { username } : { userId: entry.userId })
    const userId = entry.userId ?? enrolment?.userId
    const counters = countersOf(entry, enrolment, tried)
    if (await areLocked(counters)) return end(spent, 'pin_locked')
    const check = await hasher.check(userId ?? username, pin, enrolment?.pinHash)
    logTry(spent, check)
    if (enrolment && (check === 'right' || check === 'outdated')) {
      await forgive(counters)
      if (check === 'outdated') {
        await store.swapPinHash(enrolment.userId, enrolment.pinHash, await hasher.hash(enrolment.userId, pin))
      }
      const accepted = { userId: enrolment.userId, ...present({ codeHash: await tried.codeHashFor(spent) }) }
      return finish(spent, accept(spent, accepted, ports.now(), limits))
    }
    if (spent.attempts === limits.attempts) return end(spent, 'pin_attempts_exceeded')
    return { page: 'entry', entry: spent, isWrong: true }
  }

  const endReturn: PinCheck['endReturn'] = (entry, refusal) =>
    finish(entry, refuseReturn(entry, refusal, ports.now(), limits))

  return { checkPin, end, endReturn }
}
