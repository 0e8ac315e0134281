import type { Log } from './observe/log.ts'
import type { PasswordCost } from './store/database.ts'

/** What the server needs from the world around it. Only `main.ts` files fill these with the real ones. */
export interface Ports {
  /** Epoch milliseconds. */
  now(): number
  /** A fresh unguessable identifier: a UUID. */
  newId(): string
  /** Random bytes for keys and passwords. */
  randomBytes(count: number): Uint8Array
  log: Log
  /**
   * What hashing a password costs. Default: 32 MiB, three rounds, the OWASP recommendation. Tests lower it; no setting of the
   * server reaches it, so that nobody weakens real passwords by a variable.
   */
  passwordCost?: PasswordCost
}
