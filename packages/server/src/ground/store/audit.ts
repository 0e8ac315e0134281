import { present } from '@preflow/contract'
import type { Selectable } from 'kysely'
import { currentRequest, type RequestScope } from '../observe/security-events.ts'
import type { Database } from './database.ts'
import type { AuditRecord } from './model.ts'
import { isOlderThan } from './newest-first.ts'
import type { Tables } from './tables.ts'

/** The event of a change. */
const CHANGE = 'administration.changed'

/** Stores a change, with the facts of its request. */
export async function insertAuditRecord(db: Database, record: AuditRecord): Promise<void> {
  const request = currentRequest()
  await insertAuditRecords(db, [{ ...(request && contextOf(request)), ...record }])
  const { action, targetId, targetType } = record
  request?.events.push({
    name: 'administration.changed',
    isStored: true,
    targetId,
    reason: `${action} ${targetType}`,
  })
}

/** The members of a record that come from its request. */
export function contextOf({ actor, address, agent, id, organizationId }: RequestScope): Partial<AuditRecord> {
  return { requestId: id, address, ...present({ organizationId, agent, actorKind: actor?.kind }) }
}

/** Stores all records in one write, or none. */
export async function insertAuditRecords(db: Database, records: readonly AuditRecord[]): Promise<void> {
  const rows = records.map(record => ({
    id: record.id,
    tenant_id: record.tenantId,
    recorded_at: record.recordedAt,
    initiator: record.initiator,
    action: record.action,
    target_type: record.targetType,
    target_id: record.targetId,
    details: JSON.stringify(record.details ?? null),
    event: record.event ?? CHANGE,
    outcome: record.outcome ?? 'success',
    organization_id: record.organizationId ?? null,
    actor_kind: record.actorKind ?? null,
    client_id: record.clientId ?? null,
    reason: record.reason ?? null,
    address: record.address ?? null,
    agent: record.agent ?? null,
    request_id: record.requestId ?? null,
    call_id: record.callId ?? null,
  }))
  await db.queries.insertInto('audit_records').values(rows).execute()
}

/** The criteria of {@link listAuditRecords}. A record must match all of them. */
export interface AuditSearch {
  targetType?: string
  targetId?: string
  /** The name of an event. Absent: changes only; `all`: changes and events. */
  event?: string
  outcome?: string
  /** Only records from this time on. Epoch milliseconds. */
  since?: number
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
  const { targetType, targetId, event = CHANGE, outcome, since, before, limit = 50 } = search
  let query = db.queries.selectFrom('audit_records').selectAll().where('tenant_id', '=', tenantId)
  if (targetType !== undefined) query = query.where('target_type', '=', targetType)
  if (targetId !== undefined) query = query.where('target_id', '=', targetId)
  if (event !== 'all') query = query.where('event', '=', event)
  if (outcome !== undefined) query = query.where('outcome', '=', outcome)
  if (since !== undefined) query = query.where('recorded_at', '>=', since)
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
    event: row.event,
    outcome: row.outcome,
    ...present({
      organizationId: row.organization_id ?? undefined,
      actorKind: row.actor_kind ?? undefined,
      clientId: row.client_id ?? undefined,
      reason: row.reason ?? undefined,
      address: row.address ?? undefined,
      agent: row.agent ?? undefined,
      requestId: row.request_id ?? undefined,
      callId: row.call_id ?? undefined,
    }),
  }
}
