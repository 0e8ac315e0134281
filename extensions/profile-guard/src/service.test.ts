import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { onEachEngine } from '@preflow/database/testing'
import { readService } from '@preflow/extension/service'
import { call, sampleRequest } from '@preflow/extension/testing'
import { createDelivery } from './delivery.ts'
import { openOutbox } from './outbox.ts'
import { profileGuard } from './service.ts'
import { createSmtp } from './smtp.ts'
import { startMailServer } from './smtp-server.fixture.ts'

const EMAIL = 'http://wso2.org/claims/emailaddress'
const key = 'k'.repeat(20)

/** Starts profile-guard as an operator would, and waits until it listens. */
async function startGuard(settings: Record<string, string>) {
  const conditions = process.execArgv.filter(argument => argument.startsWith('--conditions'))
  const child = spawn(process.execPath, [...conditions, new URL('./main.ts', import.meta.url).pathname], {
    env: {
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      PROFILE_GUARD_PORT: '0',
      PROFILE_GUARD_CALLER: 'api-key',
      PROFILE_GUARD_CALLER_SECRETS: key,
      PROFILE_GUARD_ALERT_TO: 'security@heron.example',
      PROFILE_GUARD_ALERT_FROM: 'alerts@heron.example',
      PROFILE_GUARD_SMTP_HOST: '127.0.0.1',
      PROFILE_GUARD_SMTP_SECURITY: 'none',
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  after(() => child.kill('SIGKILL'))
  const lines: { event: string; url?: string }[] = []
  const reader = createInterface(child.stdout)
  const listening = Promise.withResolvers<string>()
  reader.on('line', line => {
    const entry = JSON.parse(line)
    lines.push(entry)
    if (entry.event === 'listening') listening.resolve(entry.url)
  })
  const url = await listening.promise
  const ask = (path = '/') =>
    fetch(new URL(path, url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': key },
      body: JSON.stringify(emailChange),
    })
  return { child, url, lines, ask }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  const exited = once(child, 'exit')
  child.kill(signal)
  const [code] = await exited
  return code
}

const sample = sampleRequest('PRE_UPDATE_PROFILE')
const emailChange = {
  ...sample,
  event: {
    ...sample.event,
    request: { claims: [{ uri: EMAIL, value: 'new@evil.example' }] },
    user: {
      ...sample.event.user,
      claims: [{ uri: EMAIL, value: 'ines@heron.example', updatingValue: 'new@evil.example' }],
    },
  },
}

onEachEngine('profile-guard', newLocation => {
  test('UC-11, UC-13, UC-16: an update sent twice causes one alert, to the team and to the previous address', async () => {
    const server = await startMailServer()
    const guard = await startGuard({
      PROFILE_GUARD_OUTBOX: await newLocation(),
      PROFILE_GUARD_SMTP_PORT: String(server.port),
    })
    assert.equal((await fetch(`${guard.url}/readyz`)).status, 200)
    // Like a platform that did not wait for the first answer. The action answers at every path, never with a greeting.
    const answers = await Promise.all([guard.ask(), guard.ask('/validate-user-profile-update')])
    for (const answer of answers) assert.deepEqual(await answer.json(), { actionStatus: 'SUCCESS' })
    await server.received(2)
    assert.deepEqual(await (await guard.ask()).json(), { actionStatus: 'SUCCESS' })
    assert.equal(await end(guard.child, 'SIGTERM'), 0)
    assert.deepEqual(server.mails.map(({ to }) => to.join()).sort(), ['ines@heron.example', 'security@heron.example'])
    assert.doesNotMatch(server.mails.map(({ source }) => source).join(), /new@evil\.example/)
    assert.doesNotMatch(JSON.stringify(guard.lines), /evil|ines/)
  })

  test('an instance that does not send stores alerts, reports those given up, and is ready while it can store', async () => {
    const location = await newLocation()
    const read = readService(profileGuard, {
      environment: {},
      file: {
        caller: 'none',
        outbox: location,
        alertTo: ['security@heron.example'],
        alertDelivery: 'elsewhere',
      },
    })
    assert.ok(read.ok)
    const outbox = await openOutbox({ location })
    await outbox.add([{ id: 'a', recipient: 'gone@heron.example', content: '{}' }])
    const claimed = await outbox.claim()
    if (claimed) await outbox.bury(claimed, 'SMTP 550')
    const reports: object[] = []
    const open = await profileGuard.open(read.configuration, {
      report: (level, fields) => reports.push({ level, ...fields }),
    })
    assert.deepEqual(reports, [
      { level: 'warn', event: 'alerts given up', count: 1, advice: 'See "Failed alerts" in the README.' },
    ])
    assert.equal(await open.isReady?.(), true)
    assert.equal((await call(open.extension, emailChange)).status, 200)
    await open.close?.()
    await assert.rejects(async () => open.isReady?.())
    const { waiting, dead } = await outbox.status()
    assert.deepEqual([waiting, dead], [2, 1])
    await outbox.close()
  })

  test('UC-14: with a silent mail server the answer is sent, and kill -9 loses no alert', async () => {
    const isConnected = Promise.withResolvers<void>()
    const silent = createServer(socket => {
      socket.on('error', () => undefined)
      isConnected.resolve()
    })
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    after(() => silent.close())
    const location = await newLocation()
    const guard = await startGuard({
      PROFILE_GUARD_OUTBOX: location,
      PROFILE_GUARD_SMTP_PORT: String((silent.address() as AddressInfo).port),
    })
    assert.deepEqual(await (await guard.ask()).json(), { actionStatus: 'SUCCESS' })
    await isConnected.promise
    await end(guard.child, 'SIGKILL')

    const server = await startMailServer()
    // Another instance, after the lease of the crashed one.
    const now = () => Date.now() + 120_000
    const outbox = await openOutbox({ location, now })
    assert.equal((await outbox.status()).waiting, 2)
    const send = createSmtp({ host: '127.0.0.1', port: server.port, security: 'none', from: 'alerts@heron.example' })
    await createDelivery({ outbox, send, domain: 'heron.example', now }).sendDue()
    assert.deepEqual(server.mails.map(({ to }) => to.join()).sort(), ['ines@heron.example', 'security@heron.example'])
    await outbox.close()
  })
})

test('an outbox that cannot be opened prevents the start with a sentence', async () => {
  const child = spawn(
    process.execPath,
    [
      ...process.execArgv.filter(argument => argument.startsWith('--conditions')),
      new URL('./main.ts', import.meta.url).pathname,
    ],
    {
      env: {
        NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
        PROFILE_GUARD_CALLER: 'none',
        PROFILE_GUARD_ALERT_TO: 'security@heron.example',
        PROFILE_GUARD_ALERT_FROM: 'alerts@heron.example',
        PROFILE_GUARD_SMTP_HOST: '127.0.0.1',
        PROFILE_GUARD_OUTBOX: '/nowhere/outbox.db',
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  const said: string[] = []
  child.stderr.on('data', chunk => said.push(String(chunk)))
  const [code] = await once(child, 'close')
  assert.equal(code, 1)
  assert.match(
    said.join(''),
    /^profile-guard does not start:\n {2}The outbox file \/nowhere\/outbox\.db cannot be used: /,
  )
})
