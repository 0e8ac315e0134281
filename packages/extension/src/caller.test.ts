import assert from 'node:assert/strict'
import { test } from 'node:test'
import { call, sampleRequest } from '@preflow/extension/testing'
import { Webhook } from 'standardwebhooks'
import { allow, type CallerAuthentication, type DecisionRecord, defineExtension } from './index.ts'

const request = sampleRequest('PRE_ISSUE_ACCESS_TOKEN')
const now = Date.UTC(2026, 10, 21, 12)

function extensionFor(caller: CallerAuthentication, records: DecisionRecord[] = []) {
  return defineExtension(
    { preIssueAccessToken: () => allow() },
    { caller, now: () => now, log: record => records.push(record) },
  )
}

async function statusOf(caller: CallerAuthentication, headers: Record<string, string>, body: unknown = request) {
  return (await call(extensionFor(caller), body, { headers })).status
}

const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })

test('basic: only the right pair is accepted, with UTF-8 and colons in the password', async () => {
  const caller: CallerAuthentication = {
    type: 'basic',
    credentials: [
      { username: 'idp', password: 'pä:ss' },
      { username: 'idp', password: 'older' },
    ],
  }
  assert.equal(await statusOf(caller, basic('idp:pä:ss')), 200)
  assert.equal(await statusOf(caller, basic('idp:older')), 200)
  assert.equal(
    await statusOf(caller, { authorization: basic('idp:older').authorization.replace('Basic', 'bAsIc') }),
    200,
  )
  for (const wrong of ['idp:pä:s', 'idp:', ':', 'idpp:pä:ss', 'older']) {
    assert.equal(await statusOf(caller, basic(wrong)), 401)
  }
  assert.equal(await statusOf(caller, {}), 401)
  assert.equal(await statusOf(caller, { authorization: 'Bearer older' }), 401)
})

test('bearer: any of the listed tokens is accepted', async () => {
  const caller: CallerAuthentication = { type: 'bearer', tokens: ['new-token', 'old-token'] }
  assert.equal(await statusOf(caller, { authorization: 'Bearer new-token' }), 200)
  assert.equal(await statusOf(caller, { authorization: 'Bearer old-token' }), 200)
  for (const wrong of ['Bearer new-toke', 'Bearer new-tokenn', 'Bearer ', 'Bearer', 'new-token', 'Basic new-token']) {
    assert.equal(await statusOf(caller, { authorization: wrong }), 401)
  }
})

test('API key: the header is found in any case', async () => {
  const caller: CallerAuthentication = { type: 'apiKey', header: 'X-Api-Key', keys: ['key-1', 'key-2'] }
  assert.equal(await statusOf(caller, { 'x-api-key': 'key-1' }), 200)
  assert.equal(await statusOf(caller, { 'X-API-KEY': 'key-2' }), 200)
  for (const headers of [{}, { 'x-api-key': '' }, { 'x-api-key': 'key-3' }, { 'x-api-key': 'key-1key-1' }]) {
    assert.equal(await statusOf(caller, headers as Record<string, string>), 401)
  }
})

const secret = `whsec_${Buffer.from('a signing secret of 32 bytes....').toString('base64')}`
const otherSecret = Buffer.from('another secret of 32 bytes......').toString('base64')

function sign(by: string, body: string, { id = 'msg_1', at = now } = {}) {
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at / 1000)),
    'webhook-signature': new Webhook(by).sign(id, new Date(at), body),
  }
}

test('signature: what the Standard Webhooks library signs is accepted, with either of two secrets', async () => {
  const caller: CallerAuthentication = { type: 'signature', secrets: [secret, otherSecret] }
  const body = JSON.stringify(request)
  assert.equal(await statusOf(caller, sign(secret, body), body), 200)
  assert.equal(await statusOf(caller, sign(otherSecret, body), body), 200)
  const both = {
    ...sign(secret, body),
    'webhook-signature': `v1a,xyz v1,AAAA ${sign(secret, body)['webhook-signature']}`,
  }
  assert.equal(await statusOf(caller, both, body), 200)
})

test('signature: another body, id, time or secret is rejected', async () => {
  const caller: CallerAuthentication = { type: 'signature', secrets: [secret] }
  const body = JSON.stringify(request)
  const good = sign(secret, body)
  assert.equal(await statusOf(caller, good, `${body} `), 401)
  assert.equal(await statusOf(caller, { ...good, 'webhook-id': 'msg_2' }, body), 401)
  assert.equal(await statusOf(caller, { ...good, 'webhook-timestamp': String(now / 1000 + 1) }, body), 401)
  assert.equal(await statusOf(caller, sign(otherSecret, body), body), 401)
  for (const missing of Object.keys(good)) {
    assert.equal(await statusOf(caller, { ...good, [missing]: '' }, body), 401)
  }
  assert.equal(await statusOf(caller, { ...good, 'webhook-signature': 'v1,not base64!' }, body), 401)
})

test('signature: a recorded call is useless outside the window', async () => {
  const body = JSON.stringify(request)
  const caller: CallerAuthentication = { type: 'signature', secrets: [secret], windowSeconds: 60 }
  assert.equal(await statusOf(caller, sign(secret, body, { at: now - 59_000 }), body), 200)
  assert.equal(await statusOf(caller, sign(secret, body, { at: now - 61_000 }), body), 401)
  assert.equal(await statusOf(caller, sign(secret, body, { at: now + 61_000 }), body), 401)
})

test('an unknown caller gets an ERROR with 401, a challenge, and no hint at the right credentials', async () => {
  const records: DecisionRecord[] = []
  const extension = extensionFor({ type: 'bearer', tokens: ['top-secret'] }, records)
  const { status, headers, answer } = await call(extension, request, { headers: { authorization: 'Bearer guess' } })
  assert.equal(status, 401)
  assert.equal(headers.get('www-authenticate'), 'Bearer')
  assert.equal(answer.actionStatus, 'ERROR')
  assert.equal(answer.errorMessage, 'unauthorized')
  assert.equal(records[0]?.decision, 'refused')
  assert.doesNotMatch(JSON.stringify([answer, records]), /top-secret|guess/)
})

test('an unknown caller learns nothing about the request that was sent', async () => {
  const { status } = await call(extensionFor({ type: 'bearer', tokens: ['t'] }), '{', {})
  assert.equal(status, 401)
})

test('a secret that would accept every caller is rejected when the extension is created', () => {
  const impossible: CallerAuthentication[] = [
    { type: 'bearer', tokens: [] },
    { type: 'bearer', tokens: [''] },
    { type: 'apiKey', header: 'x-api-key', keys: ['good', ''] },
    { type: 'basic', credentials: [{ username: 'idp', password: '' }] },
    { type: 'basic', credentials: [{ username: 'a:b', password: 'c' }] },
    { type: 'signature', secrets: [] },
    { type: 'signature', secrets: ['whsec_'] },
    { type: 'signature', secrets: ['not base64!'] },
  ]
  for (const caller of impossible) assert.throws(() => extensionFor(caller), TypeError)
})
