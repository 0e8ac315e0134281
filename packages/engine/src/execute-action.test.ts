import assert from 'node:assert/strict'
import { test } from 'node:test'
import { platforms } from '@preflow/contract'
import { callTo, errorOf, successOf, testPorts, userEvent } from './calls.cases.ts'
import { executeAction } from './execute-action.ts'
import { startExtension } from './extension-under-test.cases.ts'

test('an operation that was offered changes the event, and the event that came in stays as it was', async t => {
  const { uri, calls } = await startExtension(t, {
    json: {
      actionStatus: 'SUCCESS',
      operations: [{ op: 'add', path: '/accessToken/scopes/-', value: 'billing.read' }],
    },
  })
  const before = structuredClone(userEvent)
  const outcome = successOf(await executeAction(callTo(uri, { event: userEvent }), testPorts(t)))
  assert.deepEqual((outcome.event as typeof userEvent).accessToken.scopes, [
    'cart.read',
    'openid',
    'orders.write',
    'billing.read',
  ])
  assert.deepEqual(outcome.operations, [
    { op: 'add', path: '/accessToken/scopes/-', verdict: 'applied', reason: 'Scope added.' },
  ])
  assert.deepEqual(userEvent, before)
  assert.equal(calls.length, 1)
  assert.deepEqual(Object.keys(calls[0]?.body), ['actionType', 'event', 'allowedOperations', 'requestId'])
})

test('FAILED denies with the words of the extension', async t => {
  const { uri } = await startExtension(t, {
    json: { actionStatus: 'FAILED', failureReason: 'policy deny', failureDescription: 'Not today' },
  })
  const outcome = await executeAction(callTo(uri), testPorts(t))
  assert.equal(outcome.status, 'failed')
  assert.deepEqual([outcome.reason, outcome.description], ['policy deny', 'Not today'])
})

test('ERROR is an error whose words stay with the operator', async t => {
  const { uri } = await startExtension(t, {
    status: 500,
    json: { actionStatus: 'ERROR', errorMessage: 'database down' },
  })
  const error = errorOf(await executeAction(callTo(uri, { platform: platforms['wso2-is-next'] }), testPorts(t)))
  assert.equal(error.code, 'extension_error')
  assert.match(error.message, /database down/)
})
