import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { root } from './packed.fixture.ts'

const contract = join(root, 'packages/contract')
const read = (path: string) => JSON.parse(readFileSync(join(contract, path), 'utf8'))

interface Vectors {
  requests: Record<string, { body: unknown }>
  calls: {
    name: string
    answer: { status: number; body: unknown }
    outcomes: Record<string, { status: string; operations?: { verdict: string }[] }>
  }[]
}

/** Statuses of outcomes for answers that the platform accepted. */
const ACCEPTED = new Set(['success', 'failed', 'incomplete'])

for (const file of readdirSync(join(contract, 'vectors')).filter(name => name.endsWith('.json'))) {
  const { calls, requests }: Vectors = read(`vectors/${file}`)
  const schema = read(`schemas/${file}`)
  const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: true })
  formats.default(ajv)
  const isRequest = ajv.compile(schema)
  const isDecision = ajv.compile({ $ref: `${schema.$id}#/$defs/decision` })
  const isError = ajv.compile({ $ref: `${schema.$id}#/$defs/error` })

  describe(`schemas/${file}, read by another library`, () => {
    for (const [name, { body }] of Object.entries(requests)) {
      test(`accepts the golden request “${name}”`, () => {
        assert.ok(isRequest(body), JSON.stringify(isRequest.errors))
      })
    }

    test('rejects a request without an event and one of another type', () => {
      const [first] = Object.values(requests)
      assert.equal(isRequest({ ...(first?.body as object), event: undefined }), false)
      assert.equal(isRequest({ ...(first?.body as object), actionType: 'ANOTHER' }), false)
    })

    for (const { answer, name, outcomes } of calls) {
      // The schema is for authors. It does not include what a platform tolerates and ignores.
      const isUsed = ({ operations = [], status }: (typeof outcomes)[string]) =>
        ACCEPTED.has(status) && operations.every(({ verdict }) => verdict !== 'not_allowed')
      if (!Object.values(outcomes).every(isUsed)) continue
      test(`accepts the golden answer “${name}”`, () => {
        assert.ok(isDecision(answer.body), JSON.stringify(isDecision.errors))
      })
    }

    test('rejects an answer without a status, with an unknown member, and an error as a decision', () => {
      assert.equal(isDecision({}), false)
      assert.equal(isDecision({ actionStatus: 'SUCCESS', surprise: 1 }), false)
      assert.equal(isDecision({ actionStatus: 'ERROR', errorMessage: 'x' }), false)
      assert.ok(isError({ actionStatus: 'ERROR', errorMessage: 'x' }))
    })
  })
}
