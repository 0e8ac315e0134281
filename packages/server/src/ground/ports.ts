import type { Log } from './observe/log.ts'
import type { PasswordCost } from './store/passwords.ts'

/** The ports of the server to the outside. Only `main.ts` files use the real ones. */
export interface Ports {
  /** Epoch milliseconds. */
  now(): number
  /** A fresh unguessable identifier: a UUID. */
  newId(): string
  /** Random bytes for keys and passwords. */
  randomBytes(count: number): Uint8Array
  log: Log
  /**
   * The cost of hashing a password. Default: 32 MiB and three rounds, as OWASP recommends. Tests lower it. It is not a setting,
   * so that no variable can weaken real passwords.
   */
  passwordCost?: PasswordCost
}
