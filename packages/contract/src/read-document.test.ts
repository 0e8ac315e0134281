import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as z from 'zod/mini'
import { describeIssues, readDocument } from './index.ts'

const text = z.string().check(z.minLength(2), z.maxLength(4))
const forms = z.union([z.string(), z.array(z.string())])

/** What is said of a document that does not fit. */
const wordings: [what: string, schema: z.ZodMiniType, document: unknown, said: string][] = [
  ['a member that is not there', z.object({ id: z.string() }), {}, 'id: is missing'],
  ['one of several forms that is not there', z.object({ id: forms }), {}, 'id: is missing'],
  ['a type', z.object({ id: z.string() }), { id: 7 }, 'id: must be a string'],
  ['a list', z.array(z.int()), [1, 1.5], '1: must be a whole number'],
  ['an object', z.looseObject({}), [], 'must be an object'],
  ['a map', z.record(z.string(), z.int()), 'x', 'must be an object'],
  ['true and false', z.boolean(), 'yes', 'must be true or false'],
  ['the only value', z.literal('PASSWORD'), 'PIN', 'must be PASSWORD'],
  ['one of some values', z.enum(['deny', 'allow']), 'shrug', 'must be one of deny, allow'],
  ['a short text', text, 'a', 'must have 2 characters at least'],
  ['a long text', text, 'abcde', 'must have 4 characters at most'],
  ['an empty text', z.string().check(z.minLength(1)), '', 'must not be empty'],
  ['an empty list', z.array(z.string()).check(z.minLength(1)), [], 'must not be empty'],
  ['a long list', z.array(z.int()).check(z.maxLength(2)), [1, 2, 3], 'must have 2 entries at most'],
  ['a small number', z.int().check(z.gte(1)), 0, 'must be 1 or more'],
  ['a large number', z.number().check(z.lte(100)), 101, 'must be 100 or less'],
  ['a URL', z.url(), 'home', 'must be a URL'],
  ['a pattern', z.string().check(z.regex(/^a/)), 'b', 'is not in the form it must have'],
  ['a member that is unknown', z.strictObject({}), { ids: 1 }, 'must not have ids'],
  ['forms', forms, 7, 'must be a string or a list'],
  [
    'a form that fits but for its inside',
    z.union([z.string(), z.object({ id: z.int() })]),
    { id: 'x' },
    'has none of the forms it may have',
  ],
  ['what nobody foresaw', z.date(), new Date('x'), 'must be date'],
  ['words of the schema', z.string('must be the name of a client'), 7, 'must be the name of a client'],
]

describe('a document that does not fit is told what it must be', () => {
  for (const [what, schema, document, said] of wordings) {
    test(what, () => {
      const read = readDocument(schema, document)
      assert.equal(read.ok ? 'fits' : describeIssues(read.issues), said)
    })
  }
})

test('a document that fits is read with its defaults', () => {
  const schema = z.object({ unknown: z._default(z.enum(['deny', 'allow']), 'deny') })
  assert.deepEqual(readDocument(schema, {}), { ok: true, value: { unknown: 'deny' } })
})

test('every issue is told, at its place in what the reader knows', () => {
  const read = readDocument(z.object({ id: z.string(), name: z.string() }), { id: 's3cret'.length }, [
    'event',
    'tenant',
  ])
  assert.ok(!read.ok)
  assert.equal(describeIssues(read.issues), 'event.tenant.id: must be a string; event.tenant.name: is missing')
})
