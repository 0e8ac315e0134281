import { present } from '@preflow/contract'
import {
  type Connected,
  connect,
  DatabaseError,
  type Limits,
  type Location,
  listTables,
  migrate,
  nameOf,
} from '@preflow/database'
import { type Kysely, sql } from 'kysely'
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
  /** The same database for work that must hold nothing else up. A handle of {@link inTransaction} has them too, outside of it. */
  lanes: Record<Lane, Database>
  /** Waits a moment for running queries, and closes the file or the connections. */
  close(): Promise<void>
}

/**
 * Work with connections and a queue of its own on PostgreSQL: `administration` of the server's APIs, `records` of calls, which
 * never make a flow wait for long, `background` work, which may take its time, and the `probe` of readiness. Tokens and sign-ins
 * have the others.
 */
export type Lane = 'administration' | 'records' | 'background' | 'probe'

/** What bounds the work on PostgreSQL. Milliseconds; 0 is no limit, and asks nothing of the session. */
export interface DatabaseLimits extends Pick<Limits, 'maxConnections' | 'connectMs' | 'statementMs' | 'lockMs'> {
  /** Most connections of the lane `administration`. */
  administrationConnections: number
}

export const DEFAULT_LIMITS: DatabaseLimits = {
  maxConnections: 10,
  administrationConnections: 5,
  connectMs: 3000,
  statementMs: 5000,
  lockMs: 2000,
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
  /** Default: {@link DEFAULT_LIMITS}. */
  limits?: Partial<DatabaseLimits>
  /** Called when a connection to PostgreSQL breaks; the next query opens another. */
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
  const { onConnectionLost } = options
  const { administrationConnections, ...limits } = { ...DEFAULT_LIMITS, ...options.limits }
  const connected = connect<Tables, Lane>({
    location,
    applicationId: APPLICATION_ID,
    ...limits,
    lanes: lanesOf(administrationConnections, limits.statementMs > 0),
    ...present({ onConnectionLost }),
  })
  try {
    const seal = await connected.exclusively(queries => prepare({ ...connected, queries }, nameOf(location), options))
    return assemble(connected, seal, options)
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

function lanesOf(administrationConnections: number, hasLimits: boolean): Record<Lane, Partial<Limits>> {
  const statementMs = (milliseconds: number) => (hasLimits ? milliseconds : 0)
  return {
    administration: { maxConnections: administrationConnections },
    records: { maxConnections: 2, connectMs: 1000, lockMs: 500, statementMs: statementMs(2000) },
    background: { maxConnections: 1, connectMs: 30_000, statementMs: statementMs(60_000) },
    probe: { maxConnections: 1, connectMs: 1000, statementMs: statementMs(1000) },
  }
}

function assemble({ close, engine, queries, lanes }: Connected<Tables, Lane>, seal: Seal, options: OpenOptions) {
  const { now, passwordCost = DEFAULT_PASSWORD_COST } = options
  const handleOf = (own: Kysely<Tables>): Database => ({
    ...{ engine, queries: own, seal, now, passwordCost, close },
    lanes: handles,
  })
  const handles = {} as Record<Lane, Database>
  for (const lane of Object.keys(lanes) as Lane[]) handles[lane] = handleOf(lanes[lane])
  return handleOf(queries)
}

/** Checks that the database is ours, and brings it up to date. Resolves with what it is sealed with. */
async function prepare(
  connected: Pick<Connected<Tables>, 'engine' | 'queries' | 'explain'>,
  name: string,
  options: OpenOptions,
): Promise<Seal> {
  const explained = <T>(step: Promise<T>) =>
    step.catch(error => {
      throw connected.explain(error)
    })
  const { queries } = connected
  const check = await explained(findSealCheck(connected, name))
  const seal = typeof options.seal === 'function' ? await options.seal(check !== undefined) : options.seal
  if (check !== undefined) refuseAnotherKey(seal, check, name)
  await explained(migrate(connected, migrations))
  await explained(keepSealCheck(queries, seal))
  // Another process may have been first with another key.
  refuseAnotherKey(seal, (await explained(findSealCheck(connected, name))) ?? '', name)
  return seal
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
 * Lets transactions that do the same kind of thing take turns, until this one ends: for what no unique name decides. On SQLite
 * they do anyway. Call it in a transaction, first of all.
 */
export async function takeTurn(tx: Database, kind: string): Promise<void> {
  if (tx.engine === 'sqlite') return
  const key = sql`hashtextextended(${kind} || ' of ' || coalesce(current_schema(), ''), 0)`
  // A turn is not somebody who forgot a lock: only the limit of the statement ends the wait.
  await sql`select set_config('lock_timeout', '0', true)`.execute(tx.queries)
  await sql`select pg_advisory_xact_lock(${key})`.execute(tx.queries)
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
async function findSealCheck(
  connected: Pick<Connected<Tables>, 'engine' | 'queries'>,
  place: string,
): Promise<string | undefined> {
  const { queries } = connected
  const tables = await listTables(connected)
  if (tables.includes('kysely_migration')) {
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
  if (!tables.includes('store_facts')) return undefined
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
