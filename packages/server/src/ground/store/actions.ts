import type { ActionType } from '@preflow/contract'
import type { Selectable } from 'kysely'
import { remembered } from './configuration-snapshot.ts'
import { type Database, mustLockRows } from './database.ts'
import type { Action } from './model.ts'
import type { Tables } from './tables.ts'

type ActionRow = Selectable<Tables['actions']>

/**
 * Stores an action. Returns `false` if its organization already has `maximum` actions of the type. The limit also holds for
 * concurrent requests.
 */
export async function insertAction(db: Database, action: Action, maximum: number): Promise<boolean> {
  const values = { ...toRow(db, action), ...identityOf(action), created_at: action.createdAt }
  for (let slot = 0; slot < maximum; slot++) {
    // Each slot is unique, so two concurrent requests cannot both use the last one.
    const { numInsertedOrUpdatedRows } = await db.queries
      .insertInto('actions')
      .values({ ...values, slot })
      .onConflict(conflict => conflict.doNothing())
      .executeTakeFirst()
    if (numInsertedOrUpdatedRows === 1n) return true
  }
  return false
}

/** Replaces everything except the status. Returns whether the action existed. */
export async function updateAction(db: Database, action: Action): Promise<boolean> {
  const { status: _, ...columns } = toRow(db, action)
  const { numUpdatedRows } = await db.queries
    .updateTable('actions')
    .set(columns)
    .where('tenant_id', '=', action.tenantId)
    .where('id', '=', action.id)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Activates or deactivates an action. Returns whether it existed. */
export async function setActionStatus(
  db: Database,
  tenantId: string,
  id: string,
  status: Action['status'],
): Promise<boolean> {
  const { numUpdatedRows } = await db.queries
    .updateTable('actions')
    .set({ status, updated_at: db.now() })
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Deletes an action, but not its call records. Returns whether it existed. */
export async function deleteAction(db: Database, tenantId: string, id: string): Promise<boolean> {
  const { numDeletedRows } = await db.queries
    .deleteFrom('actions')
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

export async function findActionById(db: Database, tenantId: string, id: string): Promise<Action | undefined> {
  const row = await db.queries
    .selectFrom('actions')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .$if(mustLockRows(db), query => query.forUpdate())
    .executeTakeFirst()
  return row && toAction(db, row)
}

/** The active action of the type, with its credentials decrypted. If there are several, the oldest. See {@link remembered}. */
export async function findActiveAction(
  db: Database,
  tenantId: string,
  organizationId: string,
  type: ActionType,
): Promise<Action | undefined> {
  // The absence of an action is remembered too.
  const { action } = await remembered(db, tenantId, `action ${type} ${organizationId}`, async () => {
    const row = await db.queries
      .selectFrom('actions')
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .where('organization_id', '=', organizationId)
      .where('type', '=', type)
      .where('status', '=', 'ACTIVE')
      .orderBy('created_at')
      .orderBy('id')
      .executeTakeFirst()
    return { action: row && toAction(db, row) }
  })
  return action
}

/** The actions of an organization, of one type or of all, oldest first. */
export async function listActions(
  db: Database,
  tenantId: string,
  organizationId: string,
  type?: ActionType,
): Promise<Action[]> {
  let query = db.queries
    .selectFrom('actions')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('organization_id', '=', organizationId)
  if (type !== undefined) query = query.where('type', '=', type)
  const rows = await query.orderBy('created_at').orderBy('id').execute()
  return rows.map(row => toAction(db, row))
}

/** An action for break-glass: its owner and its status, without endpoint and secrets. */
export interface ActionState {
  id: string
  tenantId: string
  tenant: string
  type: ActionType
  name: string
  status: Action['status']
}

/** The actions of every tenant, by tenant and type. Decrypts no secret. */
export async function listActionStates(db: Database): Promise<ActionState[]> {
  const rows = await db.queries
    .selectFrom('actions')
    .innerJoin('tenants', 'tenants.id', 'actions.tenant_id')
    .select(['actions.id', 'actions.tenant_id', 'tenants.domain', 'actions.type', 'actions.name', 'actions.status'])
    .orderBy('tenants.domain')
    .orderBy('actions.type')
    .orderBy('actions.id')
    .execute()
  return rows.map(({ id, tenant_id, domain, type, name, status }) => ({
    id,
    tenantId: tenant_id,
    tenant: domain,
    type: type as ActionType,
    name,
    status: status as Action['status'],
  }))
}

/** The number of actions of an organization, by type. Decrypts no secret. */
export async function countActions(
  db: Database,
  tenantId: string,
  organizationId: string,
): Promise<Partial<Record<ActionType, number>>> {
  const rows = await db.queries
    .selectFrom('actions')
    .select(select => ['type', select.fn.countAll<number>().as('count')])
    .where('tenant_id', '=', tenantId)
    .where('organization_id', '=', organizationId)
    .groupBy('type')
    .execute()
  return Object.fromEntries(rows.map(row => [row.type, row.count]))
}

function identityOf(action: Action) {
  return {
    id: action.id,
    tenant_id: action.tenantId,
    organization_id: action.organizationId,
    type: action.type,
  }
}

function toRow(db: Database, action: Action) {
  const { endpoint, rule, attributes, passwordSharing, onFailure, platform } = action
  const { uri, authentication, allowedHeaders, allowedParameters, signingSecrets } = endpoint
  return {
    name: action.name,
    description: action.description ?? null,
    status: action.status,
    version: action.version,
    uri,
    authentication: db.seal.seal(JSON.stringify(authentication), `action/${action.id}/authentication`),
    signing_secrets:
      signingSecrets.length === 0
        ? null
        : db.seal.seal(JSON.stringify(signingSecrets), `action/${action.id}/signing-secrets`),
    settings: JSON.stringify({
      allowedHeaders,
      allowedParameters,
      rule,
      attributes,
      passwordSharing,
      onFailure,
      platform,
    } satisfies { [Name in keyof ActionSettings]-?: ActionSettings[Name] | undefined }),
    updated_at: action.updatedAt,
  }
}

/** The members that one JSON column stores, because no query searches for them. */
type ActionSettings = Pick<Action['endpoint'], 'allowedHeaders' | 'allowedParameters'> &
  Pick<Action, 'rule' | 'attributes' | 'passwordSharing' | 'onFailure' | 'platform'>

function toAction(db: Database, row: ActionRow): Action {
  const { allowedHeaders, allowedParameters, ...settings } = JSON.parse(row.settings) as ActionSettings
  return {
    id: row.id,
    tenantId: row.tenant_id,
    organizationId: row.organization_id,
    type: row.type as ActionType,
    name: row.name,
    ...(row.description === null ? {} : { description: row.description }),
    status: row.status as Action['status'],
    version: row.version,
    endpoint: {
      uri: row.uri,
      authentication: JSON.parse(db.seal.open(row.authentication, `action/${row.id}/authentication`)),
      allowedHeaders,
      allowedParameters,
      signingSecrets:
        row.signing_secrets === null
          ? []
          : JSON.parse(db.seal.open(row.signing_secrets, `action/${row.id}/signing-secrets`)),
    },
    ...settings,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
