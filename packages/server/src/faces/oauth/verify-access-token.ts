import { decodeJwt } from 'jose'
import type { VerifyAccessToken } from '../../domain/credentials/authenticate.ts'
import { credentialProblems } from '../../domain/credentials/credential-problems.ts'
import type { IssuerFinder } from '../../domain/tenants/find-issuer.ts'
import type { Issuer } from '../../domain/tenants/issuer.ts'
import type { IssuerServer } from './provider.ts'

/**
 * Makes the check of the access tokens that callers of the server's own APIs present.
 *
 * A token works at one organization: the one it names. A token of the root is none of the organizations below, nor the other
 * way round. Throws a 403 for one that is valid elsewhere in the tenant.
 */
export function createAccessTokenCheck(
  issuers: IssuerFinder,
  issuerServerOf: (issuer: Issuer) => Promise<IssuerServer>,
): VerifyAccessToken {
  return async (token, tenant, organization) => {
    // Tokens for an organization come from its own issuer, and from the one its user switched at.
    const places = new Set([organization.id, tenant.rootOrganizationId, claimedPlace(token) ?? organization.id])
    for (const place of places) {
      const issuer = await issuers.byName(tenant.domain, place === tenant.rootOrganizationId ? undefined : place)
      const read = issuer && (await (await issuerServerOf(issuer)).readAccessToken(token))
      if (!read) continue
      if (read.organizationId !== organization.id) throw credentialProblems.elsewhere()
      const { clientId, scopes, userId } = read
      return { scopes, subject: userId ?? clientId, isUser: userId !== undefined }
    }
    return undefined
  }
}

/** Where an unverified token says that it is valid. */
function claimedPlace(token: string): string | undefined {
  try {
    const { org_id } = decodeJwt<{ org_id?: unknown }>(token)
    return typeof org_id === 'string' ? org_id : undefined
  } catch {
    return undefined
  }
}
