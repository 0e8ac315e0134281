import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import * as z from 'zod/mini'
import { type ActionRequest, type ActionType, actionTypes } from './index.ts'
import { recognizes } from './recognize.ts'

const folder = join(import.meta.dirname, '../vectors')
const requests = readdirSync(folder)
  .filter(name => name.endsWith('.json'))
  .flatMap(name => {
    const { requests }: { requests: Record<string, { body: ActionRequest }> } = JSON.parse(
      readFileSync(join(folder, name), 'utf8'),
    )
    return Object.values(requests).map(({ body }) => body)
  })

type Place = { holder: Record<string, unknown>; key: string }

/** Every member of every object and every entry of every list. */
function placesIn(value: unknown): Place[] {
  if (typeof value !== 'object' || value === null) return []
  const holder = value as Record<string, unknown>
  return Object.keys(holder).flatMap(key => [{ holder, key }, ...placesIn(holder[key])])
}

/** What a faulty platform or an attacker may put in a place; `undefined` removes the value. */
const intruders = [
  undefined,
  null,
  0,
  1.5,
  Number.POSITIVE_INFINITY,
  '',
  'x',
  'UPDATE',
  true,
  [],
  {},
  ['a'],
  [1],
  { id: 'a' },
]

describe('a recognized value is one that zod returns unchanged', () => {
  for (const type of Object.keys(actionTypes) as ActionType[]) {
    const events = requests.filter(({ actionType }) => actionType === type).map(({ event }) => event)
    const { eventSchema } = actionTypes[type]

    test(`${type}: every event of the golden calls`, () => {
      assert.ok(events.length > 0)
      for (const event of events) assert.ok(recognizes(eventSchema, event))
    })

    test(`${type}: events with one or two broken places`, () => {
      const spoils = fc.array(fc.record({ at: fc.nat(), intruder: fc.constantFrom(...intruders) }), {
        minLength: 1,
        maxLength: 2,
      })
      let refused = 0
      fc.assert(
        fc.property(fc.constantFrom(...events), spoils, (event, changes) => {
          const spoiled = structuredClone(event)
          for (const { at, intruder } of changes) {
            const places = placesIn(spoiled)
            const { holder, key } = places[at % places.length] as Place
            if (intruder !== undefined) holder[key] = structuredClone(intruder)
            else if (Array.isArray(holder)) holder.splice(Number(key), 1)
            else delete holder[key]
          }
          const read = z.safeParse<z.ZodMiniType<unknown>>(eventSchema, spoiled)
          assert.equal(recognizes(eventSchema, spoiled), read.success)
          if (read.success) assert.deepEqual(read.data, spoiled)
          else refused++
        }),
        { numRuns: 2000 },
      )
      assert.ok(refused > 200, 'the property needs both results')
    })
  }
})

describe('zod decides what only it knows', () => {
  const unknown: Record<string, [schema: z.ZodMiniType, document: unknown]> = {
    'an object that drops unknown members': [z.object({ id: z.string() }), { id: 'a', name: 'b' }],
    'an object that rejects unknown members': [z.strictObject({ id: z.string() }), { id: 'a', name: 'b' }],
    'a default': [z.looseObject({ id: z._default(z.string(), 'a') }), {}],
    'a string with a check': [z.string().check(z.minLength(3)), 'a'],
    'a number with a check': [z.int(), 1.5],
    'a string that must be a URL': [z.url(), 'home'],
    'a coerced value': [z.coerce.string(), 'a'],
    'a list with a check': [z.array(z.string()).check(z.minLength(1)), []],
    'a value that is transformed': [
      z.pipe(
        z.string(),
        z.transform(text => text.length),
      ),
      'a',
    ],
    'an enum of numbers, by the name of a member': [z.enum({ A: 0, 0: 'A' }), 'A'],
    'forms that exclude each other': [z.xor([z.string(), z.literal('a')]), 'a'],
    'an object with a check': [z.looseObject({}).check(z.refine(() => false)), {}],
  }
  for (const [what, [schema, document]] of Object.entries(unknown)) {
    test(what, () => assert.equal(recognizes(schema, document), false))
  }
})
