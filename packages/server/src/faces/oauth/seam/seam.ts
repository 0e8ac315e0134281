/**
 * The only file that reaches into oidc-provider: everything it relies on beyond the documented interface is here, under
 * contract tests in `seam.test.ts`. The package is pinned exactly; run them before moving the pin.
 *
 * What it changes, and why there is no other way:
 * - The stock handlers consume a code or refresh token and then issue. Actions must be asked *before*, so that a refusal
 *   burns nothing: `consume` of codes, and the configuration's `rotateRefreshToken` (which runs even without rotation).
 * - A token takes one audience, a fixed lifetime and scopes within the grant. The decision is written over it at its first
 *   `save`, after which the response's `scope` and `expires_in` follow by themselves.
 * - A refresh token carries what actions changed: its row is widened by one member.
 * - A refresh token and its successor are one step: `consume` waits for `save`, so that no crash can lose both.
 * - JWT access tokens are refused at introspection, revocation and userinfo, because they are not stored. Here their
 *   signature is checked instead, and only a revocation leaves a row.
 * - Where RFC 6749 has an error code of its own, the stock handlers say `invalid_request`: no client authentication, and a
 *   grant or response type that the client may not use.
 */
import type { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { TokenClaim } from '@preflow/contract'
import type { JWTPayload } from 'jose'
import {
  type AccessToken,
  type AdapterPayload,
  type AuthorizationCode,
  type Client,
  type Configuration,
  errors,
  type Grant,
  type IdToken,
  type KoaContextWithOIDC,
  Provider,
  type RefreshToken,
} from 'oidc-provider'
import { CALL_ID_HEADER } from '../../domain/actions/call-record.ts'
import type { Issuer } from '../../domain/tenants/issuer.ts'
import { type Customisation, remainingScopes } from '../../domain/tokens/customisation.ts'
import { type TokenDecision, type TokenPlan, TokenRefusal } from '../../domain/tokens/decide-tokens.ts'
import type { ClientRequest } from '../../ground/http/client-request.ts'
import { namedValues } from '../../ground/http/named-values.ts'
import type { Application, Organization, User } from '../../ground/store/model.ts'
import { APPLICATION, type ArtifactAdapter } from './adapter.ts'

/** What the seam asks of the rest of the server, for one issuer. */
export interface SeamPorts {
  issuer: Issuer
  decide(plan: TokenPlan): Promise<TokenDecision>
  findUser(id: string): Promise<{ user: User; organization?: Organization } | undefined>
  /** What is known of the client behind a request of the HTTP server. */
  clientRequestOf(request: IncomingMessage): ClientRequest
  adapterOf(model: string): ArtifactAdapter
  /** The claims of an access token of this issuer, when its signature holds and it has not expired. */
  verify(jwt: string): Promise<JWTPayload | undefined>
  nowSeconds(): number
}

/** Where a decision starts: what the stock handler has in its hands at that moment. */
export interface DecisionSource {
  accountId?: string
  scopes: string[]
  /** The grant of the token that is replaced. */
  previousGrant?: string
  stored?: Customisation
  willIssueRefreshToken?: boolean
  sessionDataKeyConsent?: string
  authentication?: TokenPlan['authentication']
  accessingOrganization?: Organization
  tokens?: TokenPlan['tokens']
}

export interface Seam {
  /** Parts of the provider's configuration that belong to the seam. */
  configuration: Pick<Configuration, 'rotateRefreshToken' | 'extraTokenClaims' | 'formats' | 'ttl'>
  install(provider: Provider): void
  /**
   * Decides the tokens of the request once; later calls get the same decision. Throws the OAuth error the client gets when
   * an action refuses.
   */
  decide(ctx: KoaContextWithOIDC, source: DecisionSource): Promise<TokenDecision>
}

/** The one resource server: oidc-provider issues JWTs only for one. It stands for every API of the tenant. */
export const RESOURCE = 'urn:preflow:apis'

const DEFAULT_REFRESH_LIFETIME_SECONDS = 86_400
/** Members of an introspected or JWT access token that are not claims of its own. */
const STANDARD_MEMBERS = new Set(['iss', 'client_id', 'aud', 'sub', 'scope', 'exp', 'iat', 'jti'])
/** Makes a JWT look unlike one to the endpoints that refuse them. */
const HIDDEN = 'jwt:'
const TOKEN_PARAMETER_ROUTES = new Set(['introspection', 'revocation'])
const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'
/** What oidc-provider emits when a request fails to whose endpoint clients authenticate. */
const FAILURES = [
  'grant.error',
  'introspection.error',
  'revocation.error',
  'device_authorization.error',
  'pushed_authorization_request.error',
]

/** What the seam remembers of one request. */
interface RequestState {
  decision?: Promise<TokenDecision>
  /** The same, once it stands: listeners of the provider cannot wait. */
  decided?: TokenDecision
  /** The access token as issued, for `at_hash`. */
  accessToken?: string
  /** The refresh token that its successor is about to replace. */
  replaces?: string
}

const DECISION = Symbol('decision')
const LIFETIME = Symbol('lifetime')
const STRUCTURED = Symbol('structured')

/** What @types/oidc-provider does not tell of its tokens, and what the seam adds to them. */
interface Internals {
  [DECISION]?: TokenDecision
  [LIFETIME]?: number
  [STRUCTURED]?: true
  customisation?: Customisation
  sessionDataKeyConsent?: string
  accessingOrganization?: Organization
  error?: string
  expiresIn?: number
  exp?: number
  iat?: number
  generateTokenId(): string
  destroy(): Promise<void>
}
type Token<Model> = Omit<Model, keyof Internals | 'format'> & Internals & { format?: string }

/** The static side of a token class. */
interface TokenClass {
  new (payload: object): Token<AccessToken>
  find(value: unknown, options?: object): Promise<Token<AccessToken> | undefined>
  prototype: Token<AccessToken>
}

/** The application behind the client of a request. */
export function applicationOf(client: Client | undefined): Application {
  return client?.[APPLICATION] as Application
}

/** Makes the seam of one issuer. Pass its `configuration` to the provider, then install it there. */
export function createSeam(ports: SeamPorts): Seam {
  const revocations = ports.adapterOf('RevokedAccessToken')
  const states = new WeakMap<object, RequestState>()
  const stateOf = (ctx: KoaContextWithOIDC): RequestState => {
    const state = states.get(ctx) ?? {}
    states.set(ctx, state)
    return state
  }

  function decide(ctx: KoaContextWithOIDC, source: DecisionSource): Promise<TokenDecision> {
    const state = stateOf(ctx)
    // A promise and not its result: in the hybrid flow the code and the tokens are made at the same time.
    state.decision ??= (async () => {
      try {
        const decision = await ports.decide(await planOf(ctx, source, ports))
        if (decision.callIds.length > 0) ctx.set(CALL_ID_HEADER, decision.callIds.join(', '))
        state.decided = decision
        return decision
      } catch (error) {
        throw error instanceof TokenRefusal ? asProviderError(ctx, error) : error
      }
    })()
    return state.decision
  }

  /** Before a refresh: the last moment at which nothing has been written, with or without rotation. */
  async function beforeRefresh(ctx: KoaContextWithOIDC): Promise<boolean> {
    const old = ctx.oidc.entities.RefreshToken as unknown as Token<RefreshToken>
    const params = ctx.oidc.params as { scope?: string }
    const kept = [...old.scopes]
    const requested = params.scope ? [...ctx.oidc.requestParamScopes] : kept
    const previousGrant = old.gty?.split(' ').at(-1)
    const decision = await decide(ctx, {
      accountId: old.accountId,
      scopes: requested,
      ...(previousGrant === undefined ? {} : { previousGrant }),
      ...(old.customisation ? { stored: old.customisation } : {}),
      ...(old.accessingOrganization ? { accessingOrganization: old.accessingOrganization } : {}),
      willIssueRefreshToken: true,
      authentication: authenticationOf(old),
    })
    // The stock handler reads both again: for the new refresh token, and to see whether an ID token is wanted.
    const issued = decision.accessToken.scopes
    old.scope = remainingScopes(kept, requested, issued).join(' ')
    if (params.scope) params.scope = issued.join(' ')

    if (applicationOf(ctx.oidc.client).renewsRefreshToken) return true
    // Without rotation the same row goes on, and it must remember what a new one would.
    old.customisation = decision.customisation
    if (old.gty && !old.gty.endsWith('refresh_token')) old.gty = `${old.gty} refresh_token`
    if (decision.customisation.accessToken) old.exp = (old.iat ?? 0) + refreshLifetime(decision)
    await extendGrant(ctx, old.exp ?? 0)
    await old.save()
    return false
  }

  /** A grant must outlive its refresh token, which each rotation and each action may push further. */
  async function extendGrant(ctx: KoaContextWithOIDC, refreshExpiresAtSeconds: number): Promise<void> {
    const grant = ctx.oidc.entities.Grant
    if (!grant?.exp || grant.exp >= refreshExpiresAtSeconds) return
    // Twice as far as needed, so that a chain of refreshes seldom writes it.
    grant.exp = 2 * refreshExpiresAtSeconds - ports.nowSeconds()
    await grant.save()
  }

  /** Codes are consumed only after the actions agreed. */
  function askBeforeConsuming(Model: Provider['AuthorizationCode'] | Provider['DeviceCode']): void {
    const prototype: Token<AuthorizationCode> = Model.prototype as never
    wrap(
      prototype,
      'consume',
      consume =>
        async function (this: Token<AuthorizationCode>) {
          const ctx = current()
          // A device code that was declined is consumed to say so: there is nothing to issue.
          if (this.error === undefined) {
            const { accountId, sessionDataKeyConsent } = this
            const decision = await decide(ctx, {
              ...(accountId === undefined ? {} : { accountId }),
              scopes: [...this.scopes],
              willIssueRefreshToken: applicationOf(ctx.oidc.client).grantTypes.includes('refresh_token'),
              ...(sessionDataKeyConsent === undefined ? {} : { sessionDataKeyConsent }),
              authentication: authenticationOf(this),
            })
            // What follows reads the scopes from here: the refresh token, and whether an ID token is wanted.
            this.scope = decision.accessToken.scopes.join(' ')
          }
          await consume.call(this)
        },
    )
  }

  /** Access tokens are written as decided, and may be JWTs wherever a stored token may be presented. */
  function takeOverAccessTokens(Model: TokenClass, isOfUser: boolean): void {
    wrap(
      Model.prototype,
      'save',
      save =>
        async function (this: Token<AccessToken>) {
          const ctx = current()
          if (!this.jti) {
            const source: DecisionSource =
              ctx.oidc.route === 'token' ? { scopes: [...this.scopes], tokens: ['access'] } : sourceAtAuthorize(ctx)
            const decision = await decide(ctx, source)
            this.scope = decision.accessToken.scopes.join(' ')
            this.aud = decision.accessToken.audiences
            this.expiresIn = decision.accessToken.lifetimeSeconds
            this[DECISION] = decision
          }
          const value = await save.call(this)
          stateOf(ctx).accessToken = value
          return value
        },
    )
    wrap(
      Model.prototype,
      'generateTokenId',
      generate =>
        function (this: Token<AccessToken>) {
          const id = generate.call(this)
          // A JWT has no row that says which grant it belongs to, and a revoked grant must end it.
          return this.format === 'jwt' && this.grantId ? `${id}.${this.grantId}` : id
        },
    )
    wrap(
      Model,
      'find',
      find =>
        async function (this: TokenClass, value: unknown, options?: object) {
          const token = isStructured(value)
            ? await findStructured(Model, isOfUser, value.replace(HIDDEN, ''))
            : await find.call(this, value, options)
          // Userinfo takes only tokens without an audience. Ours have one: at least the client itself.
          if (token && Provider.ctx?.oidc.route === 'userinfo') delete token.aud
          return token
        },
    )
    wrap(
      Model.prototype,
      'destroy',
      destroy =>
        async function (this: Token<AccessToken>) {
          if (!this[STRUCTURED]) return destroy.call(this)
          const leftSeconds = (this.exp ?? 0) - ports.nowSeconds()
          if (leftSeconds > 0)
            await revocations.upsert(this.jti, { jti: this.jti, kind: 'RevokedAccessToken' }, leftSeconds)
        },
    )
  }

  async function findStructured(
    Model: TokenClass,
    isOfUser: boolean,
    jwt: string,
  ): Promise<Token<AccessToken> | undefined> {
    const claims = await ports.verify(jwt)
    if (!claims?.jti || (claims['aut'] === 'APPLICATION_USER') !== isOfUser) return undefined
    if (await revocations.find(claims.jti)) return undefined
    const { jti, iat, exp, sub, aud, scope, client_id: clientId } = claims
    const extra = Object.fromEntries(Object.entries(claims).filter(([name]) => !STANDARD_MEMBERS.has(name)))
    const ofUser = { accountId: sub, grantId: jti.split('.')[1] ?? 'unknown', extra }
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

  /** A refresh token carries the customisation and replaces its predecessor in one step. */
  function takeOverRefreshTokens(prototype: Token<RefreshToken>): void {
    wrap(
      prototype,
      'consume',
      consume =>
        async function (this: Token<RefreshToken>) {
          const ctx = current()
          if (ctx.oidc.route === 'token') stateOf(ctx).replaces = this.jti
          else await consume.call(this)
        },
    )
    wrap(
      prototype,
      'save',
      save =>
        async function (this: Token<RefreshToken>) {
          const ctx = current()
          const { decided, replaces } = stateOf(ctx)
          if (this.jti || !decided) return save.call(this)
          this.customisation = decided.customisation
          if (decided.organization.id !== ports.issuer.organization.id)
            this.accessingOrganization = decided.organization
          this.expiresIn = refreshLifetime(decided)
          await extendGrant(ctx, ports.nowSeconds() + this.expiresIn)
          if (replaces !== undefined) {
            const adapter = this.adapter as ArtifactAdapter
            const upsert = (id: string, payload: AdapterPayload, expiresInSeconds: number) =>
              adapter.replace(replaces, id, payload, expiresInSeconds)
            Object.defineProperty(this, 'adapter', { value: { ...adapter, upsert } })
          }
          return save.call(this)
        },
    )
  }

  /** In the hybrid flow a refusal of the ID token must not leave a code behind; and a code remembers its consent page. */
  function takeOverNewCodes(prototype: Token<AuthorizationCode>): void {
    wrap(
      prototype,
      'save',
      save =>
        async function (this: Token<AuthorizationCode>) {
          const ctx = current()
          if (!this.jti) {
            const { Interaction } = ctx.oidc.entities
            if (Interaction?.prompt.name === 'consent') this.sessionDataKeyConsent = Interaction.jti
            if (asksForIdToken(ctx)) await decide(ctx, sourceAtAuthorize(ctx))
          }
          return save.call(this)
        },
    )
  }

  function takeOverIdTokens(prototype: IdToken & Internals): void {
    wrap(
      prototype,
      'issue',
      issue =>
        async function (this: IdToken & Internals, options: Parameters<IdToken['issue']>[0]) {
          if (options.use !== 'idtoken') return issue.call(this, options)
          const { ctx } = this
          if (ctx.oidc.route !== 'token') await decide(ctx, sourceAtAuthorize(ctx))
          const { decided, accessToken } = stateOf(ctx)
          const draft = decided?.idToken
          // The response leaves out what is undefined.
          if (!draft) return undefined as unknown as string
          const { at_hash = accessToken, c_hash, s_hash } = this.extra
          const payload = { ...asObject([...draft.fixed, ...draft.claims]), at_hash, c_hash, s_hash }
          // The signer assigns the client id. An accessor that ignores assignments keeps the decided audiences.
          Object.defineProperty(payload, 'aud', {
            enumerable: true,
            get: () => wireAudience(draft.audiences),
            set() {},
          })
          this.payload = async () => payload
          this[LIFETIME] = draft.lifetimeSeconds
          return issue.call(this, options)
        },
    )
  }

  function install(provider: Provider): void {
    widen(provider.RefreshToken, 'customisation', 'accessingOrganization')
    widen(provider.AuthorizationCode, 'sessionDataKeyConsent')
    takeOverNewCodes(provider.AuthorizationCode.prototype as never)
    askBeforeConsuming(provider.AuthorizationCode)
    askBeforeConsuming(provider.DeviceCode)
    takeOverAccessTokens(provider.AccessToken as never, true)
    takeOverAccessTokens(provider.ClientCredentials as never, false)
    takeOverRefreshTokens(provider.RefreshToken.prototype as never)
    takeOverIdTokens(provider.IdToken.prototype as never)

    // An action may add scopes that the grant does not have. The token says what may be read with it.
    wrap(
      provider.Grant.prototype,
      'getOIDCScopeFiltered',
      filtered =>
        function (this: Grant, filter) {
          return Provider.ctx?.oidc.route === 'userinfo' ? [...filter].join(' ') : filtered.call(this, filter)
        },
    )

    // Callbacks are checked where applications are registered, by rules that allow http and the schemes of native programs.
    const { Client: ClientClass, OIDCContext } = provider as unknown as ProviderInternals
    ClientClass.Schema.prototype.redirectUris = () => undefined

    wrap(
      ClientClass.prototype,
      'grantTypeAllowed',
      isAllowed =>
        function (this: ClientInternals, type: string) {
          if (isAllowed.call(this, type)) return true
          // Asked about other grants it is a question, such as whether to issue a refresh token.
          if (type !== requestedGrant()) return false
          throw new errors.UnauthorizedClient('requested grant type is not allowed for this client')
        },
    )
    wrap(
      ClientClass.prototype,
      'responseTypeAllowed',
      isAllowed =>
        function (this: ClientInternals, type: string) {
          if (isAllowed.call(this, type)) return true
          throw new errors.UnauthorizedClient('requested response_type is not allowed for this client')
        },
    )

    // Between the client's authentication and the refusal of JWTs there is no other place.
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

    provider.on('grant.success', ctx => shapeResponse(ctx.body as Record<string, unknown>, stateOf(ctx).decided))
    for (const failure of FAILURES) (provider as EventEmitter).on(failure, challenge)
    provider.on('grant.error', nameCall)
    provider.on('server_error', nameCall)
  }

  return {
    decide,
    install,
    configuration: {
      rotateRefreshToken: beforeRefresh,
      extraTokenClaims(_ctx, token) {
        const { accessToken } = (token as unknown as Internals)[DECISION] ?? {}
        return accessToken && { aut: accessToken.subjectKind, ...asObject(accessToken.claims) }
      },
      formats: {
        customizers: {
          jwt(_ctx, token, jwt) {
            const decision = (token as unknown as Internals)[DECISION]
            if (decision) jwt.payload = accessTokenPayload(decision, jwt.payload, ports.issuer)
          },
        },
      },
      ttl: { IdToken: (_ctx, token) => (token as unknown as Internals)[LIFETIME] ?? 3600 },
    },
  }
}

interface OIDCContextInternals {
  entity(key: string, value: unknown): void
  params?: { token?: unknown }
  route: string
}

interface ClientInternals {
  grantTypeAllowed(type: string): boolean
  responseTypeAllowed(type: string): boolean
}

interface ProviderInternals {
  Client: { prototype: ClientInternals; Schema: { prototype: { redirectUris(): void } } }
  OIDCContext: { prototype: OIDCContextInternals }
}

/** The request that is being answered; oidc-provider carries it through every asynchronous step. */
function current(): KoaContextWithOIDC {
  const { ctx } = Provider
  if (!ctx) throw new Error('a token was issued outside a request')
  return ctx
}

function wrap<Target, Name extends keyof Target>(
  target: Target,
  name: Name,
  make: (original: Target[Name]) => Target[Name],
): void {
  target[name] = make(target[name])
}

/** Lets the rows of a model have more members. oidc-provider reads the list when the first one is made. */
function widen(Model: { IN_PAYLOAD: string[] }, ...more: string[]): void {
  const members = [...Model.IN_PAYLOAD, ...more]
  Object.defineProperty(Model, 'IN_PAYLOAD', { get: () => members })
}

async function planOf(ctx: KoaContextWithOIDC, source: DecisionSource, ports: SeamPorts): Promise<TokenPlan> {
  const {
    accountId,
    authentication = {},
    scopes,
    willIssueRefreshToken = false,
    tokens = ['access', 'id'],
    ...others
  } = source
  const account = accountId === undefined ? undefined : await ports.findUser(accountId)
  if (accountId !== undefined && !account) throw new errors.InvalidGrant('the user is gone or was disabled')
  const isAtToken = ctx.oidc.route === 'token'
  const sent = (ctx.method === 'POST' ? ctx.oidc.body : ctx.query) ?? {}
  const params = ctx.oidc.params ?? {}
  const scope = isAtToken ? sent['scope'] : params['scope']
  return {
    ...others,
    authentication,
    issuer: ports.issuer,
    application: applicationOf(ctx.oidc.client),
    client: ports.clientRequestOf(ctx.req),
    parameters: namedValues(sent),
    ...(isAtToken ? { grantType: String(params['grant_type']) } : { responseType: String(params['response_type']) }),
    ...(typeof scope === 'string' && scope !== '' ? { requestedScopes: scope.split(' ') } : {}),
    ...(account ? { user: account.user } : {}),
    ...(account?.organization ? { userOrganization: account.organization } : {}),
    grantedScopes: scopes.filter(name => name !== ''),
    willIssueRefreshToken,
    tokens,
  }
}

function asksForIdToken(ctx: KoaContextWithOIDC): boolean {
  return String(ctx.oidc.params?.['response_type']).split(' ').includes('id_token')
}

function sourceAtAuthorize(ctx: KoaContextWithOIDC): DecisionSource {
  const { session, grant, params = {}, acr, amr } = ctx.oidc
  const authTimeSeconds = session?.authTime()
  const nonce = params['nonce']
  const types = String(params['response_type']).split(' ')
  return {
    ...(session?.accountId === undefined ? {} : { accountId: session.accountId }),
    scopes: grant?.getResourceScopeFiltered(RESOURCE, ctx.oidc.requestParamScopes).split(' ') ?? [],
    authentication: {
      ...(authTimeSeconds === undefined ? {} : { authTimeSeconds }),
      ...(typeof nonce === 'string' ? { nonce } : {}),
      ...(acr ? { acr } : {}),
      ...(amr ? { amr } : {}),
    },
    tokens: [
      ...(types.includes('token') ? (['access'] as const) : []),
      ...(types.includes('id_token') ? (['id'] as const) : []),
    ],
  }
}

function authenticationOf(token: Token<AuthorizationCode | RefreshToken>): NonNullable<TokenPlan['authentication']> {
  const { authTime, nonce, acr, amr, sid } = token
  return {
    ...(authTime === undefined ? {} : { authTimeSeconds: authTime }),
    ...(nonce === undefined ? {} : { nonce }),
    ...(acr === undefined ? {} : { acr }),
    ...(amr === undefined ? {} : { amr }),
    ...(sid === undefined ? {} : { sessionId: sid }),
  }
}

function refreshLifetime({ accessToken }: TokenDecision): number {
  const seconds = accessToken.refreshToken?.lifetimeSeconds ?? 0
  return seconds > 0 ? seconds : DEFAULT_REFRESH_LIFETIME_SECONDS
}

function accessTokenPayload(decision: TokenDecision, stock: object, issuer: Issuer): Record<string, unknown> {
  const { subject, subjectKind, scopes, audiences, claims } = decision.accessToken
  const { client_id, jti, iat, exp } = stock as Record<string, unknown>
  const { id, name, handle } = decision.organization
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
    org_id: id,
    org_name: name,
    org_handle: handle,
    // Last, as in the reference: on its platforms an extension may set `exp` or `jti` this way, on ours none gets so far.
    ...asObject(claims),
  }
}

/** oidc-provider insists on an audience, but an extension may have removed every one: true enough, and gone in JSON. */
const NO_AUDIENCE: string[] = Object.assign([], { toJSON: () => undefined })

/** One audience is written as a text, several as a list, none not at all. */
function wireAudience(audiences: readonly string[]): string | readonly string[] | undefined {
  return audiences.length > 1 ? audiences : audiences[0]
}

function asObject(claims: readonly TokenClaim[]): Record<string, unknown> {
  return Object.fromEntries(claims.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])))
}

function isStructured(value: unknown): value is string {
  return typeof value === 'string' && value.split('.').length >= 3
}

function shapeResponse(body: Record<string, unknown>, decision: TokenDecision | undefined): void {
  if (!decision) return
  const { scopes, added, hidden } = decision.response
  if (scopes.length > 0) body['scope'] = scopes.join(' ')
  for (const { name, value } of added) body[name] = value
  for (const name of hidden) delete body[name]
}

/** The refusal as the client sees it; the redirect of the authorize endpoint never carries the extension's words. */
function asProviderError(ctx: KoaContextWithOIDC, refusal: TokenRefusal): Error {
  const { status, error, description, callId } = refusal
  if (ctx.oidc.route !== 'token') {
    return Object.assign(new errors.OIDCProviderError(500, 'server_error'), {
      error_description: 'Error occurred when processing the authorization request. Returning an error back to client.',
      expose: true,
      callId,
    })
  }
  return Object.assign(new errors.OIDCProviderError(status, error), {
    error_description: description,
    // Without it the text of a 500 would be replaced.
    expose: true,
    callId,
  })
}

/** The grant that a request wants, at the endpoints that give one. */
function requestedGrant(): unknown {
  const { route, params } = Provider.ctx?.oidc ?? {}
  if (route === 'device_authorization') return DEVICE_GRANT
  return route === 'token' ? params?.['grant_type'] : undefined
}

/** RFC 6749, section 5.2: who does not authenticate is told so with 401; and RFC 9110, section 15.5.2: 401 says how to. */
function challenge(ctx: KoaContextWithOIDC, error: Error): void {
  if (error instanceof errors.InvalidRequest && lacksAuthentication(ctx)) {
    ctx.body = { error: 'invalid_client', error_description: 'client authentication failed' }
    ctx.status = 401
  }
  if (ctx.status === 401 && !ctx.response.get('www-authenticate')) {
    ctx.set('www-authenticate', `Basic realm="${ctx.oidc.issuer}"`)
  }
}

/** No client authentication was included, or an unsupported one. Before the form was read nothing is known of it. */
function lacksAuthentication({ headers, oidc: { body, client } }: KoaContextWithOIDC): boolean {
  if (client || !body || body['client_secret']) return false
  return headers.authorization === undefined ? !body['client_id'] : !/^basic /i.test(headers.authorization)
}

/** Puts the id of the call into an error, so that whoever gets it can ask the operator why. */
function nameCall(ctx: KoaContextWithOIDC, error: Error): void {
  const { callId, expose } = error as { callId?: string; expose?: boolean }
  const body = ctx.body as Record<string, unknown> | undefined
  const isJson = typeof body === 'object' && body !== null
  if (callId !== undefined) {
    ctx.set(CALL_ID_HEADER, callId)
    if (isJson) body['call_id'] = callId
  }
  if (isJson && !expose) body['error_description'] = 'Internal Server Error.'
}
