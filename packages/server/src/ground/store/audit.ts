import type { Selectable } from 'kysely'
import type { Database } from './database.ts'
import type { AuditRecord } from './model.ts'
import { isOlderThan } from './newest-first.ts'
import type { Tables } from './tables.ts'

export async function insertAuditRecord(db: Database, record: AuditRecord): Promise<void> {
  await db.queries
    .insertInto('audit_records')
    .values({
      id: record.id,
      tenant_id: record.tenantId,
      recorded_at: record.recordedAt,
      initiator: record.initiator,
      action: record.action,
      target_type: record.targetType,
      target_id: record.targetId,
      details: JSON.stringify(record.details ?? null),
    })
    .execute()
}

/** The criteria of {@link listAuditRecords}. A record must match all of them. */
export interface AuditSearch {
  targetType?: string
  targetId?: string
  /** The id of a record. Only older records match. */
  before?: string
  /** Default 50. */
  limit?: number
}

/** Newest first. */
export async function listAuditRecords(
  db: Database,
  tenantId: string,
  search: AuditSearch = {},
): Promise<AuditRecord[]> {
  const { targetType, targetId, before, limit = 50 } = search
  let query = db.queries.selectFrom('audit_records').selectAll().where('tenant_id', '=', tenantId)
  if (targetType !== undefined) query = query.where('target_type', '=', targetType)
  if (targetId !== undefined) query = query.where('target_id', '=', targetId)
  if (before !== undefined) query = query.where(isOlderThan('audit_records', tenantId, before))
  const rows = await query.orderBy('recorded_at', 'desc').orderBy('id', 'desc').limit(limit).execute()
  return rows.map(toAuditRecord)
}

function toAuditRecord(row: Selectable<Tables['audit_records']>): AuditRecord {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    recordedAt: row.recorded_at,
    initiator: row.initiator,
    action: row.action,
    targetType: row.target_type,
    targetId: row.target_id,
    details: JSON.parse(row.details),
  }
}
