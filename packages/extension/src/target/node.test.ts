import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { present } from '@preflow/contract'
import { allow, type DecisionRecord, defineExtension, deny, type Handler, setClaim } from '@preflow/extension'
import { createLineLog, type RunningServer, type ServeOptions, serve } from '@preflow/extension/node'
import { sampleRequest } from '@preflow/extension/testing'

const body = JSON.stringify(sampleRequest('PRE_ISSUE_ACCESS_TOKEN'))
const json = { 'content-type': 'application/json' }

const extensionOf = (handler: Handler<'PRE_ISSUE_ACCESS_TOKEN'> = () => allow(), log?: (r: DecisionRecord) => void) =>
  defineExtension(
    { preIssueAccessToken: handler },
    { caller: { type: 'none' }, maxBodyBytes: 8192, ...present({ log }) },
  )

async function started(
  t: TestContext,
  extensions: Parameters<typeof serve>[0] = extensionOf(),
  options: ServeOptions = {},
): Promise<RunningServer> {
  const server = await serve(extensions, { graceMs: 100, log: false, ...options })
  t.after(() => server.close())
  return server
}

const post = (url: string, init: RequestInit = {}) => fetch(url, { method: 'POST', headers: json, body, ...init })

/** What a raw connection receives until the server ends it. */
async function conversation(socket: Socket): Promise<string> {
  let text = ''
  socket.setEncoding('utf8').on('data', chunk => {
    text += chunk
  })
  socket.on('error', () => {})
  await once(socket, 'close')
  return text
}

test('one extension answers at every path, several at a path each', async t => {
  const one = await started(t)
  assert.equal((await post(`${one.url}/any/path?x=1`)).status, 200)
  const several = await started(t, {
    '/a': extensionOf(() => allow()),
    '/b': extensionOf(() => deny('access_denied', 'No.')),
  })
  const statusOf = async (path: string) =>
    ((await (await post(several.url + path)).json()) as { actionStatus: string }).actionStatus
  assert.equal(await statusOf('/a?x=1'), 'SUCCESS')
  assert.equal(await statusOf('/b'), 'FAILED')
  assert.equal((await post(`${several.url}/c`)).status, 404)
})

test('a listener answers at its path and below it, unless an extension or probe does', async t => {
  const listening: ServeOptions['listeners'] = {
    '/a/pages': (request, response) => response.end(`pages ${request.url}`),
    '/b/': (request, response) => response.end(`below ${request.url}`),
  }
  const server = await started(t, { '/a': extensionOf(), '/b/here': extensionOf() }, { listeners: listening })
  const textAt = async (path: string) => (await fetch(server.url + path)).text()
  assert.equal(await textAt('/a/pages?x=1'), 'pages /a/pages?x=1')
  assert.equal(await textAt('/a/pages/one'), 'pages /a/pages/one')
  assert.equal(await textAt('/b/one'), 'below /b/one')
  for (const path of ['/a', '/b/here']) assert.equal((await post(server.url + path)).status, 200)
  for (const path of ['/a/page', '/a/pages-of-others', '/b', '/']) {
    assert.equal((await fetch(server.url + path)).status, 404, path)
  }
  listening['/later'] = (_, response) => response.end('later')
  assert.equal(await textAt('/later'), 'later')
  const everywhere = await started(t, {}, { listeners: { '/': (_, response) => response.end('everywhere') } })
  for (const path of ['/', '/any/path']) assert.equal(await (await fetch(everywhere.url + path)).text(), 'everywhere')
  const layered: ServeOptions['listeners'] = {
    '/': (_, response) => response.end('far'),
    '/x': (_, response) => response.end('near'),
  }
  const nearest = await started(t, {}, { listeners: layered })
  assert.equal(await (await fetch(`${nearest.url}/x/y`)).text(), 'near')
  assert.equal(await (await fetch(`${everywhere.url}/livez`)).text(), 'ok\n')
})

test('the probes answer, and readiness follows the hook', async t => {
  let isReady = false
  const server = await started(t, extensionOf(), { isReady: () => isReady })
  assert.equal((await fetch(`${server.url}/livez`)).status, 200)
  assert.equal((await fetch(`${server.url}/readyz`)).status, 503)
  isReady = true
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200)
  const failing = await started(t, extensionOf(), { isReady: () => Promise.reject(new Error('down')) })
  assert.equal((await fetch(`${failing.url}/readyz`)).status, 503)
})

test('a body with too large a declared size is rejected before it is sent', async t => {
  const server = await started(t)
  const request = httpRequest(server.url, { method: 'POST', headers: { ...json, 'content-length': 9_000_000 } })
  request.on('error', () => {})
  request.flushHeaders()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  assert.equal(response.statusCode, 413)
  assert.equal(response.headers.connection, 'close')
  response.resume()
  request.destroy()
})

test('a body without a declared length is counted, and no more than the limit is read', async t => {
  const server = await started(t)
  const request = httpRequest(server.url, { method: 'POST', headers: json })
  request.on('error', () => {})
  const chunk = Buffer.alloc(4096, ' ')
  let isAnswered = false
  const more = () => {
    while (!isAnswered && request.write(chunk));
  }
  request.on('drain', more)
  more()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  isAnswered = true
  assert.equal(response.statusCode, 413)
  response.resume()
  request.destroy()
})

test('connections are kept alive, even after a rejection', async t => {
  const server = await started(t)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  const exchange = async (sent: string) => {
    const request = httpRequest(server.url, { method: 'POST', headers: json, agent }).end(sent)
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    response.resume()
    await once(response, 'end')
    return [response.statusCode, request.reusedSocket]
  }
  assert.deepEqual(await exchange(body), [200, false])
  assert.deepEqual(await exchange('{'), [400, true])
  assert.deepEqual(await exchange(body), [200, true])
})

test('a caller that sends its headers or its body a byte at a time is disconnected', async t => {
  const server = await started(t, extensionOf(), { requestTimeoutMs: 150 })
  const headers = `POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`
  for (const start of [headers, `${headers}content-length: 100\r\n\r\n{`]) {
    const socket = connect(server.port, '127.0.0.1')
    socket.write(start)
    const drip = setInterval(() => socket.write('a'), 40)
    t.after(() => clearInterval(drip))
    const received = await conversation(socket)
    clearInterval(drip)
    assert.match(received, /^HTTP\/1\.1 408/)
  }
})

test('a caller that disconnects in the middle of its body leaves a record and a working server', async t => {
  const records: DecisionRecord[] = []
  const { promise: logged, resolve } = Promise.withResolvers<void>()
  const extension = extensionOf(undefined, record => {
    records.push(record)
    resolve()
  })
  const server = await started(t, extension)
  const socket = connect(server.port, '127.0.0.1')
  socket.end('POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{')
  await Promise.all([conversation(socket), logged])
  assert.equal(records[0]?.why, 'The body ended before it was complete.')
  assert.equal((await post(server.url)).status, 200)
})

test('of concurrent calls each gets its own answer, even if others fail or disconnect', async t => {
  const server = await started(
    t,
    extensionOf(({ request }) => {
      if (request.clientId === 'throws') throw new Error('on purpose')
      return deny('access_denied', `for ${request.clientId}`)
    }),
  )
  function requestOf(clientId: string, connection: 'keep-alive' | 'close'): string {
    const text = JSON.stringify(sampleRequest('PRE_ISSUE_ACCESS_TOKEN', { event: { request: { clientId } } }))
    const head = ['POST / HTTP/1.1', 'host: x', 'content-type: application/json', `connection: ${connection}`]
    return `${head.join('\r\n')}\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`
  }
  function send(bytes: string): Socket {
    const socket = connect(server.port, '127.0.0.1')
    socket.write(bytes)
    return socket
  }
  const talks = ['a', 'b', 'throws', 'c'].map(name =>
    conversation(send(requestOf(name, 'keep-alive') + requestOf(`${name} again`, 'close'))),
  )
  const leaver = send(requestOf('leaves', 'close'))
  leaver.once('ready', () => leaver.resetAndDestroy())
  const [a = '', b = '', throws = '', c = ''] = await Promise.all(talks)
  for (const [name, text] of Object.entries({ a, b, c }))
    assert.match(text, new RegExp(`for ${name}".*for ${name} again"`, 's'))
  assert.match(throws, /^HTTP\/1\.1 500 .*for throws again"/s)
  assert.equal((await post(server.url)).status, 200)
})

test('closing lets open calls finish, rejects new ones, and shows it at readyz', async t => {
  const { promise: entered, resolve: enter } = Promise.withResolvers<void>()
  const { promise: held, resolve: release } = Promise.withResolvers<void>()
  const server = await started(
    t,
    extensionOf(async () => {
      enter()
      await held
      return allow()
    }),
    { graceMs: 5000 },
  )
  const agent = new Agent({ keepAlive: true })
  t.after(() => agent.destroy())
  // A connection from before the shutdown can still send requests.
  const early = connect(server.port, '127.0.0.1')
  await once(early, 'connect')
  early.write('GET /livez HTTP/1.1\r\nhost: x\r\n')
  const inFlight = httpRequest(server.url, { method: 'POST', headers: json, agent }).end(body)
  const answered = once(inFlight, 'response') as Promise<[IncomingMessage]>
  await entered
  const closed = server.close()
  const probe = conversation(early)
  early.write('\r\nGET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
  assert.match(await probe, /^HTTP\/1\.1 (200 OK[\s\S]*HTTP\/1\.1 )?503/)
  await assert.rejects(post(server.url))
  release()
  const [response] = await answered
  assert.equal(response.statusCode, 200)
  assert.equal(response.headers.connection, 'close')
  response.resume()
  await closed
})

test('closing has a limit: after the grace time connections are closed', async t => {
  const { promise: entered, resolve: enter } = Promise.withResolvers<void>()
  const server = await started(
    t,
    extensionOf(() => {
      enter()
      return new Promise(() => {})
    }),
    { graceMs: 30 },
  )
  const pending = post(server.url)
  pending.catch(() => {})
  await entered
  await server.close()
  await assert.rejects(pending)
})

test('closing twice has no further effect', async t => {
  const server = await started(t)
  assert.equal(server.close(), server.close())
  await server.close()
})

test('a port that cannot be opened is reported in a sentence with what to do', async t => {
  const { port } = await started(t)
  await assert.rejects(serve(extensionOf(), { port, log: false }), {
    message: `Cannot listen on 127.0.0.1:${port}. The port is in use. Stop what listens there or choose another port.`,
  })
})

test('a line of the log has the time, the level and the record', () => {
  let written = ''
  const { log, flush } = createLineLog(lines => {
    written += lines
  })
  const before = Date.now()
  log({ decision: 'fail', requestId: 'line\nbreak' })
  log({ decision: 'refused' })
  log({ decision: 'allow' })
  log({})
  log({ event: 'warning' }, 'warn')
  flush()
  const lines = written
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
  assert.deepEqual(
    lines.map(({ time, ...fields }) => fields),
    [
      { level: 'error', decision: 'fail', requestId: 'line\nbreak' },
      { level: 'warn', decision: 'refused' },
      { level: 'info', decision: 'allow' },
      { level: 'info' },
      { level: 'warn', event: 'warning' },
    ],
  )
  for (const { time } of lines) {
    assert.equal(new Date(time).toISOString(), time)
    assert.ok(Date.parse(time) >= before && Date.parse(time) <= Date.now())
  }
})

test('lines are written together, soon, and before there are many', t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const writes: number[] = []
  const { log, flush } = createLineLog(lines => writes.push(lines.trimEnd().split('\n').length))
  log({ event: 'one' })
  log({ event: 'two' })
  assert.equal(writes.length, 0)
  t.mock.timers.tick(10)
  assert.deepEqual(writes, [2])
  log({ event: 'three' })
  flush()
  flush()
  t.mock.timers.tick(10)
  assert.deepEqual(writes, [2, 1])
  for (let line = 0; line < 100; line++) log({ text: 'x'.repeat(1000) })
  assert.equal(writes.length, 3)
})

test('the author sees where it listens, each decision, what was left out and where a handler threw', async t => {
  let said = ''
  const throws = () => {
    throw Object.assign(new TypeError('the name of Mira'), { code: 'E_CLAIM' })
  }
  const handlers: Handler<'PRE_ISSUE_ACCESS_TOKEN'>[] = [
    () => allow([setClaim('tenant', 'heron'), setClaim('iss', 'https://elsewhere.example')], { why: 'a guest' }),
    () => deny('access_denied', 'Not from here.'),
    throws,
  ]
  let calls = 0
  const { url } = await started(
    t,
    extensionOf((...given) => (handlers[calls++] ?? throws)(...given)),
    {
      log: lines => {
        said += lines
      },
    },
  )
  const fresh = () => JSON.stringify(sampleRequest('PRE_ISSUE_ACCESS_TOKEN', { requestId: `r-${calls}` }))
  for (const _ of handlers) await post(url, { body: fresh() })
  await post(url, { body: '{' })
  const lines = said
    .replaceAll(/in [\d.]+ ms/g, 'in 1.0 ms')
    .trimEnd()
    .split('\n')
  assert.equal(lines[0], `listening at ${url}`)
  assert.equal(lines[1], 'PRE_ISSUE_ACCESS_TOKEN: allow, 1 operation, a guest, in 1.0 ms')
  assert.match(lines[2] ?? '', /^ {2}setClaim: /)
  assert.equal(lines[3], 'PRE_ISSUE_ACCESS_TOKEN: deny access_denied, in 1.0 ms')
  assert.equal(lines[4], 'PRE_ISSUE_ACCESS_TOKEN: fail server_error, the handler threw, in 1.0 ms')
  assert.match(lines[5] ?? '', /^ {2}The handler threw TypeError E_CLAIM at .*node\.test\.[jt]s:\d+:\d+/)
  assert.equal(lines[6], 'call: refused invalid_request, The body is not JSON., in 1.0 ms')
  assert.equal(lines.length, 7)
  assert.doesNotMatch(said, /Mira/)
})

test('an extension with its own log is not logged twice', async t => {
  let said = ''
  const records: DecisionRecord[] = []
  const extension = extensionOf(undefined, record => records.push(record))
  const { url } = await started(t, extension, {
    log: lines => {
      said += lines
    },
  })
  await post(url)
  assert.equal(records.length, 1)
  assert.equal(said, `listening at ${url}\n`)
})

test('only a tool on this machine that requests it gets the explanation', async t => {
  const asks = { 'x-preflow-explain': 'on' }
  const explained = async (extension = extensionOf(() => allow([setClaim('iss', 'x')])), headers = {}, log?: false) => {
    const { url } = await started(t, extension, { log: log ?? (() => {}) })
    const answer = await post(url, { headers: { ...json, ...headers } })
    return answer.headers.get('x-preflow-explanation')
  }
  const explanation = JSON.parse(decodeURIComponent((await explained(undefined, asks)) ?? ''))
  assert.equal(explanation.reports.length, 1)
  assert.match(explanation.reports[0], /^setClaim: /)
  assert.equal(await explained(), null, 'without a request')
  assert.equal(
    await explained(undefined, { ...asks, 'x-forwarded-for': '198.51.100.7' }),
    null,
    'a proxy requests for others',
  )
  assert.equal(await explained(undefined, asks, false), null, 'it is switched off')
  assert.equal(await explained(extensionOf(), asks), null, 'there is nothing to explain')
  assert.equal(
    await explained(
      extensionOf(
        () => allow([setClaim('iss', 'x')]),
        () => {},
      ),
      asks,
    ),
    null,
    'it has a log',
  )
  assert.equal(await explained(undefined, { ...asks, 'content-type': 'text/plain' }), null, 'the call was refused')
})
