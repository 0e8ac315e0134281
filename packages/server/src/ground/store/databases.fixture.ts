import { after, afterEach } from 'node:test'
import { type Connected, connect, migrate, readLocation } from '@preflow/database'
import { type NewLocation, onEachEngine, sqliteLocations } from '@preflow/database/testing'
import pg from 'pg'
import { APPLICATION_ID, type Database, openDatabase } from './database.ts'
import { migrations } from './migrations.ts'
import { TEST_PASSWORD_COST } from './password-cost.fixture.ts'
import { createSeal, type Seal } from './sealed-secrets.ts'
import { FIRST_TENANT, insertTenant } from './tenants.ts'

export const testSeal: Seal = createSeal(new Uint8Array(32).fill(7))

/** Opens an empty database with the first tenant in it; closed and removed when the tests of the file are done. */
export type OpenTestDatabase = (options?: { now?: () => number; seal?: Seal }) => Promise<Database>

/**
 * Runs the suite on SQLite, and on PostgreSQL when one answers; otherwise that half says that it was skipped. A database is for
 * the test that opens it.
 */
export function onEachDatabase(subject: string, suite: (open: OpenTestDatabase) => void): void {
  onEachEngine(
    subject,
    (newLocation, engine) => {
      const opened: Database[] = []
      afterEach(() => closeAll(opened))
      suite(opener(engine === 'PostgreSQL' ? emptiedLocations(newLocation) : newLocation, opened))
    },
    'database',
  )
}

/** Opens SQLite databases, each in a folder of its own. */
export function sqliteOpener(): OpenTestDatabase {
  return opener(sqliteLocations())
}

/** Closes what was opened, once. */
async function closeAll(opened: Database[]): Promise<void> {
  for (const db of opened.splice(0)) await db.close()
}

function opener(newLocation: NewLocation, opened: Database[] = []): OpenTestDatabase {
  after(() => closeAll(opened))
  return async ({ now = Date.now, seal = testSeal } = {}) => {
    const db = await openDatabase({
      ...readLocation(await newLocation()),
      maxConnections: 4,
      seal,
      now,
      passwordCost: TEST_PASSWORD_COST,
    })
    opened.push(db)
    await insertTenant(
      db,
      { ...FIRST_TENANT, rootOrganizationId: 'root' },
      { id: 'root', tenantId: FIRST_TENANT.id, name: 'Super', handle: 'carbon.super', depth: 0 },
    )
    return db
  }
}

/** PostgreSQL takes up to a second to make a database with its tables, so the next test gets that of the last one, emptied. */
function emptiedLocations(newLocation: NewLocation): NewLocation {
  const free: string[] = []
  const used: string[] = []
  afterEach(() => void free.push(...used.splice(0)))
  return async () => {
    const kept = free.pop()
    if (kept !== undefined) await empty(kept)
    const location = kept ?? (await newLocation())
    used.push(location)
    return location
  }
}

/** Deletes all rows but the names of the migrations. Tables were made after those they refer to. */
async function empty(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ name: string }>(
      `select oid::regclass::text as name from pg_class
        where relkind = 'r' and relnamespace = 'public'::regnamespace and relname not like 'kysely%' order by oid desc`,
    )
    await client.query(rows.map(({ name }) => `delete from ${name};`).join(''))
  } finally {
    await client.end()
  }
}

/** Makes an SQLite file as an older version left it: after the migration `last`. */
export async function openOlder<Tables>(file: string, last: string): Promise<Connected<Tables>> {
  const older = connect<Tables>({ location: { file }, applicationId: APPLICATION_ID })
  const names = Object.keys(migrations)
  await migrate(older, Object.fromEntries(Object.entries(migrations).slice(0, names.indexOf(last) + 1)))
  return older
}
