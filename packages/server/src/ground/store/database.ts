import { present } from '@preflow/contract'
import {
  type Connected,
  connect,
  DatabaseError,
  type LaneLimits,
  type Limits,
  type Location,
  listTables,
  migrate,
  nameOf,
} from '@preflow/database'
import { type Kysely, sql } from 'kysely'
import { CONFIGURATION_TABLES } from './configuration-clock.ts'
import { type ConfigurationSnapshot, createConfigurationSnapshot } from './configuration-snapshot.ts'
import { migrations } from './migrations.ts'
import { createPasswords, type HashingLimits, type PasswordCost, type Passwords } from './passwords.ts'
import { type Seal, SealError, sealedWith } from './sealed-secrets.ts'
import { stampOlderArtifacts } from './stamp-artifacts.ts'
import type { Tables } from './tables.ts'
import { buildUserIndex } from './user-index.ts'

/**
 * The store's handle, the first argument of every query function. {@link inTransaction} passes a handle of its own. Use only that
 * handle inside the transaction, and never wait for the network there.
 */
export interface Database {
  engine: 'sqlite' | 'postgresql'
  /** For the query files of the store only. */
  queries: Kysely<Tables>
  seal: Seal
  /** Epoch milliseconds. */
  now(): number
  passwords: Passwords
  /**
   * The same database for work that must not delay other work. The lanes of a handle of {@link inTransaction} are outside the
   * transaction.
   */
  lanes: Record<Lane, Database>
  /** The configuration cache of flows. Lanes have none, because they read what they are about to change. */
  configuration?: ConfigurationSnapshot
  /** Waits briefly for running queries, then closes the file or the connections. */
  close(): Promise<void>
}

/**
 * Work with its own connections and queue on PostgreSQL: `administration` for the server's APIs, `records` for call records,
 * which must never delay a flow for long, `background` for work that is not urgent, `probe` for readiness, and `search`, which
 * only reads and may take long. Tokens and sign-ins use the other connections. On SQLite only `search` has its own connection.
 */
export type Lane = 'administration' | 'records' | 'background' | 'probe' | 'search'

/** Limits of the work on PostgreSQL, in milliseconds. 0 means no limit and sends no setting. */
export interface DatabaseLimits extends Pick<Limits, 'maxConnections' | 'connectMs' | 'statementMs' | 'lockMs'> {
  /** Maximum number of connections of the lane `administration`. */
  administrationConnections: number
}

export const DEFAULT_LIMITS: DatabaseLimits = {
  maxConnections: 10,
  administrationConnections: 5,
  connectMs: 3000,
  statementMs: 5000,
  lockMs: 2000,
}

export interface OpenOptions {
  /** A PostgreSQL URL. Takes precedence over `file`. */
  url?: string
  /** The SQLite file. It is created if it does not exist. `:memory:` stores nothing on disk. */
  file?: string
  /**
   * Seals secrets. The key that first opens a database is its key from then on. A function is called after the database proved
   * usable and before anything is written. Its argument is whether the database already has a key.
   */
  seal: Seal | ((isSealed: boolean) => Promise<Seal>)
  now(): number
  /** Default: 32 MiB and three rounds, as OWASP recommends. */
  passwordCost?: PasswordCost
  /** How many passwords are hashed at once, and how many wait. Default: 2 and 64. */
  hashing?: HashingLimits
  /** Default: {@link DEFAULT_LIMITS}. */
  limits?: Partial<DatabaseLimits>
  /** Called when a connection to PostgreSQL breaks. The next query opens a new one. */
  onConnectionLost?(error: Error): void
}

const DEFAULT_PASSWORD_COST: PasswordCost = { cost: 32_768, blockSize: 8, parallelization: 3 }
/** Marks a file as Preflow's, so that another program's database is never migrated by accident. `PREF` in ASCII. */
export const APPLICATION_ID = 0x50524546
const SEAL_CHECK = 'seal_check'

/**
 * Opens the store: PostgreSQL if `url` is given, otherwise the SQLite file. It first runs all migrations, or none.
 *
 * Rejects with a {@link DatabaseError} if the database is broken, unreachable, made by a newer Preflow, owned by another program,
 * or sealed with another key. Nothing is changed then. An error of `seal` is passed on unchanged.
 */
export async function openDatabase(options: OpenOptions): Promise<Database> {
  const location = locationOf(options)
  const { onConnectionLost } = options
  const { administrationConnections, ...limits } = { ...DEFAULT_LIMITS, ...options.limits }
  let configuration: ConfigurationSnapshot | undefined
  const connected = connect<Tables, Lane>({
    location,
    applicationId: APPLICATION_ID,
    ...limits,
    lanes: lanesOf(administrationConnections, limits.statementMs > 0),
    watch: { tables: CONFIGURATION_TABLES, onCommitted: () => configuration?.committed() },
    ...present({ onConnectionLost }),
  })
  try {
    const seal = await connected.exclusively(queries => prepare({ ...connected, queries }, nameOf(location), options))
    configuration = createConfigurationSnapshot(connected)
    return assemble(connected, { seal, configuration }, options)
  } catch (error) {
    await connected.close().catch(() => undefined)
    throw error
  }
}

function locationOf({ url, file }: OpenOptions): Location {
  if (url !== undefined) return { url }
  if (file === undefined) throw new DatabaseError('No database is configured. Configure a file or a PostgreSQL URL.')
  return { file }
}

function lanesOf(administrationConnections: number, hasLimits: boolean): Record<Lane, LaneLimits> {
  const statementMs = (milliseconds: number) => (hasLimits ? milliseconds : 0)
  return {
    administration: { maxConnections: administrationConnections },
    records: { maxConnections: 2, connectMs: 1000, lockMs: 500, statementMs: statementMs(2000) },
    background: { maxConnections: 1, connectMs: 30_000, statementMs: statementMs(60_000) },
    probe: { maxConnections: 1, connectMs: 1000, statementMs: statementMs(1000) },
    search: { maxConnections: 2, statementMs: statementMs(5000), isReadOnly: true },
  }
}

function assemble(
  { close: disconnect, engine, queries, lanes }: Connected<Tables, Lane>,
  { configuration, seal }: { configuration: ConfigurationSnapshot | undefined; seal: Seal },
  options: OpenOptions,
): Database {
  const { hashing, now, passwordCost = DEFAULT_PASSWORD_COST } = options
  const passwords = createPasswords(passwordCost, hashing)
  const close = async () => {
    await configuration?.close()
    await disconnect()
  }
  const handleOf = (own: Kysely<Tables>): Database => ({
    ...{ engine, queries: own, seal, now, passwords, close },
    lanes: handles,
  })
  const handles = {} as Record<Lane, Database>
  for (const lane of Object.keys(lanes) as Lane[]) handles[lane] = handleOf(lanes[lane])
  return { ...handleOf(queries), ...present({ configuration }) }
}

/** Checks that the database is ours and runs its migrations. Resolves with its seal. */
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
  const checks = await explained(findSealChecks(connected, name))
  const seal = typeof options.seal === 'function' ? await options.seal(checks.length > 0) : options.seal
  refuseMissingKeys(seal, checks, name)
  await explained(migrate(connected, migrations))
  await explained(buildUserIndex(queries))
  await explained(stampOlderArtifacts(queries as unknown as Kysely<unknown>, seal))
  await explained(keepSealCheck(queries, seal))
  // Another process may have stored another key first.
  refuseMissingKeys(seal, await explained(findSealChecks(connected, name)), name)
  return seal
}

/**
 * Runs `work` in one transaction. If it resolves, all its writes are stored; if it rejects, none. A transaction inside another
 * one becomes part of it. On SQLite all other queries of the process wait for the end, so `work` must wait only for its own
 * queries.
 */
export function inTransaction<T>(db: Database, work: (db: Database) => Promise<T>): Promise<T> {
  if (db.queries.isTransaction) return work(db)
  return db.queries.transaction().execute(queries => work({ ...db, queries }))
}

/**
 * Runs transactions of the same kind one after the other, until this one ends. Use it if no unique constraint decides a race.
 * Call it first in the transaction. SQLite serializes all transactions anyway.
 */
export async function takeTurn(tx: Database, kind: string): Promise<void> {
  if (tx.engine === 'sqlite') return
  const key = sql`hashtextextended(${kind} || ' of ' || coalesce(current_schema(), ''), 0)`
  // Waiting for a turn is normal, so only the limit of the statement ends it, not the limit for locks.
  await sql`select set_config('lock_timeout', '0', true)`.execute(tx.queries)
  await sql`select pg_advisory_xact_lock(${key})`.execute(tx.queries)
}

/**
 * Whether a query should lock the rows that it reads, because a change depends on them. SQLite has one writer at a time, so it
 * needs no locks.
 */
export function mustLockRows(db: Database): boolean {
  return db.queries.isTransaction && db.engine === 'postgresql'
}

/**
 * Finds the values that were sealed when each key was used first: one for every key that may have sealed something. Before that it refuses a database of a newer Preflow, because Kysely would
 * report an unknown migration as corruption.
 */
async function findSealChecks(
  connected: Pick<Connected<Tables>, 'engine' | 'queries'>,
  place: string,
): Promise<string[]> {
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
  if (!tables.includes('store_facts')) return []
  const checks = await queries
    .selectFrom('store_facts')
    .select('value')
    .where('name', 'like', `${SEAL_CHECK}%`)
    .execute()
  return checks.map(({ value }) => value)
}

/** Refuses to open a database without each of the keys that sealed something in it. */
function refuseMissingKeys(seal: Seal, checks: readonly string[], place: string): void {
  for (const check of checks) {
    try {
      seal.open(check, SEAL_CHECK)
    } catch (cause) {
      if (!(cause instanceof SealError)) throw cause
      const missing = sealedWith(check)
      throw new DatabaseError(
        `${place} was sealed with another key than the configured one (${seal.keyId}): the key ${missing} is missing. If it was replaced, set PREFLOW_SEAL_KEY to both, the new one first, separated by a comma, until \`preflow keys reseal\` has run. Nothing was changed.`,
        { cause },
      )
    }
  }
}

/**
 * Stores the proof of the first key, which is the key of the database from then on. If a further key seals from now on, its
 * proof is stored as well: until everything is sealed with it, both are needed.
 */
async function keepSealCheck(queries: Kysely<Tables>, seal: Seal): Promise<void> {
  const value = seal.seal(SEAL_CHECK, SEAL_CHECK)
  const keep = (name: string) =>
    queries
      .insertInto('store_facts')
      .values({ name, value })
      .onConflict(conflict => conflict.doNothing())
      .execute()
  await keep(SEAL_CHECK)
  const first = await queries
    .selectFrom('store_facts')
    .select('value')
    .where('name', '=', SEAL_CHECK)
    .executeTakeFirst()
  if (first && sealedWith(first.value) !== seal.keyId) await keep(checkNameOf(seal.keyId))
}

function checkNameOf(keyId: string): string {
  return `${SEAL_CHECK}/${keyId}`
}

/** From now on the current key is the only one that is needed. Call it when nothing is sealed with another one. */
export async function keepOnlyCurrentKey({ queries, seal }: Database): Promise<void> {
  const value = seal.seal(SEAL_CHECK, SEAL_CHECK)
  await queries.transaction().execute(async tx => {
    await tx.deleteFrom('store_facts').where('name', 'like', `${SEAL_CHECK}/%`).execute()
    await tx.updateTable('store_facts').set({ value }).where('name', '=', SEAL_CHECK).execute()
  })
}
