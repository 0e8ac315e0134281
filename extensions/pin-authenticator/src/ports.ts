import { present } from '@preflow/contract'

/** One line of the log. It contains no user, PIN, handle, cookie or flow id. */
export interface Log {
  event: string
  [fact: string]: unknown
}

/** The dependencies of the extension. */
export interface Ports {
  /** Epoch milliseconds. */
  now(): number
  /** From a cryptographically secure source. */
  randomBytes(length: number): Uint8Array
  log(line: Log): void
}

/** What may be logged of an error. Its message may quote user input. */
export function describeError(event: string, error: unknown): Log {
  const { name, code } = error as { name?: unknown; code?: unknown }
  return { event, name: String(name), ...present({ code: code === undefined ? undefined : String(code) }) }
}
