import { errors } from 'oidc-provider'
import { isMember } from '../../../domain/access/permissions.ts'
import { findOrganization } from '../../../ground/store/organizations.ts'
import { issueUserTokens } from './issue-user-tokens.ts'
import { requestedScopes, required, type TokenGrant } from './token-grant.ts'

/**
 * WSO2's organization switch: exchanges a user's access token for one of an organization of the same tenant.
 *
 * The token must belong to the client, and the user must belong to the organization. The new token has scopes of the old one, and
 * scopes that the sign-in requested and the user has there. It lasts no longer than the old one and ends with its grant.
 */
export const organizationSwitch: TokenGrant = {
  grantType: 'organization_switch',
  parameters: ['token', 'switching_organization'],
  async handle(ctx, ports) {
    const { db, issuer } = ports
    const value = required(ctx, 'token')
    const target = required(ctx, 'switching_organization')
    const from = await ports.readAccessToken(value)
    const found = from?.userId === undefined ? undefined : await ports.findUser(from.userId)
    if (!from || !found || from.clientId !== ctx.oidc.client.clientId) {
      throw new errors.InvalidGrant('token is not a valid access token of a user and this client')
    }
    const organization = await findOrganization(db, issuer.tenant.id, target)
    // The same message in both cases, so that it does not reveal which organizations exist.
    if (!organization || !(await isMember(db, found.user, organization))) {
      throw Object.assign(new errors.InvalidGrant('organization refused'), REFUSED)
    }
    await issueUserTokens(
      ctx,
      {
        user: found.user,
        scopes: requestedScopes(ctx, from.scopes),
        from,
        input: [...from.scopes, ...(from.grant?.asked ?? [])],
        accessingOrganization: organization,
      },
      ports,
    )
  },
}

const REFUSED = { error_description: 'The organization does not exist, or the user does not belong to it.' }
