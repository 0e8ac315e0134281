import type { Organization, Tenant } from '../../ground/store/model.ts'
import { FIRST_TENANT } from '../../ground/store/tenants.ts'

/** An issuer of tokens: a tenant, or an organization below it. Each has its own provider, cookies and `iss`. */
export interface Issuer {
  tenant: Tenant
  /** The tenant's root organization, unless the path names another. */
  organization: Organization
  /** The prefix of every path: empty, `/t/acme` or `/t/acme/o/{organization}`. */
  path: string
  /** The claim `iss`. */
  url: string
}

/**
 * Makes the issuer with a URL in WSO2's form: `https://id.example.com/t/acme/oauth2/token`, without `/t/…` for the first tenant.
 *
 * @param publicUrl The public URL of the server, without a slash at the end.
 */
export function makeIssuer(publicUrl: string, tenant: Tenant, organization: Organization): Issuer {
  const isRoot = organization.id === tenant.rootOrganizationId
  const tenantPath = tenant.domain === FIRST_TENANT.domain && isRoot ? '' : `/t/${encodeURIComponent(tenant.domain)}`
  const path = isRoot ? tenantPath : `${tenantPath}/o/${encodeURIComponent(organization.id)}`
  return { tenant, organization, path, url: `${publicUrl}${path}/oauth2/token` }
}
