import { type Command, type Io, UsageError } from './command.ts'
import { actions } from './commands/actions.ts'
import { lab } from './commands/lab.ts'
import { newProject } from './commands/new.ts'
import { passwords } from './commands/passwords.ts'
import { trigger } from './commands/trigger.ts'
import { verify } from './commands/verify.ts'

/** The words after `preflow`. */
const commands: readonly Command[] = [lab, actions, passwords, trigger, verify, newProject]

/**
 * Runs one command line.
 *
 * @param argv Without the program's own name: `['trigger', 'preIssueAccessToken', '--to', 'http://…']`.
 * @returns The exit code: 0 done, 1 something is wrong, 2 the words are off.
 */
export async function run(argv: string[], io: Io): Promise<number> {
  const [name, ...rest] = argv
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    const asked = commands.find(command => command.name === rest[0])
    io.out(asked ? asked.usage : overview())
    return name === undefined ? 2 : 0
  }
  const command = commands.find(candidate => candidate.name === name)
  if (!command) {
    io.err(`preflow: no command called ${name}.\n\n${overview()}`)
    return 2
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    io.out(command.usage)
    return 0
  }
  try {
    return await command.run(rest, io)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (error instanceof UsageError || code.startsWith('ERR_PARSE_ARGS')) {
      io.err(`preflow ${name}: ${(error as Error).message}\n\n${command.usage}`)
      return 2
    }
    io.err(`preflow ${name}: ${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
}

function overview(): string {
  const width = Math.max(...commands.map(command => command.name.length))
  const lines = commands.map(command => `  ${command.name.padEnd(width)}  ${command.summary}`)
  return `Usage: preflow <command> [options]\n\n${lines.join('\n')}\n\npreflow help <command> tells the rest.\n`
}
