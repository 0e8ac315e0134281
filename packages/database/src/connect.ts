import { present } from '@preflow/contract'
import { type Dialect, Kysely, type KyselyPlugin, sql } from 'kysely'
import { type DatabaseError, explain, type Wording } from './failure.ts'
import { type Location, nameOf } from './location.ts'
import { type Limits, openPostgres } from './postgres.ts'
import { type ListenOptions, listen } from './postgres-listener.ts'
import { openSqlite, type ReadNow } from './sqlite.ts'
import { openSqliteReader } from './sqlite-reader.ts'
import type { Watch } from './watch.ts'

/** The defaults of every lane. All limits except `lockMs` are for PostgreSQL. */
const DEFAULT_LIMITS: Omit<Limits, 'maxWaiting'> = {
  maxConnections: 10,
  connectMs: 5000,
  statementMs: 10_000,
  lockMs: 5000,
}
/** Per connection, if `maxWaiting` is not set. */
const WAITING_PER_CONNECTION = 20
/** How long a start waits for another process that prepares the database. */
const PREPARATION_MS = 600_000

/** @typeParam Lane Names of further pools, see `lanes`. */
export interface ConnectOptions<Lane extends string = never> extends Partial<Limits> {
  /** An SQLite file is created if it does not exist, readable only by its owner. */
  location: Location
  /**
   * SQLite: a number that marks the file as this program's own, so that a file with tables of another program is
   * refused. Default: any file is accepted.
   */
  applicationId?: number
  plugins?: KyselyPlugin[]
  wording?: Wording
  /**
   * Kinds of work that must not wait for each other. Each has its own connections, queue and, if set, limits. SQLite
   * has one connection for all of them, except for lanes that only read.
   */
  lanes?: Record<Lane, LaneLimits>
  /** Tables whose changes by this process are reported, from all lanes. */
  watch?: Watch
  /** Called if a connection to PostgreSQL breaks. The next query opens another one. */
  onConnectionLost?(error: Error): void
}

export interface LaneLimits extends Partial<Limits> {
  /**
   * The lane has neither writes nor transactions. For an SQLite file it gets its own connection and thread, so a long
   * statement does not block the process.
   */
  isReadOnly?: true
}

/**
 * An open database. Statements reject with a `DatabaseUnavailable` while it does not answer, and work again afterwards.
 */
export interface Connected<Tables, Lane extends string = never> {
  engine: Engine
  queries: Kysely<Tables>
  /** The same database through the connections of a lane. */
  lanes: Record<Lane, Kysely<Tables>>
  /**
   * Runs `work` while no other process runs its own on the same database: for migrations and initial data. Statements
   * in it have no time limit. SQLite processes take turns with each transaction.
   *
   * Rejects with a {@link DatabaseError} if its turn does not come, and with the error of `work`.
   */
  exclusively<Result>(work: (queries: Kysely<Tables>) => Promise<Result>): Promise<Result>
  /** Only for SQLite files: reads at once what is committed, over a connection of its own. */
  readNow?: ReadNow
  /** Only for PostgreSQL: see {@link listen}. */
  listen?(channel: string, options: ListenOptions): () => Promise<void>
  /** The message for an error of this database, see {@link explain}. */
  explain(error: unknown): DatabaseError
  /** Waits briefly for running queries, then closes the file or the connections. */
  close(): Promise<void>
}

export type Engine = 'sqlite' | 'postgresql'

/**
 * Opens a database. Connects to PostgreSQL at the first query.
 *
 * Throws a {@link DatabaseError} if the SQLite file is not usable, without changing it.
 */
export function connect<Tables, Lane extends string = never>(options: ConnectOptions<Lane>): Connected<Tables, Lane> {
  const { location, wording = { subject: nameOf(location) } } = options
  const connected = 'file' in location ? connectFile<Tables, Lane> : connectServer<Tables, Lane>
  try {
    return { ...connected(options, wording), explain: error => explain(error, wording) }
  } catch (error) {
    throw explain(error, wording)
  }
}

type Bare<Tables, Lane extends string> = Omit<Connected<Tables, Lane>, 'explain'>

function connectFile<Tables, Lane extends string>(
  options: ConnectOptions<Lane>,
  { subject }: Wording,
): Bare<Tables, Lane> {
  const { file } = options.location as { file: string }
  const { applicationId, plugins = [], lanes, lockMs = DEFAULT_LIMITS.lockMs, watch } = options
  const { dialect, end, readNow } = openSqlite(file, { busyMs: lockMs, subject, ...present({ applicationId, watch }) })
  const queries = new Kysely<Tables>({ dialect, plugins })
  const ends = [end]
  const openLane = ({ isReadOnly, maxWaiting = WAITING_PER_CONNECTION }: LaneLimits) => {
    // An in-memory database belongs to its connection.
    if (!isReadOnly || file === ':memory:') return queries
    const reader = openSqliteReader(file, { busyMs: lockMs, maxWaiting, subject })
    ends.push(reader.end)
    return new Kysely<Tables>({ dialect: reader.dialect, plugins })
  }
  return {
    engine: 'sqlite',
    queries,
    lanes: mapValues(lanes, openLane),
    ...present({ readNow }),
    exclusively: work => work(queries),
    close: async () => {
      await queries.destroy()
      // Kysely closes only what it has used.
      for (const close of ends) close()
    },
  }
}

function connectServer<Tables, Lane extends string>(
  options: ConnectOptions<Lane>,
  wording: Wording,
): Bare<Tables, Lane> {
  const { url } = options.location as { url: string }
  const { plugins = [], lanes, onConnectionLost, watch } = options
  const { subject } = wording
  const open = ({ isReadOnly: _, ...limits }: LaneLimits): Kysely<Tables> => {
    const all = { ...DEFAULT_LIMITS, ...limitsOf(options), ...limits }
    const maxWaiting = all.maxWaiting ?? WAITING_PER_CONNECTION * all.maxConnections
    const dialect: Dialect = openPostgres(url, { ...all, maxWaiting, subject, ...present({ onConnectionLost, watch }) })
    return new Kysely<Tables>({ dialect, plugins })
  }
  const queries = open({})
  const opened = mapValues(lanes, open)
  return {
    engine: 'postgresql',
    queries,
    lanes: opened,
    listen: (channel, notified) => listen(url, channel, notified),
    exclusively: async work => {
      const alone = open({ maxConnections: 1, statementMs: 0, lockMs: PREPARATION_MS })
      let hasBegun = false
      const begin = (session: Kysely<Tables>) => {
        hasBegun = true
        return work(session)
      }
      try {
        return await alone.connection().execute(session => underLock(session, () => begin(session)))
      } catch (error) {
        throw hasBegun ? error : explain(error, wording)
      } finally {
        await alone.destroy()
      }
    },
    close: async () => {
      await Promise.all([queries, ...Object.values<Kysely<Tables>>(opened)].map(pool => pool.destroy()))
    },
  }
}

/** A session lock, which ends with the connection of a crashed process. */
async function underLock<Tables, Result>(session: Kysely<Tables>, work: () => Promise<Result>): Promise<Result> {
  const key = sql`hashtextextended('preflow ' || coalesce(current_schema(), ''), 0)`
  await sql`select pg_advisory_lock(${key})`.execute(session)
  try {
    return await work()
  } finally {
    await sql`select pg_advisory_unlock(${key})`.execute(session).catch(() => undefined)
  }
}

function limitsOf({ maxConnections, maxWaiting, connectMs, statementMs, lockMs }: Partial<Limits>): Partial<Limits> {
  return present({ maxConnections, maxWaiting, connectMs, statementMs, lockMs })
}

function mapValues<Name extends string, From, To>(
  record: Record<Name, From> | undefined,
  map: (value: From) => To,
): Record<Name, To> {
  const entries = Object.entries<From>(record ?? ({} as Record<Name, From>))
  return Object.fromEntries(entries.map(([name, value]) => [name, map(value)])) as Record<Name, To>
}
