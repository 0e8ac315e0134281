import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CallTrace, Outcome } from '@preflow/engine'
import { findCall } from '../../ground/store/calls.ts'
import { sqliteOpener } from '../../ground/store/databases.fixture.ts'
import { createCallKeeper, describeCall, withoutSecrets } from './call-record.ts'

const openTestDatabase = sqliteOpener()

const trace: CallTrace = {
  request: { url: 'https://guard.example/', headers: { accept: 'application/json' }, body: { actionType: 'X' } },
  answer: { status: 200, headers: {}, body: { actionStatus: 'SUCCESS' } },
  attempts: [{ startedAt: 1000, durationMs: 12, status: 200 }],
  steps: [],
  durationMs: 12.6,
}
const facts = {
  id: 'call-1',
  tenantId: '-1234',
  action: { id: 'a', type: 'PRE_ISSUE_ACCESS_TOKEN' as const, name: 'Guard' },
  platform: { name: 'wso2-is-7.2' as const },
  startedAt: 1000,
}
const error = { code: 'deadline' as const, message: 'No answer within 5000 ms after 2 attempts.' }

const outcomes: { outcome: Outcome; reason: string; flowResult: string }[] = [
  {
    outcome: { status: 'skipped', why: 'Its rule does not hold.', trace },
    reason: 'Its rule does not hold.',
    flowResult: 'continued unmodified',
  },
  {
    outcome: {
      status: 'success',
      event: {},
      changes: { addedParameters: [], removedParameters: [] },
      operations: [
        { op: 'add', path: '/a', verdict: 'applied', reason: 'Scope added.' },
        { op: 'add', path: '/b', verdict: 'rejected', reason: 'Invalid index.' },
      ],
      trace,
    },
    reason: 'SUCCESS: 1 of 2 operations applied.',
    flowResult: 'continued',
  },
  {
    outcome: { status: 'failed', reason: 'access_denied', description: 'Not from there.', trace },
    reason: 'FAILED: access_denied: Not from there.',
    flowResult: 'denied',
  },
  {
    outcome: { status: 'failed', reason: 'access_denied', error, trace },
    reason: 'No answer within 5000 ms after 2 attempts.',
    flowResult: 'denied',
  },
  { outcome: { status: 'continued', error, trace }, reason: error.message, flowResult: 'continued unmodified' },
  { outcome: { status: 'error', error, trace }, reason: error.message, flowResult: 'refused with server_error' },
]

for (const { outcome, reason, flowResult } of outcomes) {
  test(`a call with the outcome ${outcome.status} has the reason: ${reason}`, () => {
    const record = describeCall(outcome, facts)
    assert.equal(record.status, outcome.status)
    assert.equal(record.reason, reason)
    assert.equal(record.flowResult, flowResult)
    assert.equal(record.durationMs, 13)
  })
}

test('a redirect where none is allowed is a server error for the flow', () => {
  const outcome: Outcome = { status: 'incomplete', redirectUrl: 'https://x.example/', operations: [], trace }
  assert.equal(describeCall(outcome, facts).flowResult, 'refused with server_error')
  const authentication = { ...facts, action: { ...facts.action, type: 'AUTHENTICATION' as const } }
  assert.equal(describeCall(outcome, authentication).flowResult, 'redirected')
})

test('the details contain the request, the answer, the attempts, the verdicts and the error', () => {
  const { details } = describeCall({ status: 'error', error, trace }, facts)
  assert.deepEqual(details, {
    platform: 'wso2-is-7.2',
    request: trace.request,
    answer: trace.answer,
    attempts: trace.attempts,
    steps: [],
    durationMs: 12.6,
    operations: [],
    error,
  })
})

test('a secret that was not redacted before is replaced because of its name or its form', () => {
  const shown = JSON.stringify(
    withoutSecrets({
      headers: { Authorization: 'Basic c2VjcmV0MQ==', 'X-API-Key': 'secret2', accept: 'application/json' },
      body: {
        client_secret: 'secret3',
        refresh_token: 'secret4',
        accessToken: { claims: [{ name: 'sub', value: 'alice' }] },
        additionalParams: [{ name: 'password', value: ['secret5'] }],
        updatingCredential: { type: 'PASSWORD', value: 'secret6' },
        note: 'sent with Bearer secret7.secret7 to https://x',
        inside: 'eyJhbGciOiJub25lIn0.secret8.secret8',
        pin_code_verifier: 5,
        signing: 'whsec_c2VjcmV0OQ==',
      },
    }),
  )
  assert.doesNotMatch(shown, /secret\d|c2VjcmV0/)
  assert.match(shown, /"accept":"application\/json"/)
  assert.match(shown, /\{"name":"sub","value":"alice"\}/)
  assert.match(shown, /sent with \[redacted\] to https:\/\/x/)
})

test('placeholders of the engine stay readable', () => {
  const event = { user: { updatingCredential: { format: '<string>', value: '<string>' } }, password: '<string>' }
  assert.deepEqual(withoutSecrets(event), event)
})

test('a large body is cut and its length recorded', () => {
  const answer = { status: 200, headers: {}, body: { text: 'x'.repeat(50_000) } }
  const { details } = describeCall({ status: 'error', error, trace: { ...trace, answer } }, facts) as {
    details: { answer: { body: { ofCharacters: number; text: string } } }
  }
  assert.equal(details.answer.body.ofCharacters, 50_011)
  assert.equal(details.answer.body.text.length, 32_768)
})

test('control characters in an extension’s message become spaces', () => {
  const outcome: Outcome = { status: 'failed', reason: 'no\u0000pe', description: 'a\r\nb', trace }
  assert.equal(describeCall(outcome, facts).reason, 'FAILED: no pe: a b')
})

test('records are stored, and each tenant with new ones is reported once', async () => {
  const db = await openTestDatabase()
  const keeper = createCallKeeper(db)
  const record = describeCall({ status: 'continued', error, trace }, facts)
  await Promise.all(['c1', 'c2'].map(id => keeper.keep({ ...record, id })))
  assert.deepEqual(await findCall(db, '-1234', 'c1'), { ...record, id: 'c1' })
  assert.deepEqual(keeper.takeRecorded(), ['-1234'])
  assert.deepEqual(keeper.takeRecorded(), [])
})
