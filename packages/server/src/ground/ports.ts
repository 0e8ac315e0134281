import type { Log } from './observe/log.ts'

/** What the server needs from the world around it. Only `main.ts` files fill these with the real ones. */
export interface Ports {
  /** Epoch milliseconds. */
  now(): number
  /** A fresh unguessable identifier: a UUID. */
  newId(): string
  /** Random bytes for keys and passwords. */
  randomBytes(count: number): Uint8Array
  log: Log
}
