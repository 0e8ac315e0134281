import assert from 'node:assert/strict'
import { test } from 'node:test'
import { call, sampleRequest } from '@preflow/extension/testing'
import { Webhook } from 'standardwebhooks'
import {
  allow,
  type CallerAuthentication,
  createReplayMemory,
  defineExtension,
  fail,
  type Handlers,
  redirectTo,
} from './index.ts'

const SECRET = `whsec_${Buffer.from('a signing secret of 32 bytes....').toString('base64')}`
const START = Date.UTC(2026, 10, 21, 12)

/** A process with an extension, its clock, and how often its handlers ran. */
function startProcess(
  settings: Partial<Extract<CallerAuthentication, { type: 'signature' }>> = {},
  decision = allow(),
) {
  const process = { nowMs: START, handled: 0, send }
  const decide = () => {
    process.handled++
    return decision
  }
  const extension = defineExtension(
    {
      preIssueAccessToken: decide,
      authentication() {
        process.handled++
        return redirectTo('https://x.example/')
      },
    } as Handlers,
    { caller: { type: 'signature', secrets: [SECRET], ...settings }, now: () => process.nowMs },
  )
  async function send(id: string, { at = START, request = sampleRequest('PRE_ISSUE_ACCESS_TOKEN') as object } = {}) {
    const body = JSON.stringify(request)
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': String(at / 1000),
      'webhook-signature': new Webhook(SECRET).sign(id, new Date(at), body),
    }
    const { answer, status } = await call(extension, body, { headers })
    return { status, error: answer.actionStatus === 'ERROR' ? answer.errorMessage : undefined }
  }
  return process
}

test('AZ-52: a signed call sent again within ten seconds gets the same answer, later a 401, and its handler runs once', async () => {
  const process = startProcess()
  assert.equal((await process.send('m-1')).status, 200)
  process.nowMs = START + 10_000 - 1
  assert.equal((await process.send('m-1')).status, 200)
  for (const seconds of [11, 290, 300]) {
    process.nowMs = START + seconds * 1000
    assert.deepEqual(await process.send('m-1'), { status: 401, error: 'replayed' })
  }
  process.nowMs = START + 301_000
  assert.deepEqual(await process.send('m-1'), { status: 401, error: 'unauthorized' }, 'its signature is too old')
  assert.equal(process.handled, 1)
})

test('AZ-52: a call that was signed ahead of time is remembered for twice the tolerance', async () => {
  const process = startProcess()
  const at = START + 299_000
  assert.equal((await process.send('m-1', { at })).status, 200)
  process.nowMs = START + 598_000
  assert.deepEqual(await process.send('m-1', { at }), { status: 401, error: 'replayed' })
})

test('AZ-52: a call without a request id is answered again by its signed id', async () => {
  const process = startProcess()
  const { requestId: _, ...request } = sampleRequest('PRE_ISSUE_ACCESS_TOKEN')
  await process.send('m-1', { request })
  assert.equal((await process.send('m-1', { request })).status, 200)
  assert.equal(process.handled, 1)
})

test('AZ-52: a sign-in step is refused as a replay too', async () => {
  const process = startProcess()
  const request = sampleRequest('AUTHENTICATION')
  assert.equal((await process.send('m-1', { request })).status, 200)
  process.nowMs = START + 11_000
  assert.deepEqual(await process.send('m-1', { request }), { status: 401, error: 'replayed' })
  assert.equal(process.handled, 1)
})

test('AZ-52: a call that got an ERROR may be retried for ten seconds, and not later', async () => {
  const process = startProcess({}, fail('server_error', 'Not now.') as never)
  await process.send('m-1')
  await process.send('m-1')
  assert.equal(process.handled, 2)
  process.nowMs = START + 11_000
  assert.deepEqual(await process.send('m-1'), { status: 401, error: 'replayed' })
})

test('AZ-52: a call that is not authenticated is not remembered', async () => {
  const process = startProcess()
  const other = startProcess({
    secrets: [`whsec_${Buffer.from('another secret of 32 bytes......').toString('base64')}`],
  })
  assert.deepEqual(await other.send('m-1'), { status: 401, error: 'unauthorized' })
  assert.equal((await process.send('m-1')).status, 200)
})

test('AZ-52: processes that share a memory refuse what another one has answered', async () => {
  const replayMemory = createReplayMemory()
  const [first, second] = [startProcess({ replayMemory }), startProcess({ replayMemory })]
  assert.equal((await first.send('m-1')).status, 200)
  second.nowMs = START + 11_000
  assert.deepEqual(await second.send('m-1'), { status: 401, error: 'replayed' })
  assert.equal(second.handled, 0)
})

test('AZ-52: the memory is bounded, and what it has forgotten is refused', async () => {
  const process = startProcess({ replayMemory: createReplayMemory(3) })
  for (const index of [0, 1, 2, 3, 4]) {
    process.nowMs = START + index * 60_000
    assert.equal((await process.send(`m-${index}`, { at: process.nowMs })).status, 200)
  }
  assert.equal(process.handled, 5)
  for (const index of [0, 1, 2, 3]) {
    assert.deepEqual(await process.send(`m-${index}`, { at: START + index * 60_000 }), {
      status: 401,
      error: 'replayed',
    })
  }
  // It was signed before a call that was forgotten, so it may be a replay.
  assert.deepEqual(await process.send('m-new', { at: START + 60_000 }), { status: 401, error: 'replayed' })
  process.nowMs += 11_000
  assert.equal((await process.send('m-new', { at: START + 120_000 })).status, 200)
  assert.equal(process.handled, 6)
})
