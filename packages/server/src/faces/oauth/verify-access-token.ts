import { present } from '@preflow/contract'
import { decodeJwt } from 'jose'
import { OWN_PROFILE } from '../../domain/access/permission-names.ts'
import type { VerifyAccessToken } from '../../domain/credentials/authenticate.ts'
import { credentialProblems } from '../../domain/credentials/credential-problems.ts'
import type { IssuerFinder } from '../../domain/tenants/find-issuer.ts'
import type { Issuer } from '../../domain/tenants/issuer.ts'
import { listScopesOfClient } from '../../ground/store/api-resources.ts'
import type { Database } from '../../ground/store/database.ts'
import type { IssuerServer } from './provider.ts'

/**
 * Creates the check of access tokens for the server's own APIs.
 *
 * A token is valid at one organization: the one it names. A token of the root is not valid in an organization below, nor the
 * other way round. Throws a 403 for a token that is valid elsewhere in the tenant.
 */
export function createAccessTokenCheck(
  db: Database,
  issuers: IssuerFinder,
  issuerServerOf: (issuer: Issuer) => Promise<IssuerServer>,
): VerifyAccessToken {
  return async (token, tenant, organization) => {
    // A token for an organization comes from its own issuer, or from the issuer where its user switched.
    const places = new Set([organization.id, tenant.rootOrganizationId, claimedPlace(token) ?? organization.id])
    for (const place of places) {
      const issuer = await issuers.byName(tenant.domain, place === tenant.rootOrganizationId ? undefined : place)
      const read = issuer && (await (await issuerServerOf(issuer)).readAccessToken(token))
      if (!read) continue
      if (read.organizationId !== organization.id) throw credentialProblems.elsewhere()
      const { clientId, grant, scopes, userId } = read
      // A right that the application lost has no effect in its tokens. The profile requires no right of the application.
      const authorized = new Set([OWN_PROFILE, ...(await listScopesOfClient(db, tenant.id, clientId))])
      return {
        scopes: scopes.filter(scope => authorized.has(scope)),
        subject: userId ?? clientId,
        isUser: userId !== undefined,
        clientId,
        ...present({ grantId: grant?.id }),
      }
    }
    return undefined
  }
}

/** The organization in the claims of an unverified token. */
function claimedPlace(token: string): string | undefined {
  try {
    const { org_id } = decodeJwt<{ org_id?: unknown }>(token)
    return typeof org_id === 'string' ? org_id : undefined
  } catch {
    return undefined
  }
}
