/** What a command may touch of the world: `main.ts` hands it the process, a test hands it its own. */
export interface Io {
  /** Results: stable for a program that reads them. */
  out(text: string): void
  /** Words for a person: progress, problems, hints. */
  err(text: string): void
  isTTY: boolean
  /** How wide the terminal is that results go to; undefined when they go elsewhere. */
  columns?: number | undefined
  env: Record<string, string | undefined>
  /** Aborts when the person presses Ctrl-C or the process is asked to end. */
  signal: AbortSignal
}

/** One word after `preflow`. Exit codes: 0 done, 1 a check failed or something is wrong, 2 the command's words are off. */
export interface Command {
  name: string
  /** One line for the list of commands. */
  summary: string
  /** The whole help text. */
  usage: string
  run(argv: string[], io: Io): Promise<number>
}

/** Thrown by a command for words it cannot take; `main.ts` prints the message with the usage and exits with 2. */
export class UsageError extends Error {
  override name = 'UsageError'
}
