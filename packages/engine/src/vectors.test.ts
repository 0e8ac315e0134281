import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { type ActionRequest, type PlatformName, platforms, present } from '@preflow/contract'
import { callTo, executeAction, testPorts } from './calls.fixture.ts'
import { disclose } from './disclose.ts'
import { valueAt } from './event-path.ts'

interface Vectors {
  version: string
  allowedParameters?: string[]
  requests: Record<string, { platforms: PlatformName[]; version?: string; body: ActionRequest<object> }>
  calls: {
    name: string
    request: string
    answer: { status: number; headers: Record<string, string>; body: unknown }
    outcomes: Partial<Record<PlatformName, Expected>>
  }[]
}

interface Expected {
  status: string
  operations?: { verdict: string; reason?: string }[]
  after?: Record<string, unknown>
  addedParameters?: unknown[]
  removedParameters?: string[]
  [member: string]: unknown
}

const folder = join(import.meta.dirname, '../../contract/vectors')

for (const file of readdirSync(folder).filter(name => name.endsWith('.json'))) {
  const vectors: Vectors = JSON.parse(readFileSync(join(folder, file), 'utf8'))

  const callOf = (name: string, platform: PlatformName) => {
    const request = vectors.requests[name]
    assert.ok(request)
    const { body, version = vectors.version } = request
    return callTo('http://extension.test/', {
      action: { type: body.actionType, version },
      endpoint: vectors.allowedParameters ? { allowedParameters: vectors.allowedParameters } : {},
      event: body.event,
      platform: platforms[platform],
      ...present({ flowId: body.flowId }),
    })
  }

  suite(file, () => {
    for (const [name, request] of Object.entries(vectors.requests)) {
      for (const platform of request.platforms) {
        test(`the request "${name}" is what ${platform} sends`, () => {
          const { requestId: _, ...sent } = disclose(callOf(name, platform))
          assert.deepEqual(sent, request.body)
          assert.deepEqual(Object.keys(sent), Object.keys(request.body))
        })
      }
    }

    for (const { name, request, answer, outcomes } of vectors.calls) {
      for (const [platform, expected] of Object.entries(outcomes) as [PlatformName, Expected][]) {
        test(`"${name}" is ${expected.status} on ${platform}`, async t => {
          const { status, headers } = answer
          const body = Buffer.from(JSON.stringify(answer.body))
          const send = async () => ({ ok: true as const, status, headers, body })
          const outcome = await executeAction(callOf(request, platform), testPorts(t, { send }))
          const { operations, after = {}, addedParameters = [], removedParameters = [], code, ...members } = expected
          for (const [member, value] of Object.entries(members)) {
            assert.deepEqual((outcome as Record<string, unknown>)[member], value, member)
          }
          if (code !== undefined) assert.equal(outcome.status === 'error' && outcome.error.code, code)
          if (outcome.status !== 'success') return
          assert.deepEqual(
            outcome.operations.map(({ verdict, reason }, i) =>
              operations?.[i]?.reason ? { verdict, reason } : { verdict },
            ),
            operations,
          )
          assert.deepEqual(outcome.changes, { addedParameters, removedParameters })
          for (const [path, value] of Object.entries(after)) {
            assert.deepEqual(read(outcome.event, path) ?? null, value, path)
          }
        })
      }
    }
  })
}

/** A member of the event, or the value of a claim. */
function read(event: object, path: string): unknown {
  const slash = path.lastIndexOf('/')
  const list = valueAt(event, path.slice(0, slash))
  return Array.isArray(list)
    ? list.find((claim: { name: string }) => claim.name === path.slice(slash + 1))?.value
    : valueAt(event, path)
}
