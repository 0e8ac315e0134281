import { type Command, type Io, type Program, UsageError } from './command.ts'
import { type CommandName, commands } from './commands.ts'
import { overview, usageOf } from './help.ts'
import { preflowVersion } from './scaffold/versions.ts'

/** The program of each command, loaded only when it runs. So `preflow verify` does not load an identity server. */
const programs: Readonly<Record<CommandName, () => Promise<Program>>> = {
  lab: async () => (await import('./commands/lab.ts')).runLab,
  actions: async () => (await import('./commands/actions.ts')).runActions,
  keys: async () => (await import('./commands/keys.ts')).runKeys,
  calls: async () => (await import('./commands/calls.ts')).runCalls,
  passwords: async () => (await import('./commands/passwords.ts')).runPasswords,
  trigger: async () => (await import('./commands/trigger.ts')).runTrigger,
  replay: async () => (await import('./commands/replay.ts')).runReplay,
  verify: async () => (await import('./commands/verify.ts')).runVerify,
  new: async () => (await import('./commands/new.ts')).runNew,
  completion: async () => (await import('./commands/completion.ts')).runCompletion,
}

/** The exit codes that shells expect after a signal: 128 plus its number. */
const EXIT_CODES: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143 }

/**
 * Runs one command line.
 *
 * @param argv Without the name of the program: `['trigger', 'preIssueAccessToken', '--to', 'http://…']`.
 * @returns The exit code: 0 done, 1 error, 2 usage error, 130 or 143 stopped by a signal.
 */
export async function run(argv: string[], io: Io): Promise<number> {
  const [word, ...others] = argv
  if (word === '--version') {
    io.out(`${preflowVersion()}\n`)
    return 0
  }
  const isHelp = word === 'help' || word === '--help' || word === '-h'
  const [name, ...rest] = isHelp ? others : argv
  if (name === undefined) {
    io.out(overview())
    return isHelp ? 0 : 2
  }
  if (!isCommand(name)) {
    io.err(`preflow: unknown command ${name}.${await hint(name, Object.keys(commands))}\n\n${overview()}`)
    return 2
  }
  if (isHelp || rest.includes('--help') || rest.includes('-h')) {
    io.out(await usageOf(commands[name]))
    return 0
  }
  try {
    const program = await programs[name]()
    return await program(rest, io)
  } catch (error) {
    if (io.signal.aborted) {
      io.err('Stopped.\n')
      return EXIT_CODES[String(io.signal.reason)] ?? 1
    }
    const problem = await usageProblem(error, commands[name])
    const message = problem ?? (error instanceof Error ? error.message : String(error))
    // A program that requested JSON also gets errors as JSON.
    if (rest.includes('--json')) io.out(`${JSON.stringify({ error: message })}\n`)
    if (problem !== undefined) {
      const help = rest.length === 0 ? await usageOf(commands[name]) : `Run \`preflow help ${name}\` for its options.\n`
      io.err(`preflow ${name}: ${message}\n\n${help}`)
      return 2
    }
    io.err(`preflow ${name}: ${message}\n`)
    return 1
  }
}

function isCommand(name: string): name is CommandName {
  return Object.hasOwn(commands, name)
}

/** The message of a usage error; undefined for any other error. */
async function usageProblem(error: unknown, { options }: Command): Promise<string | undefined> {
  if (!(error instanceof Error)) return undefined
  if (error instanceof UsageError) return error.message
  const code = 'code' in error ? String(error.code) : ''
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const [, option = ''] = /'(-[^']*)'/.exec(error.message) ?? []
    const known = Object.keys(options).map(name => `--${name}`)
    return `Unknown option ${option}.${await hint(option, known)}`
  }
  return code.startsWith('ERR_PARSE_ARGS') ? error.message.replaceAll('\n', ' ') : undefined
}

/** Loads the suggestions only for an unknown name. */
async function hint(name: string, known: readonly string[]): Promise<string> {
  const { didYouMean } = await import('./nearest.ts')
  return didYouMean(name, known)
}
