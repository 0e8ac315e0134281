import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allow, defineExtension, deny } from '@preflow/extension'
import { type LambdaHttpEvent, lambdaHandler } from '@preflow/extension/lambda'
import { sampleRequest } from '@preflow/extension/testing'

const key = 'key-of-the-platform'
const extension = defineExtension(
  {
    preIssueAccessToken: (event, context) =>
      event.request.grantType === 'password'
        ? deny('access_denied', 'No passwords.')
        : allow([], { why: String(context.remainingMs() <= 350) }),
  },
  { caller: { type: 'apiKey', header: 'x-api-key', keys: [key] }, maxBodyBytes: 8192 },
)
const handler = lambdaHandler(extension)
const body = JSON.stringify(sampleRequest('PRE_ISSUE_ACCESS_TOKEN', { event: { tenant: { name: 'Zürich' } } }))
const headers = { 'Content-Type': 'application/json', 'X-Api-Key': key }
const multiValueHeaders = { 'content-type': ['application/json'], 'x-api-key': [key] }

const shapes: Record<string, LambdaHttpEvent> = {
  'function URL and HTTP API, version 2': {
    version: '2.0',
    requestContext: { http: { method: 'POST' } },
    headers,
    body,
  },
  'REST API, version 1': { httpMethod: 'POST', headers, multiValueHeaders, body, requestContext: {} },
  'load balancer': { httpMethod: 'POST', headers, body, requestContext: { elb: {} } },
  'load balancer with multi-value headers': {
    httpMethod: 'POST',
    multiValueHeaders,
    body,
    requestContext: { elb: {} },
  },
}

for (const [name, event] of Object.entries(shapes)) {
  test(`${name}: the extension answers, plain or base64`, async () => {
    for (const sent of [
      event,
      { ...event, isBase64Encoded: true, body: Buffer.from(body, 'utf8').toString('base64') },
    ]) {
      const result = await handler(sent)
      assert.equal(result.statusCode, 200)
      assert.deepEqual(JSON.parse(result.body), { actionStatus: 'SUCCESS' })
      assert.equal(result.isBase64Encoded, false)
      const types = result.multiValueHeaders?.['content-type'] ?? [result.headers?.['content-type']]
      assert.deepEqual(types, ['application/json'])
    }
  })

  test(`${name}: unknown callers, wrong methods, empty and large bodies are rejected`, async () => {
    const stranger = { ...event, headers: { 'content-type': 'application/json' }, multiValueHeaders: null }
    assert.equal((await handler(stranger)).statusCode, 401)
    const get = event.version
      ? { ...event, requestContext: { http: { method: 'GET' } } }
      : { ...event, httpMethod: 'GET' }
    assert.equal((await handler(get)).statusCode, 405)
    assert.equal((await handler({ ...event, body: null })).statusCode, 400)
    assert.equal((await handler({ ...event, body: ' '.repeat(9000) })).statusCode, 413)
  })
}

test('a load balancer gets a reason phrase', async () => {
  const event = shapes['load balancer'] as LambdaHttpEvent
  assert.equal((await handler(event)).statusDescription, '200 OK')
  assert.equal((await handler({ ...event, httpMethod: 'GET' })).statusDescription, '405 Method Not Allowed')
})

test('the budget ends before the time of the function does', async () => {
  const slow = lambdaHandler(
    defineExtension({ preIssueAccessToken: () => new Promise(() => {}) }, { caller: { type: 'none' } }),
  )
  const startedAt = performance.now()
  const result = await slow(shapes['load balancer'] as LambdaHttpEvent, { getRemainingTimeInMillis: () => 200 })
  assert.equal(result.statusCode, 500)
  assert.ok(performance.now() - startedAt < 200)
})

test('an event that is not an HTTP request is rejected with what to do', async () => {
  await assert.rejects(handler({ Records: [] } as LambdaHttpEvent), /Put the function behind a function URL/)
})
