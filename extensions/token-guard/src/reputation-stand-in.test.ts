import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type ReputationStandInOptions, startReputationStandIn } from '@preflow/token-guard/reputation-stand-in'

async function standIn(t: TestContext, options: ReputationStandInOptions = {}) {
  const running = await startReputationStandIn(options)
  t.after(() => running.close())
  const check = async (query: string, headers: Record<string, string> = { Key: 'k' }) => {
    const response = await fetch(`${running.url}/api/v2/check?${query}`, { headers })
    return { status: response.status, headers: response.headers, body: await response.json() }
  }
  return { ...running, check }
}

test('the addresses of the demonstration have their scores, all others have none', async t => {
  const { check } = await standIn(t)
  for (const [address, score] of [
    ['103.159.198.178', 80],
    ['14.102.69.58', 50],
    ['205.210.31.51', 0],
    ['8.8.8.8', 0],
    ['2001%3A4860%3A4860%3A%3A8888', 0],
  ] as const) {
    const { status, body } = await check(`ipAddress=${address}&maxAgeInDays=30`)
    assert.equal(status, 200)
    assert.equal((body as { data: { abuseConfidenceScore: number } }).data.abuseConfidenceScore, score)
  }
})

test('a missing or wrong key is a 401, an invalid address or age a 422, like the errors of the real service', async t => {
  const { check } = await standIn(t, { apiKeys: ['right'] })
  for (const headers of [{}, { Key: 'wrong' }] as Record<string, string>[]) {
    const { status, body } = await check('ipAddress=8.8.8.8', headers)
    assert.equal(status, 401)
    assert.equal((body as { errors: { status: number }[] }).errors[0]?.status, 401)
  }
  for (const query of ['', 'ipAddress=x', 'ipAddress=8.8.8.8&maxAgeInDays=366']) {
    assert.equal((await check(query, { Key: 'right' })).status, 422)
  }
})

test('a quota is counted down, and after that 429 states until when', async t => {
  const { check } = await standIn(t, { quota: 1, retryAfterSeconds: 90, now: () => 1_000_000 })
  const last = await check('ipAddress=8.8.8.8')
  assert.equal(last.status, 200)
  assert.equal(last.headers.get('x-ratelimit-remaining'), '0')
  const spent = await check('ipAddress=8.8.8.8')
  assert.equal(spent.status, 429)
  assert.equal(spent.headers.get('retry-after'), '90')
  assert.equal(spent.headers.get('x-ratelimit-reset'), '1090')
})

test('a failure can be switched on and off over HTTP', async t => {
  const { url, check } = await standIn(t)
  const put = async (value: unknown) =>
    (await fetch(`${url}/fault`, { method: 'PUT', body: JSON.stringify(value) })).status
  assert.equal(await put(500), 204)
  assert.equal((await check('ipAddress=8.8.8.8')).status, 500)
  assert.equal(await put(null), 204)
  assert.equal((await check('ipAddress=8.8.8.8')).status, 200)
  assert.equal(await put('earthquake'), 400)
})
