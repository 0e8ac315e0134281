import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import pg from 'pg'
import { DatabaseError, openStore } from './database.ts'
import { describeStore } from './store.cases.ts'

const folder = await mkdtemp(join(tmpdir(), 'pin-store-'))
after(() => rm(folder, { recursive: true }))

const file = join(folder, 'pins.sqlite')
describeStore('SQLite', file)

test('the SQLite file is for its owner only', async () => {
  await (await openStore(file, assert.ifError)).close()
  assert.equal((await stat(file)).mode & 0o777, 0o600)
})

const given = process.env['PREFLOW_TEST_POSTGRES_URL']
const base = given ?? 'postgres://postgres@127.0.0.1:5432/postgres'
const admin = new pg.Client({ connectionString: base, connectionTimeoutMillis: 1000 })
const refused = await admin.connect().then(
  () => undefined,
  (error: Error) => error,
)
if (!refused) {
  const schema = `pin_test_${randomUUID().replaceAll('-', '')}`
  await admin.query(`create schema ${schema}`)
  after(async () => {
    await admin.query(`drop schema ${schema} cascade`)
    await admin.end()
  })
  const url = new URL(base)
  url.searchParams.set('options', `-c search_path=${schema}`)
  describeStore('PostgreSQL', url.href)
} else {
  // A server that was asked for and does not answer is a failure; one that happens not to be there is not.
  const skip = `No PostgreSQL lets us in (${refused.message}); set PREFLOW_TEST_POSTGRES_URL to run the same suite on it.`
  test('PostgreSQL', given === undefined ? { skip } : {}, () => assert.ifError(refused))
}

test('a database that cannot be used is named without its password', async () => {
  await assert.rejects(openStore('postgres://preflow:secret@127.0.0.1:1/pins', assert.ifError), error => {
    assert.ok(error instanceof DatabaseError)
    assert.match(error.message, /PostgreSQL database cannot be used: .*ECONNREFUSED.*Check the setting database/)
    assert.ok(!error.message.includes('secret'))
    return true
  })
  await assert.rejects(openStore(join(folder, 'missing', 'pins.sqlite'), assert.ifError), /missing.* cannot be used/)
})
