import { isatty } from 'node:tty'
import { styleText } from 'node:util'
import type { Io } from '../command.ts'

/** Colours by what they mean; without a terminal, each gives the text back as it is. */
export interface Paint {
  good(text: string): string
  bad(text: string): string
  doubtful(text: string): string
  faint(text: string): string
  strong(text: string): string
}

type Style = Parameters<typeof styleText>[0]

/**
 * @param io A report goes to standard output, which may be a pipe while a person watches the rest: both are asked.
 * @see https://no-color.org
 */
export function createPaint(io: Pick<Io, 'isTTY' | 'env'>, isTerminal: (fd: number) => boolean = isatty): Paint {
  const isPlain = !io.isTTY || !isTerminal(1) || Boolean(io.env['NO_COLOR']) || io.env['TERM'] === 'dumb'
  const style = (format: Style) => (text: string) =>
    isPlain ? text : styleText(format, text, { validateStream: false })
  return {
    good: style('green'),
    bad: style('red'),
    doubtful: style('yellow'),
    faint: style('dim'),
    strong: style('bold'),
  }
}
