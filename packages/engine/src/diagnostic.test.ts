import assert from 'node:assert/strict'
import { test } from 'node:test'
import { platforms, type Rule } from '@preflow/contract'
import { callTo, executeAction, hurried, testPorts, userEvent } from './calls.fixture.ts'
import { type Reply, startExtension } from './extension-under-test.fixture.ts'

const X = 'Pre Issue Access Token'
const next = platforms['wso2-is-next']
const rule: Rule = {
  condition: 'OR',
  rules: [{ condition: 'AND', expressions: [{ field: 'grantType', operator: 'equals', value: 'client_credentials' }] }],
}

const rows: [
  what: string,
  replies: Reply[],
  steps: (uri: string) => [actionId: string, status: string, message: string][],
][] = [
  [
    'a SUCCESS',
    [{ json: { actionStatus: 'SUCCESS' } }],
    uri => [
      [
        'receive-action-response',
        'SUCCESS',
        `Received success response from external endpoint ${uri} for ${X} action.`,
      ],
      ['validate-action-response', 'SUCCESS', `Validated operations to perform on ${X} action.`],
      ['process-action-response', 'SUCCESS', `Allowed operations are executed for ${X} action.`],
    ],
  ],
  [
    'a FAILED',
    [{ json: { actionStatus: 'FAILED', failureReason: 'no' } }],
    uri => [
      ['receive-action-response', 'FAILED', `Received failure response from external endpoint ${uri} for ${X} action.`],
    ],
  ],
  [
    'an ERROR',
    [{ status: 400, json: { actionStatus: 'ERROR', errorMessage: 'down' } }],
    uri => [
      ['receive-action-response', 'FAILED', `Received error response from external endpoint ${uri} for ${X} action.`],
      ['execute-action', 'FAILED', `Failed to execute ${X} action. The extension answered ERROR: down. See its log.`],
    ],
  ],
  [
    'an endpoint that is unavailable twice',
    [{ status: 503, text: '', headers: {} }],
    uri => [
      [
        'send-action-request',
        'SUCCESS',
        `External endpoint ${uri} for action execution seems to be unavailable. Retrying API call attempt 1 of 1.`,
      ],
      [
        'send-action-request',
        'SUCCESS',
        `External endpoint ${uri} for action execution seems to be unavailable. Maximum retry attempts reached.`,
      ],
      [
        'receive-action-response',
        'FAILED',
        `Failed to call external endpoint for ${X} action. Failed to execute the action request. Received status code: 503.`,
      ],
      [
        'execute-action',
        'FAILED',
        `Failed to execute ${X} action. The extension answered with status 503 and content type none. Send application/json with an ERROR payload.`,
      ],
    ],
  ],
  [
    'an endpoint that breaks connections',
    [response => response.socket?.resetAndDestroy()],
    uri => [
      ['send-action-request', 'FAILED', `Request for external endpoint ${uri} for action failed due to an error.`],
      ['send-action-request', 'FAILED', `Request for external endpoint ${uri} for action failed due to an error.`],
      [
        'receive-action-response',
        'FAILED',
        `Failed to call external endpoint for ${X} action. Failed to execute the action request or maximum retry attempts reached.`,
      ],
      [
        'execute-action',
        'FAILED',
        `Failed to execute ${X} action. The connection broke before the answer was complete. Check whether the extension crashed or restarted.`,
      ],
    ],
  ],
]

for (const [what, replies, steps] of rows) {
  test(`the steps of ${what}, in their order`, async t => {
    const { uri } = await startExtension(t, ...replies)
    const ports = testPorts(t)
    const outcome = await executeAction(callTo(uri, { platform: hurried(next) }), ports)
    assert.deepEqual(
      ports.steps.map(({ actionId, resultStatus, resultMessage }) => [actionId, resultStatus, resultMessage]),
      [
        ['execute-action', 'SUCCESS', `${X} action execution is initiated.`],
        ['evaluate-rule', 'SUCCESS', `No rule configured for action ${X}. Proceed executing the action.`],
        ['execute-action', 'SUCCESS', `${X} action execution started.`],
        ['process-action-request', 'SUCCESS', `Call external service endpoint ${uri} for ${X} action.`],
        ...steps(uri),
      ],
    )
    assert.deepEqual(outcome.trace.steps, ports.steps)
  })
}

test('E14: the rule is a step, whether it holds or not', async t => {
  const { uri } = await startExtension(t, {})
  const ruleStep = async (facts: Record<string, string>) => {
    const ports = testPorts(t)
    await executeAction(callTo(uri, { action: { rule }, facts }), ports)
    return ports.steps.find(({ actionId }) => actionId === 'evaluate-rule')?.resultMessage
  }
  assert.equal(await ruleStep({ grantType: 'client_credentials' }), `Rule of ${X} action evaluated to true`)
  assert.equal(await ruleStep({ grantType: 'password' }), `Rule of ${X} action evaluated to false`)
})

test('the result of each operation is a step, without its value', async t => {
  const { uri } = await startExtension(t, {
    json: {
      actionStatus: 'SUCCESS',
      operations: [
        { op: 'add', path: '/accessToken/scopes/-', value: 'openid' },
        { op: 'replace', path: '/accessToken/claims/given_name', value: 'Secretname' },
        { op: 'remove', path: '/accessToken/claims/sub' },
      ],
    },
  })
  const ports = testPorts(t)
  await executeAction(callTo(uri, { event: userEvent }), ports)
  assert.deepEqual(ports.steps.at(-1)?.params, {
    executedOperations: [
      { operation: 'ADD path: /accessToken/scopes/-', status: 'FAILURE', message: 'Scope exists or is invalid.' },
      { operation: 'REPLACE path: /accessToken/claims/given_name', status: 'SUCCESS', message: 'Claim replaced.' },
    ],
  })
  assert.doesNotMatch(JSON.stringify(ports.steps), /Secretname|Mira/)
})

test('steps contain the action and its endpoint, and no credential', async t => {
  const { uri } = await startExtension(t, {})
  const ports = testPorts(t)
  const authentication = { type: 'BASIC' as const, properties: { username: 'robot', password: 'p4ss' } }
  await executeAction(callTo(`${uri}?code=k3y`, { endpoint: { authentication } }), ports)
  assert.deepEqual(ports.steps.find(({ actionId }) => actionId === 'process-action-request')?.params, {
    resourceId: 'a-1',
    actionType: X,
    actionEndpoint: `${uri}?<query>`,
    actionEndpointAuthenticationType: 'BASIC',
  })
  assert.doesNotMatch(JSON.stringify(ports.steps), /robot|p4ss|k3y/)
})
