import type { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createLocalJWKSet, type JWTPayload, jwtVerify } from 'jose'
import { LRUCache } from 'lru-cache'
import {
  type Configuration,
  errors,
  type Interaction,
  interactionPolicy,
  type KoaContextWithOIDC,
  Provider,
} from 'oidc-provider'
import type { CheckPassword } from '../../domain/credentials/check-password.ts'
import { AUTHENTICATOR_MISSING, beginSignIn } from '../../domain/sign-in/flow.ts'
import { sequenceOf, stepsPassedBefore } from '../../domain/sign-in/sequence.ts'
import type { Issuer } from '../../domain/tenants/issuer.ts'
import { type DecisionPorts, decideTokens } from '../../domain/tokens/decide-tokens.ts'
import { claimsOf, IDENTITY_SCOPES, SCOPE_CLAIMS } from '../../ground/claims/oidc-claims.ts'
import type { ClientRequest } from '../../ground/http/client-request.ts'
import { namedValues } from '../../ground/http/named-values.ts'
import type { Log } from '../../ground/observe/log.ts'
import type { Database } from '../../ground/store/database.ts'
import type { Application, User } from '../../ground/store/model.ts'
import { findOrganizationById } from '../../ground/store/organizations.ts'
import { findUserById } from '../../ground/store/users.ts'
import { APPLICATION, createArtifactAdapter, createClientAdapter } from './adapter.ts'
import { type GrantPorts, grants } from './grants/grants.ts'
import { createInteractions, type Interactions } from './interactions.ts'
import { openSigningKeys } from './keys.ts'
import { devicePages, logoutPages, showError } from './provider-pages.ts'
import { allowedScopes, grantScopes } from './scopes.ts'
import { applicationOf, createSeam, RESOURCE } from './seam.ts'

/** What the OAuth side of the server is made of. */
export interface OAuthPorts extends DecisionPorts {
  db: Database
  /** Epoch milliseconds. */
  now(): number
  randomBytes(count: number): Uint8Array
  log: Log
  tokenAlgorithm: 'ES256' | 'RS256'
  sessionLifetimeSeconds: number
  /** A secret for one purpose, the same on every process and after every restart. */
  deriveSecret(purpose: string): string
  clientRequestOf(request: IncomingMessage): ClientRequest
  checkPassword: CheckPassword
}

/** The authorization server of one issuer. */
export interface IssuerServer {
  issuer: Issuer
  interactions: Interactions
  /** Answers a request whose `url` starts after the issuer's path. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>
  /** The claims of a valid, unrevoked access token of this issuer, opaque ones included. */
  readAccessToken(token: string): Promise<AccessTokenClaims | undefined>
}

/** Who presents an access token, and what for. */
export interface AccessTokenClaims {
  clientId: string
  /** Absent when the application acts for itself. */
  userId?: string
  scopes: string[]
}

const AUTHORIZATION_CODE_LIFETIME_SECONDS = 60
const DEVICE_CODE_LIFETIME_SECONDS = 600
const SIGN_IN_LIFETIME_SECONDS = 3600
/** Extended when a refresh token is to live longer. */
const GRANT_LIFETIME_SECONDS = 14 * 24 * 3600
const CLOCK_TOLERANCE_SECONDS = 15
const MAX_ISSUERS = 500
/** After this, keys that another process made are seen. */
const ISSUER_LIFETIME_MS = 600_000

const BUILT_IN_GRANTS = [
  'authorization_code',
  'client_credentials',
  'implicit',
  'refresh_token',
  'urn:ietf:params:oauth:grant-type:device_code',
]

const DISCOVERY = '/.well-known/openid-configuration'
/** Where WSO2's products publish the discovery document: below the issuer, as OpenID Connect Discovery 1.0 asks, and here. */
const DISCOVERY_ALIASES = new Set([`/oauth2/token${DISCOVERY}`, `/oauth2/oidcdiscovery${DISCOVERY}`])

/**
 * Makes the authorization servers of all issuers, each when it is first asked for. At most 500 are kept; building one costs
 * less than a millisecond once its keys are there.
 *
 * @returns A function from issuer to its server.
 */
export function createIssuerServers(ports: OAuthPorts): (issuer: Issuer) => Promise<IssuerServer> {
  const servers = new LRUCache<string, Promise<IssuerServer>>({ max: MAX_ISSUERS, ttl: ISSUER_LIFETIME_MS })
  return issuer => {
    const known = servers.get(issuer.url)
    if (known) return known
    const made = createIssuerServer(issuer, ports)
    servers.set(issuer.url, made)
    // A database that was away for a moment must not be remembered as a broken issuer.
    made.catch(() => servers.delete(issuer.url))
    return made
  }
}

async function createIssuerServer(issuer: Issuer, ports: OAuthPorts): Promise<IssuerServer> {
  const { db, log } = ports
  const keys = await openSigningKeys(db, issuer.tenant.id, ports.tokenAlgorithm)
  const keySet = createLocalJWKSet({
    keys: keys.map(({ d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...key }) => key),
  })
  const grantTypes = [...BUILT_IN_GRANTS, ...grants.map(({ grantType }) => grantType)]

  /** The claims of a token this issuer signed. Access tokens have the type `at+jwt` (RFC 9068), ID tokens have none. */
  async function verify(jwt: string, typ?: 'at+jwt'): Promise<JWTPayload | undefined> {
    try {
      const { payload, protectedHeader } = await jwtVerify(jwt, keySet, { issuer: issuer.url })
      return protectedHeader.typ === typ ? payload : undefined
    } catch {
      return undefined
    }
  }

  const findUser = async (id: string) => {
    const user = await findUserById(db, issuer.tenant.id, id)
    if (!user?.isActive) return undefined
    const organization =
      user.organizationId === issuer.organization.id
        ? issuer.organization
        : await findOrganizationById(db, issuer.tenant.id, user.organizationId)
    return { user, ...(organization ? { organization } : {}) }
  }

  /** Custom authenticators see what the browser sent here, whichever of its requests they are asked in. */
  function rememberRequest(ctx: KoaContextWithOIDC, interaction: Interaction): Promise<void> {
    const { headers } = ports.clientRequestOf(ctx.req)
    const sent = (ctx.method === 'POST' ? ctx.oidc.body : ctx.query) ?? {}
    const application = applicationOf(ctx.oidc.client)
    return beginSignIn({ interaction, issuer, application }, { headers, parameters: namedValues(sent) }, ports)
  }

  const nowSeconds = () => Math.floor(ports.now() / 1000)
  const seam = createSeam({
    issuer,
    decide: plan => decideTokens(plan, ports),
    findUser,
    clientRequestOf: ports.clientRequestOf,
    adapterOf: model => createArtifactAdapter(db, issuer, model),
    verify: jwt => verify(jwt, 'at+jwt'),
    nowSeconds,
  })

  const grantPorts: GrantPorts = {
    db,
    issuer,
    checkPassword: ports.checkPassword,
    seam,
    nowSeconds,
    findUser,
    scopesOf: application => allowedScopes(db, application, true),
    readAccessToken,
    verifyIdToken: verify,
  }
  const provider = new Provider(issuer.url, {
    adapter: name =>
      name === 'Client' ? createClientAdapter(db, issuer, grantTypes) : createArtifactAdapter(db, issuer, name),
    jwks: { keys: keys as NonNullable<Configuration['jwks']>['keys'] },
    enabledJWA: { idTokenSigningAlgValues: [...new Set(keys.map(({ alg }) => alg))] as ('ES256' | 'RS256')[] },
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'],
    clientDefaults: { id_token_signed_response_alg: ports.tokenAlgorithm },
    extraClientMetadata: { properties: [APPLICATION] },
    routes: {
      authorization: '/oauth2/authorize',
      token: '/oauth2/token',
      introspection: '/oauth2/introspect',
      revocation: '/oauth2/revoke',
      jwks: '/oauth2/jwks',
      userinfo: '/oauth2/userinfo',
      pushed_authorization_request: '/oauth2/par',
      device_authorization: '/oauth2/device_authorize',
      code_verification: '/device',
      end_session: '/oidc/logout',
    },
    // `token` alone is refused by oidc-provider: nothing binds such a token to the request it answers.
    responseTypes: ['code', 'id_token', 'id_token token', 'code id_token', 'code id_token token', 'code token'],
    scopes: [...IDENTITY_SCOPES],
    claims: Object.fromEntries(Object.entries(SCOPE_CLAIMS).map(([scope, names]) => [scope, [...names]])),
    conformIdTokenClaims: false,
    findAccount: async (_ctx, id) => {
      const found = await findUser(id)
      return found && accountOf(found.user)
    },
    cookies: {
      names: {
        session: `preflow-session${cookieSuffix(issuer)}`,
        interaction: `preflow-sign-in${cookieSuffix(issuer)}`,
        resume: `preflow-resume${cookieSuffix(issuer)}`,
      },
      keys: [ports.deriveSecret(`cookies/${issuer.tenant.id}`)],
      long: { httpOnly: true, sameSite: 'lax', signed: true, path: `${issuer.path}/` },
      short: { httpOnly: true, sameSite: 'lax', signed: true },
    },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) =>
          client.clientAuthMethod !== 'none' || token.clientId === client.clientId,
      },
      revocation: {
        enabled: true,
        allowedPolicy(_ctx, client, token) {
          if (token.clientId === client.clientId) return true
          throw new errors.InvalidRequest('the token was issued to another client')
        },
      },
      deviceFlow: { enabled: true, ...devicePages },
      rpInitiatedLogout: { enabled: true, ...logoutPages },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
        async getResourceServerInfo(ctx, identifier, client) {
          if (identifier !== RESOURCE) throw new errors.InvalidTarget()
          const application = applicationOf(client)
          const isForUser = ctx.oidc.params?.['grant_type'] !== 'client_credentials'
          return {
            scope: (await allowedScopes(db, application, isForUser)).join(' '),
            audience: application.clientId,
            accessTokenFormat: application.accessTokenType === 'JWT' ? 'jwt' : 'opaque',
          }
        },
      },
    },
    pkce: { required: (_ctx, client) => client.clientAuthMethod === 'none' || applicationOf(client).mustUsePkce },
    clientBasedCORS: (_ctx, origin, client) => mayCallFrom(applicationOf(client), origin),
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    expiresWithSession: () => false,
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    loadExistingGrant: loadGrant,
    interactions: {
      policy: signInPolicy(),
      async url(ctx, interaction) {
        await rememberRequest(ctx, interaction)
        return `${issuer.path}/sign-in/${interaction.uid}`
      },
    },
    renderError: showError,
    ...seam.configuration,
    ttl: {
      // The decision writes the lifetimes of tokens over these.
      AccessToken: 3600,
      ClientCredentials: 3600,
      RefreshToken: 86_400,
      AuthorizationCode: AUTHORIZATION_CODE_LIFETIME_SECONDS,
      DeviceCode: DEVICE_CODE_LIFETIME_SECONDS,
      Interaction: SIGN_IN_LIFETIME_SECONDS,
      Grant: GRANT_LIFETIME_SECONDS,
      Session: ports.sessionLifetimeSeconds,
      ...seam.configuration.ttl,
    },
  })
  // Host and protocol come from the configured public URL: the HTTP server pins both headers.
  provider.proxy = true
  provider.use(async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      // oidc-provider shows the device's form again after a mistake, and breaks when it has no session to keep its secret in.
      const device = ctx as unknown as KoaContextWithOIDC
      const session = device.oidc?.session as { new?: boolean } | undefined
      if (ctx.path !== '/device' || !session?.new) throw error
      ctx.status = 400
      return showError(device, {
        error: 'session_not_found',
        error_description: 'This form is too old, or your browser keeps no cookies. Open the page anew.',
      })
    }
    if (ctx.status !== 404 || ctx.body) return
    const description = `Nothing answers ${ctx.method} at this path. Look at the method and the path.`
    ctx.body = { error: 'not_found', error_description: description }
    // A body alone would say 200.
    ctx.status = 404
  })
  seam.install(provider)
  for (const { grantType, parameters, handle } of grants) {
    provider.registerGrantType(grantType, ctx => handle(ctx, grantPorts), [...parameters, 'scope'])
  }
  provider.on('server_error', (ctx, error) => {
    // What an extension caused is in the log already, under the id of its call, and is no fault of the server.
    if ('callId' in error && error.callId !== undefined) return
    log.error({ tenant: issuer.tenant.domain, route: ctx.oidc?.route, err: error }, 'a request could not be answered')
  })
  // Koa would print what reaches it: a client that went away, or what nothing above could answer.
  ;(provider as EventEmitter).on('error', (error: Error & { headerSent?: boolean }) =>
    error.headerSent
      ? log.debug({ err: error }, 'a response could not be sent')
      : log.error({ tenant: issuer.tenant.domain, err: error }, 'a request could not be answered'),
  )

  async function readAccessToken(value: string): Promise<AccessTokenClaims | undefined> {
    const ofUser = await provider.AccessToken.find(value)
    const token = ofUser ?? (await provider.ClientCredentials.find(value))
    if (!token?.isValid || token.clientId === undefined) return undefined
    // Who revokes a refresh token ends the grant, and with it every access token of it.
    if (ofUser && !(await provider.Grant.find(ofUser.grantId))) return undefined
    return {
      clientId: token.clientId,
      ...(ofUser ? { userId: ofUser.accountId } : {}),
      scopes: [...token.scopes],
    }
  }

  const answer = provider.callback()
  return {
    issuer,
    interactions: createInteractions(provider),
    async handle(request, response) {
      const url = request.url ?? '/'
      const [path = '', query] = url.split('?', 2)
      request.url = DISCOVERY_ALIASES.has(path) ? (query === undefined ? DISCOVERY : `${DISCOVERY}?${query}`) : url
      Object.assign(request, { originalUrl: issuer.path + request.url })
      await answer(request, response)
    },
    readAccessToken,
  }
}

/** A session that went through less than the application asks for is completed, or begun anew; so is one whose user is gone. */
function signInPolicy() {
  const policy = interactionPolicy.base()
  // oidc-provider takes for granted that the user of a session is there.
  policy
    .get('login')
    ?.checks.add(
      new interactionPolicy.Check(
        'account_gone',
        'The user of the session is gone or was disabled',
        'login_required',
        ({ oidc: { account, session } }) => session?.accountId !== undefined && !account,
      ),
    )
  policy.get('login')?.checks.add(
    new interactionPolicy.Check(
      AUTHENTICATOR_MISSING,
      'The application asks for a sign-in with more steps',
      'login_required',
      ({ oidc: { client, session } }) => {
        if (session?.accountId === undefined) return false
        const sequence = sequenceOf(applicationOf(client))
        return stepsPassedBefore(sequence, session.amr).length < sequence.steps.length
      },
    ),
  )
  return policy
}

function accountOf(user: User) {
  return {
    accountId: user.id,
    user,
    claims: async (_use: string, scope: string) => ({
      sub: user.id,
      ...Object.fromEntries(claimsOf(user, scope.split(' '))),
    }),
  }
}

/** What the user agreed to in this session; everything that was asked for when the application needs no consent. */
async function loadGrant(ctx: KoaContextWithOIDC) {
  const { client, session, result, provider, account, requestParamScopes, resourceServers = {} } = ctx.oidc
  if (!client || !session || !account) return undefined
  const grantId = result?.consent?.grantId ?? session.grantIdFor(client.clientId)
  const found = grantId ? await provider.Grant.find(grantId) : undefined
  const grant = found?.accountId === account.accountId ? found : undefined
  if (!applicationOf(client).skipsConsent) return grant

  const allowed = [...requestParamScopes].filter(scope => resourceServers[RESOURCE]?.scopes.has(scope))
  const given = new Set(grant?.getResourceScope(RESOURCE).split(' '))
  if (grant && allowed.every(scope => given.has(scope))) return grant
  const willing = grant ?? new provider.Grant({ clientId: client.clientId, accountId: account.accountId })
  grantScopes(willing, allowed)
  await willing.save()
  return willing
}

function mayCallFrom(application: Application, origin: string): boolean {
  return (
    application.allowedOrigins.includes(origin) ||
    application.callbackUrls.some(callback => URL.parse(callback)?.origin === origin)
  )
}

/** Cookies of different issuers on one host must not meet: those of `/` are sent to `/t/acme` as well. */
function cookieSuffix({ tenant, organization }: Issuer): string {
  const id = organization.id === tenant.rootOrganizationId ? tenant.id : organization.id
  return `-${id.replaceAll(/[^A-Za-z0-9-]/g, '')}`
}
