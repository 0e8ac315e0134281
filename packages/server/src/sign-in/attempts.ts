import { LRUCache } from 'lru-cache'

/** Slows down whoever guesses passwords. */
export interface Attempts {
  /** Whether this client may try the password of this user now. */
  mayTry(attempt: Attempt): boolean
  /** Counts a wrong password. */
  failed(attempt: Attempt): void
  /** Forgets the wrong ones after the right one. */
  succeeded(attempt: Attempt): void
}

/** Who tries to be whom, from where. */
export interface Attempt {
  tenantId: string
  userName: string
  /** The client's address. With it in the key nobody can lock somebody else out from afar. */
  address: string
}

/** So many wrong passwords are free. */
const FREE_FAILURES = 10
/** Afterwards none is looked at until so long after the last one. */
const PAUSE_MS = 60_000
/** Most pairs of user and address that are remembered, the ones of late. */
const MAX_REMEMBERED = 100_000

/**
 * Makes a counter of wrong passwords by user and address. It lives in memory: each process counts for itself.
 *
 * @param now Epoch milliseconds.
 */
export function createAttempts(now: () => number): Attempts {
  const failures = new LRUCache<string, { count: number; lastAt: number }>({ max: MAX_REMEMBERED })
  const keyOf = ({ tenantId, userName, address }: Attempt) =>
    JSON.stringify([tenantId, userName.toLowerCase(), address])
  const recent = (key: string) => {
    const known = failures.get(key)
    return known && now() - known.lastAt < PAUSE_MS ? known : undefined
  }
  return {
    mayTry: attempt => (recent(keyOf(attempt))?.count ?? 0) < FREE_FAILURES,
    failed(attempt) {
      const key = keyOf(attempt)
      failures.set(key, { count: (recent(key)?.count ?? 0) + 1, lastAt: now() })
    },
    succeeded: attempt => void failures.delete(keyOf(attempt)),
  }
}
