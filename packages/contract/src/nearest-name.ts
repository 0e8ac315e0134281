/**
 * A separate entry. It is not part of the wire. It is here because the server, the SDK and the tools all read names
 * that people write, and share only the contract.
 */

/**
 * How many letters must be added, removed, replaced or swapped with their neighbour to turn one word into the other.
 */
function distance(from: string, to: string): number {
  let before: number[] = []
  let row = Array.from({ length: to.length + 1 }, (_, n) => n)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const isSame = from[i - 1] === to[j - 1]
      const isSwapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
      const costs = [(row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (isSame ? 0 : 1)]
      if (isSwapped) costs.push((before[j - 2] ?? 0) + 1)
      next.push(Math.min(...costs))
    }
    before = row
    row = next
  }
  return row[to.length] ?? 0
}

/**
 * The known name that is most similar to a written one; undefined if none is similar. Ignores case and separators, and
 * allows a longer or shorter end.
 */
export function nearestName(written: string, known: Iterable<string>): string | undefined {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[-_.]/g, '')
  const wanted = plain(written)
  // A third of the letters may differ; in a short word, one.
  const most = Math.max(1, Math.floor(wanted.length / 3))
  const [best] = [...known]
    .map(name => {
      const other = plain(name)
      const isPart = wanted.length >= 3 && (other.startsWith(wanted) || wanted.startsWith(other))
      return { name, letters: distance(wanted, other), isPart }
    })
    .filter(({ letters, isPart }) => letters <= most || isPart)
    .toSorted((a, b) => a.letters - b.letters)
  return best?.name
}
