import { present } from '@preflow/contract'
import { errors, type TokenEndpointGrantContext } from 'oidc-provider'
import { findOrganizationById } from '../../../ground/store/organizations.ts'
import type { AccessTokenClaims } from '../read-access-token.ts'
import { issueUserTokens } from './issue-user-tokens.ts'
import { type GrantPorts, requestedScopes, required, type TokenGrant } from './token-grant.ts'

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const JWT = 'urn:ietf:params:oauth:token-type:jwt'

/**
 * Token exchange, RFC 8693: an application exchanges a user's access token for one of its own.
 *
 * The subject token must be an access token of this issuer. Its client is the same client, or an application that lists this
 * client in `mayExchangeFor`. The new token has no more scopes, lasts no longer, is valid in the same organization, ends with
 * the subject token's grant, and names the client in `act`. There is no refresh token.
 */
export const tokenExchange: TokenGrant = {
  grantType: 'urn:ietf:params:oauth:grant-type:token-exchange',
  parameters: ['subject_token', 'subject_token_type', 'requested_token_type'],
  async handle(ctx, ports) {
    const type = required(ctx, 'subject_token_type')
    if (type !== ACCESS_TOKEN && type !== JWT) {
      throw new errors.InvalidRequest(`subject_token_type must be ${ACCESS_TOKEN} or ${JWT}`)
    }
    const wanted = ctx.oidc.params['requested_token_type'] ?? ACCESS_TOKEN
    if (wanted !== ACCESS_TOKEN && wanted !== JWT) {
      throw new errors.InvalidRequest(`requested_token_type must be ${ACCESS_TOKEN} or ${JWT}`)
    }
    const from = await ports.readAccessToken(required(ctx, 'subject_token'))
    const found = from?.userId === undefined ? undefined : await ports.findUser(from.userId)
    if (!from || !found || !(await mayExchange(ctx, from, ports))) {
      throw new errors.InvalidRequest(
        'subject_token is not a valid access token of a user that this client may exchange',
      )
    }
    await issueUserTokens(
      ctx,
      {
        user: found.user,
        scopes: requestedScopes(ctx, from.scopes),
        from,
        input: from.scopes,
        actor: { sub: ctx.oidc.client.clientId, ...present({ act: from.actor }) },
        mayRefresh: false,
        ...present({ accessingOrganization: await organizationOf(from, ports) }),
      },
      ports,
      { issued_token_type: wanted },
    )
  },
}

async function mayExchange(
  { oidc: { client } }: TokenEndpointGrantContext,
  from: AccessTokenClaims,
  { findApplication }: GrantPorts,
): Promise<boolean> {
  if (from.clientId === client.clientId) return true
  const owner = await findApplication(from.clientId)
  return owner?.mayExchangeFor?.includes(client.clientId) ?? false
}

/** The organization of the subject token, if its user switched there. */
async function organizationOf({ organizationId }: AccessTokenClaims, { db, issuer }: GrantPorts) {
  if (organizationId === issuer.organization.id) return undefined
  const organization = await findOrganizationById(db, issuer.tenant.id, organizationId)
  if (!organization) throw new errors.InvalidGrant('the organization of the subject token no longer exists')
  return organization
}
