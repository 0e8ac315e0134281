import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe } from 'node:test'
import pg from 'pg'
import { type Database, openDatabase } from './database.ts'
import { TEST_PASSWORD_COST } from './password-cost.fixture.ts'
import { createSeal, type Seal } from './sealed-secrets.ts'
import { FIRST_TENANT, insertTenant } from './tenants.ts'

export const testSeal: Seal = createSeal(new Uint8Array(32).fill(7))

/** Opens an empty database with the first tenant in it; closed and removed when the tests of the file are done. */
export type OpenTestDatabase = (options?: { now?: () => number; seal?: Seal }) => Promise<Database>

const postgresUrl = process.env['PREFLOW_TEST_POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres'

/** Runs the suite on SQLite, and on PostgreSQL when one answers; otherwise that half says that it was skipped. */
export function onEachDatabase(subject: string, suite: (open: OpenTestDatabase) => void): void {
  describe(`${subject} on SQLite`, () => suite(sqliteOpener()))
  describe(`${subject} on PostgreSQL`, { skip: whyNoPostgres }, () => suite(postgresOpener()))
}

const whyNoPostgres: string | false = await (async () => {
  const client = new pg.Client({ connectionString: postgresUrl, connectionTimeoutMillis: 1000 })
  try {
    await client.connect()
    await client.end()
    return false
  } catch (error) {
    // A URL that was asked for must work; only the guessed one may be absent.
    if (process.env['PREFLOW_TEST_POSTGRES_URL'] !== undefined) throw error
    return 'no PostgreSQL answers on 127.0.0.1:5432; name one in PREFLOW_TEST_POSTGRES_URL'
  }
})()

/** Opens SQLite databases, each in a folder of its own. */
export function sqliteOpener(): OpenTestDatabase {
  return opener(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'preflow-store-'))
    return { where: { file: join(folder, 'preflow.db') }, remove: () => rm(folder, { recursive: true }) }
  })
}

function postgresOpener(): OpenTestDatabase {
  return opener(async () => {
    const name = `preflow_test_${randomBytes(6).toString('hex')}`
    await asAdministrator(`create database ${name}`)
    const url = new URL(postgresUrl)
    url.pathname = `/${name}`
    return { where: { url: url.href, maxConnections: 4 }, remove: () => asAdministrator(`drop database ${name}`) }
  })
}

async function asAdministrator(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: postgresUrl })
  await client.connect()
  await client.query(statement)
  await client.end()
}

type Place = { where: { file: string } | { url: string; maxConnections: number }; remove(): Promise<void> }

function opener(make: () => Promise<Place>): OpenTestDatabase {
  const opened: { db: Database; place: Place }[] = []
  after(async () => {
    for (const { db, place } of opened) {
      await db.close()
      await place.remove()
    }
  })
  return async ({ now = Date.now, seal = testSeal } = {}) => {
    const place = await make()
    const db = await openDatabase({ ...place.where, seal, now, passwordCost: TEST_PASSWORD_COST })
    opened.push({ db, place })
    await insertTenant(
      db,
      { ...FIRST_TENANT, rootOrganizationId: 'root' },
      { id: 'root', tenantId: FIRST_TENANT.id, name: 'Super', handle: 'carbon.super', depth: 0 },
    )
    return db
  }
}
