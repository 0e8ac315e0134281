import { nearestName } from '@preflow/contract/nearest-name'

/** ` Did you mean …?` for a word that is nearly a known one, and otherwise an empty string. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const name = nearestName(word, known)
  return name === undefined ? '' : ` Did you mean ${name}?`
}
