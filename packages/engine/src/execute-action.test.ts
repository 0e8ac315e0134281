import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type ActionType, actionTypes, type Platform, platforms, type Rule } from '@preflow/contract'
import fc from 'fast-check'
import type { ActionCall } from './call.ts'
import {
  callTo,
  clientCredentialsEvent,
  errorOf,
  hurried,
  idTokenEvent,
  successOf,
  testPorts,
  userEvent,
} from './calls.fixture.ts'
import { executeAction } from './execute-action.ts'
import { type Reply, startExtension, startSocketServer } from './extension-under-test.fixture.ts'

const next = platforms['wso2-is-next']
const { preflow } = platforms

function ruleFor(grantType: string): Rule {
  return {
    condition: 'OR',
    rules: [{ condition: 'AND', expressions: [{ field: 'grantType', operator: 'equals', value: grantType }] }],
  }
}

test('an operation that was offered changes the event, and the original event is unchanged', async t => {
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
})

test('the event after the operations keeps what an older contract does not send', async t => {
  const { uri, calls } = await startExtension(t, { json: { actionStatus: 'SUCCESS' } })
  const call = callTo(uri, { event: userEvent, platform: platforms['wso2-is-7.0'] })
  const outcome = successOf(await executeAction(call, testPorts(t)))
  assert.equal('refreshToken' in (calls[0]?.body.event ?? {}), false)
  assert.deepEqual(outcome.event, userEvent)
})

test('E91: a SUCCESS with only operations that were not offered changes nothing', async t => {
  const { uri } = await startExtension(t, {
    json: {
      actionStatus: 'SUCCESS',
      operations: [
        { op: 'remove', path: '/accessToken/claims/sub' },
        { op: 'replace', path: '/accessToken/claims/iss', value: 'x' },
      ],
    },
  })
  const ports = testPorts(t)
  const outcome = successOf(await executeAction(callTo(uri), ports))
  assert.deepEqual(outcome.event, clientCredentialsEvent)
  assert.deepEqual(
    outcome.operations.map(({ verdict }) => verdict),
    ['not_allowed', 'not_allowed'],
  )
  const validated = ports.steps.find(({ actionId }) => actionId === 'validate-action-response')
  assert.equal(validated?.params?.['allowedOperations'], 'empty')
  assert.deepEqual(validated?.params?.['notAllowedOperations'], [
    'Operation: REMOVE Path: /accessToken/claims/sub',
    'Operation: REPLACE Path: /accessToken/claims/iss',
  ])
})

suite('FAILED', () => {
  const answer = (json: object): Reply => ({ json: { actionStatus: 'FAILED', ...json } })
  test('T202: denies with the message of the extension', async t => {
    const { uri } = await startExtension(t, answer({ failureReason: 'policy deny', failureDescription: 'Not today' }))
    const outcome = await executeAction(callTo(uri), testPorts(t))
    assert.equal(outcome.status, 'failed')
    assert.deepEqual([outcome.reason, outcome.description, outcome.error], ['policy deny', 'Not today', undefined])
  })
  test('T211 T212: denies without a description if there is none', async t => {
    const { uri } = await startExtension(t, answer({ failureReason: 'no' }))
    const outcome = await executeAction(callTo(uri), testPorts(t))
    assert.equal(outcome.status, 'failed')
    assert.equal('description' in outcome, false)
  })
  for (const reason of ['server_error', '500', 'Internal_Server_Error']) {
    for (const platform of [next, preflow]) {
      test(`E106 T209: with the reason ${reason} is an error on ${platform.name}`, async t => {
        const { uri } = await startExtension(t, answer({ failureReason: reason }))
        const ports = testPorts(t)
        const error = errorOf(await executeAction(callTo(uri, { platform }), ports))
        assert.match(error.message, /^FAILED status should not be used to process server errors\./)
        assert.ok(
          ports.steps.some(
            ({ resultMessage }) => resultMessage === 'Invalid value for failedReason attribute at FAILED state.',
          ),
        )
      })
    }
  }
  test('with such a reason is a denial if reasons are not OAuth errors', async t => {
    const { uri } = await startExtension(t, answer({ failureReason: 'server_error' }))
    const event = {
      initiatorType: 'USER',
      action: 'UPDATE',
      tenant: { id: '1', name: 't' },
      user: { updatingCredential: 'x' },
    }
    const call = callTo(uri, { action: { type: 'PRE_UPDATE_PASSWORD', version: 'v2' }, event })
    assert.equal((await executeAction(call, testPorts(t))).status, 'failed')
  })
})

suite('INCOMPLETE', () => {
  const redirect = { op: 'redirect', url: 'https://pin.test/enter?h=1' }
  const event = { tenant: { id: '1', name: 't' }, application: { id: 'a', name: 'A' }, currentStepIndex: 1 }
  const signIn = (uri: string, platform: Platform = next): ActionCall =>
    callTo(uri, { action: { type: 'AUTHENTICATION' }, event, flowId: 'f-1', platform })
  const answer = (...operations: unknown[]): Reply => ({ json: { actionStatus: 'INCOMPLETE', operations } })

  test('E78: redirects the browser to the URL of the extension', async t => {
    const { uri } = await startExtension(t, answer(redirect))
    const outcome = await executeAction(signIn(uri), testPorts(t))
    assert.equal(outcome.status, 'incomplete')
    assert.equal(outcome.redirectUrl, redirect.url)
  })
  for (const type of ['PRE_ISSUE_ACCESS_TOKEN', 'PRE_UPDATE_PROFILE'] as const) {
    test(`T206 E13: is not supported for ${type}`, async t => {
      const { uri } = await startExtension(t, answer(redirect))
      const error = errorOf(await executeAction(callTo(uri, { action: { type } }), testPorts(t)))
      assert.equal(error.message, `The INCOMPLETE status is not supported for the action type: ${type}`)
    })
  }
  const refusals: [what: string, operations: unknown[], says: RegExp, platform?: Platform][] = [
    ['without operations', [], /list of performable operations is empty/],
    ['with two redirects', [redirect, redirect], /must contain only one operation/],
    ['with another operation only', [{ op: 'add', path: '/x', value: 1 }], /list of performable operations is empty/],
    ['with a redirect to nowhere', [{ op: 'redirect' }], /url of the redirect is null or empty/],
    [
      'with a script for a url',
      [{ op: 'redirect', url: 'javascript:alert(1)' }],
      /not an absolute http or https URL/,
      preflow,
    ],
    ['with a path for a url', [{ op: 'redirect', url: '/enter' }], /not an absolute http or https URL/, preflow],
  ]
  for (const [what, operations, says, platform] of refusals) {
    test(`${what} is an error`, async t => {
      const { uri } = await startExtension(t, answer(...operations))
      assert.match(errorOf(await executeAction(signIn(uri, platform), testPorts(t))).message, says)
    })
  }
  test('goes anywhere on the reference', async t => {
    const { uri } = await startExtension(t, answer({ op: 'redirect', url: '/enter' }))
    assert.equal((await executeAction(signIn(uri), testPorts(t))).status, 'incomplete')
  })
  test('is not needed: SUCCESS has the user who signed in', async t => {
    const data = { user: { id: 'u-1', claims: [{ uri: 'urn:email', value: 'a@b.test' }] } }
    const { uri } = await startExtension(t, { json: { actionStatus: 'SUCCESS', data } })
    assert.deepEqual(successOf(await executeAction(signIn(uri), testPorts(t))).data, data)
  })
})

suite('an action is not called', () => {
  test('E3 T19: if its rule does not hold, and the record shows which expression decided', async t => {
    const { uri, calls } = await startExtension(t, {})
    const outcome = await executeAction(callTo(uri, { action: { rule: ruleFor('password') } }), testPorts(t))
    assert.equal(outcome.status, 'skipped')
    assert.equal(outcome.why, 'The rule does not hold: grantType equals password.')
    assert.deepEqual(outcome.trace.rule, { outcome: false, decidedBy: 'grantType equals password' })
    assert.equal(calls.length, 0)
  })
  test('E8: if its rule cannot be evaluated, and the flow fails', async t => {
    const { uri, calls } = await startExtension(t, {})
    const call = callTo(uri, { action: { rule: ruleFor('password') }, facts: {} })
    const error = errorOf(await executeAction(call, testPorts(t)))
    assert.equal(error.code, 'rule')
    assert.match(error.message, /^Error occurred while evaluating the rule for action: a-1/)
    assert.equal(calls.length, 0)
  })
  test('E11: if its version is retired, and the flow fails', async t => {
    const { uri, calls } = await startExtension(t, {})
    const platform: Platform = { ...preflow, retiredUpTo: { PRE_ISSUE_ACCESS_TOKEN: 'v1' } }
    const error = errorOf(await executeAction(callTo(uri, { platform }), testPorts(t)))
    assert.match(error.message, /^Action version is retired for action: a-1/)
    assert.equal(calls.length, 0)
  })
  test('E13: if its version does not have the event, without any step', async t => {
    const { uri, calls } = await startExtension(t, {})
    const call = callTo(uri, { action: { type: 'PRE_UPDATE_PASSWORD' }, event: { action: 'REGISTER' } })
    const ports = testPorts(t)
    assert.equal((await executeAction(call, ports)).status, 'skipped')
    assert.equal(calls.length, 0)
    assert.deepEqual(ports.steps, [])
  })
})

suite('a call without a decision', () => {
  const undecided: [what: string, reply: Reply, code: string][] = [
    ['a timeout', () => {}, 'deadline'],
    ['a 5xx', { status: 503 }, 'unreadable_answer'],
    ['an invalid answer', { text: 'no' }, 'unreadable_answer'],
    ['ERROR', { status: 500, json: { actionStatus: 'ERROR', errorMessage: 'down' } }, 'extension_error'],
  ]
  for (const [what, reply, code] of undecided) {
    test(`by ${what} is an error, a denial, or nothing, as the action configures`, async t => {
      const { uri } = await startExtension(t, reply)
      const ports = testPorts(t)
      const run = (onFailure?: 'error' | 'deny' | 'continue') =>
        executeAction(
          callTo(uri, { platform: hurried(preflow, { attempts: 1 }), action: onFailure ? { onFailure } : {} }),
          ports,
        )
      assert.equal(errorOf(await run()).code, code)
      assert.equal(errorOf(await run('error')).code, code)
      const denied = await run('deny')
      assert.equal(denied.status, 'failed')
      assert.equal(denied.error?.code, code)
      assert.equal(denied.reason, 'access_denied')
      const continued = await run('continue')
      assert.equal(continued.status, 'continued')
      assert.equal(continued.error.code, code)
    })
  }

  test('a client that makes its request too large is denied, even with “continue”', async t => {
    const { uri } = await startExtension(t, { status: 413, text: 'too large' })
    const padded = (length: number) =>
      callTo(uri, {
        platform: hurried(preflow, { attempts: 1 }),
        action: { onFailure: 'continue' },
        endpoint: { allowedParameters: ['pad'] },
        event: {
          ...clientCredentialsEvent,
          request: {
            ...clientCredentialsEvent.request,
            additionalParams: [{ name: 'pad', value: ['\u0001'.repeat(length)] }],
          },
        },
      })
    assert.equal((await executeAction(padded(1000), testPorts(t))).status, 'continued')
    const large = await executeAction(padded(20_000), testPorts(t))
    assert.equal(large.status, 'failed')
    assert.equal(large.error?.code, 'unexpected_status')
  })

  test('a decision of the extension is never overruled', async t => {
    const { uri } = await startExtension(t, { json: { actionStatus: 'FAILED', failureReason: 'no' } })
    assert.equal(
      (await executeAction(callTo(uri, { action: { onFailure: 'continue' } }), testPorts(t))).status,
      'failed',
    )
  })
})

test('an abort by the caller is the only rejection', async t => {
  const reason = new Error('the client disconnected')
  const controller = new AbortController()
  const { uri } = await startSocketServer(t, socket => socket.on('data', () => controller.abort(reason)))
  await assert.rejects(executeAction(callTo(uri, { signal: controller.signal }), testPorts(t)), reason)
})

test('an extension that drips its answer cannot hold a call beyond the deadlines of its attempts', async t => {
  const { uri, connections } = await startSocketServer(t, socket =>
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n')
      const timer = setInterval(() => socket.write(' '), 10)
      socket.on('close', () => clearInterval(timer))
    }),
  )
  const startedAt = Date.now()
  assert.equal(errorOf(await executeAction(callTo(uri, { platform: hurried(next) }), testPorts(t))).code, 'deadline')
  assert.equal(connections(), 2)
  // Two attempts of 150 ms. The margin is for a busy machine.
  assert.ok(Date.now() - startedAt < 2000)
})

test('for every answer of an extension there is an outcome, and it can be serialized', async t => {
  const events: Partial<Record<ActionType, object>> = {
    PRE_ISSUE_ACCESS_TOKEN: userEvent,
    PRE_ISSUE_ID_TOKEN: idTokenEvent,
  }
  const status = fc.constantFrom(200, 200, 200, 400, 401, 500, 503, 204, 999)
  const operation = fc.record(
    {
      op: fc.oneof(fc.constantFrom('add', 'remove', 'replace', 'redirect'), fc.jsonValue()),
      path: fc.oneof(
        fc.constantFrom('/accessToken/claims/-', '/accessToken/scopes/0', '/idToken/claims/aud/-'),
        fc.jsonValue(),
      ),
      value: fc.oneof(fc.record({ name: fc.string(), value: fc.jsonValue() }), fc.jsonValue()),
      url: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  const payload = fc.record(
    {
      actionStatus: fc.oneof(fc.constantFrom('SUCCESS', 'FAILED', 'ERROR', 'INCOMPLETE'), fc.jsonValue()),
      operations: fc.oneof(fc.array(operation), fc.jsonValue()),
      data: fc.jsonValue(),
      failureReason: fc.jsonValue(),
      failureDescription: fc.jsonValue(),
      errorMessage: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  const body = fc.oneof(
    payload.map(value => Buffer.from(JSON.stringify(value))),
    fc.json().map(text => Buffer.from(text)),
    fc.uint8Array(),
  )
  const contentType = fc.constantFrom('application/json', 'application/json', 'text/html')
  const ports = testPorts(t)
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.values(actionTypes)),
      fc.constantFrom(next, preflow),
      status,
      contentType,
      body,
      async ({ type, latestVersion: version }, platform, code, mediaType, bytes) => {
        const send = async () => ({
          ok: true as const,
          status: code,
          headers: { 'content-type': mediaType },
          body: bytes,
        })
        const event = events[type] ?? { action: 'UPDATE' }
        const call = callTo('http://extension.test/', { action: { type, version }, event, platform })
        const outcome = await executeAction(call, { ...ports, send })
        assert.ok(['success', 'failed', 'incomplete', 'error'].includes(outcome.status))
        assert.doesNotThrow(() => JSON.stringify(outcome))
      },
    ),
    { numRuns: 1000 },
  )
})

test('AZ-31: an answer with more operations than the server works on is invalid, and no operation is kept', async t => {
  const add = (scope: string) => ({ op: 'add', path: '/accessToken/scopes/-', value: scope })
  const operations = Array.from({ length: 12_000 }, (_, i) => add(`scope-${i}`))
  const { uri } = await startExtension(t, { json: { actionStatus: 'SUCCESS', operations } })
  const outcome = await executeAction(callTo(uri, { event: userEvent }), testPorts(t))
  assert.equal(errorOf(outcome).code, 'unreadable_answer')
  assert.match(errorOf(outcome).message, /has 12000 operations. Send at most 64/)
  assert.ok(JSON.stringify(outcome.trace).length < 10_000)
})

test('AZ-31: too large values and too many of them are verdicts, and the flow continues', async t => {
  const add = (path: string, value: unknown) => ({ op: 'add', path, value })
  const claim = (name: string, value: unknown) => add('/accessToken/claims/-', { name, value })
  const operations = [
    claim('long', 'x'.repeat(8200)),
    claim('list', Array.from({ length: 101 }, String)),
    claim('first', 'x'.repeat(8000)),
    claim('second', 'x'.repeat(8000)),
    claim('third', 'x'),
  ]
  const { uri } = await startExtension(t, { json: { actionStatus: 'SUCCESS', operations } })
  const outcome = successOf(await executeAction(callTo(uri, { event: userEvent }), testPorts(t)))
  assert.deepEqual(
    outcome.operations.map(({ reason }) => reason),
    [
      'The value is longer than 8192 bytes.',
      'There may be at most 100 of them.',
      'Claim added.',
      'The answer adds more than 12288 bytes.',
      'Claim added.',
    ],
  )
})

test('AZ-31: an answer fills a token with no more than a hundred scopes', async t => {
  const scopes = Array.from({ length: 98 }, (_, i) => `held-${i}`)
  const event = { ...userEvent, accessToken: { ...userEvent.accessToken, scopes } }
  const operations = [1, 2, 3].map(i => ({ op: 'add', path: '/accessToken/scopes/-', value: `new-${i}` }))
  const { uri } = await startExtension(t, { json: { actionStatus: 'SUCCESS', operations } })
  const outcome = successOf(await executeAction(callTo(uri, { event }), testPorts(t)))
  assert.deepEqual(
    outcome.operations.map(({ verdict }) => verdict),
    ['applied', 'applied', 'rejected'],
  )
})
