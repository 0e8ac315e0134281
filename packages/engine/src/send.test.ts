import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { selfSigned } from './certificate.fixture.ts'
import { freePort, startBlackHole, startExtension, startSocketServer } from './extension-under-test.fixture.ts'
import { createSend, type Delivery, type SendOptions, type SendRequest } from './send.ts'

const LOOPBACK = ['127.0.0.0/8', '::1/128']

function opened(t: TestContext, options: SendOptions = { allowedAddresses: LOOPBACK }) {
  const send = createSend(options)
  t.after(() => send.close())
  return (url: string, changes: Partial<SendRequest> = {}) =>
    send({
      url,
      headers: { 'content-type': 'application/json' },
      body: '{}',
      connectTimeoutMs: 1000,
      readTimeoutMs: 1000,
      maxAnswerBytes: 100_000,
      ...changes,
    })
}

function codeOf(delivery: Delivery): string {
  return delivery.ok ? `answer ${delivery.status}` : delivery.error.code
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}'
const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n'

/** The pool takes a connection back right after its answer was delivered. */
const poolIsIdle = () => setImmediate()

/** Writes something again and again until the connection ends. */
function drip(socket: Socket, text: string, everyMs: number): void {
  const timer = setInterval(() => socket.write(text), everyMs)
  socket.on('close', () => clearInterval(timer))
}

test('E36: the request is sent as a POST with its headers and body, and the answer arrives complete', async t => {
  const { uri, calls } = await startExtension(t, { json: { actionStatus: 'SUCCESS' } })
  const delivery = await opened(t)(`${uri}?code=1`, {
    headers: { accept: 'application/json', 'x-a': 'b' },
    body: '{"a":1}',
  })
  assert.ok(delivery.ok)
  assert.equal(delivery.status, 200)
  assert.equal(delivery.headers['content-type'], 'application/json')
  assert.equal(Buffer.from(delivery.body).toString(), '{"actionStatus":"SUCCESS"}')
  const [call] = calls
  assert.deepEqual([call?.method, call?.url, call?.text], ['POST', '/hook?code=1', '{"a":1}'])
  assert.equal(call?.headers['x-a'], 'b')
  assert.equal(call?.headers['accept-encoding'], undefined)
})

test('connections are kept alive and reused', async t => {
  const { uri, connections } = await startSocketServer(t, socket => socket.on('data', () => socket.write(OK)))
  const send = opened(t)
  for (let i = 0; i < 5; i++) {
    assert.equal(codeOf(await send(uri)), 'answer 200')
    await poolIsIdle()
  }
  assert.equal(connections(), 1)
})

test('a refused connection is reported as such', async t => {
  const port = await freePort()
  assert.equal(codeOf(await opened(t)(`http://127.0.0.1:${port}/`)), 'refused')
})

test('a connection that is reset before the headers is reported as such and not reused', async t => {
  const { uri, connections } = await startSocketServer(t, socket => socket.on('data', () => socket.resetAndDestroy()))
  assert.equal(codeOf(await opened(t)(uri)), 'reset')
  assert.equal(connections(), 1)
})

test('a connection that is closed without an answer is reported as reset', async t => {
  const { uri } = await startSocketServer(t, socket => socket.on('data', () => socket.end()))
  assert.equal(codeOf(await opened(t)(uri)), 'reset')
})

test('a connection that is reset after the headers is reported as such', async t => {
  const { uri } = await startSocketServer(t, socket =>
    socket.on('data', () => socket.write(`${HEAD}content-length: 10\r\n\r\n{`, () => socket.resetAndDestroy())),
  )
  assert.equal(codeOf(await opened(t)(uri)), 'reset')
})

test('a body that ends before its length is reported as reset', async t => {
  const { uri } = await startSocketServer(t, socket =>
    socket.on('data', () => socket.end(`${HEAD}content-length: 10\r\n\r\n{}`)),
  )
  assert.equal(codeOf(await opened(t)(uri)), 'reset')
})

test('a body that is longer than its length is cut there', async t => {
  const { uri } = await startSocketServer(t, socket =>
    socket.on('data', () => socket.write(`${HEAD}content-length: 1\r\n\r\n{}`)),
  )
  const delivery = await opened(t)(uri)
  assert.ok(delivery.ok)
  assert.equal(Buffer.from(delivery.body).toString(), '{')
})

test('a black hole ends with the time for connecting', async t => {
  const { uri } = await startBlackHole(t)
  assert.equal(codeOf(await opened(t)(uri, { connectTimeoutMs: 150, readTimeoutMs: 60_000 })), 'connect_timeout')
})

test('a missing answer ends with the deadline, and the origin can be called again', async t => {
  const { uri } = await startSocketServer(t, (socket, n) => {
    if (n > 1) socket.on('data', () => socket.write(OK))
  })
  const send = opened(t)
  assert.equal(codeOf(await send(uri, { readTimeoutMs: 100 })), 'deadline')
  assert.equal(codeOf(await send(uri)), 'answer 200')
})

test('headers that drip end with the deadline', async t => {
  const { uri } = await startSocketServer(t, socket =>
    socket.once('data', () => {
      socket.write(HEAD)
      drip(socket, 'x-more: 1\r\n', 10)
    }),
  )
  assert.equal(codeOf(await opened(t)(uri, { readTimeoutMs: 150 })), 'deadline')
})

test('a body that drips ends with the deadline', async t => {
  const { uri } = await startSocketServer(t, socket =>
    socket.once('data', () => {
      socket.write(`${HEAD}content-length: 1000\r\n\r\n`)
      drip(socket, ' ', 10)
    }),
  )
  assert.equal(codeOf(await opened(t)(uri, { readTimeoutMs: 150 })), 'deadline')
})

test('endless informational answers end with the deadline', async t => {
  const { uri } = await startSocketServer(t, socket =>
    socket.once('data', () => drip(socket, 'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n', 10)),
  )
  assert.equal(codeOf(await opened(t)(uri, { readTimeoutMs: 150 })), 'deadline')
})

test('an informational answer is skipped', async t => {
  const { uri } = await startSocketServer(t, socket =>
    socket.on('data', () => socket.write(`HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n${OK}`)),
  )
  assert.equal(codeOf(await opened(t)(uri)), 'answer 200')
})

for (const line of ['100 Continue', '101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c']) {
  test(`an unrequested ${line.slice(0, 3)} is not valid HTTP`, async t => {
    const { uri } = await startSocketServer(t, socket =>
      socket.on('data', () => socket.write(`HTTP/1.1 ${line}\r\n\r\n${OK}`)),
    )
    assert.equal(codeOf(await opened(t)(uri)), 'protocol')
  })
}

test('an endless body is cut at the limit', async t => {
  const { uri } = await startExtension(t, response => {
    const chunk = 'x'.repeat(16_384)
    const more = () => {
      while (!response.destroyed && response.write(chunk));
    }
    response.on('drain', more)
    response.writeHead(200, { 'content-type': 'application/json' })
    more()
  })
  assert.equal(codeOf(await opened(t)(uri)), 'answer_too_large')
})

test('200 MB that are only declared are rejected at once', async t => {
  const { uri } = await startSocketServer(t, socket =>
    socket.on('data', () => socket.write(`${HEAD}content-length: 209715200\r\n\r\n{`)),
  )
  assert.equal(codeOf(await opened(t)(uri, { readTimeoutMs: 60_000 })), 'answer_too_large')
})

test('an answer of exactly the limit is read', async t => {
  const text = `"${'x'.repeat(998)}"`
  const { uri } = await startExtension(t, { text })
  const send = opened(t)
  assert.equal(codeOf(await send(uri, { maxAnswerBytes: 1000 })), 'answer 200')
  assert.equal(codeOf(await send(uri, { maxAnswerBytes: 999 })), 'answer_too_large')
})

test('a compressed bomb stays compressed', async t => {
  const bomb = gzipSync(Buffer.alloc(20_000_000))
  const { uri } = await startExtension(t, response => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(bomb)
  })
  const delivery = await opened(t)(uri)
  assert.ok(delivery.ok)
  assert.equal(delivery.body.byteLength, bomb.byteLength)
  assert.equal(delivery.headers['content-encoding'], 'gzip')
})

test('E51: a redirect is an answer and is not followed', async t => {
  const target = await startExtension(t, {})
  const { uri } = await startExtension(t, { status: 302, headers: { location: target.uri } })
  assert.equal(codeOf(await opened(t)(uri)), 'answer 302')
  assert.equal(target.calls.length, 0)
})

test('another protocol than HTTP is reported as such', async t => {
  const { uri } = await startSocketServer(t, socket => socket.write('220 mail.test ESMTP\r\n'))
  assert.equal(codeOf(await opened(t)(uri)), 'protocol')
})

test('a keep-alive connection that is dead when it is reused is replaced within the same attempt', async t => {
  const { uri, connections } = await startSocketServer(t, socket => {
    let answered = 0
    socket.on('data', () => {
      if (answered++ === 0) socket.write(OK)
      else socket.resetAndDestroy()
    })
  })
  const send = opened(t)
  for (let i = 0; i < 4; i++) {
    assert.equal(codeOf(await send(uri)), 'answer 200')
    await poolIsIdle()
  }
  assert.equal(connections(), 4)
})

test('a keep-alive connection that breaks after the answer started is not replaced', async t => {
  const { uri, connections } = await startSocketServer(t, socket => {
    let answered = 0
    socket.on('data', () => {
      if (answered++ === 0) socket.write(OK)
      else socket.write(`${HEAD}content-length: 10\r\n\r\n{`, () => socket.resetAndDestroy())
    })
  })
  const send = opened(t)
  assert.equal(codeOf(await send(uri)), 'answer 200')
  await poolIsIdle()
  assert.equal(codeOf(await send(uri)), 'reset')
  assert.equal(connections(), 1)
})

test('a call that finds all connections busy reports it', async t => {
  const { uri } = await startSocketServer(t, () => {})
  const send = opened(t, { allowedAddresses: LOOPBACK, maxConnectionsPerOrigin: 1 })
  const first = send(uri, { readTimeoutMs: 400 })
  assert.equal(codeOf(await send(uri, { connectTimeoutMs: 100 })), 'no_connection')
  assert.equal(codeOf(await first), 'deadline')
})

test('owners take turns with connections, and a slow endpoint of one holds up nobody else at its origin', async t => {
  const { uri } = await startSocketServer(t, socket =>
    socket.on('data', sent => {
      if (String(sent).includes('POST /quick')) socket.write(OK)
    }),
  )
  const send = opened(t, {
    ...{ allowedAddresses: LOOPBACK, maxConnectionsPerOrigin: 4 },
    ...{ maxConnectionsPerOwner: 2, maxWaitingPerOwner: 1 },
  })
  const slow = Array.from({ length: 4 }, () => send(uri, { owner: 'slow', readTimeoutMs: 600, connectTimeoutMs: 300 }))
  // More than its queue holds is refused before anything else happens.
  assert.equal(codeOf(await (slow[3] as Promise<Delivery>)), 'no_connection')
  const quick = await Promise.all([1, 2, 3].map(() => send(new URL('/quick', uri).href, { owner: 'quick' })))
  assert.deepEqual(quick.map(codeOf), ['answer 200', 'answer 200', 'answer 200'])
  assert.deepEqual((await Promise.all(slow)).map(codeOf), ['deadline', 'deadline', 'no_connection', 'no_connection'])
})

test('an abort ends a call at once, with the reason of the signal, in every phase', async t => {
  const hole = await startBlackHole(t)
  const reason = new Error('the client disconnected')
  const arrived = Promise.withResolvers<void>()
  const silent = await startSocketServer(t, socket => socket.on('data', () => arrived.resolve()))
  const send = opened(t)

  const connecting = new AbortController()
  const stuck = send(hole.uri, { signal: connecting.signal })
  connecting.abort(reason)
  await assert.rejects(stuck, reason)

  const waiting = new AbortController()
  const waited = send(silent.uri, { signal: waiting.signal })
  await arrived.promise
  waiting.abort(reason)
  await assert.rejects(waited, reason)

  await assert.rejects(send(silent.uri, { signal: AbortSignal.abort(reason) }), reason)
})

for (const host of [
  '127.0.0.1',
  'localhost',
  '[::ffff:127.0.0.1]',
  '0.0.0.0',
  '169.254.169.254',
  '10.0.0.1',
  '2130706433',
]) {
  test(`${host} is not called unless it is allowed`, async t => {
    const { port, connections } = await startSocketServer(t, socket => socket.on('data', () => socket.write(OK)))
    const delivery = await opened(t, {})(`http://${host}:${port}/`)
    assert.equal(codeOf(delivery), 'address_refused')
    assert.equal(connections(), 0)
  })
}

test('private addresses are called if the operator allows them all', async t => {
  const { uri } = await startSocketServer(t, socket => socket.on('data', () => socket.write(OK)))
  assert.equal(codeOf(await opened(t, { allowPrivateAddresses: true })(uri)), 'answer 200')
})

test('a host without an address is reported as such', async t => {
  // A label of 64 characters is not a valid DNS name, so no DNS query is sent.
  const delivery = await opened(t)(`http://${'a'.repeat(64)}.test/`)
  assert.equal(codeOf(delivery), 'unknown_host')
})

test('a header that is invalid in HTTP is reported without its value', async t => {
  const { uri } = await startSocketServer(t, () => {})
  const delivery = await opened(t)(uri, { headers: { authorization: 'Bearer sec\nret' } })
  assert.ok(!delivery.ok)
  assert.equal(delivery.error.code, 'misconfigured')
  assert.doesNotMatch(delivery.error.message, /sec/)
})

for (const url of ['ftp://127.0.0.1/', 'hook', '']) {
  test(`${url || 'an empty string'} is no endpoint`, async t => {
    assert.equal(codeOf(await opened(t)(url)), 'misconfigured')
  })
}

async function startTlsServer(t: TestContext, name: string): Promise<{ port: number; certificate: string }> {
  const { certificate, privateKey } = selfSigned(name)
  const server = createTlsServer({ cert: certificate, key: privateKey }, (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return { port: (server.address() as AddressInfo).port, certificate }
}

test('TLS with a trusted certificate for the name works', async t => {
  const { port, certificate } = await startTlsServer(t, 'localhost')
  const send = opened(t, { allowedAddresses: LOOPBACK, certificateAuthorities: certificate })
  assert.equal(codeOf(await send(`https://localhost:${port}/`)), 'answer 200')
})

test('TLS with a certificate for another name ends before a byte of the request', async t => {
  const { port, certificate } = await startTlsServer(t, 'extension.test')
  const send = opened(t, { allowedAddresses: LOOPBACK, certificateAuthorities: certificate })
  const delivery = await send(`https://localhost:${port}/`)
  assert.ok(!delivery.ok)
  assert.equal(delivery.error.code, 'tls')
  assert.match(delivery.error.message, /ERR_TLS_CERT_ALTNAME_INVALID/)
})

test('TLS with an untrusted certificate ends too', async t => {
  const { port } = await startTlsServer(t, 'localhost')
  const delivery = await opened(t)(`https://localhost:${port}/`)
  assert.equal(codeOf(delivery), 'tls')
})

test('TLS with a server that does not use it ends too', async t => {
  const { port } = await startSocketServer(t, socket => socket.on('data', () => socket.write(OK)))
  assert.equal(codeOf(await opened(t)(`https://localhost:${port}/`)), 'tls')
})

test('TLS with a server that disconnects ends too, and counts as TLS', async t => {
  const { port } = await startSocketServer(t, socket => socket.on('data', () => socket.resetAndDestroy()))
  assert.equal(codeOf(await opened(t)(`https://localhost:${port}/`)), 'tls')
})

test('a TLS handshake that hangs ends with the time for connecting', async t => {
  const { port } = await startSocketServer(t, () => {})
  const delivery = await opened(t)(`https://localhost:${port}/`, { connectTimeoutMs: 150 })
  assert.equal(codeOf(delivery), 'connect_timeout')
})
