import { type RawBuilder, type SqlBool, sql } from 'kysely'

/** The lists that are read newest first, page by page, and their column of time. */
const MOMENTS = { audit_records: 'recorded_at', calls: 'started_at' } as const

/**
 * Whether a row follows the row with this id in a list ordered by time and id, both descending. No row follows one that no longer
 * exists.
 */
export function isOlderThan(table: keyof typeof MOMENTS, tenantId: string, id: string): RawBuilder<SqlBool> {
  const moment = sql.ref(MOMENTS[table])
  return sql`(${moment}, id) < (select ${moment}, id from ${sql.table(table)} where tenant_id = ${tenantId} and id = ${id})`
}
