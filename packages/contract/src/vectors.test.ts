import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { type ActionRequest, actionTypes, isAllowed, type Operation, parseActionRequest, platforms } from './index.ts'

interface Vectors {
  requests: Record<string, { platforms: string[]; body: ActionRequest }>
  calls: {
    name: string
    request: string
    answer: { body: { operations?: Operation[] } }
    outcomes: Record<string, { status: string; operations?: { verdict: string }[] }>
  }[]
}

const folder = join(import.meta.dirname, '../vectors')
const files = readdirSync(folder).filter(name => name.endsWith('.json'))

test('there are golden calls for every action type', () => {
  const expected = Object.keys(actionTypes).map(type => `${type.toLowerCase().replaceAll('_', '-')}.json`)
  assert.deepEqual(files.toSorted(), expected.toSorted())
})

for (const file of files) {
  const { requests, calls }: Vectors = JSON.parse(readFileSync(join(folder, file), 'utf8'))
  suite(file, () => {
    for (const [name, { body, platforms: senders }] of Object.entries(requests)) {
      test(`the request "${name}" is read without a loss`, () => {
        const parsed = parseActionRequest(body)
        assert.ok(parsed.ok, JSON.stringify(parsed))
        assert.deepEqual(parsed.request, body)
        for (const sender of senders) assert.ok(sender in platforms, sender)
      })
    }
    for (const { name, request, answer, outcomes } of calls) {
      test(`the operations of "${name}" are offered according to their verdicts`, () => {
        const allowed = requests[request]?.body.allowedOperations ?? []
        for (const { status, operations = [] } of Object.values(outcomes)) {
          if (status !== 'success') continue
          const offered = (answer.body.operations ?? []).map(operation => isAllowed(operation, allowed))
          assert.deepEqual(
            offered,
            operations.map(({ verdict }) => verdict !== 'not_allowed'),
          )
        }
      })
    }
  })
}
