import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from '../run.ts'

test('with --json the lab writes its addresses to stdout and its progress to stderr', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-lab-json-'))
  t.after(() => rm(folder, { recursive: true }))
  const stop = new AbortController()
  const written = { out: '', err: '' }
  const env = Object.fromEntries(
    ['PREFLOW_PORT', 'PREFLOW_EXTENSIONS_PORT', 'PREFLOW_REPUTATION_PORT', 'PREFLOW_WEB_PORT'].map(name => [name, '0']),
  )
  const code = await run(['lab', '--json'], {
    out: text => {
      written.out += text
      stop.abort('SIGINT')
    },
    err: text => {
      written.err += text
    },
    isTTY: false,
    env: { ...env, PREFLOW_DATA: folder },
    signal: stop.signal,
  })
  assert.equal(code, 0)
  const { tenant, clients, users, extensions, adminPassword } = JSON.parse(written.out)
  assert.match(tenant, /^http:\/\/127\.0\.0\.1:\d+\/t\/demo$/)
  assert.ok(clients.m2m.clientSecret && adminPassword && extensions['token-guard'])
  assert.deepEqual(Object.keys(users[0]).sort(), ['password', 'pin', 'userName'])
  assert.match(written.err, /^Loading the lab …\n[\s\S]*Starting the identity server …\n[\s\S]*Stopping\.\n$/)
})
