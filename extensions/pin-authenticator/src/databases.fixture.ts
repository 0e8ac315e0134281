import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import pg from 'pg'

/** A database to run a suite on, empty at first; without `database` none is there, and `skip` says why. */
export type TestDatabase = { name: string; database: string } | { name: string; skip: string }

/**
 * Makes an empty database of each kind, and deletes them after the tests of the file.
 *
 * @returns SQLite, and PostgreSQL where one lets us in. Rejects when one was named in `PREFLOW_TEST_POSTGRES_URL` and does not.
 */
export async function makeDatabases(): Promise<TestDatabase[]> {
  const folder = await mkdtemp(join(tmpdir(), 'pin-authenticator-'))
  after(() => rm(folder, { recursive: true }))
  return [{ name: 'SQLite', database: join(folder, 'pins.sqlite') }, await makePostgres()]
}

async function makePostgres(): Promise<TestDatabase> {
  const name = 'PostgreSQL'
  const given = process.env['PREFLOW_TEST_POSTGRES_URL']
  const url = new URL(given ?? 'postgres://postgres@127.0.0.1:5432/postgres')
  const admin = new pg.Client({ connectionString: url.href, connectionTimeoutMillis: 1000 })
  try {
    await admin.connect()
  } catch (error) {
    if (given !== undefined) throw error
    const { message } = error as Error
    return { name, skip: `No PostgreSQL lets us in (${message}); name one in PREFLOW_TEST_POSTGRES_URL.` }
  }
  const schema = `pin_test_${randomUUID().replaceAll('-', '')}`
  await admin.query(`create schema ${schema}`)
  after(async () => {
    await admin.query(`drop schema ${schema} cascade`)
    await admin.end()
  })
  url.searchParams.set('options', `-c search_path=${schema}`)
  return { name, database: url.href }
}
