import * as z from 'zod/mini'
import type { Issue } from './issue.ts'
import { recognizes } from './recognize.ts'

/**
 * Reads a document of `JSON.parse` by a schema, and describes its errors.
 *
 * The messages are ours and are passed with each call. Those of zod/mini come from a locale, which would apply to the
 * whole process and be as large as all schemas. Messages of a schema take precedence.
 *
 * @param root The path of the document in what the reader of the issues knows.
 * @returns The value, with defaults and transformations, or every issue with its path. Never throws. An unchanged
 *   document is returned itself, not a copy.
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

/** The names of types in messages. Other types keep their own name. */
const TYPES: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
}

/** The message for each error, without the value, which may be a secret. Other errors get a general message. */
const WORDINGS: { [Code in z.core.$ZodRawIssue['code']]?: (issue: RawIssue<Code>) => string } = {
  invalid_type: ({ expected }) => `must be ${TYPES[expected] ?? expected}`,
  invalid_value: ({ values }) => `must be ${values.length > 1 ? 'one of ' : ''}${values.map(String).join(', ')}`,
  too_small: ({ origin, minimum }) => {
    if (!UNITS[origin]) return `must be ${minimum} or more`
    return minimum === 1 ? 'must not be empty' : `must have at least ${minimum} ${UNITS[origin]}`
  },
  too_big: ({ origin, maximum }) =>
    UNITS[origin] ? `must have at most ${maximum} ${UNITS[origin]}` : `must be ${maximum} or less`,
  invalid_format: ({ format }) => (format === 'url' ? 'must be a URL' : 'does not have the required form'),
  unrecognized_keys: ({ keys }) => `must not have ${keys.join(', ')}`,
  invalid_union: ({ errors }) => {
    // If every form fails at the root, the messages list what the whole may be. Otherwise each message would be about
    // another form.
    const forms = errors.flatMap(([first]) => (first?.path.length === 0 ? first.message : []))
    if (forms.length < errors.length) return 'matches none of the accepted forms'
    return [...new Set(forms)].join(' or ').replaceAll(' or must be ', ' or ')
  },
}

const UNITS: Record<string, string> = { string: 'characters', array: 'entries' }

function wordingOf(issue: z.core.$ZodRawIssue): string {
  if (issue.input === undefined) return 'is missing'
  const wording = WORDINGS[issue.code] as ((issue: z.core.$ZodRawIssue) => string) | undefined
  return wording?.(issue) ?? 'is invalid'
}
