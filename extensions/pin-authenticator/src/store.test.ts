import assert from 'node:assert/strict'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { DatabaseError } from '@preflow/database'
import { onEachEngine } from '@preflow/database/testing'
import { openStore } from './database.ts'
import { storeCases } from './store.cases.ts'

onEachEngine('the store', storeCases)

const folder = await mkdtemp(join(tmpdir(), 'pin-store-'))
after(() => rm(folder, { recursive: true }))

test('only the owner can read the SQLite file', async () => {
  const file = join(folder, 'pins.sqlite')
  await (await openStore(file, assert.ifError)).close()
  assert.equal((await stat(file)).mode & 0o777, 0o600)
})

test('an unusable database is named without its password', async () => {
  await assert.rejects(openStore('postgres://preflow:secret@127.0.0.1:1/pins', assert.ifError), error => {
    assert.ok(error instanceof DatabaseError)
    assert.match(error.message, /PostgreSQL database cannot be used: .*ECONNREFUSED.*Check the setting database/)
    assert.ok(!error.message.includes('secret'))
    return true
  })
  await assert.rejects(openStore(join(folder, 'missing', 'pins.sqlite'), assert.ifError), /missing.* cannot be used/)
})
