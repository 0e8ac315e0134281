/** How often the PIN of one user was tried since the last success, over all sign-ins and browsers. */
export interface Attempts {
  /** Pseudonym of the user. */
  subject: string
  version: number
  count: number
  /** Epoch milliseconds. */
  lastAt: number
  /** Epoch milliseconds. In the past, or 0, if the user may try. */
  lockedUntil: number
}

/** Storage of attempts. They are read, changed and swapped. A swap fails if another request was faster. */
export interface AttemptStore {
  findAttempts(subject: string): Promise<Attempts | undefined>
  /** `false` if the stored attempts are no longer `before`. Without `before`: if some exist by now. */
  swapAttempts(before: Attempts | undefined, after: Attempts): Promise<boolean>
  forgetAttempts(subject: string): Promise<void>
}

export interface LockPolicy {
  /** After this many wrong PINs the user is locked, and again after the same number. */
  attempts: number
  /** First lock in milliseconds. Each further one is twice as long. */
  lockMs: number
  /** Longest lock in milliseconds. After twice this time without an attempt the count restarts. */
  maxLockMs: number
}

/**
 * Counts a PIN before it is checked, or reports that the user is locked.
 *
 * The attempt is counted first and removed if the PIN was right (`store.forgetAttempts`). So parallel guesses, at any
 * number of instances, get no more attempts than sequential ones.
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
    // Another request counted in between. Each iteration means one more recorded attempt, so the lock limits the number
    // of iterations.
  }
}

/** Takes back an attempt that was counted and turned out right, without forgetting those of others. */
export async function returnAttempt(
  store: Pick<AttemptStore, 'findAttempts' | 'swapAttempts'>,
  subject: string,
  policy: LockPolicy,
): Promise<void> {
  for (;;) {
    const before = await store.findAttempts(subject)
    if (!before || before.count === 0) return
    // A lock that this attempt began ends with it.
    const lockedUntil = before.count % policy.attempts === 0 ? 0 : before.lockedUntil
    const after = { ...before, version: before.version + 1, count: before.count - 1, lockedUntil }
    if (await store.swapAttempts(before, after)) return
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
