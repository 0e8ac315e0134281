import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe } from 'node:test'
import pg from 'pg'

/** Makes the location of an empty outbox; removed when the tests of the suite are done. */
export type NewLocation = () => Promise<string>

const postgresUrl = process.env['PREFLOW_TEST_POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres'

/** Runs the suite on SQLite, and on PostgreSQL when one answers; otherwise that half says that it was skipped. */
export function onEachOutbox(subject: string, suite: (newLocation: NewLocation) => void): void {
  describe(`${subject} on SQLite`, () => suite(sqliteLocations()))
  describe(`${subject} on PostgreSQL`, { skip: whyNoPostgres }, () => suite(postgresLocations()))
}

const whyNoPostgres: string | false = await asAdministrator('select 1').then(
  () => false,
  error => {
    // A URL that was asked for must work; only the guessed one may be absent.
    if (process.env['PREFLOW_TEST_POSTGRES_URL'] !== undefined) throw error
    return 'no PostgreSQL answers on 127.0.0.1:5432; name one in PREFLOW_TEST_POSTGRES_URL'
  },
)

export function sqliteLocations(): NewLocation {
  const folders: string[] = []
  after(async () => {
    for (const folder of folders) await rm(folder, { recursive: true })
  })
  return async () => {
    const folder = await mkdtemp(join(tmpdir(), 'profile-guard-'))
    folders.push(folder)
    return join(folder, 'outbox.db')
  }
}

/** A schema each: a database each would take a second to make and drop. */
function postgresLocations(): NewLocation {
  const names: string[] = []
  after(async () => {
    for (const name of names) await asAdministrator(`drop schema ${name} cascade`)
  })
  return async () => {
    const name = `preflow_test_${randomBytes(6).toString('hex')}`
    await asAdministrator(`create schema ${name}`)
    names.push(name)
    const url = new URL(postgresUrl)
    url.searchParams.set('options', `-c search_path=${name}`)
    return url.href
  }
}

async function asAdministrator(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: postgresUrl, connectionTimeoutMillis: 1000 })
  await client.connect()
  await client.query(statement)
  await client.end()
}
