import { setTimeout as sleep } from 'node:timers/promises'
import { type Dialect, PostgresDialect, type PostgresPool, type PostgresPoolClient } from 'kysely'
import pg from 'pg'
import { asUnavailable, DatabaseUnavailable } from './failure.ts'
import { storable } from './storable.ts'
import { createWatch, type Watch, type WatchedConnection } from './watch.ts'

/** The limits of one pool of connections. Milliseconds; 0 is no limit. */
export interface Limits {
  /** Maximum number of connections. */
  maxConnections: number
  /** Maximum number of requests that wait for a connection. Further ones fail at once. */
  maxWaiting: number
  /** How long a request waits for a new or free connection. */
  connectMs: number
  /** The time limit of a statement. */
  statementMs: number
  /** How long a statement waits for a lock of another session; on SQLite, for another process that writes. */
  lockMs: number
}

export interface PostgresOptions extends Limits {
  /** The name of the database in messages. */
  subject: string
  watch?: Watch
  /** Called if a connection breaks. */
  onConnectionLost?(error: Error): void
}

const INT8 = 20
/** The database itself ends a slow statement. If this much later no answer has arrived, the connection is closed. */
const NETWORK_MS = 250
/** For a session that holds locks but does nothing, because its process hangs. */
const IDLE_IN_TRANSACTION_MS = 30_000
const KEEP_ALIVE_MS = 10_000
/** How long running statements may take when the pool is closed. */
const END_MS = 2000

/**
 * A pool of connections to PostgreSQL for Kysely. Connects at the first query, and reconnects after a connection broke.
 */
export function openPostgres(url: string, options: PostgresOptions): Dialect {
  const { maxConnections, connectMs, statementMs, lockMs, onConnectionLost } = options
  const pool = new pg.Pool({
    connectionString: url,
    max: maxConnections,
    connectionTimeoutMillis: connectMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    // Session parameters. Not sent without limits, because some poolers refuse them.
    ...(statementMs > 0 && {
      statement_timeout: statementMs,
      query_timeout: statementMs + NETWORK_MS,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    }),
    ...(lockMs > 0 && { lock_timeout: lockMs }),
    types: {
      // Epoch milliseconds and counts stay far below 2^53.
      getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
        oid === INT8 ? Number : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
    },
  })
  const clients = new Set<pg.PoolClient>()
  pool.on('connect', client => {
    clients.add(client)
    // An error event without a listener ends the process. The pool listens only to idle connections.
    client.on('error', error => onConnectionLost?.(error))
  })
  pool.on('remove', client => clients.delete(client))
  // The pool's event repeats what was reported above.
  pool.on('error', () => undefined)
  return new PostgresDialect({ pool: boundedPool(pool, options, () => end(pool, clients)) })
}

function boundedPool(
  pool: pg.Pool,
  { maxWaiting, subject, watch }: PostgresOptions,
  end: () => Promise<void>,
): PostgresPool {
  const adapted = new WeakMap<pg.PoolClient, PostgresPoolClient>()
  const watchConnection = createWatch(watch)
  return {
    options: {},
    async connect() {
      if (pool.waitingCount >= maxWaiting) throw new DatabaseUnavailable('exhausted', subject)
      const client = await pool.connect().catch(error => {
        throw asUnavailable(error, subject)
      })
      const known = adapted.get(client) ?? adapt(client, subject, watchConnection())
      adapted.set(client, known)
      return known
    },
    end,
  }
}

/** The parts of a connection that Kysely needs. A broken one is not returned to the pool. */
function adapt(client: pg.PoolClient, subject: string, watched: WatchedConnection): PostgresPoolClient {
  let isBroken = false
  async function query(text: string, values: readonly unknown[]) {
    // The database itself rolls back the transaction of a broken connection.
    if (isBroken && text === 'rollback') return { command: 'ROLLBACK', rowCount: 0, rows: [] }
    try {
      const result = await client.query(text, values.map(storable))
      watched.executed(text)
      return result
    } catch (error) {
      const refined = asUnavailable(error, subject)
      isBroken ||= endsConnection(refined, error as Error)
      throw refined
    }
  }
  return {
    // The other form is for cursors, which nothing uses.
    query: query as unknown as PostgresPoolClient['query'],
    release: mustDestroy => client.release(mustDestroy === true || isBroken),
  }
}

function endsConnection(refined: unknown, { message }: Error): boolean {
  if (!(refined instanceof DatabaseUnavailable)) return false
  // The statement may still run, and the next one would wait for it.
  return ['unreachable', 'lost', 'read-only'].includes(refined.code) || message === 'Query read timeout'
}

/** Closes idle connections now, the others after their statement, and all after a while. */
async function end(pool: pg.Pool, clients: Set<pg.PoolClient>): Promise<void> {
  const late = new AbortController()
  const ended = pool.end().then(() => late.abort())
  await Promise.race([ended, sleep(END_MS, undefined, { signal: late.signal }).catch(() => undefined)])
  for (const client of clients) void (client as pg.PoolClient & pg.Client).end().catch(() => undefined)
}
