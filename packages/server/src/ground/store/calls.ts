import type { ActionType } from '@preflow/contract'
import type { Selectable } from 'kysely'
import type { Database } from './database.ts'
import type { CallRecord } from './model.ts'
import { isOlderThan } from './newest-first.ts'
import type { Tables } from './tables.ts'

/** Stores all records in one write, or none. */
export async function insertCalls(db: Database, calls: readonly CallRecord[]): Promise<void> {
  await db.queries
    .insertInto('calls')
    .values(
      calls.map(call => ({
        id: call.id,
        tenant_id: call.tenantId,
        action_id: call.actionId,
        action_type: call.actionType,
        action_name: call.actionName,
        started_at: call.startedAt,
        duration_ms: Math.round(call.durationMs),
        status: call.status,
        reason: call.reason,
        client_id: call.clientId ?? null,
        grant_type: call.grantType ?? null,
        flow_result: call.flowResult,
        details: JSON.stringify(call.details ?? null),
      })),
    )
    .execute()
}

/** The criteria of {@link listCalls}. A call must match all of them. */
export interface CallSearch {
  actionType?: ActionType
  actionId?: string
  status?: string
  clientId?: string
  /** The id of a call. Only older calls match. Nothing matches if the call no longer exists. */
  before?: string
  /** Default 50. */
  limit?: number
}

/** Newest first. */
export async function listCalls(db: Database, tenantId: string, search: CallSearch = {}): Promise<CallRecord[]> {
  const { actionType, actionId, status, clientId, before, limit = 50 } = search
  let query = db.queries.selectFrom('calls').selectAll().where('tenant_id', '=', tenantId)
  if (actionType !== undefined) query = query.where('action_type', '=', actionType)
  if (actionId !== undefined) query = query.where('action_id', '=', actionId)
  if (status !== undefined) query = query.where('status', '=', status)
  if (clientId !== undefined) query = query.where('client_id', '=', clientId)
  if (before !== undefined) query = query.where(isOlderThan('calls', tenantId, before))
  const rows = await query.orderBy('started_at', 'desc').orderBy('id', 'desc').limit(limit).execute()
  return rows.map(toCall)
}

/** The number of calls of one type with one status. */
export interface CallCountRow {
  actionType: ActionType
  status: string
  count: number
  /** Start of the newest of them, in epoch milliseconds. */
  lastAt: number
}

/** Counts the stored calls that began at `since` (epoch milliseconds) or later, by type and status. */
export async function countCalls(db: Database, tenantId: string, since = 0): Promise<CallCountRow[]> {
  const rows = await db.queries
    .selectFrom('calls')
    .select(select => [
      'action_type',
      'status',
      select.fn.countAll<number>().as('count'),
      select.fn.max('started_at').as('last_at'),
    ])
    .where('tenant_id', '=', tenantId)
    .where('started_at', '>=', since)
    .groupBy(['action_type', 'status'])
    .orderBy('action_type')
    .orderBy('status')
    .execute()
  return rows.map(row => ({
    actionType: row.action_type as ActionType,
    status: row.status,
    count: row.count,
    lastAt: row.last_at,
  }))
}

export async function findCall(db: Database, tenantId: string, id: string): Promise<CallRecord | undefined> {
  const row = await db.queries
    .selectFrom('calls')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirst()
  return row && toCall(row)
}

/** A call with its tenant, for the operator of all tenants. */
export type CallOfTenant = CallRecord & { tenant: string }

export async function findCallOfAnyTenant(db: Database, id: string): Promise<CallOfTenant | undefined> {
  const row = await callsOfAllTenants(db).where('calls.id', '=', id).executeTakeFirst()
  return row && { ...toCall(row), tenant: row.domain }
}

/** The calls of all tenants, or of the tenant with this domain, newest first. */
export async function listCallsOfAllTenants(
  db: Database,
  { tenant, actionType, status, limit = 50 }: Pick<CallSearch, 'actionType' | 'status' | 'limit'> & { tenant?: string },
): Promise<CallOfTenant[]> {
  let query = callsOfAllTenants(db)
  if (tenant !== undefined) query = query.where('tenants.domain', '=', tenant)
  if (actionType !== undefined) query = query.where('calls.action_type', '=', actionType)
  if (status !== undefined) query = query.where('calls.status', '=', status)
  const rows = await query.orderBy('calls.started_at', 'desc').orderBy('calls.id', 'desc').limit(limit).execute()
  return rows.map(row => ({ ...toCall(row), tenant: row.domain }))
}

function callsOfAllTenants(db: Database) {
  return db.queries
    .selectFrom('calls')
    .innerJoin('tenants', 'tenants.id', 'calls.tenant_id')
    .selectAll('calls')
    .select('tenants.domain')
}

function toCall(row: Selectable<Tables['calls']>): CallRecord {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    actionId: row.action_id,
    actionType: row.action_type as ActionType,
    actionName: row.action_name,
    startedAt: row.started_at,
    durationMs: row.duration_ms,
    status: row.status,
    reason: row.reason,
    ...(row.client_id === null ? {} : { clientId: row.client_id }),
    ...(row.grant_type === null ? {} : { grantType: row.grant_type }),
    flowResult: row.flow_result,
    details: JSON.parse(row.details),
  }
}
