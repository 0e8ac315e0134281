/** Follows the manual: the shell blocks of docs/operations/README.md back a server up and restore it. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { onEachEngine } from '@preflow/database/testing'
import { ADMIN_PASSWORD, administrator, root, startServer } from './server-process.fixture.ts'

const manual = readFileSync(join(root, 'docs/operations/README.md'), 'utf8')
const PUBLIC_URL = 'http://id.example.com'

/** Runs the shell block of the manual with this name. */
function follow(name: string, variables: Record<string, string>): void {
  const [, script] = new RegExp(`<!-- ${name} -->\\n\`\`\`sh\\n([^\`]*)\`\`\``).exec(manual) ?? []
  assert.ok(script, `the manual has no block ${name}`)
  execFileSync('sh', ['-eu', '-c', script], { env: { PATH: process.env['PATH'], ...variables }, stdio: 'pipe' })
}

async function read<Body>(response: Response): Promise<Body> {
  assert.ok(response.ok, `${response.status}: ${await response.clone().text()}`)
  return (await response.json()) as Body
}

interface Client {
  id: string
  clientId: string
  clientSecret: string
}

async function createClient(url: string): Promise<Client> {
  const created = await fetch(`${url}/api/server/v1/applications`, {
    method: 'POST',
    headers: { authorization: administrator, 'content-type': 'application/json' },
    body: JSON.stringify({
      name: 'Shop',
      inboundProtocolConfiguration: { oidc: { grantTypes: ['password', 'refresh_token'] } },
    }),
  })
  assert.equal(created.status, 201, await created.clone().text())
  const id = created.headers.get('location')?.split('/').at(-1) ?? ''
  return { id, ...(await secretOf(url, id)) }
}

async function secretOf(url: string, id: string): Promise<{ clientId: string; clientSecret: string }> {
  const path = `${url}/api/server/v1/applications/${id}/inbound-protocols/oidc`
  const { clientId, clientSecret } = await read<Client>(
    await fetch(path, { headers: { authorization: administrator } }),
  )
  return { clientId, clientSecret }
}

async function tokens(url: string, { clientId, clientSecret }: Client, parameters: Record<string, string>) {
  const response = await fetch(`${url}/oauth2/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
    body: new URLSearchParams(parameters),
  })
  return read<{ refresh_token: string }>(response)
}

const missing = ['sqlite3', 'pg_dump', 'pg_restore'].filter(
  program => spawnSync(program, ['--version']).error !== undefined,
)

onEachEngine(
  'backup and restore',
  (newLocation, engine) => {
    const program = engine === 'SQLite' ? ['sqlite3'] : ['pg_dump', 'pg_restore']
    const skip = program.some(name => missing.includes(name)) && `${program.join(' and ')} are not installed`
    const folder = mkdtempSync(join(tmpdir(), 'preflow-backup-'))
    after(() => rmSync(folder, { recursive: true, force: true }))

    test('with the commands of the manual: refresh tokens and sealed secrets of the backup work', {
      skip,
    }, async () => {
      const [BACKUP, KEYS] = [join(folder, 'backup'), join(folder, 'keys')]
      for (const path of [BACKUP, KEYS]) mkdirSync(path)
      const first = { PREFLOW_DATA: join(folder, 'first'), ...(await databaseOf()) }
      const server = await startServer({ ...first, PREFLOW_PUBLIC_URL: PUBLIC_URL })
      const client = await createClient(server.url)
      const grant = { grant_type: 'password', username: 'admin', password: ADMIN_PASSWORD, scope: 'openid' }
      const { refresh_token } = await tokens(server.url, client, grant)
      follow(`backup-${engine.toLowerCase()}`, { ...first, BACKUP, KEYS })
      if (engine === 'PostgreSQL') execFileSync('install', ['-m', '0600', `${first.PREFLOW_DATA}/seal.key`, `${KEYS}/`])
      await server.stop()

      const second = { PREFLOW_DATA: join(folder, 'second'), ...(await databaseOf()) }
      follow(`restore-${engine.toLowerCase()}`, { ...second, BACKUP, KEYS })
      if (engine === 'PostgreSQL') {
        mkdirSync(second.PREFLOW_DATA, { mode: 0o700 })
        execFileSync('install', ['-m', '0600', `${KEYS}/seal.key`, `${second.PREFLOW_DATA}/`])
      }
      const restored = await startServer({ ...second, PREFLOW_PUBLIC_URL: PUBLIC_URL })
      try {
        assert.deepEqual(await secretOf(restored.url, client.id), {
          clientId: client.clientId,
          clientSecret: client.clientSecret,
        })
        await tokens(restored.url, client, { grant_type: 'refresh_token', refresh_token })
      } finally {
        await restored.stop()
      }
    })

    async function databaseOf(): Promise<Record<string, string>> {
      return engine === 'SQLite' ? {} : { PREFLOW_DATABASE_URL: await newLocation() }
    }
  },
  'database',
)

describe('a lost sealing key', () => {
  const folder = mkdtempSync(join(tmpdir(), 'preflow-lost-key-'))
  after(() => rmSync(folder, { recursive: true, force: true }))

  test('stops the start with the sentence of the manual', async () => {
    const key = (fill: number) => Buffer.alloc(32, fill).toString('base64')
    const settings = { PREFLOW_DATA: join(folder, 'data') }
    await (await startServer({ ...settings, PREFLOW_SEAL_KEY: key(1) })).stop()
    await assert.rejects(startServer({ ...settings, PREFLOW_SEAL_KEY: key(2) }), /sealed with another key/)
  })
})
