/** The known name that somebody who wrote `name` most likely meant: one a few letters away, or longer or shorter at its end. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const maxEdits = Math.max(2, name.length / 4)
  return known
    .map(candidate => ({ candidate, edits: editsBetween(name, candidate) }))
    .filter(({ candidate, edits }) => edits <= maxEdits || candidate.startsWith(name) || name.startsWith(candidate))
    .sort((one, other) => one.edits - other.edits || other.candidate.length - one.candidate.length)[0]?.candidate
}

/** The distance of Levenshtein, one row of its table at a time. */
function editsBetween(one: string, other: string): number {
  let above = Array.from({ length: other.length + 1 }, (_, column) => column)
  for (const [row, letter] of [...one].entries()) {
    const current = [row + 1]
    for (let column = 0; column < other.length; column++) {
      const replaced = (above[column] ?? 0) + (letter === other[column] ? 0 : 1)
      current.push(Math.min(replaced, (above[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1))
    }
    above = current
  }
  return above.at(-1) ?? 0
}
