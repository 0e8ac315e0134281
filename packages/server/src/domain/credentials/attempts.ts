import { createHmac } from 'node:crypto'
import type { Database } from '../../ground/store/database.ts'
import { addWrongPassword, countWrongPasswords, forgetWrongPasswords } from '../../ground/store/wrong-passwords.ts'

/** Slows down password guessing. */
export interface Attempts {
  /** Whether this client may try a password of this user now. */
  mayTry(attempt: Attempt): Promise<boolean>
  /** Counts a wrong password. Resolves with whether it is the last one that is looked at. */
  failed(attempt: Attempt): Promise<boolean>
  /**
   * Resets the count after the right password. Returns `false` and resets nothing if too many concurrent attempts failed
   * meanwhile. Otherwise many concurrent guesses would pass before the first one is counted.
   */
  succeeded(attempt: Attempt): Promise<boolean>
}

/** The user and the client of an attempt. */
export interface Attempt {
  tenantId: string
  userName: string
  /** The client's address. It is part of the key, so that a stranger elsewhere cannot lock out the user. */
  address: string
}

/** Number of wrong passwords without a pause. */
const FREE_FAILURES = 10
/** After them, passwords are rejected until this time after the last one. */
const PAUSE_MS = 60_000

/** Creates a counter of wrong passwords per user and address. All processes on one database share it. */
export function createAttempts(db: Database): Attempts {
  // People type their password into the name field, so the stored key must not reveal what was typed.
  const secret = db.seal.deriveSecret('wrong passwords')
  const keyOf = ({ tenantId, userName, address }: Attempt) =>
    createHmac('sha256', secret)
      .update(JSON.stringify([tenantId, userName.toLowerCase(), address]))
      .digest('base64url')
  return {
    mayTry: async attempt => (await countWrongPasswords(db, keyOf(attempt))) < FREE_FAILURES,
    async failed(attempt) {
      const key = keyOf(attempt)
      await addWrongPassword(db, key, PAUSE_MS)
      return (await countWrongPasswords(db, key)) === FREE_FAILURES
    },
    async succeeded(attempt) {
      const key = keyOf(attempt)
      const failures = await countWrongPasswords(db, key)
      // Most sign-ins have no failures before, so they need no write.
      if (failures > 0 && failures < FREE_FAILURES) await forgetWrongPasswords(db, key)
      return failures < FREE_FAILURES
    },
  }
}
