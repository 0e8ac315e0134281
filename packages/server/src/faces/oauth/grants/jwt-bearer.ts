import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose'
import { errors } from 'oidc-provider'
import { maySignIn } from '../../../ground/store/account-state.ts'
import type { TrustedIssuer } from '../../../ground/store/model.ts'
import { useOnce } from '../../../ground/store/oidc-artifacts.ts'
import { findUserByUserName } from '../../../ground/store/users.ts'
import { applicationOf } from '../adapter.ts'
import { issueUserTokens } from './issue-user-tokens.ts'
import { type GrantPorts, requestedScopes, required, type TokenGrant } from './token-grant.ts'

/** An assertion is for one immediate request. */
const MAX_ASSERTION_SECONDS = 300
const CLOCK_TOLERANCE_SECONDS = 15

/**
 * JWT bearer assertions, RFC 7523 section 2.1: an assertion about a user is exchanged for an access token.
 *
 * The application must trust its issuer. Its only audience is this authorization server, it lives at most five minutes, and it is
 * used once. Tokens of this server are not assertions, because they are for clients and APIs.
 */
export const jwtBearer: TokenGrant = {
  grantType: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
  parameters: ['assertion'],
  async handle(ctx, ports) {
    const { trustedIssuers = [] } = applicationOf(ctx.oidc.client)
    if (trustedIssuers.length === 0) throw new errors.UnsupportedGrantType()
    const assertion = required(ctx, 'assertion')
    const found = await findSubject(assertion, trustedIssuers, ports)
    if (!found) throw Object.assign(new errors.InvalidGrant('assertion refused'), REFUSED)
    await issueUserTokens(ctx, { user: found, scopes: requestedScopes(ctx) }, ports)
  },
}

const REFUSED = {
  error_description:
    'The assertion must be signed by a trusted issuer, name only this issuer in aud and a user in its subject, live at most 5 minutes, and be used once.',
}

async function findSubject(assertion: string, trusted: readonly TrustedIssuer[], { db, issuer }: GrantPorts) {
  const from = trusted.find(({ issuer: name }) => name === issuerOf(assertion) && name !== issuer.url)
  const claims = from && (await verify(assertion, from, issuer.url))
  const name = from && claims?.[from.subjectClaim ?? 'sub']
  const jti = claims && usableOnce(claims)
  if (typeof name !== 'string' || jti === undefined) return undefined
  const user = await findUserByUserName(db, issuer.tenant.id, name, issuer.organization.id)
  if (!user || !maySignIn(user, db.now())) return undefined
  const left = MAX_ASSERTION_SECONDS + 2 * CLOCK_TOLERANCE_SECONDS
  const isFirst = await useOnce(db, issuer.tenant.id, 'Assertion', JSON.stringify([from?.issuer, jti]), left)
  return isFirst ? user : undefined
}

function issuerOf(assertion: string): string | undefined {
  try {
    return decodeJwt(assertion).iss
  } catch {
    return undefined
  }
}

/** Verifies an assertion for one audience and returns its claims. Access tokens (RFC 9068) have another type. */
async function verify(
  assertion: string,
  { issuer, jwks }: TrustedIssuer,
  audience: string,
): Promise<JWTPayload | undefined> {
  try {
    const keys = createLocalJWKSet(jwks as unknown as JSONWebKeySet)
    const { payload, protectedHeader } = await jwtVerify(assertion, keys, {
      issuer,
      audience,
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
    })
    const isAssertion = protectedHeader.typ === undefined || protectedHeader.typ.toUpperCase() === 'JWT'
    return isAssertion && [payload.aud].flat().length === 1 ? payload : undefined
  } catch {
    return undefined
  }
}

/** The id of an assertion whose lifetime is short enough for single use to be recorded. */
function usableOnce({ exp, iat, jti }: JWTPayload): string | undefined {
  const isShort = exp !== undefined && iat !== undefined && exp - iat <= MAX_ASSERTION_SECONDS
  return isShort && jti !== undefined && jti !== '' ? jti : undefined
}
