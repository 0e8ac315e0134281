import { unlessTaken } from '@preflow/database'
import type { Selectable } from 'kysely'
import { type Database, inTransaction } from './database.ts'
import type { Organization, Tenant } from './model.ts'
import { insertOrganization } from './organizations.ts'
import type { Tables } from './tables.ts'

/** The tenant that is also served at the root of the server. */
export const FIRST_TENANT = { id: '-1234', domain: 'carbon.super' } as const

/** Stores a tenant with its root organization. `false`: the domain or the id already exists, and nothing is stored. */
export function insertTenant(db: Database, tenant: Tenant, root: Organization): Promise<boolean> {
  return unlessTaken(inTransaction(db, tx => addTenant(tx, tenant, root)))
}

/** Stores a tenant with its root organization. Rejects if the domain or the id already exists. Call it in a transaction. */
export async function addTenant(tx: Database, tenant: Tenant, root: Organization): Promise<void> {
  await tx.queries
    .insertInto('tenants')
    .values({
      id: tenant.id,
      domain: tenant.domain,
      root_organization_id: tenant.rootOrganizationId,
      created_at: tx.now(),
    })
    .execute()
  await insertOrganization(tx, root)
}

export async function findTenantById(db: Database, id: string): Promise<Tenant | undefined> {
  const row = await db.queries.selectFrom('tenants').selectAll().where('id', '=', id).executeTakeFirst()
  return row && toTenant(row)
}

/** Finds a tenant by the domain in `/t/{domain}`, ignoring case. */
export async function findTenantByDomain(db: Database, domain: string): Promise<Tenant | undefined> {
  const row = await db.queries
    .selectFrom('tenants')
    .selectAll()
    .where('domain', '=', domain.toLowerCase())
    .executeTakeFirst()
  return row && toTenant(row)
}

/** All tenants, oldest first. */
export async function listTenants(db: Database): Promise<Tenant[]> {
  const rows = await db.queries.selectFrom('tenants').selectAll().orderBy('created_at').orderBy('id').execute()
  return rows.map(toTenant)
}

function toTenant(row: Selectable<Tables['tenants']>): Tenant {
  return { id: row.id, domain: row.domain, rootOrganizationId: row.root_organization_id }
}
