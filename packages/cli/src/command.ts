/** The parts of the process that a command may use. `main.ts` passes the real ones, a test passes its own. */
export interface Io {
  /** Results, in a form that is stable for programs. */
  out(text: string): void
  /** Messages for a person: progress, problems, hints. */
  err(text: string): void
  isTTY: boolean
  /** Width of the terminal that shows the results; undefined if they go elsewhere. */
  columns?: number | undefined
  env: Record<string, string | undefined>
  /** Aborts on Ctrl-C and when the process receives SIGTERM. */
  signal: AbortSignal
}

/** Runs one command and returns its exit code: 0 done, 1 a check failed or an error occurred, 2 usage error. */
export type Program = (argv: string[], io: Io) => Promise<number>

/** An option of a command, in the form of `util.parseArgs`, with its line in the help. */
export interface Option {
  type: 'string' | 'boolean'
  multiple?: boolean
  default?: string | boolean
  /** The placeholder after the name in the help: `URL`. Only for strings. */
  value?: string
  about: string
  /** The accepted values, listed after `about`. Loaded only when the help is shown. */
  oneOf?(): Promise<readonly string[]>
}

/** A name and its meaning, as a line of the help. */
export type Row = readonly [name: string, about: string]

/** A command as the help shows it. Its program is a separate module, so that the help loads nothing else. */
export interface Command {
  /** One line for the list of commands. */
  summary: string
  /** How to call it, without `preflow`: `trigger <type> --to <url> [options]`. */
  forms: readonly string[]
  about: string
  /** The values that its arguments accept, by title. Loaded only when the help is shown. */
  lists?(): Promise<Readonly<Record<string, readonly Row[]>>>
  options: Readonly<Record<string, Option>>
  environment?: readonly Row[]
  exitCodes: string
}

/** A command throws it for arguments that it cannot accept. `run` prints the message with a hint and returns 2. */
export class UsageError extends Error {
  override name = 'UsageError'
}
