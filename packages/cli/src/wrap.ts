/** Breaks a text at its blanks into lines of at most so many columns, each behind an indent. A longer word keeps its line. */
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
