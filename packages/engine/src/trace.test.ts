import assert from 'node:assert/strict'
import { test } from 'node:test'
import { platforms } from '@preflow/contract'
import { callTo, executeAction, hurried, testPorts, userEvent } from './calls.fixture.ts'
import { startExtension } from './extension-under-test.fixture.ts'

const shown = (value: unknown) => JSON.parse(JSON.stringify(value))

test('a trace records what happened and hides values: credentials, forwarded headers, claims', async t => {
  const { uri } = await startExtension(t, {
    headers: { 'content-type': 'application/json', 'set-cookie': 'session=s3cret' },
    json: {
      actionStatus: 'SUCCESS',
      operations: [
        { op: 'add', path: '/accessToken/scopes/-', value: 'billing.read' },
        { op: 'add', path: '/accessToken/claims/-', value: { name: 'tier', value: 'gold' } },
        { op: 'replace', path: '/accessToken/claims/given_name', value: 'Ann' },
      ],
    },
  })
  const event = {
    ...userEvent,
    request: { ...userEvent.request, additionalHeaders: [{ name: 'X-Client-Ip', value: ['203.0.113.9'] }] },
  }
  const authentication = { type: 'API_KEY' as const, properties: { header: 'X-Key', value: 'k3y' } }
  const { trace } = await executeAction(
    callTo(`${uri}?code=c0de`, { event, endpoint: { authentication } }),
    testPorts(t),
  )

  assert.equal(trace.request?.url, `${uri}?<query>`)
  assert.deepEqual(trace.request?.headers, {
    'x-key': '<redacted>',
    accept: 'application/json',
    'content-type': 'application/json',
    'x-wso2-api-version': 'v1',
  })
  const body = shown(trace.request?.body)
  assert.equal(body.requestId, 'rq-1')
  assert.deepEqual(body.event.request.additionalHeaders, [{ name: 'x-client-ip', value: ['<string>'] }])
  assert.deepEqual(body.event.session, { sessionDataKeyConsent: '<string>' })
  assert.deepEqual(body.event.accessToken.claims.slice(3), [
    { name: 'expires_in', value: 1800 },
    { name: 'aud', value: ['web1', 'https://api.shop.test'] },
    { name: 'sub', value: '<string>' },
    { name: 'given_name', value: '<string>' },
    { name: 'age', value: '<number>' },
    { name: 'groups', value: ['<string>', '<string>'] },
  ])
  assert.equal(trace.answer?.headers['set-cookie'], '<redacted>')
  assert.deepEqual(shown(trace.answer?.body), {
    actionStatus: 'SUCCESS',
    operations: [
      { op: 'add', path: '/accessToken/scopes/-', value: 'billing.read' },
      { op: 'add', path: '/accessToken/claims/-', value: { name: 'tier', value: '<string>' } },
      { op: 'replace', path: '/accessToken/claims/given_name', value: '<string>' },
    ],
  })
  assert.deepEqual(
    trace.attempts.map(({ status }) => status),
    [200],
  )
  assert.ok(trace.durationMs >= 0)
  assert.doesNotMatch(JSON.stringify(trace), /k3y|c0de|s3cret|203\.0\.113|Mira|Ann|gold|k-1/)
})

test('a password is never in a trace, plain or encrypted', async t => {
  const { uri } = await startExtension(t, {})
  for (const updatingCredential of [
    { type: 'PASSWORD', format: 'PLAIN_TEXT', value: 'Blue-Heron_42!' },
    'eyJh.b.c.d.e',
  ]) {
    const event = {
      initiatorType: 'ADMIN',
      action: 'UPDATE',
      tenant: { id: '1', name: 't' },
      user: { id: 'u', updatingCredential, claims: [{ uri: 'urn:email', value: 'ines@heron.example' }] },
    }
    const call = callTo(uri, { action: { type: 'PRE_UPDATE_PASSWORD', version: 'v2' }, event })
    const { trace } = await executeAction(call, testPorts(t))
    assert.doesNotMatch(JSON.stringify(trace), /Heron|eyJh|ines@/)
    assert.match(JSON.stringify(trace), /"urn:email"/)
  }
})

test('an answer that is not JSON is described, not shown', async t => {
  const { uri } = await startExtension(t, {
    text: '<html>Authorization: Basic c2VjcmV0</html>',
    headers: { 'content-type': 'text/html' },
  })
  const { trace } = await executeAction(callTo(uri), testPorts(t))
  assert.equal(trace.answer?.body, '<text/html, 42 bytes>')
})

test('members of an answer that the contract does not have, and user data, are hidden', async t => {
  const event = { tenant: { id: '1', name: 't' }, application: { id: 'a', name: 'A' }, currentStepIndex: 1 }
  const { uri } = await startExtension(t, {
    json: {
      actionStatus: 'SUCCESS',
      data: { user: { id: 'ines' } },
      debug: ['pin 1234'],
      operations: [{ op: 'redirect', url: 'https://pin.test/enter?h=s3cret' }],
    },
  })
  const { trace } = await executeAction(
    callTo(uri, { action: { type: 'AUTHENTICATION' }, event, flowId: 'f-1' }),
    testPorts(t),
  )
  assert.deepEqual(shown(trace.answer?.body), {
    actionStatus: 'SUCCESS',
    data: { user: { id: '<string>' } },
    debug: ['<string>'],
    operations: [{ op: 'redirect', url: 'https://pin.test/enter?<query>' }],
  })
})

test('each attempt is recorded with its answer or its failure', async t => {
  const { uri } = await startExtension(t, { status: 503, text: '', headers: {} }, () => {})
  const platform = hurried(platforms.preflow)
  const { trace } = await executeAction(callTo(uri, { platform }), testPorts(t))
  assert.deepEqual(
    trace.attempts.map(({ status, failure }) => [status, failure?.code]),
    [
      [503, 'unexpected_status'],
      [undefined, 'deadline'],
    ],
  )
})

test('what was not sent is not in the trace', async t => {
  const { preflow } = platforms
  const { trace } = await executeAction(
    callTo('http://127.0.0.1:1/', {
      facts: {},
      platform: { ...preflow, revisions: { ...preflow.revisions, PRE_ISSUE_ACCESS_TOKEN: 'absent' } },
    }),
    testPorts(t),
  )
  assert.equal(trace.request, undefined)
  assert.deepEqual(trace.attempts, [])
})
