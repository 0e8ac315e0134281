import { platforms } from '@preflow/contract'

/** A message that every platform accepts, and what was changed. */
export interface SanitizedMessage {
  text: string
  /** One sentence for the author of the extension; absent if nothing was changed. */
  report?: string
}

/** Longest reason (or error message) and longest description that every platform accepts, in characters. */
export const MAX_REASON: number = Math.min(...Object.values(platforms).map(({ text }) => text.maxReason))
export const MAX_DESCRIPTION: number = Math.min(...Object.values(platforms).map(({ text }) => text.maxDescription))

const alphabets = [
  ...new Map(Object.values(platforms).map(({ text }) => [text.alphabet.source, text.alphabet])).values(),
]

/** Substitutes for characters that some platform rejects. A character without an entry is left out. */
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
 * Limits a reason or a description to the alphabet and the length of every platform. If a platform finds one forbidden
 * character, the whole answer is invalid, and a refusal becomes a server error.
 *
 * @param name The name of the message in the report: `reason`, `description`.
 * @param maxLength {@link MAX_REASON} or {@link MAX_DESCRIPTION}.
 * @param fallback The message if nothing is left.
 */
export function sanitizeMessage(name: string, given: string, maxLength: number, fallback: string): SanitizedMessage {
  // An author who writes JavaScript may leave it out.
  const text = String(given ?? '')
  const isWritable = (part: string) => alphabets.every(alphabet => alphabet.test(part))
  if (text.length > 0 && text.length <= maxLength && text.trim() !== '' && isWritable(text)) return { text }
  const changes: string[] = []
  let sanitized = text
  if (!isWritable(text)) {
    sanitized = [...text.normalize('NFKD').replaceAll(/\p{M}/gu, '')]
      .map(character => (isWritable(character) ? character : (SUBSTITUTES[character] ?? '')))
      .join('')
      .replaceAll(/ {2,}/g, ' ')
      .trim()
    changes.push('characters that platforms reject were replaced')
  }
  if (sanitized.length > maxLength) {
    sanitized = `${sanitized.slice(0, maxLength - 3)}...`
    changes.push(`it was cut to ${maxLength} characters`)
  }
  if (sanitized.trim() === '') {
    sanitized = fallback
    changes.push('it was empty and a general message replaces it')
  }
  return {
    text: sanitized,
    report: `${name}: ${changes.join(' and ')}. Use only letters, digits, spaces and -_.!?;:'()[], at most ${maxLength} characters.`,
  }
}
