import { createHmac } from 'node:crypto'
import type { Database } from '../../ground/store/database.ts'
import { addWrongPassword, countWrongPasswords, forgetWrongPasswords } from '../../ground/store/wrong-passwords.ts'

/** Slows down whoever guesses passwords. */
export interface Attempts {
  /** Whether this client may try the password of this user now. */
  mayTry(attempt: Attempt): Promise<boolean>
  /** Counts a wrong password. */
  failed(attempt: Attempt): Promise<void>
  /**
   * Forgets the wrong ones after the right one. `false`, and nothing is forgotten, when too many that were tried at the same
   * moment turned out wrong meanwhile: otherwise a crowd of guesses would pass before the first of them is counted.
   */
  succeeded(attempt: Attempt): Promise<boolean>
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

/** Makes a counter of wrong passwords by user and address. All processes on one database count together. */
export function createAttempts(db: Database): Attempts {
  // People type their password where the name belongs, so what is kept must not tell what was typed.
  const secret = db.seal.deriveSecret('wrong passwords')
  const keyOf = ({ tenantId, userName, address }: Attempt) =>
    createHmac('sha256', secret)
      .update(JSON.stringify([tenantId, userName.toLowerCase(), address]))
      .digest('base64url')
  return {
    mayTry: async attempt => (await countWrongPasswords(db, keyOf(attempt))) < FREE_FAILURES,
    failed: attempt => addWrongPassword(db, keyOf(attempt), PAUSE_MS),
    async succeeded(attempt) {
      const key = keyOf(attempt)
      const failures = await countWrongPasswords(db, key)
      // Seldom there are any, and a sign-in without a write is a fast one.
      if (failures > 0 && failures < FREE_FAILURES) await forgetWrongPasswords(db, key)
      return failures < FREE_FAILURES
    },
  }
}
