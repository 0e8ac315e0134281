import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { apiKey, ines, pin, stepTwo } from './platform.fixture.ts'

const folder = await mkdtemp(join(tmpdir(), 'pin-main-'))
after(() => rm(folder, { recursive: true }))
const environment = {
  PIN_AUTHENTICATOR_MODE: 'second_factor',
  PIN_AUTHENTICATOR_PUBLIC_URL: 'https://pin.example.com',
  PIN_AUTHENTICATOR_PLATFORM_URLS: 'https://id.example.com',
  PIN_AUTHENTICATOR_CALLER: 'api-key',
  PIN_AUTHENTICATOR_CALLER_SECRETS: apiKey,
  PIN_AUTHENTICATOR_PEPPER: 'pepper-'.repeat(6),
  PIN_AUTHENTICATOR_DATABASE: join(folder, 'pins.sqlite'),
  PIN_AUTHENTICATOR_HASH_COST_LOG2: '14',
  PIN_AUTHENTICATOR_PORT: '0',
}

function start(parameters: string[], changed: Record<string, string> = {}): ChildProcess {
  const main = join(import.meta.dirname, 'main.ts')
  return spawn(process.execPath, ['--conditions=@preflow/source', main, ...parameters], {
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      ...environment,
      ...changed,
    },
  })
}

async function finish(child: ChildProcess, input = ''): Promise<{ code: number | null; out: string; err: string }> {
  const said = { out: '', err: '' }
  child.stdout?.on('data', chunk => {
    said.out += chunk
  })
  child.stderr?.on('data', chunk => {
    said.err += chunk
  })
  child.stdin?.end(input)
  const [code] = await once(child, 'close')
  return { code, ...said }
}

test('it serves, and after a stop signal finishes open requests', async () => {
  const child = start([])
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]()
  const next = async () => JSON.parse(String((await lines.next()).value))
  const { event, port } = await next()
  assert.equal(event, 'listening')

  const body = JSON.stringify({
    actionType: 'AUTHENTICATION',
    flowId: 'flow-0001',
    event: stepTwo,
    allowedOperations: [{ op: 'redirect' }],
  })
  const headers = { 'x-api-key': apiKey, 'content-type': 'application/json', 'content-length': body.length }
  const inFlight = request({ port, method: 'POST', headers })
  inFlight.write(body.slice(0, 10))
  // Answered on another connection: by now the first one has been accepted.
  assert.equal((await fetch(`http://127.0.0.1:${port}/readyz`)).status, 200)
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  assert.equal((await next()).event, 'stopping')
  inFlight.end(body.slice(10))
  const [response] = (await once(inFlight, 'response')) as [IncomingMessage]
  assert.equal(response.statusCode, 200)
  assert.match(await text(response), /"url":"https:\/\/pin\.example\.com\/pin\?handle=/)
  assert.equal((await next()).event, 'call')
  assert.equal((await next()).event, 'stopped')
  assert.deepEqual(await exit, [0, null])
})

test('a missing requirement is named and prevents the start', async () => {
  const { code, out, err } = await finish(start([], { PIN_AUTHENTICATOR_PEPPER: 'short', PIN_AUTHENTICATOR_MODE: '' }))
  assert.equal(code, 1)
  assert.equal(out, '')
  assert.match(err, /^pin-authenticator does not start:$/m)
  assert.match(err, /PIN_AUTHENTICATOR_PEPPER: .*32 characters/)
  assert.match(err, /PIN_AUTHENTICATOR_MODE: missing/)
  assert.ok(!err.includes('short'))
})

test('a port in use prevents the start with a sentence', async () => {
  const { code, err } = await finish(start([], { PIN_AUTHENTICATOR_HOSTNAME: '192.0.2.1' }))
  assert.equal(code, 1)
  assert.match(err, /EADDRNOTAVAIL/)
})

test('users are imported from a file and from standard input; the database contains nothing of a PIN', async () => {
  const file = join(folder, 'users.jsonl')
  await writeFile(file, `${JSON.stringify({ userId: ines.id, username: 'ines', pin })}\n`)
  const fromFile = await finish(start(['import', file]))
  assert.equal(fromFile.err, '1 enrolled, 0 refused\n')
  assert.equal(fromFile.code, 0)
  const fromInput = await finish(start(['import', '-']), `${JSON.stringify({ userId: 'u2', pin: '111111' })}\n`)
  assert.match(fromInput.err, /^line 1: pin: .*\n0 enrolled, 1 refused\n$/)
  assert.equal(fromInput.code, 1)
  const database = await readFile(environment.PIN_AUTHENTICATOR_DATABASE, 'latin1')
  assert.ok(database.includes(ines.id), 'the user exists')
  assert.ok(!database.includes(pin), 'the PIN is not')
})

test('a missing file and an unknown command end with a sentence', async () => {
  assert.match((await finish(start(['import', join(folder, 'missing.jsonl')]))).err, /ENOENT/)
  const unknown = await finish(start(['export']))
  assert.equal(unknown.code, 1)
  assert.match(unknown.err, /^Usage:/)
})

test('settings may come from a file', async () => {
  const config = join(folder, 'settings.json')
  await writeFile(config, JSON.stringify({ entryAttempts: 'five' }))
  const { err } = await finish(start([], { PIN_AUTHENTICATOR_CONFIG: config }))
  assert.match(err, /entryAttempts: .*number/)
})
