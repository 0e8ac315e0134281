import { sql } from 'kysely'
import type { Database } from './database.ts'

/**
 * Acquires or renews a lease. Of several processes on one database, only the holder does the work with this name.
 *
 * @param holder Identifies this process.
 * @returns Whether this process holds the lease, for `lifetimeMs` from now.
 */
export async function holdLease(
  db: Database,
  { holder, lifetimeMs, name }: { name: string; holder: string; lifetimeMs: number },
): Promise<boolean> {
  const nowMs = db.now()
  const { numInsertedOrUpdatedRows } = await db.queries
    .insertInto('leases')
    .values({ name, holder, expires_at: nowMs + lifetimeMs })
    .onConflict(conflict =>
      conflict
        .column('name')
        .doUpdateSet({ holder, expires_at: nowMs + lifetimeMs })
        .where(sql<boolean>`leases.holder = ${holder} or leases.expires_at <= ${nowMs}`),
    )
    .executeTakeFirst()
  return (numInsertedOrUpdatedRows ?? 0n) > 0n
}

/** Releases a lease, so that another process does not have to wait until it expires. */
export async function releaseLease(db: Database, name: string, holder: string): Promise<void> {
  await db.queries.deleteFrom('leases').where('name', '=', name).where('holder', '=', holder).execute()
}
