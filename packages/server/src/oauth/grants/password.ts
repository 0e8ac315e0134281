import { errors } from 'oidc-provider'
import { verifyPassword } from '../../store/users.ts'
import { applicationOf } from '../seam.ts'
import type { TokenGrant } from './grants.ts'
import { issueUserTokens, requestedScopes, required } from './issue-user-tokens.ts'

/** Resource owner password credentials, RFC 6749 section 4.3: for applications that cannot show a sign-in page. */
export const password: TokenGrant = {
  grantType: 'password',
  parameters: ['username', 'password'],
  async handle(ctx, ports) {
    const { db, issuer } = ports
    const userName = required(ctx, 'username')
    const user = await verifyPassword(db, issuer.tenant.id, userName, required(ctx, 'password'), issuer.organization.id)
    if (!user) throw Object.assign(new errors.InvalidGrant('no such user, or another password'), WRONG)
    const scopes = requestedScopes(ctx, await ports.scopesOf(applicationOf(ctx.oidc.client)))
    await issueUserTokens(ctx, { user, scopes, amr: ['pwd'] }, ports)
  },
}

/** Which of the two was wrong is nobody's business. */
const WRONG = { error_description: 'The user name or the password is wrong.' }
