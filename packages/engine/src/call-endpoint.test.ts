import assert from 'node:assert/strict'
import { test } from 'node:test'
import { platforms } from '@preflow/contract'
import { callTo, errorOf, executeAction, hurried, successOf, testPorts } from './calls.fixture.ts'
import {
  freePort,
  type Reply,
  startBlackHole,
  startExtension,
  startSocketServer,
} from './extension-under-test.fixture.ts'

const next = platforms['wso2-is-next']
const ERROR = { actionStatus: 'ERROR', errorMessage: 'down' }
const SUCCESS: Reply = { json: { actionStatus: 'SUCCESS' } }
const silence: Reply = () => {}

interface Row {
  row: string
  replies: Reply[]
  calls: number
  /** The error's code; absent: success. */
  code?: string
  /** A step that is written. */
  step?: string
}

const rows: Row[] = [
  { row: 'E52 silence, then SUCCESS', replies: [silence, SUCCESS], calls: 2 },
  {
    row: 'E53 T218 silence to the end',
    replies: [silence],
    calls: 2,
    code: 'deadline',
    step: 'Failed to call external endpoint for Pre Issue Access Token action. Failed to execute the action request or maximum retry attempts reached.',
  },
  {
    row: 'E54 502 with a string, twice',
    replies: [{ status: 502, text: 'bad gateway', headers: { 'content-type': 'text/plain' } }],
    calls: 2,
    code: 'unexpected_status',
    step: 'Failed to call external endpoint for Pre Issue Access Token action. Failed to execute the action request. Received status code: 502.',
  },
  {
    row: 'E55 500 with a string declared as JSON',
    replies: [{ status: 500, text: 'server_error' }],
    calls: 2,
    code: 'unreadable_answer',
    step: 'Failed to call external endpoint for Pre Issue Access Token action. Unexpected error response received for the status code: 500. Parsing JSON response failed.',
  },
  { row: 'E56 T203 500 with ERROR', replies: [{ status: 500, json: ERROR }], calls: 1, code: 'extension_error' },
  { row: 'T204 400 with ERROR', replies: [{ status: 400, json: ERROR }], calls: 1, code: 'extension_error' },
  { row: 'E57 503 with ERROR, twice', replies: [{ status: 503, json: ERROR }], calls: 2, code: 'extension_error' },
  {
    row: 'E58 503 with ERROR, then silence: the 503 counts',
    replies: [{ status: 503, json: ERROR }, silence],
    calls: 2,
    code: 'extension_error',
  },
  { row: 'T216 503, then SUCCESS', replies: [{ status: 503 }, SUCCESS], calls: 2 },
  { row: 'T217 503, twice', replies: [{ status: 503 }], calls: 2, code: 'unreadable_answer' },
  { row: '504, then SUCCESS', replies: [{ status: 504 }, SUCCESS], calls: 2 },
  { row: '500 without a payload, then SUCCESS', replies: [{ status: 500, text: '' }, SUCCESS], calls: 2 },
  {
    row: 'E61 409',
    replies: [{ status: 409, text: 'conflict', headers: { 'content-type': 'text/plain' } }],
    calls: 1,
    code: 'unexpected_status',
    step: 'Failed to call external endpoint for Pre Issue Access Token action. Unexpected response received with status code: 409.',
  },
  ...[429, 404, 204, 201, 302].map(status => ({
    row: `E62 T215 ${status}`,
    replies: [{ status, text: '' }],
    calls: 1,
    code: 'unexpected_status',
  })),
  {
    row: 'E63 T214 a page',
    replies: [{ text: '<html>', headers: { 'content-type': 'text/html' } }],
    calls: 1,
    code: 'unreadable_answer',
    step: 'Failed to call external endpoint for Pre Issue Access Token action. Unexpected response for status code: 200. The response content type is not application/json.',
  },
  { row: 'E64 truncated JSON', replies: [{ text: '{"actionStatus":"SUCC' }], calls: 1, code: 'unreadable_answer' },
  {
    row: 'T205 401 with a string',
    replies: [{ status: 401, text: 'Unauthorized', headers: { 'content-type': 'text/plain' } }],
    calls: 1,
    code: 'unexpected_status',
  },
]

for (const { row, replies, calls: expected, code, step } of rows) {
  test(`${row}: ${expected} ${expected === 1 ? 'call' : 'calls'}, ${code ?? 'success'}`, async t => {
    const { uri, calls } = await startExtension(t, ...replies)
    const ports = testPorts(t)
    const outcome = await executeAction(callTo(uri, { platform: hurried(next) }), ports)
    if (code === undefined) successOf(outcome)
    else assert.equal(errorOf(outcome).code, code)
    assert.equal(calls.length, expected)
    assert.equal(outcome.trace.attempts.length, expected)
    if (step !== undefined) assert.ok(ports.steps.some(({ resultMessage }) => resultMessage === step))
  })
}

test('E59: a refused connection is retried on newer platforms, and final on older ones', async t => {
  const uri = `http://127.0.0.1:${await freePort()}/hook`
  for (const [platform, attempts] of [
    [next, 2],
    [platforms.preflow, 2],
    [platforms['wso2-is-7.2'], 1],
  ] as const) {
    const outcome = await executeAction(callTo(uri, { platform }), testPorts(t))
    assert.equal(errorOf(outcome).code, 'refused')
    assert.equal(outcome.trace.attempts.length, attempts, platform.name)
  }
})

test('E59: a connection that is reset is retried', async t => {
  const { uri, connections } = await startSocketServer(t, socket => socket.on('data', () => socket.resetAndDestroy()))
  const outcome = await executeAction(callTo(uri, { platform: next }), testPorts(t))
  assert.equal(errorOf(outcome).code, 'reset')
  assert.equal(connections(), 2)
})

test('E60: with no attempts the extension is not called', async t => {
  const { uri, calls } = await startExtension(t, SUCCESS)
  const platform = hurried(next, { attempts: 0 })
  assert.equal(errorOf(await executeAction(callTo(uri, { platform }), testPorts(t))).code, 'misconfigured')
  assert.equal(calls.length, 0)
})

test('a black hole is retried and then given up', async t => {
  const { uri } = await startBlackHole(t)
  const ports = testPorts(t)
  const outcome = await executeAction(callTo(uri, { platform: hurried(next, { readTimeoutMs: 60_000 }) }), ports)
  assert.equal(errorOf(outcome).code, 'connect_timeout')
  assert.deepEqual(
    ports.steps.filter(step => step.actionId === 'send-action-request').map(step => step.resultMessage),
    [
      `Request to the external endpoint ${uri} for action execution timed out. Retrying attempt 1 of 1.`,
      `Request to the external endpoint ${uri} for action execution timed out. Maximum retry attempts reached.`,
    ],
  )
})

test('an answer that is too long is final', async t => {
  const { uri, calls } = await startExtension(t, { text: 'x'.repeat(2000) })
  const platform = hurried(next, { maxAnswerBytes: 1000 })
  assert.equal(errorOf(await executeAction(callTo(uri, { platform }), testPorts(t))).code, 'answer_too_large')
  assert.equal(calls.length, 1)
})

test('a compressed answer is final, and is not decompressed', async t => {
  const { uri, calls } = await startExtension(t, {
    headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
  })
  assert.match(errorOf(await executeAction(callTo(uri), testPorts(t))).message, /compressed/)
  assert.equal(calls.length, 1)
})

test('every attempt sends the same body', async t => {
  const { uri, calls } = await startExtension(t, { status: 503 }, SUCCESS)
  await executeAction(callTo(uri), testPorts(t))
  assert.equal(calls.length, 2)
  assert.equal(calls[0]?.text, calls[1]?.text)
})
