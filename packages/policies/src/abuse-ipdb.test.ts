import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type AbuseIpDbOptions, createAbuseIpDb, fetchGet, type HttpGet } from '@preflow/policies'
import { createHttpGet } from '@preflow/policies/http-get'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

const scored =
  (score: unknown, headers = {}, code = 200): Answer =>
  (_request, response) =>
    void response.writeHead(code, headers).end(JSON.stringify({ data: { abuseConfidenceScore: score } }))
const status =
  (code: number, headers = {}): Answer =>
  (_request, response) =>
    // The real service sends errors with a JSON body. A careless client finds no score in it and uses 0.
    void response.writeHead(code, headers).end(JSON.stringify({ errors: [{ detail: 'no', status: code }] }))

/** The client, a server with predefined answers, the requests that it got, and a clock that the test moves. */
async function client(t: TestContext, get: HttpGet, first: Answer, options: Partial<AbuseIpDbOptions> = {}) {
  const requests: IncomingMessage[] = []
  let answer = first
  let nowMs = Date.UTC(2026, 10, 21)
  const server = createServer((request, response) => {
    requests.push(request)
    answer(request, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  const lookup = createAbuseIpDb(
    { apiKey: 'the-key', url: `http://127.0.0.1:${port}`, timeoutMs: 150, cacheSeconds: 60, ...options },
    { get, now: () => nowMs },
  )
  return {
    requests,
    lookup,
    ask: (address = '8.8.8.8') => lookup(address, { remainingMs: 1000 }),
    answerWith: (next: Answer) => {
      answer = next
    },
    pass: (ms: number) => {
      nowMs += ms
    },
    epochSeconds: () => nowMs / 1000,
  }
}

const httpGet = createHttpGet()
test.after(() => httpGet.close())

for (const [name, get] of [
  ['fetch', fetchGet],
  ['node:http', httpGet],
] as const) {
  test(`${name}: a lookup sends the key, the address and the age`, async t => {
    const { requests, ask } = await client(t, get, scored(42), { maxAgeDays: 90 })
    assert.deepEqual(await ask(), { kind: 'score', score: 42 })
    const [request] = requests
    assert.equal(request?.method, 'GET')
    assert.equal(request?.url, '/api/v2/check?ipAddress=8.8.8.8&maxAgeInDays=90')
    assert.equal(request?.headers['key'], 'the-key')
    assert.equal(request?.headers.accept, 'application/json')
  })

  test(`${name}, T236: an IPv6 address is URL-encoded, and nothing can be smuggled into the query`, async t => {
    const { requests, ask } = await client(t, get, scored(0))
    await ask('2001:db8::1')
    await ask('1.2.3.4&maxAgeInDays=365')
    assert.deepEqual(
      requests.map(({ url }) => url),
      [
        '/api/v2/check?ipAddress=2001%3Adb8%3A%3A1&maxAgeInDays=30',
        '/api/v2/check?ipAddress=1.2.3.4%26maxAgeInDays%3D365&maxAgeInDays=30',
      ],
    )
  })

  test(`${name}: an answer without a score is unavailable, never 0`, async t => {
    const { ask, answerWith } = await client(t, get, scored(0))
    const large: Answer = (_request, response) => void response.end(' '.repeat(100_000))
    for (const [answer, why] of [
      [status(401), 'key refused'],
      [status(403), 'key refused'],
      [status(422), 'address refused'],
      [status(500), 'status 500'],
      [status(302, { location: '/elsewhere' }), 'status 302'],
      [scored(0, {}, 500), 'status 500'],
      [scored(undefined), 'unreadable answer'],
      [scored('7'), 'unreadable answer'],
      [scored(101), 'unreadable answer'],
      [scored(-1), 'unreadable answer'],
      [scored(null), 'unreadable answer'],
      [(_request, response) => void response.end('<html>'), 'unreadable answer'],
      [(_request, response) => void response.end(), 'unreadable answer'],
      [(_request, response) => void response.destroy(), 'connection'],
      [large, 'too large'],
    ] as [Answer, string][]) {
      answerWith(answer)
      assert.deepEqual(await ask(), { kind: 'unavailable', why }, why)
    }
    answerWith(scored(7))
    assert.deepEqual(await ask(), { kind: 'score', score: 7 }, 'it is not cached')
  })

  test(`${name}, T235: a service that hangs or drips is abandoned after the time limit`, async t => {
    const hang: Answer = () => {}
    const drip: Answer = (_request, response) => {
      response.writeHead(200)
      const timer = setInterval(() => response.write(' '), 10)
      response.on('close', () => clearInterval(timer))
    }
    const { ask, answerWith } = await client(t, get, hang)
    for (const answer of [hang, drip]) {
      answerWith(answer)
      const startedAt = performance.now()
      assert.deepEqual(await ask(), { kind: 'unavailable', why: 'timeout' })
      const tookMs = performance.now() - startedAt
      assert.ok(tookMs > 120 && tookMs < 600, `${tookMs} ms`)
    }
  })

  test(`${name}: nobody waits longer than the budget allows, and a late score is cached for the next caller`, async t => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    const { lookup, ask, requests } = await client(
      t,
      get,
      async (request, response) => {
        await released
        scored(60)(request, response)
      },
      { timeoutMs: 5000 },
    )
    assert.deepEqual(await lookup('8.8.8.8', { remainingMs: 10 }), { kind: 'unavailable', why: 'timeout' })
    const waiting = ask()
    release()
    assert.deepEqual(await waiting, { kind: 'score', score: 60 })
    assert.equal(requests.length, 1)
  })

  test(`${name}: a score is cached for its time and not longer, and returned at once`, async t => {
    const { ask, requests, answerWith, pass } = await client(t, get, scored(10))
    await ask()
    answerWith(scored(90))
    pass(59_999)
    assert.deepEqual(ask(), { kind: 'score', score: 10 })
    pass(2)
    assert.deepEqual(await ask(), { kind: 'score', score: 90 })
    assert.equal(requests.length, 2)
  })

  test(`${name}: concurrent requests for one address share one call`, async t => {
    const { ask, requests } = await client(t, get, scored(10))
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask()))
    assert.deepEqual(new Set(answers.map(answer => JSON.stringify(answer))).size, 1)
    await ask('1.1.1.1')
    assert.equal(requests.length, 2)
  })

  test(`${name}, T234: after 429 there are no lookups until Retry-After has passed, in seconds or as a date`, async t => {
    const { ask, requests, answerWith, pass, epochSeconds } = await client(t, get, scored(10))
    for (const header of [() => '120', () => new Date((epochSeconds() + 120) * 1000).toUTCString()]) {
      answerWith(status(429, { 'retry-after': header() }))
      const before = requests.length
      assert.deepEqual(await ask(), { kind: 'unavailable', why: 'quota' })
      answerWith(scored(10))
      pass(119_000)
      assert.deepEqual(ask(), { kind: 'unavailable', why: 'quota' })
      assert.deepEqual(ask('1.1.1.1'), { kind: 'unavailable', why: 'quota' })
      assert.equal(requests.length, before + 1)
      pass(1001)
      assert.deepEqual(await ask(), { kind: 'score', score: 10 })
      pass(61_000)
    }
  })

  test(`${name}: the last lookup of a quota is used, and then there are none until it is renewed`, async t => {
    const { ask, requests, answerWith, pass, epochSeconds } = await client(t, get, scored(10))
    answerWith(scored(30, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(epochSeconds() + 3600) }))
    assert.deepEqual(await ask(), { kind: 'score', score: 30 })
    assert.deepEqual(ask('1.1.1.1'), { kind: 'unavailable', why: 'quota' })
    assert.deepEqual(ask(), { kind: 'score', score: 30 }, 'cached scores are still returned')
    pass(3_600_001)
    answerWith(scored(20))
    assert.deepEqual(await ask('1.1.1.1'), { kind: 'score', score: 20 })
    assert.equal(requests.length, 2)
  })
}

test('a quota without a sensible waiting time pauses for a minute, and never for more than a day', async t => {
  const { ask, answerWith, pass } = await client(t, httpGet, status(429))
  for (const [headers, waitMs] of [
    [{}, 60_000],
    [{ 'retry-after': 'soon' }, 60_000],
    [{ 'x-ratelimit-reset': '99999999999' }, 86_400_000],
  ] as const) {
    answerWith(status(429, headers))
    await ask()
    answerWith(scored(1))
    pass(waitMs - 1)
    assert.deepEqual(await ask(), { kind: 'unavailable', why: 'quota' })
    pass(2)
    assert.deepEqual(await ask(), { kind: 'score', score: 1 })
    pass(61_000)
  }
})

test('the number of cached scores is limited', async t => {
  const { ask, requests } = await client(t, httpGet, scored(1), { cacheEntries: 2 })
  for (const address of ['1.1.1.1', '2.2.2.2', '3.3.3.3', '1.1.1.1']) await ask(address)
  assert.equal(requests.length, 4)
})

test('a waiting caller gets the score even if others have evicted it from the cache', async t => {
  const { ask } = await client(t, httpGet, scored(5), { cacheEntries: 1 })
  const answers = await Promise.all(['1.1.1.1', '2.2.2.2', '3.3.3.3'].map(ask))
  assert.deepEqual(
    answers,
    answers.map(() => ({ kind: 'score', score: 5 })),
  )
})

test('invalid options are found when the client is created', () => {
  assert.throws(() => createAbuseIpDb({ apiKey: '' }), /reputation service: apiKey/)
  assert.throws(() => createAbuseIpDb({ apiKey: 'k', url: 'ftp://x' }), /url/)
  assert.throws(() => createAbuseIpDb({ apiKey: 'k', maxAgeDays: 366 }), /maxAgeDays/)
})
