import { parseArgs } from 'node:util'
import { type Io, UsageError } from '../command.ts'
import { commands } from '../commands.ts'
import { didYouMean } from '../nearest.ts'

/** `preflow completion`: a script that lets a shell complete commands and options. */
export async function runCompletion(argv: string[], io: Io): Promise<number> {
  const { positionals } = parseArgs({ args: argv, allowPositionals: true, options: commands.completion.options })
  const [shell, ...surplus] = positionals
  const known = Object.keys(scripts).join(', ')
  if (shell === undefined) throw new UsageError(`Name a shell: ${known}.`)
  if (surplus.length > 0) throw new UsageError(`${surplus[0]}: unexpected argument.`)
  const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined
  if (!script) {
    throw new UsageError(`${shell}: unknown shell.${didYouMean(shell, Object.keys(scripts))} Use one of ${known}.`)
  }
  io.out(script())
  return 0
}

const names = () => Object.keys(commands).join(' ')

/** The options of each command, and the commands after `help`. */
function words(): [command: string, completions: string][] {
  const options = Object.entries(commands).map(([name, command]): [string, string] => [
    name,
    [...Object.keys(command.options), 'help'].map(option => `--${option}`).join(' '),
  ])
  return [...options, ['help', names()]]
}

const bash = () => `_preflow() {
  local words="${names()} help --version"
  if [ "$COMP_CWORD" -gt 1 ]; then
    case "\${COMP_WORDS[1]}" in
${words()
  .map(([command, completions]) => `      ${command}) words="${completions}" ;;\n`)
  .join('')}      *) words="" ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _preflow preflow
`

const fish = () =>
  [
    ...Object.entries(commands).map(
      ([name, { summary }]) =>
        `complete -c preflow -n __fish_use_subcommand -a ${name} -d '${summary.replaceAll("'", "\\'")}'`,
    ),
    ...words().map(
      ([command, completions]) => `complete -c preflow -n '__fish_seen_subcommand_from ${command}' -a '${completions}'`,
    ),
    '',
  ].join('\n')

const scripts: Readonly<Record<string, () => string>> = {
  bash,
  zsh: () => `autoload -U +X bashcompinit && bashcompinit\n${bash()}`,
  fish,
}
