import { closeSync, openSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { type Dialect, SqliteDialect, type SqliteStatement } from 'kysely'
import { LRUCache } from 'lru-cache'
import { storable } from './storable.ts'

/** Marks a file as Preflow's own, so that another program's database is never migrated by accident: `PREF` in ASCII. */
const APPLICATION_ID = 0x50524546
const WAIT_FOR_OTHER_PROCESSES_MS = 5000
const MAX_PREPARED_STATEMENTS = 500

/** The file exists and is a database, but it is somebody else's. */
export const FOREIGN_DATABASE: unique symbol = Symbol('foreign database')

/**
 * Opens an SQLite file for Kysely through `node:sqlite`.
 *
 * @returns The dialect, or {@link FOREIGN_DATABASE} when the file holds tables of another program. Throws what SQLite says
 *   about a broken or unreachable file; nothing is written before the file is known to be ours or empty.
 */
export function openSqlite(file: string): Dialect | typeof FOREIGN_DATABASE {
  if (file !== ':memory:') createForOwner(file)
  const database = new DatabaseSync(file)
  try {
    database.exec(`pragma busy_timeout = ${WAIT_FOR_OTHER_PROCESSES_MS}`)
    const { application_id } = database.prepare('pragma application_id').get() as { application_id: number }
    if (application_id !== APPLICATION_ID) {
      const { tables } = database.prepare('select count(*) as tables from sqlite_schema').get() as { tables: number }
      if (tables > 0) {
        database.close()
        return FOREIGN_DATABASE
      }
    }
    // Full synchronisation: a token request that was answered must survive a power cut, above all its consumed code.
    database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on')
    if (application_id !== APPLICATION_ID) database.exec(`pragma application_id = ${APPLICATION_ID}`)
  } catch (error) {
    database.close()
    throw error
  }

  const prepared = new LRUCache<string, SqliteStatement>({ max: MAX_PREPARED_STATEMENTS })
  const dialect = new SqliteDialect({
    database: {
      close: () => database.close(),
      prepare(sql) {
        // A deferred transaction that reads before it writes fails at once when another process wrote in between, without
        // waiting for busy_timeout. Taking the write lock first makes it wait.
        const text = sql === 'begin' ? 'begin immediate' : sql
        let statement = prepared.get(text)
        if (!statement) {
          statement = adapt(database.prepare(text))
          // The columns of a prepared statement are those of the schema it was prepared for.
          if (/^(select|insert|update|delete|with)\b/.test(text)) prepared.set(text, statement)
        }
        return statement
      },
    },
  })
  return {
    createDriver: () => dialect.createDriver(),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createIntrospector: db => dialect.createIntrospector(db),
    // SQLite does roll back DDL; Kysely does not count on it. Without this a failing migration would stay half done.
    createAdapter: () => Object.defineProperty(dialect.createAdapter(), 'supportsTransactionalDdl', { value: true }),
  }
}

/**
 * SQLite would let everybody read a file it makes. The files it keeps beside this one get the same rights.
 *
 * A file that is there is not touched, for closing it would end the locks that this process has on it.
 */
function createForOwner(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600))
  } catch {
    // It is there, or SQLite says in a moment why it cannot be.
  }
}

function adapt(statement: StatementSync): SqliteStatement {
  return {
    reader: statement.columns().length > 0,
    all: parameters => statement.all(...(parameters as SQLInputValue[]).map(storable)),
    run: parameters => statement.run(...(parameters as SQLInputValue[]).map(storable)),
    iterate: parameters => statement.iterate(...(parameters as SQLInputValue[]).map(storable)),
  }
}
