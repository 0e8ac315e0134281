import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lambdaHandler } from '@preflow/extension/lambda'
import { serve } from '@preflow/extension/node'
import { readService } from '@preflow/extension/service'
import { call, sampleRequest } from '@preflow/extension/testing'
import type { Configuration } from './configuration.ts'
import { createScopeLimiter } from './scope-limiter.ts'
import { scopeLimiter } from './service.ts'

const key = 'k'.repeat(20)
const headers = { 'x-api-key': key }

function configuration(settings: object): Configuration {
  const read = readService(scopeLimiter, {
    environment: {},
    file: { caller: 'api-key', callerSecrets: [key], ...settings },
  })
  assert.ok(read.ok, JSON.stringify(read))
  return read.configuration
}

const allowedOperations = [{ op: 'remove' as const, paths: ['/accessToken/scopes/'] }]

function tokenRequest({
  clientId = 'm2m1',
  grantType = 'client_credentials',
  scopes,
  offered = allowedOperations,
}: {
  clientId?: string
  grantType?: string
  scopes?: string[] | undefined
  offered?: typeof allowedOperations
}) {
  return sampleRequest('PRE_ISSUE_ACCESS_TOKEN', {
    event: { request: { clientId, grantType }, accessToken: { scopes } },
    allowedOperations: offered,
  })
}

const metrics = { allowedScopes: ['read:metrics'] }
async function answerTo(settings: object, request: Parameters<typeof tokenRequest>[0]) {
  const { status, answer } = await call(createScopeLimiter(configuration(settings)), tokenRequest(request), { headers })
  assert.equal(status, 200)
  return answer
}
/** The remaining scopes after the platform has applied the answer. Indices refer to the list as it was sent. */
async function left(settings: object, request: Parameters<typeof tokenRequest>[0]): Promise<string[]> {
  const answer = await answerTo(settings, request)
  assert.equal(answer.actionStatus, 'SUCCESS')
  const removed = (answer.actionStatus === 'SUCCESS' ? (answer.operations ?? []) : []).map(({ op, path }) => {
    assert.equal(op, 'remove')
    return Number(/^\/accessToken\/scopes\/(\d+)$/.exec(path ?? '')?.[1])
  })
  return (request.scopes ?? []).filter((_, index) => !removed.includes(index))
}

test('T240: for client credentials only the allowed scope remains; others are removed by their index in the request', async () => {
  assert.deepEqual(await answerTo(metrics, { scopes: ['a', 'read:metrics', 'b'] }), {
    actionStatus: 'SUCCESS',
    operations: [
      { op: 'remove', path: '/accessToken/scopes/0' },
      { op: 'remove', path: '/accessToken/scopes/2' },
    ],
  })
})

test('T241: other grants are not limited', async () => {
  for (const grantType of [
    'authorization_code',
    'refresh_token',
    'password',
    'urn:ietf:params:oauth:grant-type:device_code',
    '',
  ]) {
    assert.deepEqual(await answerTo(metrics, { grantType, scopes: ['a', 'read:metrics', 'b'] }), {
      actionStatus: 'SUCCESS',
    })
  }
})

test('T241: other grants are limited if configured', async () => {
  const settings = { ...metrics, grantTypes: ['client_credentials', 'password'] }
  assert.deepEqual(await left(settings, { grantType: 'password', scopes: ['a', 'read:metrics'] }), ['read:metrics'])
})

test('8.3: a token without scopes is no error', async () => {
  assert.deepEqual(await answerTo(metrics, { scopes: undefined }), { actionStatus: 'SUCCESS' })
  assert.deepEqual(await answerTo(metrics, { scopes: [] }), { actionStatus: 'SUCCESS' })
})

test('nothing is sent if all scopes are allowed, and none is ever added', async () => {
  assert.deepEqual(await answerTo(metrics, { scopes: ['read:metrics'] }), { actionStatus: 'SUCCESS' })
  assert.deepEqual(
    await left({ allowedScopes: ['read:metrics', 'write:metrics'] }, { scopes: ['read:metrics', 'x'] }),
    ['read:metrics'],
  )
})

test('scopes are case-sensitive', async () => {
  assert.deepEqual(await left(metrics, { scopes: ['READ:METRICS', 'read:metrics:all', 'read:metrics'] }), [
    'read:metrics',
  ])
})

test('clients have their own limits, by id or pattern; the first one that matches is used', async () => {
  const settings = {
    ...metrics,
    limits: [
      { clients: ['billing-*-prod', 'ledger'], scopes: ['invoices:read'] },
      { clients: ['billing-*'], scopes: [] },
      { clients: ['*bot*x*'], scopes: ['b'] },
    ],
  }
  const scopes = ['invoices:read', 'read:metrics', 'b']
  const leftOf = (clientId: string) => left(settings, { clientId, scopes })
  assert.deepEqual(await leftOf('billing-eu-prod'), ['invoices:read'])
  assert.deepEqual(await leftOf('billing--prod'), ['invoices:read'])
  assert.deepEqual(await leftOf('ledger'), ['invoices:read'])
  assert.deepEqual(await leftOf('billing-prod'), [], 'the first pattern needs two hyphens')
  assert.deepEqual(await leftOf('billing-eu'), [])
  assert.deepEqual(await leftOf('my-bot-7x'), ['b'])
  assert.deepEqual(await leftOf('botx'), ['b'])
  assert.deepEqual(await leftOf('my-bot-7'), ['read:metrics'])
  assert.deepEqual(await leftOf('ledger2'), ['read:metrics'])
})

test('a limit may apply to one grant only; without a limit nothing changes', async () => {
  const settings = { limits: [{ clients: ['web1'], grantTypes: ['refresh_token'], scopes: ['openid'] }] }
  const scopes = ['openid', 'orders']
  assert.deepEqual(await left(settings, { clientId: 'web1', grantType: 'refresh_token', scopes }), ['openid'])
  assert.deepEqual(await left(settings, { clientId: 'web1', grantType: 'client_credentials', scopes }), scopes)
  assert.deepEqual(await left(settings, { clientId: 'web2', grantType: 'refresh_token', scopes }), scopes)
})

test('a pattern that is slow elsewhere takes no longer than reading the client id', async () => {
  const clientId = 'a'.repeat(10_000)
  const settings = { limits: [{ clients: [`${'*a'.repeat(40)}*b`], scopes: [] }] }
  assert.deepEqual(await left(settings, { clientId, scopes: ['x'] }), ['x'])
})

test('if no scope remains, a setting decides', async () => {
  assert.deepEqual(await left(metrics, { scopes: ['a'] }), [])
  const answer = await answerTo({ ...metrics, noneLeft: 'deny' }, { scopes: ['a'] })
  assert.equal(answer.actionStatus === 'FAILED' && answer.failureReason, 'invalid_scope')
})

test('if the platform does not offer to remove scopes, the token is denied unless a setting allows it', async () => {
  const answer = await answerTo(metrics, { scopes: ['a', 'read:metrics'], offered: [] })
  assert.equal(answer.actionStatus === 'FAILED' && answer.failureReason, 'access_denied')
  assert.deepEqual(await answerTo({ ...metrics, notOffered: 'allow' }, { scopes: ['a'], offered: [] }), {
    actionStatus: 'SUCCESS',
  })
})

test('8.3: another action type gets an error that names it, not a refusal of the client', async () => {
  const extension = createScopeLimiter(configuration(metrics))
  const { status, answer } = await call(extension, sampleRequest('PRE_UPDATE_PROFILE'), { headers })
  assert.deepEqual([status, answer.actionStatus], [400, 'ERROR'])
  assert.equal((await call(extension, tokenRequest({}))).status, 401)
})

test('the same answer comes over HTTP and from a Lambda function', async () => {
  const extension = createScopeLimiter(configuration(metrics))
  const body = JSON.stringify(tokenRequest({ scopes: ['a', 'read:metrics'] }))
  const sent = { ...headers, 'content-type': 'application/json' }
  const server = await serve(extension, { log: false })
  const overHttp = await (await fetch(`${server.url}/limit`, { method: 'POST', headers: sent, body })).json()
  await server.close()
  const fromLambda = await lambdaHandler(extension)({
    requestContext: { http: { method: 'POST' } },
    headers: sent,
    body: btoa(body),
    isBase64Encoded: true,
  })
  assert.deepEqual(overHttp, {
    actionStatus: 'SUCCESS',
    operations: [{ op: 'remove', path: '/accessToken/scopes/0' }],
  })
  assert.deepEqual(JSON.parse(fromLambda.body), overHttp)
})

test('a configuration that limits nothing, or is misspelt, is rejected with what to change', () => {
  const problemsOf = (environment: Record<string, string>) => {
    const read = readService(scopeLimiter, { environment: { SCOPE_LIMITER_CALLER: 'none', ...environment } })
    return read.ok ? '' : read.problems.join('\n')
  }
  assert.match(problemsOf({}), /^SCOPE_LIMITER_ALLOWED_SCOPES: missing\. Set the scopes that remain/)
  assert.equal(problemsOf({ SCOPE_LIMITER_ALLOWED_SCOPES: 'read:metrics, write:metrics' }), '')
  assert.match(
    problemsOf({ SCOPE_LIMITER_LIMITS: '[{"client":["a"],"scopes":[]}]' }),
    /^SCOPE_LIMITER_LIMITS: 0: .*client/,
  )
  assert.match(problemsOf({ SCOPE_LIMITER_LIMITS: '[{"clients":["a"]}]' }), /^SCOPE_LIMITER_LIMITS: 0\.scopes: /)
})
