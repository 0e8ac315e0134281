import { isatty } from 'node:tty'
import { styleText } from 'node:util'
import type { Io } from '../command.ts'

/** Colours by meaning. Without a terminal, each returns the string unchanged. */
export interface Paint {
  good(text: string): string
  bad(text: string): string
  doubtful(text: string): string
  faint(text: string): string
  strong(text: string): string
}

/** Control characters, and those that change the writing direction. An extension must not control the terminal. */
const UNSHOWABLE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu

/** A foreign string as one line without control characters. */
export function plain(text: string): string {
  return text.replaceAll(UNSHOWABLE, character =>
    /\s/.test(character) ? ' ' : `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  )
}

type Style = Parameters<typeof styleText>[0]

/**
 * @param io A report goes to standard output, which may be a pipe while standard error is a terminal. So both are
 *   checked.
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
