import { unlessTaken } from '@preflow/database'
import type { Selectable } from 'kysely'
import { type Database, inTransaction } from './database.ts'
import type { Organization } from './model.ts'
import { fixedRoleOf, insertRole } from './roles.ts'
import type { Tables } from './tables.ts'

/** Stores an organization and its fixed role. Rejects if the tenant already has the handle. See {@link addOrganization}. */
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

/** Stores an organization below the root. `false`: the tenant already has the handle. */
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

/** Finds an organization by its id or its handle, which `/t/{tenant}/o/{organization}` may contain. */
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

/** All organizations of the tenant including the root, oldest first. */
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
