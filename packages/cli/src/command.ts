/** What a command may use of its process: `main.ts` passes the real one, a test passes its own. */
export interface Io {
  /** Results: stable for a program that reads them. */
  out(text: string): void
  /** Messages for a person: progress, problems, hints. */
  err(text: string): void
  isTTY: boolean
  /** Width of the terminal that results go to; undefined when they go elsewhere. */
  columns?: number | undefined
  env: Record<string, string | undefined>
  /** Aborts on Ctrl-C and when the process is asked to end. */
  signal: AbortSignal
}

/** Runs one command and returns its exit code: 0 done, 1 a check failed or something is wrong, 2 usage error. */
export type Program = (argv: string[], io: Io) => Promise<number>

/** An option of a command, as `util.parseArgs` takes it, with its line in the help. */
export interface Option {
  type: 'string' | 'boolean'
  multiple?: boolean
  default?: string | boolean
  /** What follows the name in the help: `URL`. Only for strings. */
  value?: string
  about: string
  /** The names it accepts, listed behind `about`. Loaded only when the help is shown. */
  oneOf?(): Promise<readonly string[]>
}

/** A name and what it means, as a line of the help. */
export type Row = readonly [name: string, about: string]

/** A command as the help shows it. Its program is a module of its own, so that help loads nothing else. */
export interface Command {
  /** One line for the list of commands. */
  summary: string
  /** How it is called, without `preflow`: `trigger <type> --to <url> [options]`. */
  forms: readonly string[]
  about: string
  /** Names that its arguments accept, by their title. Loaded only when the help is shown. */
  lists?(): Promise<Readonly<Record<string, readonly Row[]>>>
  options: Readonly<Record<string, Option>>
  environment?: readonly Row[]
  exitCodes: string
}

/** Thrown by a command that cannot accept its arguments; `run` prints the message with a hint and returns 2. */
export class UsageError extends Error {
  override name = 'UsageError'
}
