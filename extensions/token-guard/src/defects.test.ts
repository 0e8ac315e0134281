/** The defects of the official sample for tokens. None of them exists here. */
import assert from 'node:assert/strict'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { lambdaHandler } from '@preflow/extension/lambda'
import { openTokenGuard, readConfiguration } from '@preflow/token-guard'
import { apiKey, countryDatabase, requestFrom, startGuard } from './running-guard.fixture.ts'

const refresh = { event: { request: { clientId: 'web1', grantType: 'refresh_token' } } }

test('the status of the reputation service counts; an error body is no score of 0', async t => {
  for (const fault of [401, 422, 429, 500] as const) {
    const { decide, standIn } = await startGuard(t)
    standIn.setFault(fault)
    assert.equal(await decide('103.159.198.178'), 'error')
  }
})

test('a service that hangs is abandoned in time, and the answer comes within the budget', async t => {
  const { decide, standIn } = await startGuard(t, { budgetMs: 1000, reputationTimeoutMs: 999 })
  standIn.setFault('slow')
  const startedAt = performance.now()
  assert.equal(await decide('205.210.31.51'), 'error')
  const tookMs = performance.now() - startedAt
  assert.ok(tookMs > 500 && tookMs < 1100, `${tookMs} ms`)
})

test('the address is URL-encoded', async t => {
  const { decide, standIn } = await startGuard(t)
  await decide('2001:4860:4860::8888')
  assert.deepEqual(standIn.checks, ['?ipAddress=2001%3A4860%3A4860%3A%3A8888&maxAgeInDays=30'])
})

test('a string that is not an address is not looked up as one', async t => {
  const { decide, standIn } = await startGuard(t)
  for (const garbage of ['1.2.3.4&maxAgeInDays=365', 'x', '999.1.1.1', '0x7f.1', '127.1']) {
    assert.equal(
      await decide(garbage),
      'deny Access token issuance is blocked because the client address is malformed.',
    )
  }
  assert.equal(standIn.checks.length, 0)
})

test('of what clients send, only the part that a trusted proxy wrote is used', async t => {
  const { decide } = await startGuard(t)
  const KP = 'deny Access token issuance is blocked from your region KP.'
  assert.equal(await decide(['205.210.31.51', '175.45.176.0']), KP)
  assert.equal(await decide('205.210.31.51, 175.45.176.0'), KP)
  const ownHeader = await startGuard(t, { sourceHeader: 'x-real-ip' })
  assert.match(await ownHeader.decide('205.210.31.51'), /address is missing/)
})

test('chains of proxies, ports, brackets and mapped addresses are parsed', async t => {
  const { post } = await startGuard(t, { sourceHeader: 'X-Forwarded-For', trustedProxies: 2 })
  for (const chain of [
    '175.45.176.0, 10.0.0.7',
    '205.210.31.51, 175.45.176.0:4711, 10.0.0.7',
    '[::ffff:175.45.176.0]:4711, 10.0.0.7',
    '::ffff:175.45.176.0%eth0,10.0.0.7',
  ]) {
    const request = requestFrom(null)
    request.event.request.additionalHeaders = [{ name: 'x-forwarded-for', value: [chain] }]
    const { answer } = await post(request)
    assert.equal(
      answer.actionStatus === 'FAILED' && answer.failureDescription,
      'Access token issuance is blocked from your region KP.',
      chain,
    )
  }
})

test('private, loopback and reserved addresses are decided, and do not pass with a score of 0', async t => {
  const { decide, standIn } = await startGuard(t)
  for (const address of ['10.0.0.1', '127.0.0.1', '::1', '169.254.169.254', '203.0.113.5', '0.0.0.0', '224.0.0.1']) {
    assert.match(await decide(address), /^deny Access token issuance is blocked because the client address is /)
  }
  assert.equal(standIn.checks.length, 0)
})

test('a setting decides about an unknown country', async t => {
  const denied = await startGuard(t)
  assert.equal(await denied.decide('4000::1'), 'deny Access token issuance is blocked because your region is unknown.')
  const allowed = await startGuard(t, { unknownCountry: 'allow' })
  assert.equal(await allowed.decide('4000::1'), 'allow')
})

test('above 75 is denied, from 25 to 75 is reduced, below 25 does not change', async t => {
  const scores = { '1.1.1.1': 76, '8.8.8.8': 75, '8.8.4.4': 25, '9.9.9.9': 24 }
  const { decide } = await startGuard(t, {}, { scores })
  assert.equal(await decide('1.1.1.1'), 'deny Access token issuance is blocked due to high IP risk.')
  assert.equal(await decide('8.8.8.8'), 'allow 900')
  assert.equal(await decide('8.8.4.4'), 'allow 900')
  assert.equal(await decide('9.9.9.9'), 'allow')
})

test('on a refresh the country claim is replaced, not added again', async t => {
  const { post } = await startGuard(t, { countryClaim: 'country' })
  const first = await post(requestFrom('205.210.31.51'))
  assert.deepEqual(first.answer, {
    actionStatus: 'SUCCESS',
    operations: [{ op: 'add', path: '/accessToken/claims/-', value: { name: 'country', value: 'US' } }],
  })
  const request = requestFrom('205.210.31.51', refresh)
  request.event.accessToken.claims.push({ name: 'country', value: 'DE' })
  request.allowedOperations?.find(({ op }) => op === 'replace')?.paths?.push('/accessToken/claims/country')
  const second = await post(request)
  assert.deepEqual(second.answer, {
    actionStatus: 'SUCCESS',
    operations: [{ op: 'replace', path: '/accessToken/claims/country', value: 'US' }],
  })
})

test('a lifetime is only ever reduced', async t => {
  const { decide } = await startGuard(t)
  for (const value of [60, 240, 899, 900]) {
    const overrides = { event: { accessToken: { claims: [{ name: 'expires_in', value }] } } }
    assert.equal(await decide('14.102.69.58', overrides), 'allow')
  }
})

test('allowed operations, action type and version are checked', async t => {
  const { post, records } = await startGuard(t)
  const nothingOffered = await post({ ...requestFrom('14.102.69.58'), allowedOperations: [] })
  assert.deepEqual(nothingOffered.answer, { actionStatus: 'SUCCESS' })
  assert.match(records.at(-1)?.reports[0] ?? '', /not among the allowedOperations/)
  const otherType = await post({ ...requestFrom('14.102.69.58'), actionType: 'PRE_UPDATE_PASSWORD' })
  assert.equal(otherType.status, 400)
  const otherVersion = await post(requestFrom('14.102.69.58'), { 'x-wso2-api-version': 'v9' })
  assert.equal(otherVersion.status, 400)
  const strict = await startGuard(t, { reductionNotOffered: 'deny' })
  const { answer } = await strict.post({ ...requestFrom('14.102.69.58'), allowedOperations: [] })
  assert.equal(answer.actionStatus, 'FAILED')
})

test('after the risk has passed, a refresh restores the lifetime, if the application is listed', async t => {
  const reduced = { event: { ...refresh.event, accessToken: { claims: [{ name: 'expires_in', value: 300 }] } } }
  const restoring = await startGuard(t, { applicationLifetimes: { web1: 3600 } })
  assert.equal(await restoring.decide('205.210.31.51', reduced), 'allow 3600')
  assert.equal(await restoring.decide('14.102.69.58', reduced), 'allow 900')
  const keeping = await startGuard(t)
  assert.equal(await keeping.decide('205.210.31.51', reduced), 'allow')
})

test('the refresh token of a risky request may be shortened too', async t => {
  const { post } = await startGuard(t, { refreshSeconds: 1800 })
  const { answer } = await post(requestFrom('14.102.69.58'))
  assert.deepEqual(answer.actionStatus === 'SUCCESS' && answer.operations, [
    { op: 'replace', path: '/accessToken/claims/expires_in', value: '900' },
    { op: 'replace', path: '/refreshToken/claims/expires_in', value: '1800' },
  ])
})

test('unknown callers get no answer', async t => {
  const { post, standIn } = await startGuard(t)
  for (const key of ['', 'wrong', `${apiKey} `.repeat(2)]) {
    assert.equal((await post(requestFrom('14.102.69.58'), { 'x-api-key': key })).status, 401)
  }
  assert.equal(standIn.checks.length, 0)
})

test('nothing of the payload is logged', async t => {
  const { post, records } = await startGuard(t, { countryClaim: 'country' })
  const request = requestFrom('14.102.69.58')
  request.event.request.additionalHeaders?.push({ name: 'authorization', value: ['Basic c2VjcmV0'] })
  request.event.request.additionalParams = [{ name: 'client_secret', value: ['s3cr3t'] }]
  await post(request)
  await post('{"password":"hunter2"', {})
  await post(request, { 'x-api-key': 'not the key' })
  assert.equal(records.length, 3)
  assert.doesNotMatch(
    JSON.stringify(records),
    /14\.102|c2VjcmV0|s3cr3t|hunter2|Mira|u-9|not the key|the key of|api\.shop|"IN"/,
  )
})

test('malformed JSON is a 400 with an ERROR', async t => {
  const { post } = await startGuard(t)
  for (const body of ['{', '', 'null', '[]', '{"actionType":"PRE_ISSUE_ACCESS_TOKEN"}']) {
    const { status, answer } = await post(body)
    assert.equal(status, 400)
    assert.equal(answer.actionStatus, 'ERROR')
  }
})

test('scores are cached, concurrent lookups share one request, and a used-up quota is respected', async t => {
  const { decide, standIn, setTime } = await startGuard(t, {}, { quota: 2, retryAfterSeconds: 600 })
  await Promise.all(Array.from({ length: 10 }, () => decide('14.102.69.58')))
  assert.equal(await decide('14.102.69.58'), 'allow 900')
  assert.equal(standIn.checks.length, 1)
  assert.equal(await decide('205.210.31.51'), 'allow')
  assert.equal(await decide('8.8.8.8'), 'error')
  assert.equal(await decide('8.8.4.4'), 'error')
  assert.equal(standIn.checks.length, 2, 'no lookup while the quota is used up')
  assert.equal(await decide('14.102.69.58'), 'allow 900')
  setTime('2026-11-20T12:10:01Z')
  await decide('8.8.8.8')
  assert.equal(standIn.checks.length, 3, 'and a lookup after it is renewed')
})

test('hours have a time zone and weekdays', async t => {
  const settings = { timeZone: 'Europe/Berlin', weekdays: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'] }
  const { decide, setTime } = await startGuard(t, settings)
  for (const [time, lifetime] of [
    ['2026-07-17T07:00:00Z', '900'],
    ['2026-07-17T06:59:00Z', '300'],
    ['2026-01-16T07:59:00Z', '300'],
    ['2026-07-18T10:00:00Z', '300'],
  ] as const) {
    setTime(time)
    assert.equal(await decide('14.102.69.58'), `allow ${lifetime}`, time)
  }
})

test('only POST is answered, and only up to a size', async t => {
  const { url, post } = await startGuard(t, { maxBodyBytes: 10_000 })
  const get = await fetch(url, { headers: { 'x-api-key': apiKey } })
  assert.equal(get.status, 405)
  assert.equal(get.headers.get('allow'), 'POST')
  const { status } = await post({ ...requestFrom('14.102.69.58'), padding: ' '.repeat(10_000) })
  assert.equal(status, 413)
})

test('no input leads to a message that a platform would reject', async t => {
  // `post` checks every answer against the limits of every platform.
  const { post, records } = await startGuard(t)
  for (const address of ['175.45.176.0', '103.159.198.178', 'a,b"<ü>', '10.0.0.1', '203.0.113.1', '4000::1', '']) {
    await post(requestFrom(address))
  }
  await post({ actionType: 'PRE_ISSUE_ACCESS_TOKEN', event: { 'ü,"': 1 }, allowedOperations: [{ op: 'ü' }] })
  await post({ actionType: 'Ü,"/' })
  assert.deepEqual(
    records.flatMap(({ reports }) => reports),
    [],
  )
})

test('the lifetime is sent in the type that the contract declares, and both types are read', async t => {
  const { post } = await startGuard(t)
  for (const value of [3600, '3600']) {
    const { answer } = await post(
      requestFrom('14.102.69.58', { event: { accessToken: { claims: [{ name: 'expires_in', value }] } } }),
    )
    assert.deepEqual(answer.actionStatus === 'SUCCESS' && answer.operations, [
      { op: 'replace', path: '/accessToken/claims/expires_in', value: '900' },
    ])
  }
})

test('in Lambda a base64 body is decoded', async t => {
  const { extension } = await startGuard(t)
  const result = await lambdaHandler(extension)({
    version: '2.0',
    requestContext: { http: { method: 'POST' } },
    headers: { 'content-type': 'application/json', 'x-api-key': apiKey },
    body: Buffer.from(JSON.stringify(requestFrom('175.45.176.0'))).toString('base64'),
    isBase64Encoded: true,
  })
  assert.equal(JSON.parse(result.body).failureDescription, 'Access token issuance is blocked from your region KP.')
})

test('the country data is read once before the start, and no decision waits for a file', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'token-guard-'))
  const path = join(folder, 'country.mmdb')
  await copyFile(countryDatabase, path)
  const read = readConfiguration({
    environment: {},
    file: { caller: 'none', reputation: 'off', countryDatabase: path, blockedCountries: ['KP'] },
  })
  assert.ok(read.ok)
  const startedAt = performance.now()
  const guard = await openTokenGuard(read.configuration)
  t.after(() => guard.close())
  const openedMs = performance.now() - startedAt
  assert.ok(openedMs < 1000, `opening took ${openedMs} ms; the connect limit of a platform is 2000`)
  await rm(folder, { recursive: true })
  const body = JSON.stringify(requestFrom('175.45.176.0'))
  const response = await guard.extension.fetch(
    new Request('http://guard.test', { method: 'POST', headers: { 'content-type': 'application/json' }, body }),
  )
  assert.match(await response.text(), /region KP/)
})
