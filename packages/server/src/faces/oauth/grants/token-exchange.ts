import { errors } from 'oidc-provider'
import { applicationOf } from '../adapter.ts'
import { issueUserTokens } from './issue-user-tokens.ts'
import { requestedScopes, required, type TokenGrant } from './token-grant.ts'

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const JWT = 'urn:ietf:params:oauth:token-type:jwt'

/**
 * Token exchange, RFC 8693: an application that holds a user's access token gets one of its own for that user.
 *
 * The subject token must be an access token of this issuer. What it does not permit, the new one does not either.
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
    const subject = await ports.readAccessToken(required(ctx, 'subject_token'))
    const found = subject?.userId === undefined ? undefined : await ports.findUser(subject.userId)
    if (!subject || !found) {
      throw Object.assign(new errors.InvalidRequest('subject_token is not a valid access token of a user'))
    }
    const mine = await ports.scopesOf(applicationOf(ctx.oidc.client))
    const shared = subject.scopes.filter(scope => mine.includes(scope))
    const scopes = requestedScopes(ctx, shared, shared)
    await issueUserTokens(ctx, { user: found.user, scopes }, ports, { issued_token_type: wanted })
  },
}
