import { closeSync, openSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { present } from '@preflow/contract'
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
import { createWatch, type Watch, type WatchedConnection } from './watch.ts'

/** A program has far fewer. The limit is for statements whose length depends on a list of values. */
const MAX_PREPARED_STATEMENTS = 500
/** SQLite itself waits this long for another writer and blocks the process. */
const BLOCKING_WAIT_MS = 10
/** Pauses between further attempts, without blocking. The last one repeats. */
const PAUSES_MS = [1, 2, 5, 10, 20, 50]
const SQLITE_BUSY = 5

export interface SqliteOptions {
  /** See `ConnectOptions.applicationId`. */
  applicationId?: number
  /** Milliseconds to wait while another process writes. */
  busyMs: number
  /** The name of the database in messages. */
  subject: string
  watch?: Watch
}

/** Reads at once what is committed, over a connection of its own. */
export type ReadNow = <Row>(sql: string, ...parameters: SQLInputValue[]) => Row[]

/**
 * Opens an SQLite file for Kysely through `node:sqlite`.
 *
 * Throws {@link ForeignDatabase}, or the error of SQLite if the file is damaged or cannot be opened. Writes nothing
 * before the file is known to be ours or empty.
 */
export function openSqlite(
  file: string,
  { applicationId, busyMs, subject, watch }: SqliteOptions,
): { dialect: Dialect; readNow?: ReadNow; end(): void } {
  if (file !== ':memory:') createForOwner(file)
  const database = new DatabaseSync(file, { timeout: busyMs })
  try {
    const isNew = applicationId !== undefined && mustMark(database, applicationId)
    // Full synchronisation: acknowledged writes must survive a power cut, above all a consumed code or a counted
    // attempt.
    database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on')
    if (isNew) database.exec(`pragma application_id = ${applicationId}`)
    database.exec(`pragma busy_timeout = ${BLOCKING_WAIT_MS}`)
  } catch (error) {
    database.close()
    throw error
  }
  const reader = file === ':memory:' ? undefined : createReader(file)
  const end = () => {
    reader?.end()
    if (database.isOpen) database.close()
  }
  const watched = createWatch(watch)()
  return {
    ...present({ readNow: reader?.readNow }),
    dialect: {
      createDriver: () => driverOf(database, connectionOf(database, { busyMs, subject }, watched), end),
      createQueryCompiler: () => new SqliteQueryCompiler(),
      createIntrospector: db => new SqliteIntrospector(db),
      // SQLite rolls back DDL, but Kysely does not use that by default. A failed migration would then leave a part
      // behind.
      createAdapter: () => Object.defineProperty(new SqliteAdapter(), 'supportsTransactionalDdl', { value: true }),
    },
    end,
  }
}

function createReader(file: string): { readNow: ReadNow; end(): void } {
  let database: DatabaseSync | undefined
  const prepared = new Map<string, StatementSync>()
  return {
    readNow<Row>(sql: string, ...parameters: SQLInputValue[]) {
      database ??= new DatabaseSync(file, { readOnly: true, timeout: BLOCKING_WAIT_MS })
      const statement = prepared.get(sql) ?? database.prepare(sql)
      prepared.set(sql, statement)
      return statement.all(...parameters) as Row[]
    },
    end: () => void (database?.isOpen && database.close()),
  }
}

/** Whether the file is empty and needs the mark. Throws if it has tables without the mark. */
function mustMark(database: DatabaseSync, applicationId: number): boolean {
  const { application_id } = database.prepare('pragma application_id').get() as { application_id: number }
  if (application_id === applicationId) return false
  const { tables } = database.prepare('select count(*) as tables from sqlite_schema').get() as { tables: number }
  if (tables > 0) throw new ForeignDatabase('the file belongs to another program')
  return true
}

/**
 * SQLite would create a file that everybody can read. The files beside it get the same permissions.
 *
 * An existing file is not opened, because closing it would release the locks of this process.
 */
function createForOwner(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600))
  } catch {
    // It exists, or SQLite will report why it cannot be created.
  }
}

function driverOf(database: DatabaseSync, connection: DatabaseConnection, end: () => void): Driver {
  const run = async (sql: string) => void (await connection.executeQuery(CompiledQuery.raw(sql)))
  return {
    init: async () => undefined,
    acquireConnection: async () => connection,
    // A deferred transaction that reads before it writes fails at once if another process wrote in between. With the
    // write lock, it waits instead.
    beginTransaction: () => run('begin immediate'),
    commitTransaction: () => run('commit'),
    // A full disk and a disk error roll back at once. Another rollback would hide them behind its own error.
    rollbackTransaction: async () => {
      if (database.isTransaction) await run('rollback')
    },
    releaseConnection: async () => undefined,
    destroy: async () => end(),
  }
}

function connectionOf(
  database: DatabaseSync,
  { busyMs, subject }: { busyMs: number; subject: string },
  watched: WatchedConnection,
): DatabaseConnection {
  const prepared = new Map<string, StatementSync>()
  const prepare = (sql: string): StatementSync => {
    let statement = prepared.get(sql)
    if (!statement) {
      statement = database.prepare(sql)
      if (prepared.size >= MAX_PREPARED_STATEMENTS) prepared.clear()
      // The columns of a prepared statement are those of the schema at that time.
      if (/^(select|insert|update|delete|with)\b/.test(sql)) prepared.set(sql, statement)
    }
    return statement
  }
  return {
    async executeQuery<Row>({ sql, parameters }: CompiledQuery) {
      try {
        const values = parameters.map(storable) as SQLInputValue[]
        const result = await unlessBusy(() => execute<Row>(prepare(sql), values), busyMs)
        watched.executed(sql)
        return result
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
 * Repeats a statement that another writer blocks, for `busyMs`. A statement with this error has done nothing. The other
 * writer may be another handle of this process, which can finish only while this one does not block.
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
