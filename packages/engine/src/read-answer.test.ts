import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type ActionType, type Platform, platforms } from '@preflow/contract'
import { type Reading, readAnswer } from './read-answer.ts'

const next = platforms['wso2-is-next']
const { preflow } = platforms
const ERROR = { actionStatus: 'ERROR', errorMessage: 'down', errorDescription: 'The database is down.' }

interface Given {
  status?: number
  contentType?: string | undefined
  body: unknown
  headers?: Record<string, string>
  type?: ActionType
}

function read(
  { status = 200, contentType = 'application/json', body, headers = {}, type }: Given,
  platform: Platform,
): Reading {
  const bytes = body instanceof Uint8Array ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  return readAnswer(
    { status, headers: { 'content-type': contentType, ...headers }, body: bytes },
    type ?? 'PRE_ISSUE_ACCESS_TOKEN',
    platform,
  )
}

function messageOf({ answer }: Reading): string {
  return answer.ok ? '' : answer.error.message
}

const READING_FAILED = 'Unexpected response for status code: 200. Reading JSON response failed.'
const parsingFailed = (status: number) =>
  `Unexpected error response received for the status code: ${status}. Parsing JSON response failed.`

suite('answers that every platform rejects', () => {
  const rows: [row: string, given: Given, logText: string, mayRetry: boolean, says: RegExp][] = [
    [
      'E63 T214 a wrong content type',
      { contentType: 'text/plain', body: '{}' },
      'Unexpected response for status code: 200. The response content type is not application/json.',
      false,
      /content type text\/plain\. Send application\/json\./,
    ],
    ['E64 an object without a status', { body: {} }, READING_FAILED, false, /^actionStatus must be/],
    ['E64 nothing', { body: '' }, READING_FAILED, false, /is empty/],
    ['E64 a bare word', { body: 'success' }, READING_FAILED, false, /is not JSON/],
    ['a list', { body: [] }, READING_FAILED, false, /is not a JSON object/],
    [
      'E66 T213 ERROR with status 200',
      { body: ERROR },
      READING_FAILED,
      false,
      /ERROR goes with HTTP status 400, 401 or 500/,
    ],
    [
      'E68 400 with a string',
      { status: 400, contentType: 'text/plain', body: '' },
      'Failed to execute the action request. Received status code: 400.',
      false,
      /Send application\/json with an ERROR payload/,
    ],
    ['E69 401 with an empty object', { status: 401, body: {} }, parsingFailed(401), false, /must be ERROR/],
    [
      'E70 400 ERROR without a message',
      { status: 400, body: { actionStatus: 'ERROR' } },
      parsingFailed(400),
      false,
      /errorMessage: is missing/,
    ],
    [
      'E71 401 with SUCCESS',
      { status: 401, body: { actionStatus: 'SUCCESS' } },
      parsingFailed(401),
      false,
      /go with 200/,
    ],
    [
      'E55 500 with a string declared as JSON',
      { status: 500, body: 'server_error' },
      parsingFailed(500),
      true,
      /is not JSON/,
    ],
    [
      'E54 502 with a string',
      { status: 502, contentType: 'text/html', body: '<h1>' },
      'Failed to execute the action request. Received status code: 502.',
      true,
      /status 502/,
    ],
    [
      'E73 T207 FAILED without a reason',
      { body: { actionStatus: 'FAILED' } },
      READING_FAILED,
      false,
      /failureReason: is missing/,
    ],
    [
      'E74 a reason of 101 characters',
      { body: { actionStatus: 'FAILED', failureReason: 'a'.repeat(101) } },
      READING_FAILED,
      false,
      /failureReason has 101 characters; .* accepts at most 100/,
    ],
    [
      'E74 a reason with a comma',
      { body: { actionStatus: 'FAILED', failureReason: 'a, b' } },
      READING_FAILED,
      false,
      /failureReason contains ',' \(U\+002C\), which .* rejects; remove it/,
    ],
    [
      'T208 a description with a comma',
      { body: { actionStatus: 'FAILED', failureReason: 'a', failureDescription: 'a, b' } },
      READING_FAILED,
      false,
      /failureDescription contains ','/,
    ],
    [
      'a description of 301 characters',
      { body: { actionStatus: 'FAILED', failureReason: 'a', failureDescription: 'a'.repeat(301) } },
      READING_FAILED,
      false,
      /accepts at most 300/,
    ],
    ['E76 a status in small letters', { body: { actionStatus: 'success' } }, READING_FAILED, false, /in capitals/],
    [
      'E77 INCOMPLETE without operations',
      { body: { actionStatus: 'INCOMPLETE' } },
      READING_FAILED,
      false,
      /needs exactly one operation/,
    ],
    [
      'E77 INCOMPLETE with null operations',
      { body: { actionStatus: 'INCOMPLETE', operations: null } },
      READING_FAILED,
      false,
      /needs exactly one operation/,
    ],
    [
      'E79 a redirect with a path',
      { body: { actionStatus: 'SUCCESS', operations: [{ op: 'redirect', path: '/x' }] } },
      READING_FAILED,
      false,
      /^operations\.0: a redirect has a url, but no path/,
    ],
    [
      'E80 an add with a url',
      { body: { actionStatus: 'SUCCESS', operations: [{ op: 'add', path: '/x', url: 'u' }] } },
      READING_FAILED,
      false,
      /only a redirect has a url/,
    ],
    ...['move', 'Add', 'copy'].map((op): [string, Given, string, boolean, RegExp] => [
      `E81 T225 the operation ${op}`,
      { body: { actionStatus: 'SUCCESS', operations: [{ op, path: '/x' }] } },
      READING_FAILED,
      false,
      /op must be add, remove, replace or redirect, in lower case/,
    ]),
    [
      'operations that are not a list',
      { body: { actionStatus: 'SUCCESS', operations: {} } },
      READING_FAILED,
      false,
      /must be a list/,
    ],
    [
      'an operation that is not an object',
      { body: { actionStatus: 'SUCCESS', operations: ['add'] } },
      READING_FAILED,
      false,
      /operations\.0: must be an object/,
    ],
    [
      'a path that is not a string',
      { body: { actionStatus: 'SUCCESS', operations: [{ op: 'add', path: 1 }] } },
      READING_FAILED,
      false,
      /path must be a string/,
    ],
    [
      'a reason that is not a string',
      { body: { actionStatus: 'FAILED', failureReason: 5 } },
      READING_FAILED,
      false,
      /failureReason: must be a string/,
    ],
    [
      'an answer nested deeper than a stack',
      { body: `{"actionStatus":"SUCCESS","data":${'['.repeat(200_000)}${']'.repeat(200_000)}}` },
      READING_FAILED,
      false,
      /nested more than 100 levels/,
    ],
    [
      'a compressed answer',
      { body: '{"actionStatus":"SUCCESS"}', headers: { 'content-encoding': 'gzip' } },
      READING_FAILED,
      false,
      /compressed \(content-encoding: gzip\)/,
    ],
  ]
  for (const platform of [next, preflow]) {
    for (const [row, given, logText, mayRetry, says] of rows) {
      test(`${row}, as ${platform.name}`, () => {
        const reading = read(given, platform)
        assert.equal(reading.answer.ok, false)
        assert.equal(reading.logText, logText)
        assert.equal(reading.mayRetry, mayRetry)
        assert.match(messageOf(reading), says)
      })
    }
  }
})

for (const status of [201, 204, 302, 403, 404, 409, 429]) {
  test(`E61 E62: status ${status} is rejected and not retried`, () => {
    const reading = read({ status, body: { actionStatus: 'SUCCESS' } }, next)
    assert.equal(reading.mayRetry, false)
    assert.equal(reading.logText, `Unexpected response received with status code: ${status}.`)
    assert.ok(!reading.answer.ok)
    assert.equal(reading.answer.error.code, 'unexpected_status')
  })
}

suite('answers that every platform accepts', () => {
  const rows: [row: string, given: Given, value: unknown, mayRetry?: boolean][] = [
    ['E65 SUCCESS alone', { body: { actionStatus: 'SUCCESS' } }, { actionStatus: 'SUCCESS', operations: [] }],
    [
      'E67 an add of an object',
      { body: { actionStatus: 'SUCCESS', operations: [{ op: 'add', path: '/a/-', value: { name: 'n', value: 1 } }] } },
      { actionStatus: 'SUCCESS', operations: [{ op: 'add', path: '/a/-', value: { name: 'n', value: 1 } }] },
    ],
    ...[400, 401, 500].map((status): [string, Given, unknown, boolean] => [
      `E72 E56 ${status} with ERROR`,
      { status, body: ERROR },
      ERROR,
      false,
    ]),
    ['E57 503 with ERROR is used, but retried', { status: 503, body: ERROR }, ERROR, true],
    [
      'E75 a description of 300 characters',
      { body: { actionStatus: 'FAILED', failureReason: "a b-c_d.!?;:'()[]", failureDescription: 'a'.repeat(300) } },
      { actionStatus: 'FAILED', failureReason: "a b-c_d.!?;:'()[]", failureDescription: 'a'.repeat(300) },
    ],
    [
      'an empty description counts as none',
      { body: { actionStatus: 'FAILED', failureReason: 'a', failureDescription: '' } },
      { actionStatus: 'FAILED', failureReason: 'a' },
    ],
    [
      'E78 a redirect',
      { body: { actionStatus: 'INCOMPLETE', operations: [{ op: 'redirect', url: 'https://x' }] } },
      { actionStatus: 'INCOMPLETE', operations: [{ op: 'redirect', url: 'https://x' }] },
    ],
    [
      'E83 a content type with a charset',
      { contentType: 'application/json;charset=UTF-8', body: { actionStatus: 'SUCCESS' } },
      { actionStatus: 'SUCCESS', operations: [] },
    ],
    [
      'the last of two members with one name',
      { body: '{"actionStatus":"FAILED","failureReason":"a","failureReason":"b"}' },
      { actionStatus: 'FAILED', failureReason: 'b' },
    ],
    [
      'an operation without op, which then matches nothing',
      { body: { actionStatus: 'SUCCESS', operations: [{ path: '/x' }] } },
      { actionStatus: 'SUCCESS', operations: [{ op: '', path: '/x' }] },
    ],
  ]
  for (const platform of [next, preflow]) {
    for (const [row, given, value, mayRetry = false] of rows) {
      test(`${row}, as ${platform.name}`, () => {
        const reading = read(given, platform)
        assert.deepEqual(reading.answer, { ok: true, value })
        assert.equal(reading.mayRetry, mayRetry)
      })
    }
  }
})

suite('answers on which platforms differ', () => {
  const rows: [row: string, given: Given, taken: { next: boolean; preflow: boolean }, says: RegExp][] = [
    [
      'E82 a member that the contract does not have',
      { body: { actionStatus: 'SUCCESS', message: 'ok' } },
      { next: false, preflow: true },
      /remove message/,
    ],
    [
      'E82 such a member in an operation',
      { body: { actionStatus: 'SUCCESS', operations: [{ op: 'add', path: '/x', from: '/y' }] } },
      { next: false, preflow: true },
      /operations\.0: .*remove from/,
    ],
    [
      'null operations',
      { body: { actionStatus: 'SUCCESS', operations: null } },
      { next: false, preflow: true },
      /operations: is null/,
    ],
    [
      'a url before its op',
      { body: { actionStatus: 'INCOMPLETE', operations: [{ url: 'https://x', op: 'redirect' }] } },
      { next: false, preflow: true },
      /needs op before url/,
    ],
    [
      'a path before the op redirect',
      { body: { actionStatus: 'INCOMPLETE', operations: [{ path: '/x', op: 'redirect', url: 'https://x' }] } },
      { next: true, preflow: false },
      /no path/,
    ],
    [
      'a media type in capitals',
      { contentType: 'Application/JSON', body: { actionStatus: 'SUCCESS' } },
      { next: false, preflow: true },
      /Send application\/json/,
    ],
    [
      'another media type that contains the right one',
      { contentType: 'text/plain; note="application/json"', body: { actionStatus: 'SUCCESS' } },
      { next: true, preflow: false },
      /Send application\/json/,
    ],
    [
      'string after the JSON value',
      { body: '{"actionStatus":"SUCCESS"} and more {' },
      { next: true, preflow: false },
      /text after the JSON value/,
    ],
    [
      'bytes that are not UTF-8, inside a value',
      {
        body: Buffer.concat([
          Buffer.from('{"actionStatus":"SUCCESS","operations":[{"op":"add","path":"/a/-","value":"'),
          Buffer.from([0xff, 0xfe]),
          Buffer.from('"}]}'),
        ]),
      },
      { next: true, preflow: false },
      /not UTF-8/,
    ],
    [
      'a byte order mark',
      { body: `\ufeff${JSON.stringify({ actionStatus: 'SUCCESS' })}` },
      { next: false, preflow: true },
      /not JSON/,
    ],
  ]
  for (const platform of [next, preflow]) {
    for (const [row, given, taken, says] of rows) {
      const isTaken = platform === next ? taken.next : taken.preflow
      test(`${row} is ${isTaken ? 'accepted' : 'rejected'} as ${platform.name}`, () => {
        const reading = read(given, platform)
        assert.equal(reading.answer.ok, isTaken)
        if (!isTaken) assert.match(messageOf(reading), says)
      })
    }
  }
})

test('data of a sign-in must follow the contract', () => {
  const answer = (user: unknown) =>
    read({ type: 'AUTHENTICATION', body: { actionStatus: 'SUCCESS', data: { user } } }, preflow)
  assert.equal(answer({ id: 'u-1', claims: null }).answer.ok, true)
  const refused = answer({ id: 7 })
  assert.match(messageOf(refused), /^data\.user\.id: /)
  assert.doesNotMatch(messageOf(refused), /7/)
})

test('data of a type that does not use it is ignored', () => {
  assert.equal(read({ body: { actionStatus: 'SUCCESS', data: 'anything' } }, preflow).answer.ok, true)
})
