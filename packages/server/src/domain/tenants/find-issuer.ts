import { LRUCache } from 'lru-cache'
import type { Database } from '../../ground/store/database.ts'
import { findOrganization, findOrganizationById } from '../../ground/store/organizations.ts'
import { findTenantByDomain, findTenantById } from '../../ground/store/tenants.ts'
import { type Issuer, makeIssuer } from './issuer.ts'

/** A removed or renamed tenant is found for at most this time. */
const TENANT_MEMORY_MS = 5000

/** Finds issuers. Resolves with nothing if the tenant or organization does not exist. */
export interface IssuerFinder {
  /** @param organization Its id or handle. Absent: the root organization of the tenant. */
  byName(tenantDomain: string, organization?: string): Promise<Issuer | undefined>
  byId(place: { tenantId: string; organizationId: string }): Promise<Issuer | undefined>
}

/** @param publicUrl The public URL of the server, known after it listens. */
export function createIssuerFinder(db: Database, publicUrl: () => string): IssuerFinder {
  const known = new LRUCache<string, Issuer>({ max: 1000, ttl: TENANT_MEMORY_MS })

  async function byName(domain: string, idOrHandle?: string): Promise<Issuer | undefined> {
    const key = JSON.stringify([domain, idOrHandle])
    const remembered = known.get(key)
    if (remembered) return remembered
    const tenant = await findTenantByDomain(db, domain)
    if (!tenant) return undefined
    const organization =
      idOrHandle === undefined
        ? await findOrganizationById(db, tenant.id, tenant.rootOrganizationId)
        : await findOrganization(db, tenant.id, idOrHandle)
    if (!organization) return undefined
    const issuer = makeIssuer(publicUrl(), tenant, organization)
    known.set(key, issuer)
    return issuer
  }

  return {
    byName,
    async byId({ tenantId, organizationId }) {
      const tenant = await findTenantById(db, tenantId)
      return tenant && byName(tenant.domain, organizationId)
    },
  }
}
