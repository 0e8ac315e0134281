import { insertApiResource, listApiResources, updateApiResource } from '../../ground/store/api-resources.ts'
import { type Database, inTransaction, takeTurn } from '../../ground/store/database.ts'
import type { Tenant } from '../../ground/store/model.ts'
import { addTenant, FIRST_TENANT, listTenants } from '../../ground/store/tenants.ts'
import {
  ORGANIZATION_PERMISSIONS,
  SELF_SERVICE_PERMISSIONS,
  SERVER_PERMISSIONS,
  TENANT_PERMISSIONS,
} from '../access/permission-names.ts'

/** Identifies the API resource of this server's own APIs. */
export const MANAGEMENT_API = '/api/server/v1'

/** Every scope that protects this server's own APIs. */
export const MANAGEMENT_SCOPES: readonly string[] = [
  ...TENANT_PERMISSIONS,
  ...SERVER_PERMISSIONS,
  ...SELF_SERVICE_PERMISSIONS,
  ...ORGANIZATION_PERMISSIONS,
].sort()

/**
 * Creates a tenant with its root organization and with the management API as an API resource, so that tools can be authorized
 * for it. `undefined`: the domain already exists.
 *
 * @param name Name of the root organization. Default: the domain.
 */
export function createTenant(
  db: Database,
  { domain, name = domain }: { domain: string; name?: string },
  { newId }: { newId(): string },
): Promise<Tenant | undefined> {
  return inTransaction(db, async tx => {
    // The next id is computed from the existing ones, and no unique constraint decides a race.
    await takeTurn(tx, 'creating a tenant')
    const tenants = await listTenants(tx)
    if (tenants.some(tenant => tenant.domain === domain)) return undefined
    const tenant = { id: nextId(tenants, domain), domain, rootOrganizationId: newId() }
    const root = { id: tenant.rootOrganizationId, tenantId: tenant.id, name, handle: domain, depth: 0 }
    await addTenant(tx, tenant, root)
    await publishManagementApi(tx, tenant.id, { newId })
    return tenant
  })
}

/** Updates the management API of every tenant. Call it at the start, so that scopes of a newer version appear. */
export async function publishManagementApis(db: Database, ports: { newId(): string }): Promise<void> {
  for (const { id } of await listTenants(db)) await inTransaction(db, tx => publishManagementApi(tx, id, ports))
}

async function publishManagementApi(tx: Database, tenantId: string, { newId }: { newId(): string }): Promise<void> {
  const resources = await listApiResources(tx, tenantId)
  const published = resources.find(({ identifier }) => identifier === MANAGEMENT_API)
  if (!published) {
    await insertApiResource(tx, {
      id: newId(),
      tenantId,
      name: 'Management API',
      identifier: MANAGEMENT_API,
      description: 'The APIs of this server: actions, applications, users. Authorize with care.',
      requiresAuthorization: true,
      scopes: MANAGEMENT_SCOPES.map(name => ({ id: newId(), name })),
    })
    return
  }
  const known = published.scopes.map(({ name }) => name)
  const missing = MANAGEMENT_SCOPES.filter(name => !known.includes(name))
  const kept = published.scopes.filter(({ name }) => MANAGEMENT_SCOPES.includes(name))
  if (missing.length === 0 && kept.length === known.length) return
  await updateApiResource(tx, { ...published, scopes: [...kept, ...missing.map(name => ({ id: newId(), name }))] })
}

/** Ids of tenants are whole numbers on the wire. The first tenant has the id of the reference. */
function nextId(tenants: readonly Tenant[], domain: string): string {
  if (domain === FIRST_TENANT.domain) return FIRST_TENANT.id
  return String(Math.max(0, ...tenants.map(({ id }) => Number(id))) + 1)
}
