import type { Command, Option, Row } from './command.ts'
import { commands } from './commands.ts'
import { wrapped } from './wrap.ts'

/** The widest line of a help page, in characters. */
const COLUMNS = 120
/** The maximum width of the first column. A longer name gets its own line. */
const MAX_NAME = 26

/** The list of commands. */
export function overview(): string {
  const rows = Object.entries(commands).map(([name, { summary }]): Row => [name, summary])
  return `Usage: preflow <command> [options]

${table(rows)}
Run \`preflow help <command>\` for details, \`preflow --version\` for the version.
`
}

/** The help of one command. */
export async function usageOf({ about, environment, exitCodes, forms, lists, options }: Command): Promise<string> {
  const rows = await Promise.all(Object.entries(options).map(([name, option]) => optionRow(name, option)))
  const sections = [
    forms.map((form, index) => `${index === 0 ? 'Usage:' : '      '} preflow ${form}\n`).join(''),
    `${about}\n`,
    ...Object.entries((await lists?.()) ?? {}).map(([title, named]) => listed(title, named)),
    ...(rows.length > 0 ? [`Options:\n${table(rows)}`] : []),
    ...(environment ? [`Environment:\n${table(environment)}`] : []),
    `Exit code: ${exitCodes}\n`,
  ]
  return sections.join('\n')
}

async function optionRow(name: string, { about, oneOf, value }: Option): Promise<Row> {
  const names = oneOf ? `; one of ${(await oneOf()).join(', ')}` : ''
  return [`--${name}${value === undefined ? '' : ` ${value}`}`, about + names]
}

/** Names without a description share one line. */
function listed(title: string, rows: readonly Row[]): string {
  const isPlain = rows.every(([, about]) => about === '')
  return isPlain ? `${title}: ${rows.map(([name]) => name).join(', ')}\n` : `${title}:\n${table(rows)}`
}

function table(rows: readonly Row[]): string {
  const width = Math.min(MAX_NAME, Math.max(...rows.map(([name]) => name.length)))
  const indent = ' '.repeat(width + 4)
  return rows
    .map(([name, about]) => {
      const lines = about
        .split('\n')
        .flatMap(line => (line.startsWith(' ') ? indent + line : wrapped(line, indent, COLUMNS)))
      const head = `  ${name.padEnd(width)}  `
      return name.length > width
        ? `  ${name}\n${lines.join('\n')}\n`
        : `${head}${lines.join('\n').slice(head.length)}\n`
    })
    .join('')
}
