import type { Database } from '../../ground/store/database.ts'
import type { Tenant } from '../../ground/store/model.ts'
import { FIRST_TENANT, findTenantByDomain } from '../../ground/store/tenants.ts'
import { insertUser, listUsers } from '../../ground/store/users.ts'
import { createTenant } from './create-tenant.ts'

/**
 * Creates the tenant `carbon.super` and its user `admin`, once.
 *
 * @param adminPassword Default: a random one.
 * @returns The password, when one had to be generated.
 */
export async function createFirstTenant(
  db: Database,
  { adminPassword }: { adminPassword?: string },
  ports: { now(): number; newId(): string; randomBytes(count: number): Uint8Array },
): Promise<string | undefined> {
  const { newId, now } = ports
  // Resolves with nothing when it exists: from an earlier start, or from another process that was faster.
  await createTenant(db, { domain: FIRST_TENANT.domain, name: 'Super' }, ports)
  const tenant = (await findTenantByDomain(db, FIRST_TENANT.domain)) as Tenant
  if ((await listUsers(db, tenant.id, { limit: 1 })).total > 0) return undefined

  const password = adminPassword ?? Buffer.from(ports.randomBytes(18)).toString('base64url')
  const isFirst = await insertUser(
    db,
    {
      id: newId(),
      tenantId: tenant.id,
      organizationId: tenant.rootOrganizationId,
      userName: 'admin',
      document: {},
      groups: [],
      isActive: true,
      isAdministrator: true,
      createdAt: now(),
      updatedAt: now(),
    },
    password,
  )
  return isFirst && adminPassword === undefined ? password : undefined
}
