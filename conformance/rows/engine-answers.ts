import assert from 'node:assert/strict'
import type { Answer } from '../extension-under-test.ts'
import { type Check, differs, row, type Section } from '../row.ts'
import type { Stage } from '../stage.ts'
import {
  askFor,
  askWhile,
  assertErrorPayload,
  assertUnusable,
  callThroughEngine,
  ERROR,
  json,
} from './engine-under-test.ts'
import { named, op } from './tokens.ts'

const UNREADABLE = 'Unexpected response for status code: 200. Reading JSON response failed.'
const NOT_JSON = 'Unexpected response for status code: 200. The response content type is not application/json.'
const unreadableError = (status: number) =>
  `Unexpected error response received for the status code: ${status}. Parsing JSON response failed.`

/** An answer that is invalid, and its log message. The call is never retried. */
function unusable(logText: string, ...answers: Answer[]): Check {
  return async stage => {
    for (const answer of answers) assertUnusable(await askWhile(stage, answer), logText, { after: 1 })
  }
}

/** FAILED with this reason and description. */
const failed = (failureReason?: string, failureDescription?: string) =>
  json({ actionStatus: 'FAILED', failureReason, failureDescription })

/** SUCCESS with these operations, valid or not. */
const success = (...operations: object[]) => json({ actionStatus: 'SUCCESS', operations })

async function assertIssued(stage: Stage, answer: Answer): Promise<void> {
  const { issued } = await askWhile(stage, answer)
  assert.equal(issued.status, 200, JSON.stringify(issued.body))
}

/** Every kind of character that a string may have, 300 of them. */
const LONGEST = `Aa0 -_.!?;:'()[]\t\n${'x'.repeat(282)}`

const REDIRECT = { op: 'redirect', url: 'https://x' }

export const answers: Section = {
  title: 'Reading answers',
  rows: [
    row(
      'E63',
      '200, text/plain `{}`: error, log `Unexpected response for status code: 200. The response content type is not application/json.`, no retry',
      unusable(NOT_JSON, { type: 'text/plain', body: '{}' }),
    ),
    row(
      'E64',
      '200, json, body `{}`, empty, `success`: error, no retry',
      unusable(UNREADABLE, { body: '{}' }, { body: '' }, { body: 'success' }),
    ),
    row('E65', '200 `{"actionStatus":"SUCCESS"}`: SUCCESS with no operations', async stage => {
      const { call, issued } = await askWhile(stage, json({ actionStatus: 'SUCCESS' }))
      assert.equal(issued.status, 200)
      assert.deepEqual([call.status, call.details.operations], ['success', []])
    }),
    row('E66', '200 `{"actionStatus":"ERROR",...}`: engine exception, not ERROR', unusable(UNREADABLE, json(ERROR))),
    row('E67', '200 SUCCESS with one add operation, object value: parsed; value is a map', async stage => {
      const value = { tier: 'gold', seats: 4 }
      const { issued, verdicts } = await askFor(stage, [op('+P/-', named('plan', value))])
      assert.deepEqual(verdicts, ['applied'])
      assert.deepEqual(issued.body.plan, value)
    }),
    row(
      'E68',
      '400 text empty: log `Failed to execute the action request. Received status code: 400.`',
      unusable('Failed to execute the action request. Received status code: 400.', {
        status: 400,
        type: 'text/plain',
        body: '',
      }),
    ),
    row('E69', '401 json `{}`: invalid error response, no retry', unusable(unreadableError(401), json({}, 401))),
    row(
      'E70',
      '400 json ERROR without message: invalid',
      unusable(unreadableError(400), json({ actionStatus: 'ERROR', errorDescription: 'Some' }, 400)),
    ),
    row(
      'E71',
      '401 json SUCCESS body: invalid',
      unusable(unreadableError(401), json({ actionStatus: 'SUCCESS', operations: [] }, 401)),
    ),
    row('E72', '400 / 401 / 500 json valid ERROR: ERROR payload, no error log, no retry', async stage => {
      for (const status of [400, 401, 500]) assertErrorPayload(await askWhile(stage, json(ERROR, status)), { after: 1 })
    }),
    row('E73', 'FAILED without failureReason: exception', unusable(UNREADABLE, failed(), failed(''))),
    row(
      'E74',
      'failureReason of 101 chars, or with a comma: exception',
      unusable(UNREADABLE, failed('x'.repeat(101)), failed('denied, sorry')),
    ),
    row('E75', 'failureDescription of 300 allowed chars: FAILED', async stage => {
      assert.equal(LONGEST.length, 300)
      const { issued } = await askWhile(stage, failed('denied', LONGEST))
      const { error, error_description } = issued.body
      assert.deepEqual([issued.status, error, error_description], [400, 'denied', LONGEST])
      assertUnusable(await askWhile(stage, failed('denied', `${LONGEST}x`)), UNREADABLE, { after: 1 })
    }),
    row('E76', '`actionStatus: "success"`: exception', unusable(UNREADABLE, json({ actionStatus: 'success' }))),
    row('E77', 'INCOMPLETE without operations: exception', unusable(UNREADABLE, json({ actionStatus: 'INCOMPLETE' }))),
    {
      ...row('E78', '`{"op":"redirect","url":"https://x"}`: accepted', async stage => {
        // The token types offer no redirect: the operation is parsed and changes nothing.
        const { call, issued } = await askWhile(stage, success(REDIRECT))
        assert.equal(issued.status, 200)
        assert.deepEqual(
          call.details.operations.map(({ op, verdict }: { op: string; verdict: string }) => [op, verdict]),
          [['redirect', 'not_allowed']],
        )
        stage.extension('AUTHENTICATION').answer(() => json({ actionStatus: 'INCOMPLETE', operations: [REDIRECT] }))
        const { outcome } = await callThroughEngine(stage, { action: { type: 'AUTHENTICATION' } })
        assert.equal(outcome.status === 'incomplete' && outcome.redirectUrl, 'https://x')
      }),
      how: 'if a redirect is offered, tested through the exports of @preflow/engine',
    },
    row(
      'E79',
      '`{"op":"redirect","path":"/x"}`: response invalid',
      unusable(UNREADABLE, success({ op: 'redirect', path: '/x' })),
    ),
    row(
      'E80',
      '`{"op":"add","path":"/x","url":"u"}`: response invalid',
      unusable(UNREADABLE, success({ op: 'add', path: '/x', url: 'u' })),
    ),
    row('E81', 'op `move`: response invalid', unusable(UNREADABLE, success({ op: 'move', path: '/x', value: 1 }))),
    row(
      'E82',
      'extra unknown top-level field: response invalid',
      unusable(UNREADABLE, json({ actionStatus: 'SUCCESS', operations: [], comment: 'fine' })),
      differs('a member of a later contract is ignored', stage =>
        assertIssued(stage, json({ actionStatus: 'SUCCESS', operations: [], comment: 'fine' })),
      ),
    ),
    row('E83', 'Content-Type `application/json;charset=UTF-8`: accepted', stage =>
      assertIssued(stage, { type: 'application/json;charset=UTF-8', body: '{"actionStatus":"SUCCESS"}' }),
    ),
  ],
}
