import assert from 'node:assert/strict'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { sql } from 'kysely'
import {
  type Connected,
  connect,
  DatabaseError,
  hostOf,
  type Migrations,
  migrate,
  readLocation,
  unlessTaken,
} from './index.ts'
import { onEachEngine, sqliteLocations } from './testing.fixture.ts'

interface Tables {
  birds: { name: string; seen_at: number }
}

const migrations: Migrations = {
  '0001-birds': {
    async up(db) {
      await db.schema
        .createTable('birds')
        .addColumn('name', 'text', column => column.primaryKey())
        .addColumn('seen_at', 'bigint', column => column.notNull())
        .execute()
    },
  },
}

onEachEngine('a database', newLocation => {
  const opened: Connected<Tables>[] = []
  after(() => Promise.all(opened.map(({ close }) => close())))
  const open = (location: string) => {
    const connected = connect<Tables>({ location: readLocation(location), maxConnections: 3 })
    opened.push(connected)
    return connected
  }

  test('stores and returns what is written, times as numbers, and every string', async () => {
    const db = open(await newLocation())
    await migrate(db, migrations)
    const seen_at = Date.UTC(2026, 0, 1)
    await db.queries.insertInto('birds').values({ name: 'grey\0heron', seen_at }).execute()
    const rows = await db.queries.selectFrom('birds').selectAll().execute()
    assert.deepEqual(
      rows.map(row => ({ ...row })),
      [{ name: 'grey\u{FFFD}heron', seen_at }],
    )
  })

  test('reports that a unique name is in use, and passes on every other error', async () => {
    const db = open(await newLocation())
    await migrate(db, migrations)
    const add = () => db.queries.insertInto('birds').values({ name: 'heron', seen_at: 1 }).execute()
    assert.deepEqual([await unlessTaken(add()), await unlessTaken(add())], [true, false])
    const unseen = { name: 'egret', seen_at: null as never }
    await assert.rejects(unlessTaken(db.queries.insertInto('birds').values(unseen).execute()), /null/i)
  })

  test('several programs that start at once on an empty database run each migration once', async () => {
    const location = await newLocation()
    // Threads, because SQLite blocks its thread while it waits for a lock.
    const program = `
      import { workerData } from 'node:worker_threads'
      const { connect, migrate, readLocation } = await import(workerData.module)
      const db = connect({ location: readLocation(workerData.location) })
      // Fails where the table exists already.
      const up = migrating => migrating.schema.createTable('birds').addColumn('name', 'text').execute()
      await migrate(db, { '0001-birds': { up } })
      await db.close()`
    const workerData = { module: import.meta.resolve('./index.ts'), location }
    const starts = Array.from({ length: 4 }, () =>
      once(new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`), { workerData }), 'exit'),
    )
    assert.deepEqual(await Promise.all(starts), [[0], [0], [0], [0]])
  })

  test('a failed migration leaves nothing behind, neither of itself nor of the ones before it', async () => {
    const db = open(await newLocation())
    const failing: Migrations = {
      ...migrations,
      '0002-fails': { up: () => Promise.reject(new Error('the second one fails')) },
    }
    await assert.rejects(migrate(db, failing), /the second one fails/)
    await migrate(db, migrations)
    assert.deepEqual(await db.queries.selectFrom('birds').selectAll().execute(), [])
  })
})

const newFile = sqliteLocations()

test('an SQLite file and the files beside it are readable only by its owner', async () => {
  const file = await newFile()
  const umask = process.umask(0o022)
  const db = connect({ location: { file } })
  try {
    await migrate(db, migrations)
    for (const name of [file, `${file}-wal`, `${file}-shm`]) assert.equal((await stat(name)).mode & 0o777, 0o600, name)
  } finally {
    process.umask(umask)
    await db.close()
  }
})

test('a statement waits for the transaction of another handle, also in the same process, without blocking it', async () => {
  const location = { file: await newFile() }
  const [one, two] = [connect<Tables>({ location }), connect<Tables>({ location })]
  await migrate(one, migrations)
  const isWriting = Promise.withResolvers<void>()
  const mayEnd = Promise.withResolvers<void>()
  const writing = one.queries.transaction().execute(async queries => {
    await queries.insertInto('birds').values({ name: 'heron', seen_at: 1 }).execute()
    isWriting.resolve()
    await mayEnd.promise
  })
  await isWriting.promise
  const waiting = two.queries.insertInto('birds').values({ name: 'egret', seen_at: 2 }).execute()
  setImmediate(mayEnd.resolve)
  await Promise.all([writing, waiting])
  await Promise.all([one.close(), two.close()])
})

test('a statement that waits too long for another writer fails with a message', async () => {
  const location = { file: await newFile() }
  const [one, two] = [connect<Tables>({ location }), connect<Tables>({ location, lockMs: 50 })]
  await migrate(one, migrations)
  await one.queries.transaction().execute(async queries => {
    await queries.insertInto('birds').values({ name: 'heron', seen_at: 1 }).execute()
    await assert.rejects(two.queries.deleteFrom('birds').execute(), {
      name: 'DatabaseUnavailable',
      code: 'locked',
      message: `The database file ${location.file} is locked by another session or process.`,
    })
  })
  await Promise.all([one.close(), two.close()])
})

test('a marked file is refused by a program with another mark, and a file with tables but no mark by every program', async () => {
  const file = await newFile()
  const db = connect({ location: { file }, applicationId: 1 })
  await migrate(db, migrations)
  await db.close()
  const unmarked = await newFile()
  const foreign = new DatabaseSync(unmarked)
  foreign.exec('create table recipes (name text)')
  foreign.close()
  for (const refused of [file, unmarked]) {
    assert.throws(() => connect({ location: { file: refused }, applicationId: 2 }), {
      name: 'DatabaseError',
      message: `The database file ${refused} belongs to another program. Name another file. Nothing was changed.`,
    })
  }
  await connect({ location: { file }, applicationId: 1 }).close()
})

test("messages use the owner's name of the database, and never its password", async () => {
  const location = readLocation('postgres://me:secret@127.0.0.1:1/birds')
  const plain = connect({ location })
  const named = connect({ location, wording: { subject: 'The list of birds', advice: 'Check the setting birds.' } })
  const sentenceOf = async (db: typeof plain) => {
    const error = db.explain(
      await migrate(db, migrations).then(
        () => undefined,
        (cause: unknown) => cause,
      ),
    )
    assert.ok(error instanceof DatabaseError)
    assert.doesNotMatch(error.message, /secret/)
    await db.close()
    return error.message
  }
  assert.equal(
    await sentenceOf(plain),
    'The PostgreSQL database at 127.0.0.1:1/birds cannot be reached: the connection was refused. Start PostgreSQL, or correct the host and port in the URL. Nothing was changed.',
  )
  assert.equal(
    await sentenceOf(named),
    'The list of birds cannot be used: connect ECONNREFUSED 127.0.0.1:1. Check the setting birds.',
  )
  assert.equal(hostOf('postgres://me:secret@[bad'), 'the configured URL')
})

test('a lane that only reads leaves the process free during a long statement, and sees what was committed', async () => {
  const location = { file: await newFile() }
  const db = connect<Tables, 'search'>({ location, lanes: { search: { isReadOnly: true } } })
  await migrate(db, migrations)
  let turns = 0
  const turning = setInterval(() => turns++)
  const long = sql<{
    total: number
  }>`with recursive counted(n) as (select 1 union all select n + 1 from counted where n < 1000000)
    select count(*) as total from counted`
  assert.deepEqual((await long.execute(db.lanes.search)).rows, [{ total: 1_000_000 }])
  assert.ok(turns > 0)
  clearInterval(turning)
  await db.queries.insertInto('birds').values({ name: 'heron', seen_at: 1 }).execute()
  assert.deepEqual(await db.lanes.search.selectFrom('birds').select('name').execute(), [{ name: 'heron' }])
  await assert.rejects(db.lanes.search.deleteFrom('birds').execute(), {
    name: 'DatabaseUnavailable',
    code: 'read-only',
  })
  await assert.rejects(sql`select * from nowhere`.execute(db.lanes.search), /no such table: nowhere/)
  await db.close()
  await assert.rejects(db.lanes.search.selectFrom('birds').selectAll().execute())
})

test('a lane that only reads refuses more than it can queue', async () => {
  const location = { file: await newFile() }
  const db = connect<Tables, 'search'>({ location, lanes: { search: { isReadOnly: true, maxWaiting: 2 } } })
  await migrate(db, migrations)
  const reads = Array.from({ length: 3 }, () => db.lanes.search.selectFrom('birds').selectAll().execute())
  const settled = await Promise.allSettled(reads)
  assert.deepEqual(
    settled.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected'],
  )
  await db.close()
})
