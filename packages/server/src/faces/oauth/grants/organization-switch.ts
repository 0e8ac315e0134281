import { errors } from 'oidc-provider'
import { findOrganization } from '../../../ground/store/organizations.ts'
import { applicationOf } from '../adapter.ts'
import { issueUserTokens } from './issue-user-tokens.ts'
import { requestedScopes, required, type TokenGrant } from './token-grant.ts'

/** WSO2's organization switch: a user's access token becomes one for an organization of the same tenant. */
export const organizationSwitch: TokenGrant = {
  grantType: 'organization_switch',
  parameters: ['token', 'switching_organization'],
  async handle(ctx, ports) {
    const { db, issuer } = ports
    const subject = await ports.readAccessToken(required(ctx, 'token'))
    const found = subject?.userId === undefined ? undefined : await ports.findUser(subject.userId)
    if (!subject || !found) throw new errors.InvalidGrant('token is not a valid access token of a user')
    const organization = await findOrganization(db, issuer.tenant.id, required(ctx, 'switching_organization'))
    if (!organization) throw new errors.InvalidGrant('switching_organization does not exist')
    const mine = await ports.scopesOf(applicationOf(ctx.oidc.client))
    const scopes = requestedScopes(
      ctx,
      mine,
      subject.scopes.filter(scope => mine.includes(scope)),
    )
    await issueUserTokens(ctx, { user: found.user, scopes, accessingOrganization: organization }, ports)
  },
}
