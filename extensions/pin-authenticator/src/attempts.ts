/** How often the PIN of one user was tried since it was last right, over all sign-ins and browsers. */
export interface Attempts {
  /** Disguised name of the user. */
  subject: string
  version: number
  count: number
  /** Epoch milliseconds. */
  lastAt: number
  /** Epoch milliseconds; in the past or 0 when the user may try. */
  lockedUntil: number
}

/** Where attempts are kept. They are read, computed and swapped; a swap fails when another request was faster. */
export interface AttemptStore {
  findAttempts(subject: string): Promise<Attempts | undefined>
  /** `false` when the stored attempts are no longer `before`; without `before`, when there are some by now. */
  swapAttempts(before: Attempts | undefined, after: Attempts): Promise<boolean>
  forgetAttempts(subject: string): Promise<void>
}

export interface LockPolicy {
  /** After so many PINs that were not right the user is locked; and again after so many more. */
  attempts: number
  /** First lock in milliseconds. Each further one is twice as long. */
  lockMs: number
  /** Longest lock in milliseconds. After twice this time without a try the count starts over. */
  maxLockMs: number
}

/**
 * Counts a PIN that is about to be checked, or says that the user is locked.
 *
 * It counts first and is forgiven when the PIN was right (`store.forgetAttempts`), so guesses made in parallel, against any
 * number of instances, get no more tries than guesses made in turn.
 */
export async function reserveAttempt(
  store: Pick<AttemptStore, 'findAttempts' | 'swapAttempts'>,
  subject: string,
  now: number,
  policy: LockPolicy,
): Promise<'reserved' | 'locked'> {
  for (;;) {
    const before = await store.findAttempts(subject)
    if (before && now < before.lockedUntil) return 'locked'
    if (await store.swapAttempts(before, countAttempt(before, subject, now, policy))) return 'reserved'
    // Somebody else counted in between. Each lap means that one more try is on record, so there are at most as many laps as
    // tries before the lock.
  }
}

function countAttempt(before: Attempts | undefined, subject: string, now: number, policy: LockPolicy): Attempts {
  const forgotten = !before || now - before.lastAt >= 2 * policy.maxLockMs
  const count = forgotten ? 1 : before.count + 1
  const locks = Math.floor(count / policy.attempts)
  const lockMs = count % policy.attempts === 0 ? Math.min(policy.maxLockMs, policy.lockMs * 2 ** (locks - 1)) : 0
  return {
    subject,
    version: (before?.version ?? 0) + 1,
    count,
    lastAt: now,
    lockedUntil: lockMs === 0 ? 0 : now + lockMs,
  }
}
