import type { z } from 'zod'

/** Maximum length of an unknown field's name in a message. */
const MAX_SHOWN_CHARACTERS = 60

/**
 * Describes what is wrong with a value. The reference distinguishes two kinds: the value cannot be read (unknown fields, another
 * type, an unknown enumeration value), or it breaks a rule (missing, too long, wrong form).
 *
 * The description names fields, never values.
 */
export function describeFaults(error: z.ZodError, value: unknown): { isMalformed: boolean; description: string } {
  const faults = error.issues.map(issue => describeFault(issue, value))
  const malformed = faults.filter(({ isMalformed }) => isMalformed)
  const shown = malformed.length > 0 ? malformed : faults
  return { isMalformed: malformed.length > 0, description: shown.map(({ text }) => text).join(' ') }
}

function describeFault(issue: z.core.$ZodIssue, value: unknown): { isMalformed: boolean; text: string } {
  const path = issue.path.map(String)
  const name = path.join('.')
  const subject = name === '' ? 'The body' : name
  const rule = (text: string) => ({ isMalformed: false, text })
  const malformed = (text: string) => ({ isMalformed: true, text })

  if (path.length > 0 && valueAt(value, issue.path) == null) return rule(`Property ${path.at(-1)} cannot be null.`)
  switch (issue.code) {
    case 'unrecognized_keys':
      return malformed(
        `${subject}: unknown field ${issue.keys.map(key => JSON.stringify(key.slice(0, MAX_SHOWN_CHARACTERS))).join(', ')}.`,
      )
    case 'invalid_type':
      return malformed(`${subject}: must be ${issue.expected}.`)
    case 'invalid_value':
      return malformed(`${subject}: must be one of ${issue.values.map(String).join(', ')}.`)
    case 'too_small':
      return rule(`${subject}: size must be at least ${issue.minimum}.`)
    case 'too_big':
      return rule(`${subject}: size must be at most ${issue.maximum}.`)
    case 'invalid_format':
      return rule(`${subject}: must match "${issue.pattern ?? issue.format}".`)
    default:
      return malformed(`${subject}: ${issue.message}.`)
  }
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined),
    value,
  )
}
