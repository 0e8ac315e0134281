import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

let folder: string
const children: ChildProcess[] = []
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'preflow-main-'))
})
after(async () => {
  for (const child of children) child.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

/** Runs the program and collects its output as it is written. */
function run(environment: Record<string, string>) {
  const main = join(import.meta.dirname, 'main.ts')
  const child = spawn(process.execPath, ['--conditions=@preflow/source', main], {
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      PREFLOW_DATA: join(folder, 'data'),
      PREFLOW_PORT: '0',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  const said = { out: '', err: '' }
  child.stderr.on('data', chunk => {
    said.err += chunk
  })
  const listening = new Promise<number>(resolve => {
    child.stdout.on('data', chunk => {
      said.out += chunk
      const line = said.out.split('\n').find(text => text.includes('"msg":"listening"'))
      if (line) resolve(JSON.parse(line).port)
    })
  })
  return { child, said, listening, ended: once(child, 'close') as Promise<[code: number | null]> }
}

test('a configuration with two errors ends with both messages and code 1', async () => {
  const { said, ended } = run({ PREFLOW_PORT: 'http', PREFLOW_PLATFORM: 'other' })
  assert.deepEqual((await ended)[0], 1)
  assert.match(said.err, /^preflow: PREFLOW_PORT: .*\nPREFLOW_PLATFORM: .*\n$/)
  assert.equal(said.out, '')
})

test('a port in use ends with advice and code 1', async () => {
  const other = createServer()
  other.listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const { said, ended } = run({ PREFLOW_PORT: String(port), PREFLOW_DATA: join(folder, 'other') })
  assert.deepEqual((await ended)[0], 1)
  assert.match(said.err, /Port \d+ is in use\. Stop the program that uses it, or set PREFLOW_PORT/)
  other.close()
})

test('an unreachable database ends with advice and code 1', async () => {
  const { said, ended } = run({ PREFLOW_DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' })
  assert.deepEqual((await ended)[0], 1)
  assert.match(said.err, /^preflow: .*127\.0\.0\.1:1.*\n$/)
})

test('a misspelt variable causes a warning, and the server starts', async () => {
  const { child, said, listening, ended } = run({ PREFLOW_PROT: '1', PREFLOW_DATA: join(folder, 'misspelt') })
  await listening
  const warnings = said.out.split('\n').filter(line => line.includes('PREFLOW_PROT'))
  assert.deepEqual(
    warnings.map(line => JSON.parse(line).msg),
    ['PREFLOW_PROT is not a setting and has no effect. Did you mean PREFLOW_PORT?'],
  )
  child.kill('SIGTERM')
  await ended
})

test('the first start shows the password once, and SIGTERM ends it with code 0', async () => {
  const first = run({})
  await first.listening
  const password = /shown only once: (\S+)/.exec(first.said.err)?.[1] ?? ''
  assert.match(password, /^[\w-]{24}$/)
  first.child.kill('SIGTERM')
  assert.deepEqual((await first.ended)[0], 0)
  assert(!first.said.out.includes(password), 'the log must not have it')

  const second = run({})
  const port = await second.listening
  assert(!second.said.err.includes('password'))
  const headers = { authorization: `Basic ${Buffer.from(`admin:${password}`).toString('base64')}` }
  const answer = await fetch(`http://127.0.0.1:${port}/api/server/v1/actions/types`, { headers })
  assert.equal(answer.status, 200)
  await answer.body?.cancel()
  second.child.kill('SIGINT')
  assert.deepEqual((await second.ended)[0], 0)
})
