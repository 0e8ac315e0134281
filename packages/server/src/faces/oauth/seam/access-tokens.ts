/**
 * Access tokens, of users and of applications.
 *
 * - A token takes one audience, a fixed lifetime and scopes within the grant. The first `save` overwrites them with the decision.
 *   The response's `scope` and `expires_in` then follow.
 * - Introspection, revocation and userinfo refuse JWT access tokens, because they are not stored. Here their signature is
 *   checked instead, and only a revocation stores a row.
 */
import { present } from '@preflow/contract'
import { type Grant, type KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { Issuer } from '../../../domain/tenants/issuer.ts'
import type { TokenDecision } from '../../../domain/tokens/decide-tokens.ts'
import { applicationOf } from '../adapter.ts'
import {
  type AccessTokenClass,
  type AccessTokenModel,
  current,
  DECISION,
  isStructured,
  type OIDCContextInternals,
  type ProviderInternals,
  STRUCTURED,
  type TokenInternals,
  wrap,
} from './internals.ts'
import { sourceAtAuthorize } from './plan.ts'
import type { DecisionSource, SeamKit } from './take-over.ts'
import { claimsAsObject, wireAudience } from './wire-claims.ts'

/** Standard members of an introspected or JWT access token. */
const STANDARD_MEMBERS = new Set(['iss', 'client_id', 'aud', 'sub', 'scope', 'exp', 'iat', 'jti'])
/** The model of the revocations of tokens without a row. */
export const REVOKED = 'RevokedAccessToken'
/** A prefix that hides a JWT from the endpoints that refuse JWTs. */
const HIDDEN = 'jwt:'
const TOKEN_PARAMETER_ROUTES = new Set(['introspection', 'revocation'])

/** The two classes of access tokens. */
function classesOf(provider: Provider): { Model: AccessTokenClass; isOfUser: boolean }[] {
  return [
    { Model: provider.AccessToken as never, isOfUser: true },
    { Model: provider.ClientCredentials as never, isOfUser: false },
  ]
}

/** Writes the decision into access tokens. */
export function writeDecidedAccessTokens(provider: Provider, seam: SeamKit): void {
  for (const { Model } of classesOf(provider)) {
    wrap(
      Model.prototype,
      'save',
      save =>
        async function (this: AccessTokenModel) {
          const ctx = current()
          if (!this.jti) {
            const source: DecisionSource =
              ctx.oidc.route === 'token' ? { scopes: [...this.scopes], tokens: ['access'] } : sourceAtAuthorize(ctx)
            const decision = await seam.decide(ctx, source)
            this.scope = decision.accessToken.scopes.join(' ')
            this.aud = decision.accessToken.audiences
            this.expiresIn = decision.accessToken.lifetimeSeconds
            this[DECISION] = decision
          }
          const value = await save.call(this)
          seam.stateOf(ctx).accessToken = value
          return value
        },
    )
    wrap(
      Model.prototype,
      'generateTokenId',
      generate =>
        function (this: AccessTokenModel) {
          const id = generate.call(this)
          // A JWT has no row, but the end of its grant or its application must end it. So its id contains one of them.
          if (this.format !== 'jwt') return id
          return `${id}.${this.grantId ?? applicationOf(current().oidc.client).generation ?? ''}`
        },
    )
  }
}

/** Accepts and revokes JWTs wherever a stored token is accepted. */
export function findStructuredTokens(provider: Provider, seam: SeamKit): void {
  const revocations = seam.adapterOf(REVOKED)
  for (const { Model, isOfUser } of classesOf(provider)) {
    wrap(
      Model,
      'find',
      find =>
        async function (this: AccessTokenClass, value: unknown, options?: object) {
          const token = isStructured(value)
            ? await findStructured({ Model, isOfUser }, value.replace(HIDDEN, ''))
            : await find.call(this, value, options)
          // Userinfo accepts only tokens without an audience. Ours have at least the client as audience.
          if (token && Provider.ctx?.oidc.route === 'userinfo') delete token.aud
          return token
        },
    )
    wrap(
      Model.prototype,
      'destroy',
      destroy =>
        async function (this: AccessTokenModel) {
          if (!this[STRUCTURED]) return destroy.call(this)
          const leftSeconds = (this.exp ?? 0) - seam.nowSeconds()
          if (leftSeconds > 0) await revocations.upsert(this.jti, { jti: this.jti, kind: REVOKED }, leftSeconds)
        },
    )
  }

  async function findStructured(
    { Model, isOfUser }: { Model: AccessTokenClass; isOfUser: boolean },
    jwt: string,
  ): Promise<AccessTokenModel | undefined> {
    const claims = await seam.verify(jwt)
    if (!claims?.jti || (claims['aut'] === 'APPLICATION_USER') !== isOfUser) return undefined
    const { jti, iat, exp, sub, aud, scope, client_id: clientId } = claims
    const [, belongsTo = ''] = jti.split('.')
    const isLive = isOfUser
      ? !(await revocations.find(jti))
      : await seam.isApplicationTokenLive({ clientId: String(clientId), jti, generation: belongsTo })
    if (!isLive) return undefined
    const extra = Object.fromEntries(Object.entries(claims).filter(([name]) => !STANDARD_MEMBERS.has(name)))
    const ofUser = { accountId: sub, grantId: belongsTo, extra }
    const token = new Model({
      jti,
      iat,
      exp,
      aud,
      scope,
      clientId,
      ...(isOfUser ? ofUser : { extra: { ...extra, sub } }),
    })
    token[STRUCTURED] = true
    return token
  }
}

/**
 * Introspection and revocation refuse tokens in the form of a JWT. This hides them, because no other hook runs between client
 * authentication and that check.
 */
export function hideStructuredTokens(provider: Provider): void {
  const { OIDCContext } = provider as unknown as ProviderInternals
  wrap(
    OIDCContext.prototype,
    'entity',
    entity =>
      function (this: OIDCContextInternals, key: string, value: unknown) {
        entity.call(this, key, value)
        const { params, route } = this
        if (key === 'Client' && params && TOKEN_PARAMETER_ROUTES.has(route) && isStructured(params.token)) {
          params.token = HIDDEN + params.token
        }
      },
  )
}

/**
 * An action may add scopes that the grant does not have. If the application needs no consent, the token's scopes decide what
 * userinfo returns. Otherwise the user's consent decides.
 */
export function readUserinfoByToken(provider: Provider): void {
  wrap(
    provider.Grant.prototype,
    'getOIDCScopeFiltered',
    filtered =>
      function (this: Grant, filter) {
        const { client, route } = Provider.ctx?.oidc ?? {}
        const isByToken = route === 'userinfo' && applicationOf(client).skipsConsent
        return isByToken ? [...filter].join(' ') : filtered.call(this, filter)
      },
  )
}

/** The claims that are stored with an opaque access token, so that introspection returns them. */
export function decidedClaims(_ctx: KoaContextWithOIDC, token: object): Record<string, unknown> | undefined {
  const decision = (token as TokenInternals)[DECISION]
  if (!decision) return undefined
  const { actor, claims, subjectKind } = decision.accessToken
  return { ...claimsAsObject(claims), aut: subjectKind, ...placeOf(decision), ...present({ act: actor }) }
}

/** Where a token is valid. */
function placeOf({ organization: { id, name, handle } }: TokenDecision): Record<string, string> {
  return { org_id: id, org_name: name, org_handle: handle }
}

/** Writes the decision into a JWT access token. */
export function writeJwt(token: object, jwt: { payload: object }, issuer: Issuer): void {
  const decision = (token as TokenInternals)[DECISION]
  if (decision) jwt.payload = accessTokenPayload(decision, jwt.payload, issuer)
}

function accessTokenPayload(decision: TokenDecision, stock: object, issuer: Issuer): Record<string, unknown> {
  const { actor, subject, subjectKind, scopes, audiences, claims } = decision.accessToken
  const { client_id, jti, iat, exp } = stock as Record<string, unknown>
  return {
    iss: issuer.url,
    sub: subject,
    aut: subjectKind,
    aud: wireAudience(audiences) ?? NO_AUDIENCE,
    client_id,
    azp: client_id,
    ...(scopes.length > 0 ? { scope: scopes.join(' ') } : {}),
    iat,
    nbf: iat,
    exp,
    jti,
    ...placeOf(decision),
    ...present({ act: actor }),
    // None of them has a name from above: the engine refuses those, and the draft removes them.
    ...claimsAsObject(claims),
  }
}

/** oidc-provider requires an audience, but an extension may have removed all. This value is truthy and absent in JSON. */
const NO_AUDIENCE: string[] = Object.assign([], { toJSON: () => undefined })
