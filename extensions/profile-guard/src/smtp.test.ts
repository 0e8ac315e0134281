import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { createSmtp, type Mail, type SmtpOptions } from './smtp.ts'
import { makeCertificate, reply, startMailServer } from './smtp-server.fixture.ts'

const mail: Mail = {
  to: 'security@heron.example',
  subject: 'Profile update allowed: department',
  text: 'The update was allowed.\n',
  html: '<p>The update was allowed.</p>\n',
  messageId: '<a1.b2@heron.example>',
}
const options = (port: number, more: Partial<SmtpOptions> = {}): SmtpOptions => ({
  host: '127.0.0.1',
  port,
  security: 'none',
  from: 'Preflow alerts <alerts@heron.example>',
  timeoutMs: 5000,
  ...more,
})
const never = new AbortController().signal
const send = (port: number, more: Partial<SmtpOptions> = {}, what: Partial<Mail> = {}) =>
  createSmtp(options(port, more))({ ...mail, ...what }, never)

/** Our own server, for what a well-behaved one does not do. @returns Its port. */
async function listen(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket.on('error', () => undefined))
    onConnection(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

test('a mail arrives as plain text and HTML, marked as automatic, with its own id', async () => {
  const server = await startMailServer()
  assert.deepEqual(await send(server.port), { result: 'sent' })
  const [received] = server.mails
  assert.deepEqual([received?.from, received?.to], ['alerts@heron.example', ['security@heron.example']])
  for (const line of [
    /^From: "?Preflow alerts"? <alerts@heron\.example>\r$/m,
    /^To: security@heron\.example\r$/m,
    /^Subject: Profile update allowed: department\r$/m,
    /^Message-ID: <a1\.b2@heron\.example>\r$/m,
    /^Auto-Submitted: auto-generated\r$/m,
    /^Content-Type: multipart\/alternative;/m,
    /^Content-Type: text\/plain; charset=utf-8\r$/m,
    /^Content-Type: text\/html; charset=utf-8\r$/m,
  ]) {
    assert.match(received?.source ?? '', line)
  }
})

test('UC-15: nothing in an address or a subject becomes another header or another recipient', async () => {
  const server = await startMailServer()
  await send(server.port, {}, { subject: 'x\r\nBcc: spy@evil.example\r\n\r\nbody' })
  for (const to of ['a@heron.example, spy@evil.example', 'a@heron.example\r\nBcc: spy@evil.example']) {
    await send(server.port, {}, { to })
  }
  for (const { to, source } of server.mails) {
    assert.doesNotMatch(source, /^Bcc:/m)
    assert.ok(!to.includes('spy@evil.example'))
  }
  assert.ok(server.mails.length >= 1)
})

test('greylisting and other 4xx responses mean later', async () => {
  const server = await startMailServer({
    onRcptTo: (_address, _session, callback) => callback(reply(451, 'Greylisted, security@heron.example come back')),
  })
  assert.deepEqual(await send(server.port), { result: 'later', cause: 'SMTP 451 RCPT TO' })
})

test('a 5xx about the recipient or the mail means never', async () => {
  const unknownReader = await startMailServer({
    onRcptTo: (_address, _session, callback) => callback(reply(550, 'No such user')),
  })
  assert.deepEqual(await send(unknownReader.port), { result: 'never', cause: 'SMTP 550 RCPT TO' })
  const pickyAboutContent = await startMailServer({
    onData: (stream, _session, callback) => {
      stream.resume()
      stream.on('end', () => callback(reply(554, 'Looks like spam')))
    },
  })
  assert.deepEqual(await send(pickyAboutContent.port), { result: 'never', cause: 'SMTP 554 DATA' })
})

test('a 5xx about the sender or the credentials means later, because the operator can fix it', async () => {
  const aboutSender = await startMailServer({
    onMailFrom: (_address, _session, callback) => callback(reply(553, 'Not your domain')),
  })
  assert.deepEqual(await send(aboutSender.port), { result: 'later', cause: 'SMTP 553 MAIL FROM' })
})

test('an address that is invalid in an envelope means never', async () => {
  const server = await startMailServer()
  assert.equal((await send(server.port, {}, { to: '' })).result, 'never')
  assert.equal(server.mails.length, 0)
})

test('a connection that ends in the middle of the mail means later', async () => {
  const server = await startMailServer()
  const port = await listen(client => {
    const upstream = connect(server.port, '127.0.0.1')
    let isSendingMail = false
    upstream.on('data', chunk => {
      isSendingMail ||= /^354/m.test(chunk.toString())
      client.write(chunk)
    })
    client.on('data', chunk => {
      upstream.write(isSendingMail ? chunk.subarray(0, 20) : chunk)
      if (isSendingMail) client.destroy()
    })
    client.on('close', () => upstream.destroy())
  })
  const result = await send(port)
  assert.equal(result.result, 'later')
  assert.equal(server.mails.length, 0)
})

test('a server that does not exist, disconnects, or never greets means later, within the time', async () => {
  const closed = await send(1)
  assert.deepEqual(closed, { result: 'later', cause: 'ESOCKET CONN' })
  const hangsUp = await listen(socket => socket.end('421 come back\r\n'))
  assert.equal((await send(hangsUp)).result, 'later')
  const result = await send(await listen(() => undefined), { timeoutMs: 30 })
  assert.equal(result.result, 'later')
})

test('a mail is aborted on request', async () => {
  const connected = Promise.withResolvers<void>()
  const port = await listen(() => connected.resolve())
  const cutting = new AbortController()
  const sending = createSmtp(options(port))(mail, cutting.signal)
  await connected.promise
  cutting.abort()
  assert.deepEqual(await sending, { result: 'later', cause: 'EABORT' })
})

const certificate = makeCertificate()
test('STARTTLS', { skip: certificate ? false : 'openssl is missing, so there is no certificate' }, async t => {
  const { key, cert } = certificate as { key: string; cert: string }
  const withTls = () => startMailServer({ key, cert, disabledCommands: [], authOptional: true })

  await t.test('is used before anything else, and the certificate is checked', async () => {
    const server = await withTls()
    assert.deepEqual(await send(server.port, { security: 'starttls', ca: cert }), { result: 'sent' })
    assert.equal(server.mails[0]?.session.secure, true)
    const untrusted = await send(server.port, { security: 'starttls' })
    assert.equal(untrusted.result, 'later')
    assert.equal(server.mails.length, 1)
  })

  await t.test('that the server does not offer means later, not unencrypted', async () => {
    const plain = await startMailServer()
    assert.equal((await send(plain.port, { security: 'starttls' })).result, 'later')
    assert.equal(plain.mails.length, 0)
  })

  await t.test('is optional if the operator allows it', async () => {
    const [plain, encrypting] = [await startMailServer(), await withTls()]
    assert.deepEqual(await send(plain.port, { security: 'opportunistic' }), { result: 'sent' })
    assert.equal(plain.mails[0]?.session.secure, false)
    assert.deepEqual(await send(encrypting.port, { security: 'opportunistic', ca: cert }), { result: 'sent' })
    assert.equal(encrypting.mails[0]?.session.secure, true)
  })

  await t.test('is not needed if TLS comes first', async () => {
    const server = await startMailServer({ key, cert, secure: true })
    assert.deepEqual(await send(server.port, { security: 'tls', ca: cert }), { result: 'sent' })
  })

  await t.test('protects the credentials, which the server checks', async () => {
    const server = await startMailServer({
      key,
      cert,
      disabledCommands: [],
      authOptional: false,
      onAuth: ({ username, password }, _session, callback) =>
        username === 'guard' && password === 's3cret-s3cret'
          ? callback(null, { user: username })
          : callback(reply(535, 'guard: wrong password')),
    })
    const credentials = { user: 'guard', password: 's3cret-s3cret' }
    const tls = { security: 'starttls', ca: cert } as const
    assert.deepEqual(await send(server.port, { ...tls, credentials }), { result: 'sent' })
    const wrong = await send(server.port, { ...tls, credentials: { ...credentials, password: 'wrong-password' } })
    assert.equal(wrong.result, 'later')
    assert.match(JSON.stringify(wrong), /SMTP 535 AUTH/)
    assert.doesNotMatch(JSON.stringify(wrong), /guard|password/)
    assert.equal((await send(server.port, tls)).result, 'later')
  })

  await t.test('without AUTH on offer means later if there are credentials', async () => {
    const server = await startMailServer({ key, cert, disabledCommands: ['AUTH'] })
    const credentials = { user: 'guard', password: 's3cret-s3cret' }
    assert.equal((await send(server.port, { security: 'starttls', ca: cert, credentials })).result, 'later')
    assert.equal(server.mails.length, 0)
  })
})
