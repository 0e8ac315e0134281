import { present } from '@preflow/contract'
import { type Connected, connect, DatabaseError, type Location, migrate, nameOf } from '@preflow/database'
import type { Kysely } from 'kysely'
import { migrations } from './migrations.ts'
import { type Seal, SealError } from './sealed-secrets.ts'
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

const DEFAULT_PASSWORD_COST: PasswordCost = { cost: 32_768, blockSize: 8, parallelization: 3 }
/** Marks a file as Preflow's own, so that another program's database is never migrated by accident: `PREF` in ASCII. */
export const APPLICATION_ID = 0x50524546
const SEAL_CHECK = 'seal_check'

/**
 * Opens the store: PostgreSQL when `url` is given, otherwise the SQLite file. Migrations run before this returns, all of
 * them or none.
 *
 * Rejects with a {@link DatabaseError} when the database is broken, unreachable, made by a newer Preflow, somebody else's, or
 * sealed with another key; then nothing was changed. What `seal` rejects with is passed on as it is.
 */
export async function openDatabase(options: OpenOptions): Promise<Database> {
  const location = locationOf(options)
  const { maxConnections, onConnectionLost } = options
  const connected = connect<Tables>({
    location,
    applicationId: APPLICATION_ID,
    ...present({ maxConnections, onConnectionLost }),
  })
  try {
    return await prepare(connected, nameOf(location), options)
  } catch (error) {
    await connected.close().catch(() => undefined)
    throw error
  }
}

function locationOf({ url, file }: OpenOptions): Location {
  if (url !== undefined) return { url }
  if (file === undefined) throw new DatabaseError('No database is configured. Give a file or a PostgreSQL URL.')
  return { file }
}

/** Checks that the database is ours, and brings it up to date. */
async function prepare(connected: Connected<Tables>, name: string, options: OpenOptions): Promise<Database> {
  const explained = <T>(step: Promise<T>) =>
    step.catch(error => {
      throw connected.explain(error)
    })
  const { engine, queries } = connected
  const check = await explained(findSealCheck(queries, name))
  const seal = typeof options.seal === 'function' ? await options.seal(check !== undefined) : options.seal
  if (check !== undefined) refuseAnotherKey(seal, check, name)
  await explained(migrate(connected, migrations))
  await explained(keepSealCheck(queries, seal))
  return {
    engine,
    queries,
    seal,
    now: options.now,
    passwordCost: options.passwordCost ?? DEFAULT_PASSWORD_COST,
    close: connected.close,
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

/** The first key a database is opened with is its key. */
async function keepSealCheck(queries: Kysely<Tables>, seal: Seal): Promise<void> {
  await queries
    .insertInto('store_facts')
    .values({ name: SEAL_CHECK, value: seal.seal(SEAL_CHECK, SEAL_CHECK) })
    .onConflict(conflict => conflict.doNothing())
    .execute()
}
