/** The oidc-provider configuration of an issuer: tables of endpoints and features, and the callbacks. */
import type { JWK } from 'jose'
import { type Client, type Configuration, errors, type KoaContextWithOIDC } from 'oidc-provider'
import { beginSignIn } from '../../domain/sign-in/flow.ts'
import type { Issuer } from '../../domain/tenants/issuer.ts'
import { IDENTITY_SCOPES, SCOPE_CLAIMS } from '../../ground/claims/oidc-claims.ts'
import { namedValues } from '../../ground/http/named-values.ts'
import type { IdTokenAlgorithm } from '../../ground/store/model.ts'
import { accountOf } from './accounts.ts'
import { APPLICATION, applicationOf, createArtifactAdapter, createClientAdapter } from './adapter.ts'
import { grants } from './grants/grants.ts'
import { loadGrant } from './load-grant.ts'
import type { OAuthPorts } from './oauth-ports.ts'
import { DEVICE_PAGE, devicePages, showError, showSignedOut } from './provider-pages.ts'
import { RESOURCE, resourceServerOf } from './resource.ts'
import { offeredScopes, type ScopePorts } from './scopes.ts'
import type { Seam } from './seam/seam.ts'
import { generationOf } from './seam/sessions.ts'
import { signInPolicy } from './sign-in-policy.ts'

const BUILT_IN_GRANTS = [
  'authorization_code',
  'client_credentials',
  'implicit',
  'refresh_token',
  'urn:ietf:params:oauth:grant-type:device_code',
]

/** The authorization endpoint, below the issuer's path. */
export const AUTHORIZE = '/oauth2/authorize'

/** The sign-out endpoint of browsers. */
export const END_SESSION = '/oidc/logout'

/** The address of the published keys. */
export const JWKS = '/oauth2/jwks'

const ROUTES: Configuration['routes'] = {
  authorization: AUTHORIZE,
  token: '/oauth2/token',
  introspection: '/oauth2/introspect',
  revocation: '/oauth2/revoke',
  jwks: JWKS,
  userinfo: '/oauth2/userinfo',
  pushed_authorization_request: '/oauth2/par',
  device_authorization: '/oauth2/device_authorize',
  code_verification: DEVICE_PAGE,
  end_session: END_SESSION,
}

/** oidc-provider refuses `token` alone, because nothing binds such a token to its request. */
const RESPONSE_TYPES: Configuration['responseTypes'] = [
  'code',
  'id_token',
  'id_token token',
  'code id_token',
  'code id_token token',
  'code token',
]

const CLIENT_AUTHENTICATION = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'] as const

/** The algorithms of client assertions, as in the reference. */
const ASSERTION_ALGORITHMS = ['PS256', 'ES256', 'ES384', 'RS384', 'RS256'] as const

/** In seconds. The token decision overwrites the lifetimes of tokens. */
const LIFETIMES: Configuration['ttl'] = {
  AccessToken: 3600,
  ClientCredentials: 3600,
  RefreshToken: 86_400,
  AuthorizationCode: 60,
  DeviceCode: 600,
  Interaction: 3600,
  // Extended for a refresh token with a longer lifetime.
  Grant: 14 * 24 * 3600,
}

const CLOCK_TOLERANCE_SECONDS = 15

/** The parts of one issuer's configuration. */
export interface IssuerParts extends ScopePorts {
  keys: readonly JWK[]
  seam: Seam
}

/** Creates the configuration of one issuer's provider. */
export function configurationOf(parts: IssuerParts, ports: OAuthPorts): Configuration {
  const { db, findUser, issuer, keys, seam } = parts
  const grantTypes = [...BUILT_IN_GRANTS, ...grants.map(({ grantType }) => grantType)]
  return {
    adapter: name =>
      name === 'Client'
        ? createClientAdapter(db, issuer, grantTypes)
        : createArtifactAdapter(db, issuer, name, ports.refreshGraceSeconds),
    jwks: { keys: keys as NonNullable<Configuration['jwks']>['keys'] },
    enabledJWA: {
      idTokenSigningAlgValues: [...new Set(keys.map(({ alg }) => alg))] as IdTokenAlgorithm[],
      clientAuthSigningAlgValues: [...ASSERTION_ALGORITHMS],
    },
    fetch: (url, options = {}) => ports.fetch(String(url), options),
    clientAuthMethods: [...CLIENT_AUTHENTICATION],
    discovery: {
      introspection_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
      revocation_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
      request_parameter_supported: false,
      introspection_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION,
      revocation_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION,
    },
    clientDefaults: { id_token_signed_response_alg: ports.tokenAlgorithm },
    extraClientMetadata: { properties: [APPLICATION] },
    routes: ROUTES,
    responseTypes: RESPONSE_TYPES,
    scopes: [...IDENTITY_SCOPES],
    claims: Object.fromEntries(Object.entries(SCOPE_CLAIMS).map(([scope, names]) => [scope, [...names]])),
    conformIdTokenClaims: false,
    findAccount: async (ctx, id) => {
      const found = await findUser(id)
      return found && accountOf(found.user, applicationOf(ctx.oidc.client), issuer.organization)
    },
    cookies: cookiesOf(issuer, ports),
    features: featuresOf(parts),
    pkce: { required: (_ctx, client) => client.clientAuthMethod === 'none' || applicationOf(client).mustUsePkce },
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    expiresWithSession: () => false,
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    loadExistingGrant: loadGrant,
    interactions: {
      policy: signInPolicy(),
      async url(ctx, interaction) {
        const { address } = ports.clientRequestOf(ctx.req)
        await ports.limits.count({ bucket: 'sign-in', of: [], address })
        // Custom authenticators get the headers and parameters of this request, even if they are called in a later one.
        const application = applicationOf(ctx.oidc.client)
        const start = { interaction, issuer, application, generation: generationOf(ctx.oidc.session) }
        await beginSignIn(start, requestBehind(ctx, ports), ports)
        return `${issuer.path}/sign-in/${interaction.uid}`
      },
    },
    renderError: showError,
    ...seam.configuration,
    ttl: { ...LIFETIMES, Session: (_ctx, session) => sessionLifetime(session, ports), ...seam.configuration.ttl },
  }
}

/** Seconds that a session lasts unless it is used: never longer after its sign-in than the setting allows. */
function sessionLifetime(
  { loginTs }: { loginTs?: number | undefined },
  { now, sessionIdleSeconds, sessionLifetimeSeconds }: OAuthPorts,
): number {
  const nowSeconds = Math.floor(now() / 1000)
  return Math.max(1, Math.min(sessionIdleSeconds, (loginTs ?? nowSeconds) + sessionLifetimeSeconds - nowSeconds))
}

function requestBehind(ctx: KoaContextWithOIDC, { clientRequestOf }: OAuthPorts) {
  // The address of a posted or pushed request has only its name.
  const isPushed = ctx.oidc.entities.PushedAuthorizationRequest !== undefined
  const sent = (isPushed ? ctx.oidc.params : ctx.query) ?? {}
  return { headers: clientRequestOf(ctx.req).headers, parameters: namedValues(sent) }
}

function featuresOf(parts: IssuerParts): Configuration['features'] {
  return {
    devInteractions: { enabled: false },
    dPoP: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: {
      enabled: true,
      allowedPolicy: (_ctx, client, token) => mayIntrospect(client, token),
    },
    revocation: {
      enabled: true,
      allowedPolicy(_ctx, client, token) {
        if (token.clientId === client.clientId) return true
        throw new errors.InvalidRequest('the token was issued to another client')
      },
    },
    // Metadata and tokens: back-channel.ts sends them.
    backchannelLogout: { enabled: true },
    deviceFlow: { enabled: true, ...devicePages },
    // Only for the metadata. logout.ts answers the endpoint.
    rpInitiatedLogout: { enabled: true, postLogoutSuccessSource: showSignedOut },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => RESOURCE,
      useGrantedResource: () => true,
      async getResourceServerInfo(ctx, identifier, client) {
        if (identifier !== RESOURCE) throw new errors.InvalidTarget()
        return resourceServerOf(applicationOf(client), await offeredScopes(ctx, parts))
      },
    },
  }
}

/** Whether a client may introspect a token: its own, or one for which it is a resource server. */
function mayIntrospect(
  { clientAuthMethod, clientId }: Client,
  token: { clientId?: string | undefined; aud?: string | string[] | undefined },
): boolean {
  return token.clientId === clientId || (clientAuthMethod !== 'none' && [token.aud].flat().includes(clientId))
}

function cookiesOf(issuer: Issuer, { db }: OAuthPorts): Configuration['cookies'] {
  const suffix = cookieSuffix(issuer)
  // Browsers accept this name over https only, so nobody on the way can set one by http.
  const prefix = issuer.url.startsWith('https:') ? '__Secure-' : ''
  return {
    names: {
      session: `${prefix}preflow-session${suffix}`,
      interaction: `${prefix}preflow-sign-in${suffix}`,
      resume: `${prefix}preflow-resume${suffix}`,
    },
    // Older keys verify only, so a new one signs nobody out.
    keys: db.seal.deriveSecrets(`cookies/${issuer.tenant.id}`),
    long: { httpOnly: true, sameSite: 'lax', signed: true, path: `${issuer.path}/` },
    short: { httpOnly: true, sameSite: 'lax', signed: true },
  }
}

/** Cookies of the issuers on one host must have different names, because those of `/` are also sent to `/t/acme`. */
function cookieSuffix({ tenant, organization }: Issuer): string {
  const id = organization.id === tenant.rootOrganizationId ? tenant.id : organization.id
  return `-${id.replaceAll(/[^A-Za-z0-9-]/g, '')}`
}
