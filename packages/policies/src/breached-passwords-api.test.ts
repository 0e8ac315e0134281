import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { type RangeFault, type RangeStandIn, startRangeStandIn } from '@preflow/password-guard/range-stand-in'
import { type BreachCounter, createPwnedPasswords, type PwnedPasswordsOptions } from './breached-passwords-api.ts'
import { createHttpGet } from './http-get.node.ts'
import { fetchGet, type HttpGet } from './http-get.ts'

const sha1 = (password: string) => createHash('sha1').update(password).digest()
const remainingMs = 2000

/** A client with a stopped clock that the test moves, and a stand-in that ends with the test. */
async function start(
  context: { after(end: () => unknown): void },
  options: PwnedPasswordsOptions = {},
  passwords: Record<string, number> = { 'P@ssw0rd': 5 },
): Promise<{ count: BreachCounter; standIn: RangeStandIn; clock: { now: number } }> {
  const standIn = await startRangeStandIn({ passwords })
  const get = createHttpGet()
  context.after(() => get.close())
  context.after(() => standIn.close())
  const clock = { now: 1_800_000_000_000 }
  const count = createPwnedPasswords({ url: standIn.url, ...options }, { get, now: () => clock.now })
  return { count, standIn, clock }
}

/** A client of a service with a predefined answer. */
function answering(body: string): BreachCounter {
  const get: HttpGet = async () => ({ kind: 'answer', status: 200, header: () => undefined, body })
  return createPwnedPasswords({}, { get })
}

test('UC-01: the number of times a password was seen is read from its range', async context => {
  const { count } = await start(context)
  assert.deepEqual(await count(sha1('P@ssw0rd'), { remainingMs }), { kind: 'count', count: 5 })
  assert.deepEqual(await count(sha1('Blue-Heron_42!'), { remainingMs }), { kind: 'count', count: 0 })
})

test('only the first five digits are sent, with a request for padding and a user agent', async context => {
  const { count, standIn } = await start(context)
  await count(sha1('P@ssw0rd'), { remainingMs })
  const [request] = standIn.requests
  assert.equal(standIn.requests.length, 1)
  assert.equal(request?.path, '/range/21BD1')
  assert.equal(request?.headers['add-padding'], 'true')
  assert.equal(request?.headers['user-agent'], 'preflow-password-guard')
  assert.doesNotMatch(JSON.stringify(request), /2DC183F740EE76F27B78EB39C8AD972A757/i)
})

test('the digests are those of the known passwords, with accents', () => {
  for (const [password, prefix] of [
    ['P@ssw0rd', '21BD12DC183F740EE76F27B78EB39C8AD972A757'],
    ['Blue-Heron_42!', '0BC7F603821966CB38E400C674E1079702670F8C'],
    ['Tr0ub4dor&3', '874572E7A5AE6A49466A6AC578B98ADBA78C6AA6'],
    ['päss–wörd-9', 'AFA9FEF1F751D2B50E1C867C4DFA815FCD3F44C9'],
  ] as const) {
    assert.equal(sha1(password).toString('hex').toUpperCase(), prefix)
  }
})

test('UC-02: a padding line, whose count is 0, is no hit', async () => {
  for (const end of ['\r\n', '\n']) {
    const body = `0018A45C4D1DEB81644B54AB7F969B88D65:3${end}2DC183F740EE76F27B78EB39C8AD972A757:0`
    assert.deepEqual(await answering(body)(sha1('P@ssw0rd'), { remainingMs }), { kind: 'count', count: 0 })
  }
})

test('UC-03: lines may end in CRLF or LF, be in lower case, and the last may have no line end', async () => {
  const lines = ['0018A45C4D1DEB81644B54AB7F969B88D65:3', '2DC183F740EE76F27B78EB39C8AD972A757:42']
  for (const body of [
    lines.join('\r\n'),
    lines.join('\n'),
    `${lines.join('\r\n')}\r\n`,
    lines.join('\n').toLowerCase(),
  ]) {
    assert.deepEqual(await answering(body)(sha1('P@ssw0rd'), { remainingMs }), { kind: 'count', count: 42 })
  }
})

test('a response that does not consist of digests and counts is invalid, so it cannot accept a password', async () => {
  const line = '0018A45C4D1DEB81644B54AB7F969B88D65:3'
  const bodies = [
    '',
    '<h1>It works!</h1>',
    '{}',
    `${line}\r\n<html>`,
    `${line}\r\n2DC183F740EE76F27B`,
    '0018A4:3',
    line.replace(':3', ':'),
    line.replace(':3', ':many'),
    `${line}\r\n\r\n${line}`,
  ]
  for (const body of bodies) {
    const answer = await answering(body)(sha1('P@ssw0rd'), { remainingMs })
    assert.deepEqual(answer, { kind: 'unavailable', why: 'unreadable answer' })
  }
})

test('a range is requested once and cached for its time', async context => {
  const { count, standIn, clock } = await start(context, { cacheSeconds: 60 })
  await count(sha1('P@ssw0rd'), { remainingMs })
  clock.now += 59_000
  // A cached range is answered at once, without a promise.
  assert.deepEqual(count(sha1('P@ssw0rd'), { remainingMs }), { kind: 'count', count: 5 })
  assert.equal(standIn.requests.length, 1)
  clock.now += 2_000
  await count(sha1('P@ssw0rd'), { remainingMs })
  assert.equal(standIn.requests.length, 2)
})

test('the memory for ranges is limited: the least recently used one is evicted', async context => {
  // A padded range of the stand-in has about 35 KB.
  const { count, standIn } = await start(context, { cacheBytes: 100_000 })
  for (const password of ['one', 'two', 'three', 'four']) await count(sha1(password), { remainingMs })
  await count(sha1('four'), { remainingMs })
  assert.equal(standIn.requests.length, 4)
  await count(sha1('one'), { remainingMs })
  assert.equal(standIn.requests.length, 5)
})

test('UC-07: a hundred concurrent lookups in one range are one call, with and without a cache', async context => {
  for (const cacheBytes of [1_000_000, 0]) {
    const { count, standIn } = await start(context, { cacheBytes })
    const answers = await Promise.all(Array.from({ length: 100 }, () => count(sha1('P@ssw0rd'), { remainingMs })))
    assert.equal(standIn.requests.length, 1)
    assert.ok(answers.every(answer => answer.kind === 'count' && answer.count === 5))
  }
})

const faults: [RangeFault, string, calls: number][] = [
  ['slow', 'timeout', 1],
  ['drip', 'timeout', 1],
  ['hangup', 'connection', 2],
  ['truncated', 'connection', 2],
  ['cut', 'unreadable answer', 1],
  ['garbage', 'unreadable answer', 1],
  ['empty', 'unreadable answer', 1],
  [302, 'status 302', 1],
  [429, 'rate limit', 1],
  [500, 'status 500', 2],
  [503, 'status 503', 2],
]
for (const [fault, why, calls] of faults) {
  test(`a service with the error ${fault} is unavailable, with both clients, and nothing is cached`, async context => {
    const { standIn } = await start(context)
    const withFetch = createPwnedPasswords({ url: standIn.url, timeoutMs: 200 }, { get: fetchGet })
    const get = createHttpGet()
    context.after(() => get.close())
    const withAgent = createPwnedPasswords({ url: standIn.url, timeoutMs: 200 }, { get })
    for (const count of [withFetch, withAgent]) {
      const before = standIn.requests.length
      standIn.setFault(fault)
      const startedAt = performance.now()
      assert.deepEqual(await count(sha1('P@ssw0rd'), { remainingMs }), { kind: 'unavailable', why })
      assert.ok(performance.now() - startedAt < 1000)
      assert.equal(standIn.requests.length - before, calls)
      standIn.setFault(undefined)
      if (fault === 429) continue
      assert.deepEqual(await count(sha1('P@ssw0rd'), { remainingMs }), { kind: 'count', count: 5 })
    }
  })
}

test('a failed connection and a 5xx are retried once', async context => {
  for (const fault of ['hangup', 500] as const) {
    const { count, standIn } = await start(context)
    standIn.setFault(fault, 1)
    assert.deepEqual(await count(sha1('P@ssw0rd'), { remainingMs }), { kind: 'count', count: 5 })
    assert.equal(standIn.requests.length, 2)
  }
})

test('a service that does not answer is unavailable, and the message contains no address of it', async () => {
  const count = createPwnedPasswords({ url: 'http://127.0.0.1:1' })
  assert.deepEqual(await count(sha1('P@ssw0rd'), { remainingMs }), { kind: 'unavailable', why: 'connection' })
})

test('after 429 there is no request until Retry-After has passed, and cached ranges are still used', async context => {
  const { count, standIn, clock } = await start(context, {}, { 'P@ssw0rd': 5, dragon: 9 })
  await count(sha1('dragon'), { remainingMs })
  standIn.setFault(429)
  const limited = { kind: 'unavailable', why: 'rate limit' }
  assert.deepEqual(await count(sha1('P@ssw0rd'), { remainingMs }), limited)
  standIn.setFault(undefined)
  clock.now += 1_999
  assert.deepEqual(await count(sha1('P@ssw0rd'), { remainingMs }), limited)
  assert.deepEqual(await count(sha1('dragon'), { remainingMs }), { kind: 'count', count: 9 })
  assert.equal(standIn.requests.length, 2)
  clock.now += 1
  assert.deepEqual(await count(sha1('P@ssw0rd'), { remainingMs }), { kind: 'count', count: 5 })
})

test('a Retry-After may be a date or invalid, and never switches the check off for longer than an hour', async () => {
  const start = 1_800_000_000_000
  const cases: [string | undefined, pauseMs: number][] = [
    ['7', 7_000],
    [new Date(start + 9_000).toUTCString(), 9_000],
    [new Date(start - 9_000).toUTCString(), 0],
    ['99999999', 3_600_000],
    ['soon', 5_000],
    [undefined, 5_000],
  ]
  for (const [retryAfter, pauseMs] of cases) {
    const clock = { now: start }
    let calls = 0
    const get: HttpGet = async () => {
      calls++
      return { kind: 'answer', status: 429, header: () => retryAfter, body: '' }
    }
    const count = createPwnedPasswords({}, { get, now: () => clock.now })
    await count(sha1('x'), { remainingMs })
    clock.now = start + pauseMs - 1
    if (pauseMs > 0) await count(sha1('x'), { remainingMs })
    assert.equal(calls, 1, retryAfter)
    clock.now = start + pauseMs
    await count(sha1('x'), { remainingMs })
    assert.equal(calls, 2, retryAfter)
  }
})

test('a caller with less time left does not wait, and the answer still helps the next one', async context => {
  const standIn = await startRangeStandIn({ passwords: { 'P@ssw0rd': 5 } })
  context.after(() => standIn.close())
  const asked = Promise.withResolvers<void>()
  const held = Promise.withResolvers<void>()
  const get: HttpGet = async (url, init) => {
    asked.resolve()
    await held.promise
    return await fetchGet(url, init)
  }
  const count = createPwnedPasswords({ url: standIn.url }, { get })
  const hurried = count(sha1('P@ssw0rd'), { remainingMs: 5 })
  const patient = count(sha1('P@ssw0rd'), { remainingMs })
  await asked.promise
  assert.deepEqual(await hurried, { kind: 'unavailable', why: 'timeout' })
  held.resolve()
  assert.deepEqual(await patient, { kind: 'count', count: 5 })
  assert.deepEqual(count(sha1('P@ssw0rd'), { remainingMs: 0 }), { kind: 'count', count: 5 })
})

test('invalid options are rejected by name', () => {
  assert.throws(() => createPwnedPasswords({ url: 'ftp://x' }), /range API: url/)
  assert.throws(() => createPwnedPasswords({ timeoutMs: 0 }), /range API: timeoutMs/)
})
