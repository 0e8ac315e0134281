import { present } from '@preflow/contract'

/** One line of the log. Neither users nor PINs, handles, cookies or flow ids are in it. */
export interface Log {
  event: string
  [fact: string]: unknown
}

/** What the extension needs of the world. */
export interface Ports {
  /** Epoch milliseconds. */
  now(): number
  /** From a cryptographically strong source. */
  randomBytes(length: number): Uint8Array
  log(line: Log): void
}

/** What may be logged of an error: its message may quote what somebody entered. */
export function describeError(event: string, error: unknown): Log {
  const { name, code } = error as { name?: unknown; code?: unknown }
  return { event, name: String(name), ...present({ code: code === undefined ? undefined : String(code) }) }
}
