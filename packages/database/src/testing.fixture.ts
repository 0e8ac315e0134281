/** For suites that run on both engines. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe } from 'node:test'
import pg from 'pg'

/** Creates an empty database and returns its location. It is removed after the tests of the suite. */
export type NewLocation = () => Promise<string>

/**
 * How the PostgreSQL databases of a suite are separated. Creating a schema takes milliseconds, a database up to a
 * second.
 */
export type Isolation = 'schema' | 'database'

const postgresUrl = process.env['PREFLOW_TEST_POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres'

/** Why suites on PostgreSQL are skipped; `false` if a server answers. */
export const whyNoPostgres: string | false = await asAdministrator('select 1').then(
  () => false,
  error => {
    // A configured URL must work. Only the default one may be absent.
    if (process.env['PREFLOW_TEST_POSTGRES_URL'] !== undefined) throw error
    return 'no PostgreSQL answers on 127.0.0.1:5432; set PREFLOW_TEST_POSTGRES_URL to one'
  },
)

/** Runs the suite on SQLite, and on PostgreSQL if a server answers. Otherwise that half is reported as skipped. */
export function onEachEngine(
  subject: string,
  suite: (newLocation: NewLocation, engine: 'SQLite' | 'PostgreSQL') => void,
  isolation: Isolation = 'schema',
): void {
  describe(`${subject} on SQLite`, () => {
    const { newLocation, remove } = sqliteFiles()
    suite(newLocation, 'SQLite')
    after(remove)
  })
  describe(`${subject} on PostgreSQL`, { skip: whyNoPostgres }, () => {
    const { newLocation, remove } = postgresPlaces(isolation)
    suite(newLocation, 'PostgreSQL')
    // Hooks run in the order of their registration: the suite closes its connections first.
    after(remove)
  })
}

/** SQLite files, each in a separate folder. Removed after the tests of the file or suite that calls this. */
export function sqliteLocations(): NewLocation {
  const { newLocation, remove } = sqliteFiles()
  after(remove)
  return newLocation
}

interface Locations {
  newLocation: NewLocation
  remove(): Promise<void>
}

function sqliteFiles(): Locations {
  const folders: string[] = []
  return {
    newLocation: async () => {
      const folder = await mkdtemp(join(tmpdir(), 'preflow-database-'))
      folders.push(folder)
      return join(folder, 'test.db')
    },
    remove: async () => {
      for (const folder of folders) await rm(folder, { recursive: true })
    },
  }
}

function postgresPlaces(isolation: Isolation): Locations {
  const places: PostgresPlace[] = []
  return {
    newLocation: async () => {
      const place = newPostgresPlace(isolation)
      await place.create()
      places.push(place)
      return place.url
    },
    remove: async () => {
      for (const place of places) await place.remove()
    },
  }
}

/** A PostgreSQL database whose URL is known before it is created. */
export interface PostgresPlace {
  url: string
  create(): Promise<void>
  remove(): Promise<void>
}

export function newPostgresPlace(isolation: Isolation): PostgresPlace {
  const name = `preflow_test_${randomBytes(6).toString('hex')}`
  const url = new URL(postgresUrl)
  if (isolation === 'schema') url.searchParams.set('options', `-c search_path=${name}`)
  else url.pathname = `/${name}`
  return {
    url: url.href,
    create: () => asAdministrator(`create ${isolation} ${name}`),
    remove: () => asAdministrator(`drop ${isolation} ${name}${isolation === 'schema' ? ' cascade' : ''}`),
  }
}

/** Runs a statement as the user of the configured URL. */
export async function asAdministrator(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: postgresUrl, connectionTimeoutMillis: 5000 })
  await client.connect()
  await client.query(statement).finally(() => client.end())
}
