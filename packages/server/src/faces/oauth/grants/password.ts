import { errors } from 'oidc-provider'
import { passwordComplaint, REFUSAL_STATUS } from '../../../domain/credentials/check-password.ts'
import { isPasswordOnly, sequenceOf } from '../../../domain/sign-in/sequence.ts'
import { applicationOf } from '../adapter.ts'
import { tooMuch } from '../too-much.ts'
import { issueUserTokens } from './issue-user-tokens.ts'
import { requestedScopes, required, type TokenGrant } from './token-grant.ts'

/**
 * Resource owner password credentials, RFC 6749 section 4.3, for applications that cannot show a sign-in page. It is refused
 * for an application whose sign-in has more than the password, because it would skip the other steps.
 */
export const password: TokenGrant = {
  grantType: 'password',
  parameters: ['username', 'password'],
  async handle(ctx, ports) {
    const attempt = {
      issuer: ports.issuer,
      userName: required(ctx, 'username'),
      password: required(ctx, 'password'),
    }
    if (!isPasswordOnly(sequenceOf(applicationOf(ctx.oidc.client)))) {
      throw Object.assign(new errors.InvalidGrant('more steps'), MORE_STEPS)
    }
    const verdict = await ports.checkPassword(attempt, ctx.req)
    if (verdict.status !== 'right') {
      const refusal =
        'afterSeconds' in verdict
          ? tooMuch(ctx, REFUSAL_STATUS[verdict.status], verdict.afterSeconds)
          : new errors.InvalidGrant(verdict.status)
      throw Object.assign(refusal, { error_description: passwordComplaint(verdict) })
    }
    await issueUserTokens(ctx, { user: verdict.user, scopes: requestedScopes(ctx), amr: ['pwd'] }, ports)
  },
}

const MORE_STEPS = {
  error_description: 'Users of this application sign in with more than a password. Send them to its sign-in page.',
}
