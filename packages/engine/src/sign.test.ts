import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Webhook } from 'standardwebhooks'
import { callTo, executeAction, testPorts } from './calls.fixture.ts'
import { startExtension } from './extension-under-test.fixture.ts'
import { sign } from './sign.ts'

const secret = (fill: string) => `whsec_${Buffer.alloc(32, fill).toString('base64')}`

test('an extension can verify the body as it arrived, with either of two keys', async t => {
  const { uri, calls } = await startExtension(t, {})
  const signingSecrets = [secret('new'), secret('old')]
  await executeAction(callTo(uri, { endpoint: { signingSecrets } }), testPorts(t))
  const [call] = calls
  assert.ok(call)
  for (const key of signingSecrets) {
    assert.doesNotThrow(() => new Webhook(key).verify(call.text, call.headers as Record<string, string>))
  }
  assert.throws(() => new Webhook(secret('other')).verify(call.text, call.headers as Record<string, string>))
  assert.throws(() => new Webhook(secret('new')).verify(`${call.text} `, call.headers as Record<string, string>))
  assert.equal(call.headers['webhook-id'], 'rq-1-a-1')
})

test('a request that is sent again has the same id, so that an extension can detect it', async t => {
  const { uri, calls } = await startExtension(t, { status: 503 }, {})
  await executeAction(callTo(uri, { endpoint: { signingSecrets: [secret('a')] } }), testPorts(t))
  assert.equal(calls.length, 2)
  assert.equal(calls[0]?.headers['webhook-id'], calls[1]?.headers['webhook-id'])
})

test('without a secret nothing is signed', () => {
  assert.deepEqual(sign([], 'id', 0, '{}'), { ok: true, value: {} })
})

test('an id avoids characters that the scheme reserves', () => {
  const signed = sign([secret('a')], 'a.b c', 1_700_000_000_000, '{}')
  assert.ok(signed.ok)
  assert.equal(signed.value['webhook-id'], 'a_b_c')
  assert.equal(signed.value['webhook-timestamp'], '1700000000')
})

test('an invalid secret is reported without quoting it', () => {
  const signed = sign(['whsec_%%%'], 'id', 0, '{}')
  assert.ok(!signed.ok)
  assert.equal(signed.error.code, 'misconfigured')
  assert.doesNotMatch(signed.error.message, /%/)
})
