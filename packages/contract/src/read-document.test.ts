import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as z from 'zod/mini'
import { describeIssues, readDocument } from './index.ts'

const text = z.string().check(z.minLength(2), z.maxLength(4))
const forms = z.union([z.string(), z.array(z.string())])

/** The message for a document that does not match. */
const wordings: [what: string, schema: z.ZodMiniType, document: unknown, said: string][] = [
  ['a missing member', z.object({ id: z.string() }), {}, 'id: is missing'],
  ['a missing member with several forms', z.object({ id: forms }), {}, 'id: is missing'],
  ['a type', z.object({ id: z.string() }), { id: 7 }, 'id: must be a string'],
  ['a list', z.array(z.int()), [1, 1.5], '1: must be a whole number'],
  ['an object', z.looseObject({}), [], 'must be an object'],
  ['a map', z.record(z.string(), z.int()), 'x', 'must be an object'],
  ['true and false', z.boolean(), 'yes', 'must be true or false'],
  ['the only value', z.literal('PASSWORD'), 'PIN', 'must be PASSWORD'],
  ['one of some values', z.enum(['deny', 'allow']), 'shrug', 'must be one of deny, allow'],
  ['a short string', text, 'a', 'must have at least 2 characters'],
  ['a long string', text, 'abcde', 'must have at most 4 characters'],
  ['an empty string', z.string().check(z.minLength(1)), '', 'must not be empty'],
  ['an empty list', z.array(z.string()).check(z.minLength(1)), [], 'must not be empty'],
  ['a long list', z.array(z.int()).check(z.maxLength(2)), [1, 2, 3], 'must have at most 2 entries'],
  ['a small number', z.int().check(z.gte(1)), 0, 'must be 1 or more'],
  ['a large number', z.number().check(z.lte(100)), 101, 'must be 100 or less'],
  ['a URL', z.url(), 'home', 'must be a URL'],
  ['a pattern', z.string().check(z.regex(/^a/)), 'b', 'does not have the required form'],
  ['an unknown member', z.strictObject({}), { ids: 1 }, 'must not have ids'],
  ['forms', forms, 7, 'must be a string or a list'],
  [
    'a form with an error inside',
    z.union([z.string(), z.object({ id: z.int() })]),
    { id: 'x' },
    'matches none of the accepted forms',
  ],
  ['any other error', z.date(), new Date('x'), 'must be date'],
  ['a message of the schema', z.string('must be the name of a client'), 7, 'must be the name of a client'],
]

describe('an invalid document is reported with what it must be', () => {
  for (const [what, schema, document, said] of wordings) {
    test(what, () => {
      const read = readDocument(schema, document)
      assert.equal(read.ok ? 'fits' : describeIssues(read.issues), said)
    })
  }
})

test('a valid document is read with its defaults', () => {
  const schema = z.object({ unknown: z._default(z.enum(['deny', 'allow']), 'deny') })
  assert.deepEqual(readDocument(schema, {}), { ok: true, value: { unknown: 'deny' } })
})

test('every issue has its place in the document of the reader', () => {
  const read = readDocument(z.object({ id: z.string(), name: z.string() }), { id: 's3cret'.length }, [
    'event',
    'tenant',
  ])
  assert.ok(!read.ok)
  assert.equal(describeIssues(read.issues), 'event.tenant.id: must be a string; event.tenant.name: is missing')
})
