import { type RawBuilder, type SqlBool, sql } from 'kysely'

/** The lists that are read newest first, page by page, with the column that says when. */
const MOMENTS = { audit_records: 'recorded_at', calls: 'started_at' } as const

/**
 * Whether a row comes after the one with this id in a list ordered by moment and id, both descending. An id that is gone has
 * nothing after it.
 */
export function isOlderThan(table: keyof typeof MOMENTS, tenantId: string, id: string): RawBuilder<SqlBool> {
  const moment = sql.ref(MOMENTS[table])
  return sql`(${moment}, id) < (select ${moment}, id from ${sql.table(table)} where tenant_id = ${tenantId} and id = ${id})`
}
