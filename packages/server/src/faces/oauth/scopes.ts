import type { Grant, KoaContextWithOIDC } from 'oidc-provider'
import { OWN_PROFILE } from '../../domain/access/permission-names.ts'
import type { ScopesOfToken } from '../../domain/access/scopes-of-token.ts'
import type { Issuer } from '../../domain/tenants/issuer.ts'
import { IDENTITY_SCOPES } from '../../ground/claims/oidc-claims.ts'
import { listAuthorizedScopes } from '../../ground/store/api-resources.ts'
import type { Database } from '../../ground/store/database.ts'
import type { FindUser } from './accounts.ts'
import { applicationOf } from './adapter.ts'
import { RESOURCE } from './resource.ts'

/** The ports that the scopes of a request depend on. */
export interface ScopePorts {
  db: Database
  issuer: Issuer
  findUser: FindUser
  scopesOfToken: ScopesOfToken
}

/**
 * The scopes that a request may have: those of the application, and once the user is known, those that the user may have. Other
 * scopes are dropped without an error, as in the reference, and the consent page does not show them.
 *
 * At the token endpoint the token plan limits them by the user of the code or refresh token.
 */
export async function offeredScopes(ctx: KoaContextWithOIDC, ports: ScopePorts): Promise<string[]> {
  const application = applicationOf(ctx.oidc.client)
  const authorized = await listAuthorizedScopes(ports.db, application.tenantId, application.id)
  const requested = [...new Set([...IDENTITY_SCOPES, OWN_PROFILE, ...authorized.map(({ name }) => name)])]
  const { session } = ctx.oidc
  const found = session?.accountId === undefined ? undefined : await ports.findUser(session.accountId)
  if (!found || ctx.oidc.route === 'token') return requested
  const { organization } = ports.issuer
  return ports.scopesOfToken({ application, user: found.user, organization, amr: session?.amr ?? [], requested })
}

/** Records in a grant that the user agreed to these scopes. */
export function grantScopes(grant: Grant, scopes: readonly string[]): void {
  grant.addResourceScope(RESOURCE, [...scopes])
  grant.addOIDCScope(scopes.filter(scope => IDENTITY_SCOPES.includes(scope)))
}
