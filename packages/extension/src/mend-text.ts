import { platforms } from '@preflow/contract'

/** A text that every platform accepts, and what was changed to make it so. */
export interface MendedText {
  text: string
  /** One sentence for the author of the extension; absent when nothing was changed. */
  report?: string
}

/** Longest reason (or error message) and longest description that every platform accepts, in characters. */
export const MAX_REASON: number = Math.min(...Object.values(platforms).map(({ text }) => text.maxReason))
export const MAX_DESCRIPTION: number = Math.min(...Object.values(platforms).map(({ text }) => text.maxDescription))

const alphabets = [
  ...new Map(Object.values(platforms).map(({ text }) => [text.alphabet.source, text.alphabet])).values(),
]

/** What stands for a character that some platform refuses. A character without an entry is left out. */
const SUBSTITUTES: Record<string, string> = {
  ',': ';',
  '"': "'",
  '`': "'",
  '‘': "'",
  '’': "'",
  '“': "'",
  '”': "'",
  '«': "'",
  '»': "'",
  '‐': '-',
  '‑': '-',
  '–': '-',
  '—': '-',
  '…': '...',
  '/': '-',
  '\\': '-',
  '|': '-',
  '&': ' and ',
  '@': ' at ',
  '%': ' percent',
  '=': ' is ',
  '{': '(',
  '}': ')',
  '<': '(',
  '>': ')',
  '\u00a0': ' ',
  ß: 'ss',
  æ: 'ae',
  ø: 'o',
  ł: 'l',
}

/**
 * Keeps a reason or a description inside the alphabet and the length of every platform. A platform that meets one
 * forbidden character takes the whole answer for invalid, and a refusal becomes a server error.
 *
 * @param name How the text is called in the report: `reason`, `description`.
 * @param maxLength {@link MAX_REASON} or {@link MAX_DESCRIPTION}.
 * @param fallback What is said when nothing is left.
 */
export function mendText(name: string, given: string, maxLength: number, fallback: string): MendedText {
  // An author who writes JavaScript may leave it out.
  const text = String(given ?? '')
  const isWritable = (part: string) => alphabets.every(alphabet => alphabet.test(part))
  if (text.length > 0 && text.length <= maxLength && text.trim() !== '' && isWritable(text)) return { text }
  const changes: string[] = []
  let mended = text
  if (!isWritable(text)) {
    mended = [...text.normalize('NFKD').replaceAll(/\p{M}/gu, '')]
      .map(character => (isWritable(character) ? character : (SUBSTITUTES[character] ?? '')))
      .join('')
      .replaceAll(/ {2,}/g, ' ')
      .trim()
    changes.push('characters that platforms refuse were replaced')
  }
  if (mended.length > maxLength) {
    mended = `${mended.slice(0, maxLength - 3)}...`
    changes.push(`it was cut to ${maxLength} characters`)
  }
  if (mended.trim() === '') {
    mended = fallback
    changes.push('it was empty and a general text stands for it')
  }
  return {
    text: mended,
    report: `${name}: ${changes.join(' and ')}. Use letters, digits, spaces and -_.!?;:'()[] only, ${maxLength} characters at most.`,
  }
}
