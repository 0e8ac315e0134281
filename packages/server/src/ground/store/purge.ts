import { sql } from 'kysely'
import type { Database } from './database.ts'

/** Tables whose rows expire. Each has an index on `expires_at`. */
export const EXPIRING_TABLES = ['oidc_artifacts', 'sign_in_flows', 'limits', 'signing_keys'] as const

/** Maximum number of rows that one statement deletes. On SQLite all other queries wait for it. */
export const PURGE_LIMIT = 100

/**
 * Deletes expired rows of all tenants.
 *
 * @param limit Maximum number of rows. Default {@link PURGE_LIMIT}.
 * @returns The number of deleted rows. If it equals the limit, there may be more.
 */
export async function purgeExpired(
  db: Database,
  table: (typeof EXPIRING_TABLES)[number],
  limit: number = PURGE_LIMIT,
): Promise<number> {
  const row = rowIdOf(db)
  const expired = db.queries.selectFrom(table).select(row.as('row')).where('expires_at', '<=', db.now()).limit(limit)
  const { numDeletedRows } = await db.queries.deleteFrom(table).where(row, 'in', expired).executeTakeFirst()
  return Number(numDeletedRows)
}

/** The retention of one tenant's records. */
export interface RecordRetention {
  /** Records that began earlier are deleted. Epoch milliseconds. */
  startedBefore: number
  /** All except the newest ones are deleted. Default: no limit. */
  keep?: number
  /** Maximum number of rows of one statement. Default {@link PURGE_LIMIT}. */
  limit?: number
}

const TIME_OF = { calls: 'started_at', audit_records: 'recorded_at' } as const

/** Creates the function that deletes the oldest records of a tenant, some at each call. It returns their number. */
export async function createRecordPurge(
  db: Database,
  table: keyof typeof TIME_OF,
  tenantId: string,
  { keep, limit = PURGE_LIMIT, startedBefore }: RecordRetention,
): Promise<() => Promise<number>> {
  const time = sql.ref<number>(TIME_OF[table])
  const oldestKept =
    keep === undefined
      ? undefined
      : await db.queries
          .selectFrom(table)
          .select([time.as('time'), 'id'])
          .where('tenant_id', '=', tenantId)
          .orderBy(time, 'desc')
          .orderBy('id', 'desc')
          .offset(Math.max(keep - 1, 0))
          .limit(1)
          .executeTakeFirst()
  // Both bounds become one: everything before the later of them is deleted.
  const bound =
    oldestKept && oldestKept.time >= startedBefore ? [oldestKept.time, oldestKept.id] : ([startedBefore, ''] as const)
  const row = rowIdOf(db)
  return async () => {
    const oldest = db.queries
      .selectFrom(table)
      .select(row.as('row'))
      .where('tenant_id', '=', tenantId)
      .where(sql<boolean>`(${time}, id) < (${bound[0]}, ${bound[1]})`)
      .orderBy(time)
      .orderBy('id')
      .limit(limit)
    const { numDeletedRows } = await db.queries.deleteFrom(table).where(row, 'in', oldest).executeTakeFirst()
    return Number(numDeletedRows)
  }
}

function rowIdOf({ engine }: Database) {
  return sql.ref<unknown>(engine === 'sqlite' ? 'rowid' : 'ctid')
}
