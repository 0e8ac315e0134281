import { unlessTaken } from '@preflow/database'
import type { Selectable } from 'kysely'
import { type Database, inTransaction } from './database.ts'
import type { Organization } from './model.ts'
import { fixedRoleOf, insertRole } from './roles.ts'
import type { Tables } from './tables.ts'

/** Keeps an organization and its fixed role; rejects when the handle is taken in the tenant. See {@link addOrganization}. */
export async function insertOrganization(db: Database, organization: Organization): Promise<void> {
  const createdAt = organization.createdAt ?? db.now()
  await db.queries
    .insertInto('organizations')
    .values({
      id: organization.id,
      tenant_id: organization.tenantId,
      parent_id: organization.parentId ?? null,
      name: organization.name,
      handle: organization.handle,
      depth: organization.depth,
      created_at: createdAt,
    })
    .execute()
  await insertRole(db, fixedRoleOf(organization, createdAt))
}

/** Keeps an organization below the root. `false`: the handle is taken in the tenant. */
export function addOrganization(db: Database, organization: Organization): Promise<boolean> {
  return unlessTaken(inTransaction(db, tx => insertOrganization(tx, organization)))
}

export async function findOrganizationById(
  db: Database,
  tenantId: string,
  id: string,
): Promise<Organization | undefined> {
  const row = await db.queries
    .selectFrom('organizations')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirst()
  return row && toOrganization(row)
}

/** By the id or the handle, as `/t/{tenant}/o/{organization}` names it. */
export async function findOrganization(
  db: Database,
  tenantId: string,
  idOrHandle: string,
): Promise<Organization | undefined> {
  const row = await db.queries
    .selectFrom('organizations')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where(where => where.or([where('id', '=', idOrHandle), where('handle', '=', idOrHandle)]))
    .executeTakeFirst()
  return row && toOrganization(row)
}

/** All organizations of the tenant, oldest first, the root among them. */
export async function listOrganizations(db: Database, tenantId: string): Promise<Organization[]> {
  const rows = await db.queries
    .selectFrom('organizations')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .orderBy('depth')
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return rows.map(toOrganization)
}

function toOrganization(row: Selectable<Tables['organizations']>): Organization {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    ...(row.parent_id === null ? {} : { parentId: row.parent_id }),
    name: row.name,
    handle: row.handle,
    depth: row.depth,
    createdAt: row.created_at,
  }
}
