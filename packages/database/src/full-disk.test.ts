import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import { type Connected, connect, DatabaseUnavailable, type Migrations, migrate } from './index.ts'
import { sqliteLocations } from './testing.fixture.ts'

interface Tables {
  birds: { name: string }
}

const migrations: Migrations = {
  '0001-birds': {
    up: async db => void (await db.schema.createTable('birds').addColumn('name', 'text').execute()),
  },
}

const name = 'heron '.repeat(2000)

function add({ queries }: Connected<Tables>): Promise<unknown> {
  return queries.insertInto('birds').values({ name }).execute()
}

async function count({ queries }: Connected<Tables>): Promise<number> {
  return (await queries.selectFrom('birds').select('name').execute()).length
}

/** Writes until the disk is full, and returns the error of the first failed write. */
async function fill(db: Connected<Tables>): Promise<DatabaseUnavailable> {
  for (;;) {
    try {
      await add(db)
    } catch (error) {
      assert.ok(error instanceof DatabaseUnavailable, String(error))
      return error
    }
  }
}

const newFile = sqliteLocations()

test('a file that may not grow reports a full disk, and reads still work', async () => {
  const file = await newFile()
  const db = connect<Tables>({ location: { file } })
  await migrate(db, migrations)
  await sql`pragma max_page_count = 40`.execute(db.queries)
  const error = await fill(db)
  assert.equal(error.code, 'disk-full')
  assert.equal(error.message, `The database file ${file} cannot grow: the disk is full. Free some space.`)
  assert.equal(error.retryAfterSeconds, 60)
  const kept = await count(db)
  assert.ok(kept > 0)

  const inTransaction = db.queries.transaction().execute(async queries => {
    for (;;) await queries.insertInto('birds').values({ name }).execute()
  })
  await assert.rejects(inTransaction, { code: 'disk-full' }, 'not the error of a second rollback')
  assert.equal(await count(db), kept)

  await sql`pragma max_page_count = 400`.execute(db.queries)
  await add(db)
  assert.equal(await count(db), kept + 1)
  await db.close()
})

const folder = await mkdtemp(join(tmpdir(), 'preflow-full-disk-'))
after(async () => {
  if (!whyNoDisk) execFileSync('umount', [folder])
  await rm(folder, { recursive: true })
})

/** Why there is no small disk to fill; `false` if there is one at {@link folder}. */
const whyNoDisk: string | false = (() => {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'pipe' })
    return false
  } catch {
    return 'a disk of a megabyte cannot be mounted here'
  }
})()

describe('a disk that is really full', { skip: whyNoDisk }, () => {
  const file = join(folder, 'test.db')
  const ballast = join(folder, 'ballast')
  before(() => writeFile(ballast, Buffer.alloc(100_000)))

  test('is reported at run time, serves reads, and accepts writes again after space was freed', async () => {
    const db = connect<Tables>({ location: { file } })
    await migrate(db, migrations)
    assert.equal((await fill(db)).code, 'disk-full')
    const kept = await count(db)
    assert.ok(kept > 0)
    await rm(ballast)
    await add(db)
    assert.equal(await count(db), kept + 1)
    await db.close()
  })

  test('is reported at the start', async () => {
    for (const kept of ['', '-wal', '-shm']) await rm(file + kept, { force: true })
    const room = Buffer.alloc(8192)
    const fillers: string[] = []
    for (let at = 0; ; at++) {
      const filler = join(folder, `filler-${at}`)
      fillers.push(filler)
      const isWritten = await writeFile(filler, room).then(
        () => true,
        () => false,
      )
      if (!isWritten) break
    }
    const start = async () => {
      const db = connect<Tables>({ location: { file } })
      try {
        await migrate(db, migrations)
      } catch (error) {
        throw db.explain(error)
      } finally {
        await db.close()
      }
    }
    await assert.rejects(start(), {
      name: 'DatabaseError',
      message: `The database file ${file} cannot grow: the disk is full. Free some space. Nothing was changed.`,
    })
    for (const filler of fillers) await rm(filler)
    await start()
  })
})
