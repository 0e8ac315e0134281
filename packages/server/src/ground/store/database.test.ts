import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import { findApplicationById, updateApplication } from './applications.ts'
import { type Database, openDatabase } from './database.ts'
import { openOlder, testSeal } from './databases.fixture.ts'
import { migrations } from './migrations.ts'
import type { Application, User } from './model.ts'
import { findArtifact } from './oidc-artifacts.ts'
import { TEST_PASSWORD_COST } from './password-cost.fixture.ts'
import { createPasswords } from './passwords.ts'
import { createSeal } from './sealed-secrets.ts'
import type { Tables } from './tables.ts'
import { FIRST_TENANT, findTenantByDomain, insertTenant } from './tenants.ts'
import { findUserById, updateUser } from './users.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'preflow-database-'))
})
after(() => rm(folder, { recursive: true }))

function open(file: string, seal = testSeal) {
  return openDatabase({ file: join(folder, file), seal, now: Date.now, passwordCost: TEST_PASSWORD_COST })
}

const first = { ...FIRST_TENANT, rootOrganizationId: 'root' }
const root = { id: 'root', tenantId: FIRST_TENANT.id, name: 'Super', handle: 'carbon.super', depth: 0 }

function startWriter(file: string): ChildProcess {
  return fork(join(import.meta.dirname, 'kill-writer.fixture.ts'), [file], {
    execArgv: ['--conditions=@preflow/source'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
}

test('a second start finds the data of the first one', async () => {
  const db = await open('again.db')
  await insertTenant(db, first, root)
  await db.close()
  const again = await open('again.db')
  assert.deepEqual(await findTenantByDomain(again, 'carbon.super'), first)
  await again.close()
})

test('two servers that start together on an empty file both start and take turns', async () => {
  const file = join(folder, 'race.db')
  const writers = [startWriter(file), startWriter(file)]
  for (const writer of writers) {
    await once(writer, 'message')
    await once(writer, 'message')
  }
  for (const writer of writers) {
    writer.kill('SIGKILL')
    await once(writer, 'exit')
  }
})

test('writes reach the disk synchronously, so that an answered request survives a power failure', async () => {
  const db = await open('durable.db')
  const { rows: mode } = await sql<{ journal_mode: string }>`pragma journal_mode`.execute(db.queries)
  const { rows: level } = await sql<{ synchronous: number }>`pragma synchronous`.execute(db.queries)
  assert.equal(mode[0]?.journal_mode, 'wal')
  assert.equal(level[0]?.synchronous, 2)
  await db.close()
})

test('only the owner can read the database and the files beside it', async () => {
  const umask = process.umask(0o022)
  const db = await open('own.db')
  try {
    await insertTenant(db, first, root)
    for (const name of ['own.db', 'own.db-wal', 'own.db-shm']) {
      assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600, name)
    }
  } finally {
    process.umask(umask)
    await db.close()
  }
})

test('a file that is not a database is refused with advice and stays unchanged', async () => {
  const file = join(folder, 'garbage.db')
  await writeFile(file, 'this is a letter to my aunt, not a database. '.repeat(100))
  const contents = await readFile(file)
  await assert.rejects(open('garbage.db'), {
    name: 'DatabaseError',
    message: `The database file ${file} is not a database. Restore it from a copy, or move it away to start with an empty one. Nothing was changed.`,
  })
  assert.deepEqual(await readFile(file), contents)
})

test("another program's database is refused and stays unchanged", async () => {
  const file = join(folder, 'foreign.db')
  const foreign = new DatabaseSync(file)
  foreign.exec('create table recipes (name text)')
  foreign.close()
  const contents = await readFile(file)
  await assert.rejects(open('foreign.db'), /belongs to another program\. Name another file\. Nothing was changed\./)
  assert.deepEqual(await readFile(file), contents)
})

test('a file in a folder that does not exist is refused with advice', async () => {
  await assert.rejects(
    open('nowhere/at/all.db'),
    /cannot be opened\. Create its folder and grant the server write access/,
  )
})

test('without a file and a URL the error names what to configure', async () => {
  await assert.rejects(openDatabase({ seal: testSeal, now: Date.now }), {
    message: 'No database is configured. Configure a file or a PostgreSQL URL.',
  })
})

test('a database of a newer Preflow is refused with the unknown migration and stays unchanged', async () => {
  await (await open('newer.db')).close()
  const file = join(folder, 'newer.db')
  const newer = new DatabaseSync(file)
  newer.exec(
    "insert into kysely_migration (name, timestamp) values ('9999-from-the-future', '2099-01-01T00:00:00.000Z')",
  )
  newer.close()
  const { mtimeMs } = await stat(file)
  await assert.rejects(open('newer.db'), /was made by a newer Preflow \(it has the migration 9999-from-the-future\)/)
  assert.equal((await stat(file)).mtimeMs, mtimeMs)
})

test('a database sealed with another key is refused at the start, not at the first secret', async () => {
  const original = await open('sealed.db')
  const { keyId } = original.seal
  await original.close()
  const other = createSeal(new Uint8Array(32).fill(9))
  await assert.rejects(open('sealed.db', other), {
    name: 'DatabaseError',
    message: new RegExp(
      `sealed with another key than the configured one \\(${other.keyId}\\): the key ${keyId} is missing\\.`,
    ),
  })
  await (await open('sealed.db')).close()
})

test('a database with data that is upgraded step by step gets the schema of a fresh one', async () => {
  const fresh = await open('fresh.db')
  const expected = await fresh.queries.introspection.getTables()
  await fresh.close()
  for (const [index, name] of Object.keys(migrations).entries()) {
    const file = join(folder, `upgrade-${index}.db`)
    const older = await openOlder<Tables>(file, name)
    await older.queries
      .insertInto('tenants')
      .values({ id: '1', domain: 'old', root_organization_id: 'r', created_at: 1 })
      .execute()
    await older.close()
    const upgraded = await open(`upgrade-${index}.db`)
    assert.deepEqual(await upgraded.queries.introspection.getTables(), expected)
    assert.equal((await findTenantByDomain(upgraded, 'old'))?.id, '1')
    await upgraded.close()
  }
})

test('AZ-38, AZ-40: artifacts of older versions are found after the upgrade, and end like all others', async () => {
  const older = await openOlder<Tables>(join(folder, 'ends.db'), '0006-user-documents')
  await older.queries
    .insertInto('tenants')
    .values({ id: '1', domain: 'old', root_organization_id: 'r', created_at: 1 })
    .execute()
  const organization = { id: 'r', tenant_id: '1', name: 'Old', handle: 'old', depth: 0, created_at: 1 }
  await older.queries.insertInto('organizations').values(organization).execute()
  const user = { id: 'ann', tenant_id: '1', organization_id: 'r', user_name: 'ann', user_name_key: 'ann', groups: '[]' }
  const times = { created_at: 1, updated_at: 1 }
  await older.queries
    .insertInto('users')
    .values({ ...user, document: '{}', is_active: 1, ...times } as never)
    .execute()
  const shop = { id: 'a', tenant_id: '1', name: 'Shop', client_id: 'shop', settings: '{"isPublicClient":false}' }
  await older.queries
    .insertInto('applications')
    .values({ ...shop, ...times } as never)
    .execute()
  const payloads = {
    Session: { uid: 'u', accountId: 'ann' },
    Grant: { accountId: 'ann', clientId: 'shop' },
    'Grant@branch': { accountId: 'ann', clientId: 'shop' },
    ClientCredentials: { clientId: 'shop' },
    RefreshToken: { accountId: 'ann', clientId: 'shop', grantId: 'g' },
    Interaction: { uid: 'i' },
  }
  for (const [model, payload] of Object.entries(payloads)) {
    const id = createHash('sha256').update(model).digest('base64url')
    const sealed = testSeal.seal(JSON.stringify(payload), `oidc-artifact/1/${model}/${id}`)
    const row = { tenant_id: '1', model, id, payload: sealed, grant_id: model === 'RefreshToken' ? 'g' : null }
    await older.queries
      .insertInto('oidc_artifacts')
      .values({ ...row, expires_at: Date.now() + 60_000 } as never)
      .execute()
  }
  const lost = { tenant_id: '1', model: 'Grant', id: 'lost', payload: 'v1.00000000.AAAA', expires_at: 1 }
  await older.queries
    .insertInto('oidc_artifacts')
    .values(lost as never)
    .execute()
  await older.close()

  const found = async (db: Database) => {
    const models = Object.keys(payloads)
    const all = await Promise.all(models.map(model => findArtifact(db, '1', model, model)))
    return models.filter((_, index) => all[index])
  }
  const upgraded = await open('ends.db')
  assert.deepEqual(await found(upgraded), Object.keys(payloads))
  await upgraded.close()
  const db = await open('ends.db')
  await updateApplication(db, { ...((await findApplicationById(db, '1', 'a')) as Application), clientSecret: 'new' })
  assert.deepEqual(await found(db), ['Session', 'RefreshToken', 'Interaction'])
  await updateUser(db, (await findUserById(db, '1', 'ann')) as User, { password: 'new' })
  assert.deepEqual(await found(db), ['RefreshToken', 'Interaction'])
  await db.close()
})

test('an unreachable PostgreSQL is named without the password', async () => {
  const listener = createServer()
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as { port: number }
  listener.close()
  await once(listener, 'close')
  await assert.rejects(
    openDatabase({ url: `postgres://me:very-secret@127.0.0.1:${port}/x`, seal: testSeal, now: Date.now }),
    (error: Error) => {
      assert.equal(error.name, 'DatabaseError')
      assert.match(
        error.message,
        new RegExp(`at 127\\.0\\.0\\.1:${port}/x cannot be reached: the connection was refused`),
      )
      assert.doesNotMatch(error.message, /very-secret/)
      return true
    },
  )
})

test('an invalid URL is refused without being quoted', async () => {
  await assert.rejects(
    openDatabase({ url: 'postgres://me:very-secret@[bad', seal: testSeal, now: Date.now }),
    (error: Error) => {
      assert.match(error.message, /the configured URL is not a URL/)
      assert.doesNotMatch(error.message, /very-secret/)
      return true
    },
  )
})

test('a process killed during writes loses nothing that it acknowledged', async () => {
  const file = join(folder, 'killed.db')
  const writer = startWriter(file)
  const acknowledged: string[] = []
  await new Promise<void>((resolve, reject) => {
    writer.on('error', reject)
    writer.on('message', id => {
      acknowledged.push(String(id))
      if (acknowledged.length === 50) writer.kill('SIGKILL')
    })
    writer.on('exit', () => resolve())
  })
  const db = await open('killed.db')
  const kept = await db.queries.selectFrom('store_facts').select('name').execute()
  const names = new Set(kept.map(({ name }) => name))
  assert.ok(acknowledged.length >= 50)
  assert.deepEqual(
    acknowledged.filter(id => !names.has(id)),
    [],
  )
  await db.close()
})

test('a password hash contains its cost, so that a higher cost locks out no user', async () => {
  const holder = { owner: 'acme' }
  const kept = await createPasswords(TEST_PASSWORD_COST).hash('pässword', holder)
  assert.match(kept, /^scrypt\.16\.1\.1\./)
  const raised = createPasswords({ cost: 64, blockSize: 2, parallelization: 2 })
  assert.equal(await raised.matches(kept, 'pässword', holder), true)
  assert.equal(await raised.matches(kept, 'pa\u0308ssword', holder), true)
  assert.equal(await raised.matches(kept, 'password', holder), false)
  assert.equal(await raised.matches(undefined, '', holder), false)
})
