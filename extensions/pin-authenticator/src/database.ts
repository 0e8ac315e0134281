import { closeSync, openSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { CamelCasePlugin, type Dialect, Kysely, PostgresDialect, SqliteDialect, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import pg from 'pg'
import { createStore, type Store, type Tables } from './store.ts'

/** The database cannot be used. The message says what to do and contains no credentials. */
export class DatabaseError extends Error {
  override name = 'DatabaseError'
}

const WAIT_FOR_OTHER_PROCESSES_MS = 5000
const CONNECT_TIMEOUT_MS = 2000
const MAX_CONNECTIONS = 10
const INT8 = 20

/**
 * Opens the store and brings its tables up to date. Several instances may do so at once.
 *
 * @param database A `postgres://` URL, or the path of an SQLite file, which is made when it does not exist.
 * @param onConnectionLost Told when an idle connection to PostgreSQL breaks; the next query opens another.
 * @returns The store. Rejects with a {@link DatabaseError} when it cannot be used.
 */
export async function openStore(database: string, onConnectionLost: (error: Error) => void): Promise<Store> {
  const isUrl = /^postgres(ql)?:\/\//.test(database)
  const place = isUrl ? 'The PostgreSQL database' : `The database file ${database}`
  let db: Kysely<Tables> | undefined
  try {
    const dialect = isUrl ? postgres(database, onConnectionLost) : sqlite(database)
    db = new Kysely<Tables>({ dialect, plugins: [new CamelCasePlugin()] })
    await migrate(db, isUrl)
    return createStore(db)
  } catch (cause) {
    await db?.destroy()
    const { message, code } = cause as Error & { code?: string }
    throw new DatabaseError(`${place} cannot be used: ${message || code}. Check the setting database.`, { cause })
  }
}

async function migrate(db: Kysely<Tables>, hasSchemas: boolean): Promise<void> {
  // Without its name the migrator would take tables of another schema for its own.
  const schema = hasSchemas && (await sql<{ name: string }>`select current_schema() as name`.execute(db)).rows[0]?.name
  const { error } = await new Migrator({
    db,
    provider: { getMigrations: async () => migrations },
    migrationTableName: 'pin_migrations',
    migrationLockTableName: 'pin_migrations_lock',
    ...(schema ? { migrationTableSchema: schema } : {}),
  }).migrateToLatest()
  if (error) throw error
}

function postgres(connectionString: string, onConnectionLost: (error: Error) => void): Dialect {
  const pool = new pg.Pool({
    connectionString,
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    types: {
      // Times and counts stay far below 2^53.
      getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
        oid === INT8 ? Number : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
    },
  })
  // Without a listener an idle connection that breaks would end the process.
  pool.on('error', onConnectionLost)
  return new PostgresDialect({ pool })
}

function sqlite(file: string): Dialect {
  // SQLite would make it readable for everybody; the files beside it get the same rights.
  if (file !== ':memory:') closeSync(openSync(file, 'a', 0o600))
  const database = new DatabaseSync(file)
  // Full synchronisation: neither a counted attempt nor a consumed result may be undone by a power cut.
  database.exec(
    `pragma busy_timeout = ${WAIT_FOR_OTHER_PROCESSES_MS}; pragma journal_mode = wal; pragma synchronous = full`,
  )
  const dialect = new SqliteDialect({
    database: {
      close: () => database.close(),
      prepare(text) {
        // Only migrations use a transaction. Taking the write lock first makes a second instance wait for the first one.
        const statement = database.prepare(text === 'begin' ? 'begin immediate' : text)
        const values = (parameters: readonly unknown[]) => parameters as SQLInputValue[]
        return {
          reader: statement.columns().length > 0,
          all: parameters => statement.all(...values(parameters)),
          run: parameters => statement.run(...values(parameters)),
          iterate: parameters => statement.iterate(...values(parameters)),
        }
      },
    },
  })
  return {
    createDriver: () => dialect.createDriver(),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createIntrospector: db => dialect.createIntrospector(db),
    // SQLite does roll back DDL; Kysely does not count on it.
    createAdapter: () => Object.defineProperty(dialect.createAdapter(), 'supportsTransactionalDdl', { value: true }),
  }
}

/** Every change of the tables. A published one is never edited: add another below it. */
const migrations: Record<string, Migration> = {
  '0001-first': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('pin_entries')
        .addColumn('flow_id', 'text', column => column.notNull())
        .addColumn('step', 'integer', column => column.notNull())
        .addColumn('handle', 'text', column => column.notNull().unique())
        .addColumn('version', 'integer', column => column.notNull())
        .addColumn('tenant', 'text', column => column.notNull())
        .addColumn('organization', 'text')
        .addColumn('application', 'text', column => column.notNull())
        .addColumn('user_id', 'text')
        .addColumn('user_store', 'text')
        .addColumn('status', 'text', column => column.notNull())
        .addColumn('refusal', 'text')
        .addColumn('attempts', 'integer', column => column.notNull())
        .addColumn('browser_hash', 'text')
        .addColumn('consumed_by', 'text')
        .addColumn('expires_at', 'bigint', column => column.notNull())
        .addPrimaryKeyConstraint('pin_entries_key', ['flow_id', 'step'])
        .execute()
      await db.schema.createIndex('pin_entries_expires_at').on('pin_entries').column('expires_at').execute()
      await db.schema
        .createTable('pin_attempts')
        .addColumn('subject', 'text', column => column.primaryKey())
        .addColumn('version', 'integer', column => column.notNull())
        .addColumn('count', 'integer', column => column.notNull())
        .addColumn('last_at', 'bigint', column => column.notNull())
        .addColumn('locked_until', 'bigint', column => column.notNull())
        .execute()
      await db.schema.createIndex('pin_attempts_last_at').on('pin_attempts').column('last_at').execute()
      await db.schema
        .createTable('pin_enrolments')
        .addColumn('user_id', 'text', column => column.primaryKey())
        .addColumn('username', 'text', column => column.unique())
        .addColumn('pin_hash', 'text', column => column.notNull())
        .addColumn('user_store', 'text')
        .addColumn('claims', 'text', column => column.notNull())
        .addColumn('groups', 'text', column => column.notNull())
        .addColumn('updated_at', 'bigint', column => column.notNull())
        .execute()
    },
  },
}
