import { closeSync, openSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { asUnavailable, ForeignDatabase } from './failure.ts'
import { storable } from './storable.ts'

/** A program has far fewer; the limit is for statements whose length follows a list of values. */
const MAX_PREPARED_STATEMENTS = 500
/** SQLite itself waits this long for another writer, and nothing else of this process runs meanwhile. */
const BLOCKING_WAIT_MS = 10
/** Pauses between further attempts, in which the rest of the process goes on. The last one repeats. */
const PAUSES_MS = [1, 2, 5, 10, 20, 50]
const SQLITE_BUSY = 5

export interface SqliteOptions {
  /** See `ConnectOptions.applicationId`. */
  applicationId?: number
  /** Milliseconds to wait while another process writes. */
  busyMs: number
  /** How messages call the database. */
  subject: string
}

/**
 * Opens an SQLite file for Kysely through `node:sqlite`.
 *
 * Throws {@link ForeignDatabase}, or the error of SQLite when the file is broken or cannot be opened. Nothing is written before
 * the file is known to be ours or empty.
 */
export function openSqlite(
  file: string,
  { applicationId, busyMs, subject }: SqliteOptions,
): { dialect: Dialect; end(): void } {
  if (file !== ':memory:') createForOwner(file)
  const database = new DatabaseSync(file, { timeout: busyMs })
  try {
    const isNew = applicationId !== undefined && mustMark(database, applicationId)
    // Full synchronisation: what was acknowledged must survive a power cut, above all a consumed code or a counted attempt.
    database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on')
    if (isNew) database.exec(`pragma application_id = ${applicationId}`)
    database.exec(`pragma busy_timeout = ${BLOCKING_WAIT_MS}`)
  } catch (error) {
    database.close()
    throw error
  }
  const end = () => {
    if (database.isOpen) database.close()
  }
  return {
    dialect: {
      createDriver: () => driverOf(database, connectionOf(database, busyMs, subject), end),
      createQueryCompiler: () => new SqliteQueryCompiler(),
      createIntrospector: db => new SqliteIntrospector(db),
      // SQLite does roll back DDL; Kysely does not count on it. Without this a failing migration would stay half done.
      createAdapter: () => Object.defineProperty(new SqliteAdapter(), 'supportsTransactionalDdl', { value: true }),
    },
    end,
  }
}

/** Whether the file is empty, so that it gets the mark. Throws when it has tables without the mark. */
function mustMark(database: DatabaseSync, applicationId: number): boolean {
  const { application_id } = database.prepare('pragma application_id').get() as { application_id: number }
  if (application_id === applicationId) return false
  const { tables } = database.prepare('select count(*) as tables from sqlite_schema').get() as { tables: number }
  if (tables > 0) throw new ForeignDatabase('the file belongs to another program')
  return true
}

/**
 * SQLite would let everybody read a file it makes. The files it keeps beside this one get the same rights.
 *
 * An existing file is not touched, because closing it would end the locks that this process has on it.
 */
function createForOwner(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600))
  } catch {
    // It exists, or SQLite says in a moment why it cannot be made.
  }
}

function driverOf(database: DatabaseSync, connection: DatabaseConnection, end: () => void): Driver {
  const run = async (sql: string) => void (await connection.executeQuery(CompiledQuery.raw(sql)))
  return {
    init: async () => undefined,
    acquireConnection: async () => connection,
    // A deferred transaction that reads before it writes fails at once when another process wrote in between, without
    // waiting. Taking the write lock first makes it wait.
    beginTransaction: () => run('begin immediate'),
    commitTransaction: () => run('commit'),
    // A full disk and a disk error roll back at once; another rollback would hide them behind an error of its own.
    rollbackTransaction: async () => {
      if (database.isTransaction) await run('rollback')
    },
    releaseConnection: async () => undefined,
    destroy: async () => end(),
  }
}

function connectionOf(database: DatabaseSync, busyMs: number, subject: string): DatabaseConnection {
  const prepared = new Map<string, StatementSync>()
  const prepare = (sql: string): StatementSync => {
    let statement = prepared.get(sql)
    if (!statement) {
      statement = database.prepare(sql)
      if (prepared.size >= MAX_PREPARED_STATEMENTS) prepared.clear()
      // The columns of a prepared statement are those of the schema it was prepared for.
      if (/^(select|insert|update|delete|with)\b/.test(sql)) prepared.set(sql, statement)
    }
    return statement
  }
  return {
    async executeQuery<Row>({ sql, parameters }: CompiledQuery) {
      try {
        return await unlessBusy(() => execute<Row>(prepare(sql), parameters.map(storable) as SQLInputValue[]), busyMs)
      } catch (error) {
        throw asUnavailable(error, subject)
      }
    },
    streamQuery: () => {
      throw new Error('Streams of rows are not supported.')
    },
  }
}

function execute<Row>(statement: StatementSync, parameters: SQLInputValue[]): QueryResult<Row> {
  if (statement.columns().length > 0) return { rows: statement.all(...parameters) as Row[] }
  const { changes, lastInsertRowid } = statement.run(...parameters)
  return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) }
}

/**
 * Repeats a statement that another writer keeps from running, for `busyMs`. A statement that ended with this error has done
 * nothing. The other writer may be a second handle of this process, which can only finish while this one does not block.
 */
async function unlessBusy<Result>(run: () => Result, busyMs: number): Promise<Result> {
  const startedAt = performance.now()
  for (let attempt = 0; ; attempt++) {
    try {
      return run()
    } catch (error) {
      const { errcode } = error as { errcode?: number }
      const isBusy = errcode !== undefined && (errcode & 0xff) === SQLITE_BUSY
      if (!isBusy || performance.now() - startedAt >= busyMs) throw error
    }
    await sleep(PAUSES_MS[Math.min(attempt, PAUSES_MS.length - 1)])
  }
}
