import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { asAdministrator, newPostgresPlace, whyNoPostgres } from '@preflow/database/testing'
import { sql } from 'kysely'
import { completeConfiguration } from './configuration.ts'
import { createLog } from './ground/observe/log.ts'
import { inTransaction } from './ground/store/database.ts'
import type { Application } from './ground/store/model.ts'
import { TEST_PASSWORD_COST } from './ground/store/password-cost.fixture.ts'
import { createServer } from './server.ts'
import { type Extension, startExtension, startWorld, type World } from './world.fixture.ts'

/** All log lines of a server. */
function collectLog(): { log: ReturnType<typeof createLog>; lines: { msg: string; database?: string }[] } {
  const lines: { msg: string; database?: string }[] = []
  const write = (line: string) => void lines.push(JSON.parse(line))
  return { log: createLog('warn', { write }), lines }
}

const machineToken = { grant_type: 'client_credentials' }

describe('a server whose PostgreSQL fails', { skip: whyNoPostgres }, () => {
  const place = newPostgresPlace('database')
  const name = new URL(place.url).pathname.slice(1)
  const { log, lines } = collectLog()
  let world: World
  let extension: Extension
  let application: Application

  before(async () => {
    await place.create()
    extension = await startExtension()
    const limits = { databaseConnections: 5, databaseLockTimeoutMs: 1000 }
    world = await startWorld({ databaseUrl: place.url, ...limits }, log)
    application = await world.addApplication()
    await world.addAction('PRE_ISSUE_ACCESS_TOKEN', extension.url)
    extension.succeed()
  })
  after(async () => {
    await world.close()
    await extension.close()
    await place.remove()
  })

  const readyz = () => fetch(`${world.server.address}/readyz`)
  const terminateAll = () =>
    asAdministrator(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`)

  test('ending sessions under load gives some requests a 503, and the server keeps running', async () => {
    const statuses = new Map<number, number>()
    let isOver = false
    let more = Promise.withResolvers<void>()
    async function untilAnswered(count: number): Promise<void> {
      while ((statuses.get(200) ?? 0) < count) await more.promise
    }
    async function work(): Promise<void> {
      while (!isOver) {
        const { status, headers, body } = await world.token(application, machineToken)
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
        more.resolve()
        more = Promise.withResolvers()
        if (status === 200) continue
        assert.equal(status, 503, JSON.stringify(body))
        assert.match(headers.get('retry-after') ?? '', /^\d+$/)
        assert.equal(body.error, 'temporarily_unavailable')
      }
    }
    const workers = Array.from({ length: 8 }, work)
    for (let round = 0; round < 6; round++) {
      await Promise.race([untilAnswered((statuses.get(200) ?? 0) + 5), Promise.all(workers)])
      await terminateAll()
    }
    isOver = true
    await Promise.all(workers)
    assert.ok((statuses.get(200) ?? 0) >= 30)
    // The broken connections are replaced by now.
    for (let attempt = 0; attempt < 10; attempt++) await world.token(application, machineToken)
    for (let attempt = 0; attempt < 10; attempt++) {
      assert.equal((await world.token(application, machineToken)).status, 200)
    }
    assert.ok(lines.some(({ msg }) => msg.includes('a connection to the database was lost')))
  })

  test('a lock on the call records stops neither tokens nor readiness, and each lost record is in the log', async () => {
    lines.length = 0
    await inTransaction(world.db, async tx => {
      await sql`lock table calls`.execute(tx.queries)
      const startedAt = performance.now()
      const answers = await Promise.all(Array.from({ length: 30 }, () => world.token(application, machineToken)))
      assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200])
      assert.ok(performance.now() - startedAt < 15_000)
      assert.equal((await readyz()).status, 200)
    })
    assert.ok(lines.some(({ msg }) => msg === 'a call record could not be stored'))
    lines.length = 0
    assert.equal((await world.token(application, machineToken)).status, 200)
    assert.deepEqual(lines, [])
  })

  test('a lasting lock results in 503, in the form of each API, and other requests continue', async () => {
    const authorization = `Basic ${Buffer.from('admin:admin-of-the-test').toString('base64')}`
    const asked = (path: string) => fetch(`${world.server.address}${path}`, { headers: { authorization } })
    await inTransaction(world.db, async tx => {
      await sql`lock table api_resources`.execute(tx.queries)
      const api = await asked('/api/server/v1/api-resources')
      assert.equal(api.status, 503)
      assert.equal(api.headers.get('retry-after'), '2')
      assert.equal(((await api.json()) as { code: string }).code, 'PREFLOW-503')
      assert.equal((await readyz()).status, 200)
    })
    assert.equal((await asked('/api/server/v1/api-resources')).status, 200)
    await inTransaction(world.db, async tx => {
      await sql`lock table users`.execute(tx.queries)
      const scim = await asked('/scim2/Users?count=1')
      assert.equal(scim.status, 503)
      assert.equal(((await scim.json()) as { status: string }).status, '503')
      assert.equal((await world.token(application, machineToken)).status, 200)
    })
    assert.ok(lines.some(({ database }) => database === 'locked'))
  })

  test('a tenant that cannot be read because of a lock is not reported as unknown', async () => {
    await inTransaction(world.db, async tx => {
      await sql`lock table tenants`.execute(tx.queries)
      const unknown = await fetch(`${world.server.address}/t/${randomUUID()}/oauth2/jwks`)
      assert.equal(unknown.status, 503)
      assert.equal(((await unknown.json()) as { error: string }).error, 'temporarily_unavailable')
    })
  })

  test('tenants that are created at the same time are all created', async () => {
    const authorization = `Basic ${Buffer.from('admin:admin-of-the-test').toString('base64')}`
    const create = (domain: string) =>
      fetch(`${world.server.address}/api/server/v1/tenants`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify({ domain }),
      })
    const domains = Array.from({ length: 6 }, () => `t${randomUUID().slice(0, 8)}`)
    const answers = await Promise.all(domains.map(create))
    assert.deepEqual(
      answers.map(({ status }) => status),
      domains.map(() => 201),
    )
    const twice = await Promise.all([create('same'), create('same'), create('same')])
    assert.deepEqual(twice.map(({ status }) => status).toSorted(), [201, 409, 409])
  })
})

describe('servers that start together on an empty PostgreSQL', { skip: whyNoPostgres }, () => {
  const place = newPostgresPlace('database')
  before(place.create)
  after(place.remove)

  test('all start, with one administrator', async () => {
    const sealKey = randomBytes(32).toString('base64')
    const configuration = completeConfiguration({ port: 0, databaseUrl: place.url, sealKey })
    const ports = {
      ...{ now: Date.now, newId: randomUUID, randomBytes, log: createLog('silent') },
      passwordCost: TEST_PASSWORD_COST,
    }
    const servers = await Promise.all([1, 2, 3, 4].map(() => createServer(configuration, ports)))
    assert.equal(servers.filter(({ generatedAdminPassword }) => generatedAdminPassword !== undefined).length, 1)
    for (const server of servers) await server.close()
  })
})

const folder = await mkdtemp(join(tmpdir(), 'preflow-full-data-'))
after(async () => {
  if (!whyNoDisk) execFileSync('umount', [folder])
  await rm(folder, { recursive: true })
})

const whyNoDisk: string | false = (() => {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder], { stdio: 'pipe' })
    return false
  } catch {
    return 'a disk of four megabytes cannot be mounted here'
  }
})()

describe('a server whose disk is full', { skip: whyNoDisk }, () => {
  test('logs it, answers requests that write nothing, and recovers when there is space', async context => {
    const { log, lines } = collectLog()
    const world = await startWorld({ dataFolder: folder }, log)
    context.after(() => world.close())
    const authorization = `Basic ${Buffer.from('admin:admin-of-the-test').toString('base64')}`
    const create = (domain: string) =>
      fetch(`${world.server.address}/api/server/v1/tenants`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify({ domain }),
      })
    // The first response creates the keys.
    assert.equal((await fetch(`${world.server.address}/oauth2/jwks`)).status, 200)
    const fillers = await fill()
    let refused = await create('tenant-0')
    for (let at = 1; refused.status === 201; at++) refused = await create(`tenant-${at}`)
    assert.equal(refused.status, 503)
    assert.equal(refused.headers.get('retry-after'), '60')
    const file = join(folder, 'preflow.db')
    assert.ok(
      lines.some(({ msg }) => msg === `The database file ${file} cannot grow: the disk is full. Free some space.`),
      JSON.stringify(lines),
    )
    // Basic credentials would also write, because each wrong password is counted.
    for (const path of ['/oauth2/jwks', '/.well-known/openid-configuration', '/readyz']) {
      assert.equal((await fetch(world.server.address + path)).status, 200, path)
    }
    for (const filler of fillers) await rm(filler)
    assert.equal((await create('room-again')).status, 201)
  })

  /** Fills the disk. */
  async function fill(): Promise<string[]> {
    const written: string[] = []
    for (;;) {
      const filler = join(folder, `filler-${written.length}`)
      written.push(filler)
      try {
        await writeFile(filler, Buffer.alloc(16_384))
      } catch {
        return written
      }
    }
  }
})
