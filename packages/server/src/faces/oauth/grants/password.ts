import { errors } from 'oidc-provider'
import { PASSWORD_COMPLAINTS } from '../../../domain/credentials/check-password.ts'
import { applicationOf } from '../adapter.ts'
import { issueUserTokens } from './issue-user-tokens.ts'
import { requestedScopes, required, type TokenGrant } from './token-grant.ts'

/** Resource owner password credentials, RFC 6749 section 4.3: for applications that cannot show a sign-in page. */
export const password: TokenGrant = {
  grantType: 'password',
  parameters: ['username', 'password'],
  async handle(ctx, ports) {
    const attempt = {
      issuer: ports.issuer,
      userName: required(ctx, 'username'),
      password: required(ctx, 'password'),
    }
    const verdict = await ports.checkPassword(attempt, ctx.req)
    if (verdict.status !== 'right') {
      const error_description = PASSWORD_COMPLAINTS[verdict.status]
      throw Object.assign(new errors.InvalidGrant(verdict.status), { error_description })
    }
    const { user } = verdict
    const scopes = requestedScopes(ctx, await ports.scopesOf(applicationOf(ctx.oidc.client)))
    await issueUserTokens(ctx, { user, scopes, amr: ['pwd'] }, ports)
  },
}
