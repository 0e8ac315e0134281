import { sql } from 'kysely'
import type { Database } from './database.ts'

/** The number of wrong passwords under a key that have not expired. */
export async function countWrongPasswords(db: Database, key: string): Promise<number> {
  const row = await db.queries
    .selectFrom('wrong_passwords')
    .select('count')
    .where('key', '=', key)
    .where('expires_at', '>', db.now())
    .executeTakeFirst()
  return row?.count ?? 0
}

/** Adds one to the count, also under concurrency. The whole count expires `lifetimeMs` from now. */
export async function addWrongPassword(db: Database, key: string, lifetimeMs: number): Promise<void> {
  const nowMs = db.now()
  const expires_at = nowMs + lifetimeMs
  await db.queries
    .insertInto('wrong_passwords')
    .values({ key, count: 1, expires_at })
    .onConflict(conflict =>
      conflict.column('key').doUpdateSet({
        count: sql`case when wrong_passwords.expires_at > ${nowMs} then wrong_passwords.count + 1 else 1 end`,
        expires_at,
      }),
    )
    .execute()
}

export async function forgetWrongPasswords(db: Database, key: string): Promise<void> {
  await db.queries.deleteFrom('wrong_passwords').where('key', '=', key).execute()
}
