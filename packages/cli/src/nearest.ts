/** How many letters must be added, taken away, replaced or swapped with their neighbour to make one word of another. */
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

/** ` Did you mean …?` for a word that is nearly one of those that are known, and otherwise nothing. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[-_.]/g, '')
  const ranked = [...known]
    .map(candidate => ({ candidate, letters: distance(plain(word), plain(candidate)) }))
    .toSorted((a, b) => a.letters - b.letters)
  const [best] = ranked
  // A third of the letters may be off; of a short word, one.
  return best && best.letters <= Math.max(1, Math.floor(plain(word).length / 3))
    ? ` Did you mean ${best.candidate}?`
    : ''
}
