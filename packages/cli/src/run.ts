import { type Command, type Io, UsageError } from './command.ts'
import { didYouMean } from './nearest.ts'
import { preflowVersion } from './scaffold/versions.ts'

/** The words after `preflow`. Each is loaded when it is asked for: a verifier should not wait for an identity server. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  lab: async () => (await import('./commands/lab.ts')).lab,
  actions: async () => (await import('./commands/actions.ts')).actions,
  calls: async () => (await import('./commands/calls.ts')).calls,
  passwords: async () => (await import('./commands/passwords.ts')).passwords,
  trigger: async () => (await import('./commands/trigger.ts')).trigger,
  replay: async () => (await import('./commands/replay.ts')).replay,
  verify: async () => (await import('./commands/verify.ts')).verify,
  new: async () => (await import('./commands/new.ts')).newProject,
}

/** What shells expect of a program that was ended by a signal: 128 and its number. */
const EXIT_CODES: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143 }

/**
 * Runs one command line.
 *
 * @param argv Without the program's own name: `['trigger', 'preIssueAccessToken', '--to', 'http://…']`.
 * @returns The exit code: 0 done, 1 something is wrong, 2 the words are off, 130 or 143 it was stopped.
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
    io.out(await overview())
    return isHelp ? 0 : 2
  }
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!load) {
    io.err(`preflow: no command called ${name}.${didYouMean(name, Object.keys(commands))}\n\n${await overview()}`)
    return 2
  }
  const command = await load()
  if (isHelp || rest.includes('--help') || rest.includes('-h')) {
    io.out(command.usage)
    return 0
  }
  try {
    return await command.run(rest, io)
  } catch (error) {
    if (io.signal.aborted) {
      io.err('Stopped.\n')
      return EXIT_CODES[String(io.signal.reason)] ?? 1
    }
    const words = wordsThatAreOff(error, command)
    if (words !== undefined) {
      const help = rest.length === 0 ? command.usage : `preflow help ${name} tells which words there are.\n`
      io.err(`preflow ${name}: ${words}\n\n${help}`)
      return 2
    }
    io.err(`preflow ${name}: ${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
}

/** What is off, when it is the words; undefined when something else went wrong. */
function wordsThatAreOff(error: unknown, { usage }: Command): string | undefined {
  if (!(error instanceof Error)) return undefined
  if (error instanceof UsageError) return error.message
  const code = 'code' in error ? String(error.code) : ''
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const [, option = ''] = /'(-[^']*)'/.exec(error.message) ?? []
    // The help names every option there is.
    const known = [...usage.matchAll(/--[a-z-]+/g)].map(([name]) => name)
    return `There is no option ${option}.${didYouMean(option, new Set(known))}`
  }
  return code.startsWith('ERR_PARSE_ARGS') ? error.message.replaceAll('\n', ' ') : undefined
}

async function overview(): Promise<string> {
  const loaded = await Promise.all(Object.values(commands).map(load => load()))
  const width = Math.max(...loaded.map(({ name }) => name.length))
  const lines = loaded.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`)
  return `Usage: preflow <command> [options]\n\n${lines.join('\n')}\n\npreflow help <command> tells the rest; preflow --version, which one this is.\n`
}
