import { createRequire } from 'node:module'
import { sql } from 'kysely'
import { RateLimiterMemory, RateLimiterRes, type RateLimiterStoreAbstract } from 'rate-limiter-flexible'
import type { Database } from './database.ts'

/** The base of all stores of the library. Its entry has only the type. */
const StoreAbstract: typeof RateLimiterStoreAbstract = createRequire(import.meta.url)(
  'rate-limiter-flexible/lib/RateLimiterStoreAbstract.js',
)

/** The stored count of one key. */
export interface Row {
  points: number
  expires_at: number
}

interface LimiterSettings {
  points: number
  /** Seconds until points expire. */
  duration: number
  /** With this many points a process refuses the key without a query, until they expire. */
  inMemoryBlockOnConsumed?: number
  /** Whether the process counts alone while the database does not answer. Default: yes. */
  isInsured?: boolean
}

/**
 * A limiter of rate-limiter-flexible that counts in our database, so that all processes share the counts. While the database does
 * not answer, each process counts alone. The stores of the library need drivers that we do not use, so this one implements the
 * three methods that it leaves open.
 */
class StoredLimiter extends StoreAbstract {
  readonly #db: Database

  constructor(db: Database, settings: LimiterSettings) {
    const { isInsured = true, ...options } = settings
    const insurance = isInsured ? { insuranceLimiter: new RateLimiterMemory(options) } : {}
    super({ ...options, ...insurance, keyPrefix: '', storeClient: db })
    this.#db = db
  }

  /** One statement, so that no concurrent count is lost. */
  _upsert(key: string, points: number, durationMs: number, isReplaced: boolean): Promise<Row> {
    const now = this.#db.now()
    const expires_at = now + durationMs
    const isFresh = isReplaced ? sql<boolean>`1 = 1` : sql<boolean>`limits.expires_at <= ${now}`
    return this.#db.queries
      .insertInto('limits')
      .values({ key, points, expires_at })
      .onConflict(conflict =>
        conflict.column('key').doUpdateSet({
          points: sql`case when ${isFresh} then 0 else limits.points end + ${points}`,
          expires_at: sql`case when ${isFresh} then ${expires_at} else limits.expires_at end`,
        }),
      )
      .returning(['points', 'expires_at'])
      .executeTakeFirstOrThrow()
  }

  async _get(key: string): Promise<Row | null> {
    const { queries } = this.#db
    const row = await queries
      .selectFrom('limits')
      .select(['points', 'expires_at'])
      .where('key', '=', key)
      .where('expires_at', '>', this.#db.now())
      .executeTakeFirst()
    return row ?? null
  }

  async _delete(key: string): Promise<boolean> {
    const { numDeletedRows } = await this.#db.queries.deleteFrom('limits').where('key', '=', key).executeTakeFirst()
    return numDeletedRows > 0n
  }

  _getRateLimiterRes(_key: string, changed: number, { expires_at, points }: Row): RateLimiterRes {
    const consumed = Number(points)
    const left = Math.max(0, Number(expires_at) - this.#db.now())
    return new RateLimiterRes(Math.max(0, this.points - consumed), left, consumed, consumed === changed)
  }
}

/** Creates a limiter that all processes on one database share. Its keys are stored unchanged. */
export function createStoredLimiter(db: Database, settings: LimiterSettings): RateLimiterStoreAbstract {
  return new StoredLimiter(db, settings)
}

/** Points to add to the count of a key. */
export interface AddedPoints {
  key: string
  points: number
  /** How long the count lives from its first point. */
  durationMs: number
}

/** Adds to many counts in one statement. Returns the counts by key, with their expiry in epoch milliseconds. */
export async function addPoints(db: Database, added: readonly AddedPoints[]): Promise<Map<string, Row>> {
  const now = db.now()
  const isOver = sql<boolean>`limits.expires_at <= ${now}`
  const rows = await db.queries
    .insertInto('limits')
    .values(added.map(({ durationMs, key, points }) => ({ key, points, expires_at: now + durationMs })))
    .onConflict(conflict =>
      conflict.column('key').doUpdateSet({
        points: sql`case when ${isOver} then 0 else limits.points end + excluded.points`,
        expires_at: sql`case when ${isOver} then excluded.expires_at else limits.expires_at end`,
      }),
    )
    .returning(['key', 'points', 'expires_at'])
    .execute()
  return new Map(rows.map(({ key, ...row }) => [key, row]))
}
