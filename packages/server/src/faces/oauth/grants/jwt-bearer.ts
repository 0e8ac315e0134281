import { errors } from 'oidc-provider'
import { applicationOf } from '../adapter.ts'
import { issueUserTokens } from './issue-user-tokens.ts'
import { requestedScopes, required, type TokenGrant } from './token-grant.ts'

/**
 * JWT bearer assertions, RFC 7523 section 2.1: an assertion about a user is exchanged for an access token.
 *
 * Only this issuer's own signature is trusted, so the assertion is an ID token that was issued to the client. Its access
 * tokens are none: they would buy a token with more scopes.
 */
export const jwtBearer: TokenGrant = {
  grantType: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
  parameters: ['assertion'],
  async handle(ctx, ports) {
    const { client } = ctx.oidc
    const claims = await ports.verifyIdToken(required(ctx, 'assertion'))
    const audiences = [claims?.['aud']].flat()
    const isForUs = [client.clientId, ports.issuer.url].some(audience => audiences.includes(audience))
    const found = isForUs && typeof claims?.['sub'] === 'string' ? await ports.findUser(claims['sub']) : undefined
    if (!found) throw Object.assign(new errors.InvalidGrant('assertion refused'), REFUSED)
    const scopes = requestedScopes(ctx, await ports.scopesOf(applicationOf(client)))
    await issueUserTokens(ctx, { user: found.user, scopes }, ports)
  },
}

const REFUSED = {
  error_description: 'The assertion must be signed by this issuer, name this client in aud and a user in sub.',
}
