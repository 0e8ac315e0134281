import * as z from 'zod/mini'
import type { Issue } from './issue.ts'
import { recognizes } from './recognize.ts'

/**
 * Reads a document, as `JSON.parse` makes them, by a schema, and words what is wrong with it.
 *
 * The words are ours and come with the call: those of zod/mini come from a locale, which would be for the whole process and
 * weigh as much as all of the schemas. Messages that a schema brings along win.
 *
 * @param root Where the document is in what the reader of the issues knows.
 * @returns The value, with defaults and transformations, or every issue with its path. Never throws. A document that fits as it
 *   is, is returned itself, not a copy.
 */
export function readDocument<Value>(
  schema: z.core.$ZodType<Value>,
  document: unknown,
  root: readonly (string | number)[] = [],
): { ok: true; value: Value } | { ok: false; issues: Issue[] } {
  if (recognizes(schema, document)) return { ok: true, value: document as Value }
  const read = z.safeParse(schema, document, { error: wordingOf })
  if (read.success) return { ok: true, value: read.data }
  return {
    ok: false,
    issues: read.error.issues.map(({ path, message }) => ({
      path: [...root, ...(path as (string | number)[])],
      message,
    })),
  }
}

type RawIssue<Code extends z.core.$ZodRawIssue['code']> = Extract<z.core.$ZodRawIssue, { code: Code }>

/** What a value of a type is called; what is not here is called by its name. */
const TYPES: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
}

/** What is wrong, without the value: it may be a secret. What is not here is only said to be wrong. */
const WORDINGS: { [Code in z.core.$ZodRawIssue['code']]?: (issue: RawIssue<Code>) => string } = {
  invalid_type: ({ expected }) => `must be ${TYPES[expected] ?? expected}`,
  invalid_value: ({ values }) => `must be ${values.length > 1 ? 'one of ' : ''}${values.map(String).join(', ')}`,
  too_small: ({ origin, minimum }) => {
    if (!UNITS[origin]) return `must be ${minimum} or more`
    return minimum === 1 ? 'must not be empty' : `must have ${minimum} ${UNITS[origin]} at least`
  },
  too_big: ({ origin, maximum }) =>
    UNITS[origin] ? `must have ${maximum} ${UNITS[origin]} at most` : `must be ${maximum} or less`,
  invalid_format: ({ format }) => (format === 'url' ? 'must be a URL' : 'is not in the form it must have'),
  unrecognized_keys: ({ keys }) => `must not have ${keys.join(', ')}`,
  invalid_union: ({ errors }) => {
    // Forms that fail at the root tell what the whole may be; deeper ones would each tell of a document that was not meant.
    const forms = errors.flatMap(([first]) => (first?.path.length === 0 ? first.message : []))
    if (forms.length < errors.length) return 'has none of the forms it may have'
    return [...new Set(forms)].join(' or ').replaceAll(' or must be ', ' or ')
  },
}

const UNITS: Record<string, string> = { string: 'characters', array: 'entries' }

function wordingOf(issue: z.core.$ZodRawIssue): string {
  if (issue.input === undefined) return 'is missing'
  const wording = WORDINGS[issue.code] as ((issue: z.core.$ZodRawIssue) => string) | undefined
  return wording?.(issue) ?? 'is not as it must be'
}
