/** One suite for every target: an extension behaves the same on each. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import type { Answer, Call, Running } from './runtimes/running.fixture.ts'
import type { Exchange, Scenario } from './scenarios.fixture.ts'

/** A key that must not be in any log or answer. */
export const key = 'key-of-the-platform-4f1d'
/** One byte more than extensions read. */
const TOO_LARGE = 262_145

/** The variables with the credentials of the caller. */
export function callerEnv(prefix: string): Record<string, string> {
  return { [`${prefix}_CALLER`]: 'api-key', [`${prefix}_CALLER_SECRETS`]: key }
}

export function platformCall(body: string, headers: Record<string, string> = {}): Call {
  const all = {
    host: 'extension.test',
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    'x-api-key': key,
    ...headers,
  }
  return { method: 'POST', path: '/', headers: all, body }
}

/** The tests of one extension on one target. */
export function targetSuite(opened: () => { running: Running; scenario: Scenario }): void {
  /** Runs a test for every way to call the extension. */
  const onEveryWay = (sentence: string, check: (ask: (call: Call) => Promise<Answer>, s: Scenario) => Promise<void>) =>
    test(sentence, async () => {
      const { running, scenario } = opened()
      for (const [way, ask] of Object.entries(running.ways)) {
        await check(ask, scenario).catch(error => {
          throw new Error(`${way}: ${error.message}`, { cause: error })
        })
      }
    })

  const exchange = async (ask: (call: Call) => Promise<Answer>, { request, status, answer, before }: Exchange) => {
    before?.()
    const given = await ask(platformCall(JSON.stringify(request)))
    assert.equal(given.status, status, given.body)
    assert.match(given.headers['content-type'] ?? '', /^application\/json\b/)
    const said = JSON.parse(given.body)
    for (const [member, value] of Object.entries(answer)) assert.deepEqual(said[member], value, member)
  }

  const refused = async (answer: Answer, status: number, errorMessage: string) => {
    assert.equal(answer.status, status, answer.body)
    const said = JSON.parse(answer.body)
    assert.equal(said.actionStatus, 'ERROR')
    assert.equal(said.errorMessage, errorMessage)
  }

  onEveryWay('allows', (ask, { allowed }) => exchange(ask, allowed))
  onEveryWay('denies', (ask, { denied }) => exchange(ask, denied))
  onEveryWay('fails as the contract defines', (ask, { failed }) => exchange(ask, failed))

  onEveryWay('rejects callers without credentials before it reads the body', async (ask, { allowed }) => {
    const body = JSON.stringify(allowed.request)
    await refused(await ask(platformCall(body, { 'x-api-key': 'guessed' })), 401, 'unauthorized')
    const { 'x-api-key': _, ...none } = platformCall(body).headers
    await refused(await ask({ ...platformCall(body), headers: none }), 401, 'unauthorized')
  })

  onEveryWay('rejects a body that is not JSON', async ask => {
    await refused(await ask(platformCall('{"actionType":')), 400, 'invalid_request')
    await refused(await ask(platformCall('')), 400, 'invalid_request')
    await refused(await ask(platformCall('{}', { 'content-type': 'text/plain' })), 415, 'unsupported_media_type')
  })

  onEveryWay('rejects a body that is too large', async ask => {
    await refused(await ask(platformCall(' '.repeat(TOO_LARGE))), 413, 'payload_too_large')
  })

  onEveryWay('serves every path and reports its health', async (ask, { allowed }) => {
    const ready = await ask({ method: 'GET', path: '/readyz', headers: { host: 'extension.test' } })
    assert.deepEqual([ready.status, ready.body], [200, 'ok\n'])
    const put = await ask({ ...platformCall(JSON.stringify(allowed.request)), method: 'PUT' })
    assert.ok(put.status === 405 || put.status === 404, `${put.status}`)
  })

  test('logs one line per decision, and no secret', async () => {
    const { running, scenario } = opened()
    const ask = Object.values(running.ways)[0] as (call: Call) => Promise<Answer>
    await exchange(ask, scenario.denied)
    const lines = running
      .log()
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line))
    assert.ok(lines.some(({ decision, status }) => decision === 'deny' && status === 200))
    assert.doesNotMatch(running.log(), new RegExp(key))
  })
}

/** A free port, for programs that need to know it in advance. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
