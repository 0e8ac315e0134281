/**
 * Breaks a string at its spaces into indented lines of at most `columns` characters. A longer word gets its own line.
 */
export function wrapped(text: string, indent: string, columns: number): string[] {
  const lines: string[] = []
  let line = indent
  for (const word of text.split(' ')) {
    if (line.length + word.length > columns && line !== indent) {
      lines.push(line.trimEnd())
      line = indent
    }
    line += `${word} `
  }
  return [...lines, line.trimEnd()]
}
