import { type Dialect, Kysely, PostgresDialect } from 'kysely'
import { Migrator } from 'kysely/migration'
import pg from 'pg'
import { migrations } from './migrations.ts'
import { type Seal, SealError } from './sealed-secrets.ts'
import { FOREIGN_DATABASE, openSqlite } from './sqlite.ts'
import { storable } from './storable.ts'
import type { Tables } from './tables.ts'

/**
 * The store's handle, first argument of every query function. Inside {@link inTransaction} a handle of its own is passed;
 * use that one there and only there, and never wait for the network while it is open.
 */
export interface Database {
  engine: 'sqlite' | 'postgresql'
  /** For the query files of the store only. */
  queries: Kysely<Tables>
  seal: Seal
  /** Epoch milliseconds. */
  now(): number
  passwordCost: PasswordCost
  /** Waits for running queries and lets go of the file or the connections. */
  close(): Promise<void>
}

/** What one password costs to check: the parameters of scrypt (RFC 7914). They are stored with each hash. */
export interface PasswordCost {
  /** Memory and time, a power of two: `128 * blockSize * cost` bytes. */
  cost: number
  blockSize: number
  /** Time only. */
  parallelization: number
}

export interface OpenOptions {
  /** A PostgreSQL URL. Wins over `file`. */
  url?: string
  /** The SQLite file; created when it does not exist. `:memory:` keeps nothing. */
  file?: string
  /**
   * What secrets are sealed with. The first one a database is opened with is its own from then on. A function is asked once
   * the database is known to be usable and before anything is written to it, and told whether it has a key already.
   */
  seal: Seal | ((isSealed: boolean) => Promise<Seal>)
  now(): number
  /** Default: 32 MiB, three rounds, the OWASP recommendation. */
  passwordCost?: PasswordCost
  /** Most connections to PostgreSQL at once. Default 10. */
  maxConnections?: number
  /** Called when an idle connection to PostgreSQL breaks; the pool opens another by itself. */
  onConnectionLost?(error: Error): void
}

/** The database cannot be used. The message says what to do; nothing was changed. */
export class DatabaseError extends Error {
  override name = 'DatabaseError'
}

const DEFAULT_PASSWORD_COST: PasswordCost = { cost: 32_768, blockSize: 8, parallelization: 3 }
const CONNECT_TIMEOUT_MS = 5000
const INT8 = 20
const SEAL_CHECK = 'seal_check'

/**
 * Opens the store: PostgreSQL when `url` is given, otherwise the SQLite file. Migrations run before this returns, all of
 * them or none.
 *
 * Rejects with a {@link DatabaseError} when the database is broken, unreachable, made by a newer Preflow, somebody else's, or
 * sealed with another key; then nothing was changed. What `seal` rejects with is passed on as it is.
 */
export async function openDatabase(options: OpenOptions): Promise<Database> {
  const { dialect, place, engine } = options.url === undefined ? sqlite(options) : postgres(options, options.url)
  const queries = new Kysely<Tables>({ dialect })
  const explained = <T>(step: Promise<T>) =>
    step.catch(error => {
      throw explain(error, place)
    })
  try {
    const check = await explained(findSealCheck(queries, place))
    const seal = typeof options.seal === 'function' ? await options.seal(check !== undefined) : options.seal
    if (check !== undefined) refuseAnotherKey(seal, check, place)
    const db: Database = {
      engine,
      queries,
      seal,
      now: options.now,
      passwordCost: options.passwordCost ?? DEFAULT_PASSWORD_COST,
      close: () => queries.destroy(),
    }
    await explained(migrate(db))
    return db
  } catch (error) {
    await queries.destroy().catch(() => undefined)
    throw error
  }
}

/**
 * Runs `work` in one transaction: everything it wrote is kept when it resolves, nothing when it rejects. Inside another
 * transaction it becomes part of that one. On SQLite all other queries of the process wait meanwhile, so it must not wait
 * for anything but the handle it is given.
 */
export function inTransaction<T>(db: Database, work: (db: Database) => Promise<T>): Promise<T> {
  if (db.queries.isTransaction) return work(db)
  return db.queries.transaction().execute(queries => work({ ...db, queries }))
}

/**
 * Whether a query should lock the rows it reads, because they are about to be changed by what was read. SQLite has one writer
 * at a time anyway.
 */
export function mustLockRows(db: Database): boolean {
  return db.queries.isTransaction && db.engine === 'postgresql'
}

/**
 * Does `work`, and answers whether it could be done: `false` when a unique name was already taken. In a transaction nothing
 * may follow a `false`, because PostgreSQL has given the transaction up: end it by throwing.
 */
export async function unlessTaken(work: Promise<unknown>): Promise<boolean> {
  try {
    await work
    return true
  } catch (error) {
    if (isUniqueViolation(error)) return false
    throw error
  }
}

function isUniqueViolation(error: unknown): boolean {
  const { code, errcode } = error as { code?: string; errcode?: number }
  // PostgreSQL: unique_violation. SQLite: SQLITE_CONSTRAINT_UNIQUE and SQLITE_CONSTRAINT_PRIMARYKEY.
  return code === '23505' || errcode === 2067 || errcode === 1555
}

type Opened = { dialect: Dialect; place: string; engine: Database['engine'] }

function sqlite({ file }: OpenOptions): Opened {
  if (file === undefined) throw new DatabaseError('No database is configured. Give a file or a PostgreSQL URL.')
  const place = `The database file ${file}`
  try {
    const dialect = openSqlite(file)
    if (dialect === FOREIGN_DATABASE) {
      throw new DatabaseError(`${place} belongs to another program. Name another file. Nothing was changed.`)
    }
    return { dialect, place, engine: 'sqlite' }
  } catch (error) {
    throw explain(error, place)
  }
}

function postgres({ maxConnections = 10, onConnectionLost }: OpenOptions, url: string): Opened {
  const place = `The PostgreSQL database at ${withoutPassword(url)}`
  try {
    const pool = new pg.Pool({
      connectionString: url,
      max: maxConnections,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      types: {
        // Epoch milliseconds and counts stay far below 2^53.
        getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
          oid === INT8 ? Number : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
      },
    })
    // Without a listener an idle connection that breaks would end the process.
    pool.on('error', error => onConnectionLost?.(error))
    pool.on('connect', sendStorableValues)
    return { dialect: new PostgresDialect({ pool }), place, engine: 'postgresql' }
  } catch (error) {
    throw explain(error, place)
  }
}

function sendStorableValues(client: pg.PoolClient): void {
  const query = client.query.bind(client) as (...call: unknown[]) => unknown
  client.query = ((text: unknown, values: unknown, ...rest: unknown[]) =>
    query(text, Array.isArray(values) ? values.map(storable) : values, ...rest)) as typeof client.query
}

function withoutPassword(url: string): string {
  if (!URL.canParse(url)) return 'the configured URL'
  const { host, pathname } = new URL(url)
  return `${host}${pathname}`
}

/**
 * The value that was sealed at the first start, when there was one. Before that it is known whether a newer Preflow was here:
 * Kysely would report a migration it does not know as corruption.
 */
async function findSealCheck(queries: Kysely<Tables>, place: string): Promise<string | undefined> {
  const tables = await queries.introspection.getTables({ withInternalKyselyTables: true })
  const exists = (name: string) => tables.some(table => table.name === name)
  if (exists('kysely_migration')) {
    const done = await (queries as unknown as Kysely<{ kysely_migration: { name: string } }>)
      .selectFrom('kysely_migration')
      .select('name')
      .execute()
    const unknown = done.find(({ name }) => !Object.hasOwn(migrations, name))
    if (unknown) {
      throw new DatabaseError(
        `${place} was made by a newer Preflow (it has the migration ${unknown.name}). Start that version, or restore a copy made before the upgrade. Nothing was changed.`,
      )
    }
  }
  if (!exists('store_facts')) return undefined
  const check = await queries
    .selectFrom('store_facts')
    .select('value')
    .where('name', '=', SEAL_CHECK)
    .executeTakeFirst()
  return check?.value
}

/** A value sealed at the first start does not open with another key. */
function refuseAnotherKey(seal: Seal, check: string, place: string): void {
  try {
    seal.open(check, SEAL_CHECK)
  } catch (cause) {
    if (!(cause instanceof SealError)) throw cause
    throw new DatabaseError(
      `${place} was sealed with another key than the configured one (${seal.keyId}). Configure the key it was made with. Nothing was changed.`,
      { cause },
    )
  }
}

async function migrate(db: Database): Promise<void> {
  const { error } = await new Migrator({
    db: db.queries,
    provider: { getMigrations: async () => migrations },
  }).migrateToLatest()
  if (error) throw error
  // The first key a database is opened with is its key.
  await db.queries
    .insertInto('store_facts')
    .values({ name: SEAL_CHECK, value: db.seal.seal(SEAL_CHECK, SEAL_CHECK) })
    .onConflict(conflict => conflict.doNothing())
    .execute()
}

/** What to do, by the code that SQLite (primary result code) or PostgreSQL (SQLSTATE, or the socket's code) gives. */
const ADVICE: Record<string, string> = {
  '8': 'may not be written. Give the server the right to write it',
  '10': 'cannot be read or written (disk error). Check the disk',
  '11': 'is damaged. Restore it from a copy, or move it away to start with an empty one',
  '13': 'cannot grow: the disk is full. Make room',
  '14': 'cannot be opened. Create its folder and give the server the right to write there',
  '26': 'is not a database. Restore it from a copy, or move it away to start with an empty one',
  '28P01': 'refused the password. Correct the user and password in the URL',
  '28000': 'refused the user. Correct the user in the URL',
  '3D000': 'does not exist. Create the database, or correct the name in the URL',
  '42501': 'lets the user create no tables. Grant it that right',
  '42P07': 'holds tables of another program with the same names. Use a database of its own',
  ECONNREFUSED:
    'cannot be reached: the connection was refused. Start PostgreSQL, or correct the host and port in the URL',
  ENOTFOUND: 'cannot be reached: its host name is unknown. Correct the host in the URL',
  EAI_AGAIN: 'cannot be reached: its host name cannot be resolved. Correct the host in the URL',
  ETIMEDOUT: 'cannot be reached: no answer. Correct the host and port in the URL, or look at the firewall',
  ERR_INVALID_URL: 'is not a URL. Write it like postgres://user:password@host:5432/preflow',
}

function explain(error: unknown, place: string): Error {
  if (error instanceof DatabaseError) return error
  const { code, errcode } = error as { code?: string; errcode?: number }
  // The low byte of an extended result code is the primary one.
  const advice = ADVICE[errcode === undefined ? String(code) : String(errcode & 0xff)]
  const said = error instanceof Error && error.message !== '' ? error.message : String(code)
  return new DatabaseError(
    advice ? `${place} ${advice}. Nothing was changed.` : `${place} cannot be used: ${said}. Nothing was changed.`,
    { cause: error },
  )
}
