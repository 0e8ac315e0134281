import { after, afterEach, beforeEach } from 'node:test'
import { type Connected, connect, migrate, readLocation } from '@preflow/database'
import { type NewLocation, onEachEngine, sqliteLocations } from '@preflow/database/testing'
import pg from 'pg'
import { APPLICATION_ID, type Database, openDatabase } from './database.ts'
import { migrations } from './migrations.ts'
import { TEST_PASSWORD_COST } from './password-cost.fixture.ts'
import { createSeal, type Seal } from './sealed-secrets.ts'
import { FIRST_TENANT, insertTenant } from './tenants.ts'

export const testSeal: Seal = createSeal(new Uint8Array(32).fill(7))

/** Opens an empty database with the first tenant. It is closed and deleted after the tests of the file. */
export type OpenTestDatabase = (options?: { now?: () => number; seal?: Seal }) => Promise<Database>

/**
 * Runs the suite on SQLite, and on PostgreSQL if a server answers. Otherwise that half is reported as skipped. A database that a
 * test opens belongs to that test. A database that is opened before the tests belongs to all of them.
 */
export function onEachDatabase(subject: string, suite: (open: OpenTestDatabase) => void): void {
  onEachEngine(
    subject,
    (newLocation, engine) => {
      const places = engine === 'PostgreSQL' ? emptiedPlaces(newLocation) : freshPlaces(newLocation)
      const opened: Opened[] = []
      let isInTest = false
      beforeEach(() => {
        isInTest = true
      })
      afterEach(async () => {
        isInTest = false
        await closeAll(opened, places, ({ isOfTest }) => isOfTest)
      })
      after(() => closeAll(opened, places))
      suite(opener(places, place => opened.push({ ...place, isOfTest: isInTest })))
    },
    'database',
  )
}

/** Opens SQLite databases, each in its own folder. */
export function sqliteOpener(): OpenTestDatabase {
  const places = freshPlaces(sqliteLocations())
  const opened: Opened[] = []
  after(() => closeAll(opened, places))
  return opener(places, place => opened.push({ ...place, isOfTest: false }))
}

interface Opened {
  db: Database
  location: string
  isOfTest: boolean
}

/** Creates the places of databases, and handles a place after its database is closed. */
interface Places {
  take(): Promise<string>
  giveBack(location: string): void
}

/** Closes each open database once. */
async function closeAll(opened: Opened[], places: Places, isMeant: (opened: Opened) => boolean = () => true) {
  for (const one of opened.filter(isMeant)) {
    opened.splice(opened.indexOf(one), 1)
    await one.db.close()
    places.giveBack(one.location)
  }
}

function opener(places: Places, keep: (opened: { db: Database; location: string }) => void): OpenTestDatabase {
  return async ({ now = Date.now, seal = testSeal } = {}) => {
    const location = await places.take()
    const db = await openDatabase({
      ...readLocation(location),
      limits: { maxConnections: 4 },
      seal,
      now,
      passwordCost: TEST_PASSWORD_COST,
    })
    keep({ db, location })
    await insertTenant(
      db,
      { ...FIRST_TENANT, rootOrganizationId: 'root' },
      { id: 'root', tenantId: FIRST_TENANT.id, name: 'Super', handle: 'carbon.super', depth: 0 },
    )
    return db
  }
}

function freshPlaces(newLocation: NewLocation): Places {
  return { take: newLocation, giveBack: () => {} }
}

/**
 * PostgreSQL needs up to a second to create a database with its tables, so the next test reuses the emptied database of the
 * last one.
 */
function emptiedPlaces(newLocation: NewLocation): Places {
  const free: string[] = []
  return {
    async take() {
      const kept = free.pop()
      if (kept !== undefined) await empty(kept)
      return kept ?? newLocation()
    },
    giveBack: location => void free.push(location),
  }
}

/** Deletes all rows except the names of the migrations, newest table first, because tables reference older ones. */
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

/** Creates an SQLite file of an older version: the schema after the migration `last`. */
export async function openOlder<Tables>(file: string, last: string): Promise<Connected<Tables>> {
  const older = connect<Tables>({ location: { file }, applicationId: APPLICATION_ID })
  const names = Object.keys(migrations)
  await migrate(older, Object.fromEntries(Object.entries(migrations).slice(0, names.indexOf(last) + 1)))
  return older
}
