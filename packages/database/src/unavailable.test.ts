import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import { type Connected, type ConnectOptions, connect, DatabaseUnavailable, type Unavailability } from './index.ts'
import { startProxy } from './proxy.fixture.ts'
import { asAdministrator, newPostgresPlace, whyNoPostgres } from './testing.fixture.ts'

interface Tables {
  birds: { name: string }
}

/** Resolves with the code of the error. Any other error is a defect. */
async function codeOf(work: Promise<unknown>): Promise<Unavailability | 'answered'> {
  try {
    await work
    return 'answered'
  } catch (error) {
    assert.ok(error instanceof DatabaseUnavailable, String((error as Error).stack))
    return error.code
  }
}

async function timed<Result>(work: Promise<Result>): Promise<{ result: Result; ms: number }> {
  const startedAt = performance.now()
  return { result: await work, ms: performance.now() - startedAt }
}

describe('a PostgreSQL database that fails', { skip: whyNoPostgres }, () => {
  const place = newPostgresPlace('schema')
  const application = `preflow-test-${process.pid}`
  const opened: Connected<Tables, string>[] = []

  before(async () => {
    await place.create()
    const db = open()
    await db.queries.schema.createTable('birds').addColumn('name', 'text').execute()
  })
  after(async () => {
    await Promise.all(opened.map(({ close }) => close()))
    await place.remove()
  })

  function urlOf(port?: number): string {
    const url = new URL(place.url)
    url.searchParams.set('application_name', application)
    if (port !== undefined) url.port = String(port)
    return url.href
  }

  function open<Lane extends string = never>(options: Partial<ConnectOptions<Lane>> = {}, port?: number) {
    const connected = connect<Tables, Lane>({ location: { url: urlOf(port) }, ...options })
    opened.push(connected as Connected<Tables, string>)
    return connected
  }

  const add = (queries: Kysely<Tables>) => queries.insertInto('birds').values({ name: 'heron' }).execute()
  /** @param name Identifies the session. */
  const doze = (queries: Kysely<Tables>, seconds: number, name = '') =>
    sql`select pg_sleep(${seconds}) ${sql.raw(`/* ${name} */`)}`.execute(queries)
  const terminateAll = () =>
    asAdministrator(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = '${application}'`)
  const observer = connect<Tables>({ location: { url: place.url }, maxConnections: 1 })
  opened.push(observer)
  /** Waits until this many sessions sleep under the name. */
  async function untilDozing(name: string, count = 1): Promise<void> {
    for (;;) {
      const { rows } = await sql<{ pid: number }>`
        select pid from pg_stat_activity
        where application_name = ${application} and state = 'active' and query like ${`%/* ${name} */%`}`.execute(
        observer.queries,
      )
      if (rows.length >= count) return
    }
  }
  const { hostname, port: targetPort } = new URL(place.url)
  const target = { host: hostname, port: Number(targetPort === '' ? 5432 : targetPort) }

  /** Locks the table from another session until the returned function is called. */
  async function lockBirds(): Promise<() => Promise<void>> {
    const isLocked = Promise.withResolvers<void>()
    const mayEnd = Promise.withResolvers<void>()
    const locking = open()
      .queries.transaction()
      .execute(async queries => {
        await sql`lock table birds`.execute(queries)
        isLocked.resolve()
        await mayEnd.promise
      })
    await Promise.race([isLocked.promise, locking])
    return async () => {
      mayEnd.resolve()
      await locking
    }
  }

  test('ending sessions under load ends neither the process nor the pool', async () => {
    let lost = 0
    const db = open({ maxConnections: 5, onConnectionLost: () => lost++ })
    const codes = new Map<string, number>()
    let isOver = false
    async function work(worker: number): Promise<void> {
      while (!isOver) {
        const code = await codeOf(
          worker % 2 === 0
            ? add(db.queries)
            : db.queries.transaction().execute(async queries => {
                await add(queries)
                await doze(queries, 0.005)
              }),
        )
        codes.set(code, (codes.get(code) ?? 0) + 1)
        await sleep(1)
      }
    }
    const workers = Array.from({ length: 8 }, (_, worker) => work(worker))
    for (let round = 0; round < 6; round++) {
      await sleep(60)
      await terminateAll()
    }
    isOver = true
    await Promise.all(workers)
    assert.ok(lost > 0, 'connections were lost')
    assert.ok((codes.get('answered') ?? 0) > 0)
    assert.deepEqual(
      [...codes.keys()].filter(code => code !== 'answered' && code !== 'lost'),
      [],
    )
    for (let attempt = 0; attempt < 10; attempt++) await add(db.queries)
  })

  test('ended idle sessions are replaced at the next statement', async () => {
    const losses: Error[] = []
    const isLost = Promise.withResolvers<void>()
    const db = open({
      onConnectionLost: error => {
        losses.push(error)
        isLost.resolve()
      },
    })
    await add(db.queries)
    await terminateAll()
    await isLost.promise
    await add(db.queries)
    assert.match(losses[0]?.message ?? '', /terminating connection|Connection terminated/)
  })

  test('a server that stops and starts again is used again', async () => {
    const proxy = await startProxy(target)
    const db = open({ maxConnections: 4, connectMs: 1000 }, proxy.port)
    await Promise.all([1, 2, 3, 4].map(() => add(db.queries)))
    const running = [1, 2].map(() => codeOf(doze(db.queries, 5, 'stopped')))
    await untilDozing('stopped', 2)
    await proxy.stop()
    assert.deepEqual(await Promise.all(running), ['lost', 'lost'])
    const refused = [await codeOf(add(db.queries))]
    // The sockets of idle connections report the end only if somebody listens.
    while (refused.at(-1) === 'lost' && refused.length < 5) refused.push(await codeOf(add(db.queries)))
    assert.equal(refused.at(-1), 'unreachable')
    await proxy.start()
    await Promise.all([1, 2, 3, 4].map(() => add(db.queries)))
    await db.close()
    await proxy.stop()
  })

  test('a network that drops everything is detected, and the connection is closed', async () => {
    const proxy = await startProxy(target)
    const db = open({ maxConnections: 1, statementMs: 200 }, proxy.port)
    await add(db.queries)
    proxy.hush()
    const { result, ms } = await timed(codeOf(db.queries.transaction().execute(add)))
    assert.equal(result, 'slow')
    assert.ok(ms < 2000, `${ms} ms`)
    await add(db.queries)
    await db.close()
    await proxy.stop()
  })

  test('a slow statement is ended, and its connection serves the next one', async () => {
    const db = open({ maxConnections: 1, statementMs: 100 })
    const { rows: before } = await sql`select pg_backend_pid() as pid`.execute(db.queries)
    assert.equal(await codeOf(doze(db.queries, 5)), 'slow')
    const { rows: afterwards } = await sql`select pg_backend_pid() as pid`.execute(db.queries)
    assert.deepEqual(afterwards, before)
  })

  test('a lock of another session delays a statement up to its limit, and other lanes not at all', async () => {
    const db = open({ lanes: { records: { lockMs: 100, maxConnections: 1 } } })
    const unlock = await lockBirds()
    const { result, ms } = await timed(codeOf(add(db.lanes.records)))
    assert.equal(result, 'locked')
    assert.ok(ms < 2000, `${ms} ms`)
    const waiting = Array.from({ length: 5 }, () => codeOf(add(db.lanes.records)))
    await timed(doze(db.queries, 0))
    await unlock()
    await Promise.all(waiting)
    await add(db.lanes.records)
  })

  test('if every connection is in use, a statement waits up to its limit, and beyond the queue not at all', async () => {
    const db = open({ maxConnections: 2, maxWaiting: 3, connectMs: 150 })
    const busy = [1, 2].map(() => doze(db.queries, 1, 'busy'))
    await untilDozing('busy', 2)
    const waiting = [1, 2, 3].map(() => timed(codeOf(add(db.queries))))
    await Promise.resolve()
    const refused = await timed(codeOf(add(db.queries)))
    assert.equal(refused.result, 'exhausted')
    assert.ok(refused.ms < 100, `${refused.ms} ms`)
    for (const { result, ms } of await Promise.all(waiting)) {
      assert.equal(result, 'exhausted')
      assert.ok(ms >= 140 && ms < 900, `${ms} ms`)
    }
    await Promise.all(busy)
    await add(db.queries)
  })

  test('a transaction that conflicts with another one is aborted and can be tried again', async () => {
    const db = open()
    await sql`create table nests (id int primary key, eggs int)`.execute(db.queries)
    await sql`insert into nests values (1, 0), (2, 0)`.execute(db.queries)
    const barrier = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const
    const raise = (first: number, second: number) =>
      db.queries.transaction().execute(async queries => {
        await sql`update nests set eggs = eggs + 1 where id = ${first}`.execute(queries)
        barrier[first === 1 ? 0 : 1].resolve()
        await Promise.all(barrier.map(({ promise }) => promise))
        await sql`update nests set eggs = eggs + 1 where id = ${second}`.execute(queries)
      })
    const codes = await Promise.all([codeOf(raise(1, 2)), codeOf(raise(2, 1))])
    assert.deepEqual(codes.toSorted(), ['answered', 'conflict'])
  })

  test('closing waits only a moment for a running statement', async () => {
    const db = open({ statementMs: 0 })
    const hanging = codeOf(doze(db.queries, 60, 'hanging'))
    await untilDozing('hanging')
    const { ms } = await timed(db.close())
    assert.ok(ms < 5000, `${ms} ms`)
    assert.equal(await hanging, 'lost')
  })

  test('exclusive work runs in one process at a time, and a crashed one releases the next', async () => {
    const db = open()
    const log: string[] = []
    const step = (name: string) =>
      open().exclusively(async queries => {
        log.push(`${name} begins`)
        await doze(queries, 0.05)
        log.push(`${name} ends`)
      })
    await Promise.all([step('one'), step('two'), step('three')])
    for (let at = 0; at < log.length; at += 2) assert.equal(log[at + 1], log[at]?.replace('begins', 'ends'))

    const isInside = Promise.withResolvers<void>()
    const dying = codeOf(
      db.exclusively(queries => {
        isInside.resolve()
        return doze(queries, 60, 'dying')
      }),
    )
    await isInside.promise
    const next = open().exclusively(async () => 'continued')
    await untilDozing('dying')
    await asAdministrator(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where application_name = '${application}' and query like '%/* dying */%' and state = 'active'`,
    )
    assert.equal(await dying, 'lost')
    assert.equal(await next, 'continued')
  })

  test('the error names the database and states when to try again', async () => {
    const db = open({}, 1)
    const error = await db.queries
      .selectFrom('birds')
      .selectAll()
      .execute()
      .catch((cause: unknown) => cause)
    assert.ok(error instanceof DatabaseUnavailable)
    assert.equal(error.code, 'unreachable')
    assert.equal(error.retryAfterSeconds, 5)
    assert.match(error.message, /^The PostgreSQL database at \S+:1\/\w+ cannot be reached\.$/)
  })
})
