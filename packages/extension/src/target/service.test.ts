import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { after, test } from 'node:test'
import { present } from '@preflow/contract'
import { z } from 'zod'
import { deny } from '../decision.ts'
import { defineExtension } from '../define-extension.ts'
import type { Setting } from '../settings.ts'
import { openService, readService, runService, type Service, serviceSettings } from './service.ts'

const settings = {
  reason: {
    schema: z.string().min(1),
    text: 'text',
    default: 'access_denied',
    about: 'The reason in every answer.',
  } as Setting<string>,
}

/** Denies every token. Counts `opened` and `closed`. */
function denier() {
  const counts = { opened: 0, closed: 0, isReady: true }
  const service: Service<typeof settings> = {
    name: 'deny-all',
    settings,
    contradictions: ({ reason }) => (reason === 'contradiction' ? ['DENY_ALL_REASON: must not be that.'] : []),
    open: async ({ reason, callerAuthentication }, { log, report }) => {
      if (reason === 'missing') throw new Error('The list cannot be read. Name a file that exists.')
      counts.opened += 1
      report?.('warn', { event: 'warning', message: 'the list is old' })
      const handlers = { preIssueAccessToken: () => deny(reason, 'No.') }
      return {
        extension: defineExtension(handlers, { caller: callerAuthentication, ...present({ log }) }),
        isReady: () => counts.isReady,
        close: () => {
          counts.closed += 1
        },
      }
    },
  }
  return { service, counts }
}

/** A stand-in for `process`, with what the service wrote. */
function fakeProcess(env: Record<string, string>) {
  const listeners = new Map<string, (signal: 'SIGTERM' | 'SIGINT') => unknown>()
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const lines = createInterface(stdout)[Symbol.asyncIterator]()
  const errors: string[] = []
  stderr.on('data', chunk => errors.push(String(chunk)))
  return {
    errors,
    /** The next line of the log. */
    line: async () => JSON.parse((await lines.next()).value ?? 'null'),
    stop: async (signal: 'SIGTERM' | 'SIGINT') => listeners.get(signal)?.(signal),
    host: {
      env,
      stdout,
      stderr,
      exit: (code: number): never => {
        throw new Exit(code)
      },
      on: (signal: 'SIGTERM' | 'SIGINT', listener: (signal: 'SIGTERM' | 'SIGINT') => void) =>
        listeners.set(signal, listener),
    },
  }
}

class Exit extends Error {
  code: number
  constructor(code: number) {
    super(`exit ${code}`)
    this.code = code
  }
}

const key = 'k'.repeat(16)
const environment = { DENY_ALL_CALLER: 'api-key', DENY_ALL_CALLER_SECRETS: key, DENY_ALL_PORT: '0' }
const folder = mkdtempSync(join(tmpdir(), 'preflow-service-'))
after(() => rmSync(folder, { recursive: true }))

test('a service answers, logs a line per decision, and stops on a signal', async () => {
  const { service, counts } = denier()
  const { host, line, stop } = fakeProcess(environment)
  await runService(service, host)
  const warning = await line()
  assert.deepEqual([warning.level, warning.event], ['warn', 'warning'])
  const listening = await line()
  assert.equal(listening.event, 'listening')

  const probe = async () => (await fetch(`${listening.url}/readyz`)).status
  assert.equal(await probe(), 200)
  counts.isReady = false
  assert.equal(await probe(), 503)
  const answer = await fetch(listening.url, { method: 'POST', headers: { 'x-api-key': 'wrong' } })
  assert.equal(answer.status, 401)
  const decision = await line()
  assert.deepEqual([decision.level, decision.event, decision.status], ['warn', 'decision', 401])

  const stopped = stop('SIGTERM')
  await assert.rejects(stop('SIGINT'), { code: 1 }, 'a second signal ends it without waiting')
  const stopping = await line()
  assert.deepEqual([stopping.event, stopping.signal], ['stopping', 'SIGTERM'])
  await stopped
  assert.equal(counts.closed, 1)
  await assert.rejects(fetch(listening.url))
})

test('a service that cannot run with its configuration reports every problem and ends', async () => {
  const { service, counts } = denier()
  const start = async (env: Record<string, string>) => {
    const { host, errors } = fakeProcess({ ...environment, ...env })
    await assert.rejects(runService(service, host), { code: 1 })
    return errors.join('')
  }
  assert.equal(
    await start({ DENY_ALL_CALLER: 'basic', DENY_ALL_CALLER_SECRETS: '', DENY_ALL_REASON: 'contradiction' }),
    [
      'deny-all does not start:',
      '  DENY_ALL_CALLER_SECRETS: missing. basic needs a secret of the platform; DENY_ALL_CALLER=none accepts every caller.',
      '  DENY_ALL_CALLER_USERNAME: missing. basic needs the user name of the platform.',
      '  DENY_ALL_REASON: must not be that.',
      '',
    ].join('\n'),
  )
  assert.match(await start({ DENY_ALL_REASON: 'missing' }), /The list cannot be read\. Name a file that exists\./)
  assert.match(await start({ DENY_ALL_HOSTNAME: '192.0.2.1' }), /Cannot listen on 192\.0\.2\.1:0\. This machine/)
  assert.match(
    await start({ DENY_ALL_CONFIG: join(folder, 'none.json') }),
    /cannot be read \(ENOENT\)\. Set it to a file/,
  )
  writeFileSync(join(folder, 'broken.json'), '{')
  assert.match(
    await start({ DENY_ALL_CONFIG: join(folder, 'broken.json') }),
    /broken\.json is not JSON\. Set it to a file/,
  )
  assert.equal(counts.opened, 1, 'only the address was wrong')
})

test('settings come from a file too, and the environment takes precedence', () => {
  const read = readService(denier().service, {
    environment: { DENY_ALL_REASON: 'from_environment' },
    file: { reason: 'from_file', caller: 'signature', callerSecrets: [`whsec_${btoa('s'.repeat(24))}`] },
  })
  assert.ok(read.ok)
  assert.equal(read.configuration.reason, 'from_environment')
  assert.equal(read.configuration.callerAuthentication.type, 'signature')
})

test("every way to authenticate becomes the extension's check, and a signing secret must be base64", () => {
  const secret = 'c2VjcmV0c2VjcmV0'
  const authenticationOf = (caller: string) => {
    const read = readService(denier().service, {
      environment: { DENY_ALL_CALLER: caller, DENY_ALL_CALLER_SECRETS: secret, DENY_ALL_CALLER_USERNAME: 'is' },
    })
    assert.ok(read.ok)
    return read.configuration.callerAuthentication
  }
  assert.deepEqual(authenticationOf('none'), { type: 'none' })
  assert.deepEqual(authenticationOf('basic'), { type: 'basic', credentials: [{ username: 'is', password: secret }] })
  assert.deepEqual(authenticationOf('bearer'), { type: 'bearer', tokens: [secret] })
  assert.deepEqual(authenticationOf('api-key'), { type: 'apiKey', header: 'x-api-key', keys: [secret] })
  assert.deepEqual(authenticationOf('signature'), { type: 'signature', secrets: [secret] })
  const read = readService(denier().service, {
    environment: { DENY_ALL_CALLER: 'signature', DENY_ALL_CALLER_SECRETS: 'not base64 at all' },
  })
  assert.deepEqual(read, {
    ok: false,
    problems: ['DENY_ALL_CALLER_SECRETS: signing secrets are base64, with or without the prefix whsec_.'],
  })
})

test('for a runtime that calls a function it is opened without a port, and GET returns whether it is ready', async () => {
  const { service, counts } = denier()
  const { host, line } = fakeProcess(environment)
  const { extension, close } = await openService(service, host)
  assert.equal((await line()).event, 'warning')
  const get = { method: 'GET', header: () => undefined, text: async () => '' }
  for (const status of [200, 503]) {
    assert.equal((await extension.answer(get)).status, status)
    assert.equal((await extension.fetch(new Request('http://extension.test/any'))).status, status)
    counts.isReady = false
  }
  const stranger = new Request('http://extension.test/', { method: 'POST' })
  assert.equal((await extension.fetch(stranger)).status, 401)
  assert.equal((await line()).status, 401)
  await close?.()
  assert.equal(counts.closed, 1)
  await assert.rejects(openService(service, { ...host, env: {} }), {
    name: 'ServiceError',
    message: /^deny-all does not start:\n {2}DENY_ALL_CALLER: missing\./,
  })
})

test('every setting has a sentence that explains it', () => {
  for (const [name, { about }] of Object.entries(serviceSettings)) assert.match(about, /\.$/, name)
})

test('lines of the same moment are written together, and none is lost when the process ends', async () => {
  const written: string[] = []
  const listeners = new Map<string, (signal: 'SIGTERM' | 'SIGINT') => unknown>()
  const { service } = denier()
  const { host } = fakeProcess(environment)
  await runService(service, {
    ...host,
    stdout: { write: text => written.push(text) },
    on: (event, listener) => listeners.set(event, listener),
  })
  const waited = written.length
  listeners.get('exit')?.('SIGTERM')
  assert.equal(written.length, waited + 1)
  assert.match(written.at(-1) ?? '', /"event":"listening"/)
  await listeners.get('SIGTERM')?.('SIGTERM')
})
