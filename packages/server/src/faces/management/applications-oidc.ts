/** Converts the OAuth and OpenID Connect settings of an application between the management API and the store. */
import { isDeepStrictEqual } from 'node:util'
import { present } from '@preflow/contract'
import { isOrigin } from '../../ground/http/cors.ts'
import { requestProblems } from '../../ground/http/request-problems.ts'
import type { Application } from '../../ground/store/model.ts'
import { applicationProblems } from './application-problems.ts'
import type { OidcInput, OidcView } from './routes/applications.ts'
import { withKept } from './routes/kept-fields.ts'

/** Grants that require client authentication. */
const CONFIDENTIAL_GRANTS = ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange']
const HYBRID_RESPONSE_TYPES = ['code token', 'code id_token', 'code id_token token']
/** Grants whose responses go to a callback URL. */
const REDIRECTING_GRANTS = ['authorization_code', 'implicit']

/** Reads the settings of a body, with the reference's defaults for absent members. */
export function readOidc(oidc: OidcInput) {
  const isPublicClient = oidc.publicClient ?? false
  const callbackUrls = (oidc.callbackURLs ?? []).flatMap(readCallbackUrl)
  const hybridResponseTypes = readHybridResponseTypes(oidc.hybridFlow)
  const forbidden = isPublicClient && oidc.grantTypes.find(grant => CONFIDENTIAL_GRANTS.includes(grant))
  if (forbidden) {
    throw requestProblems.invalid(
      `grantTypes: a public client cannot use ${forbidden}, because then anyone could. Give it a secret, or remove the grant.`,
    )
  }
  const needsCallback = oidc.grantTypes.some(grant => REDIRECTING_GRANTS.includes(grant))
  if (needsCallback && callbackUrls.length === 0) {
    throw requestProblems.invalid(`callbackURLs: list at least one. ${REDIRECTING_GRANTS.join(' and ')} require it.`)
  }
  return {
    isPublicClient,
    mustUsePkce: oidc.pkce?.mandatory ?? isPublicClient,
    grantTypes: [...new Set(oidc.grantTypes)],
    callbackUrls,
    ...present({ hybridResponseTypes: hybridResponseTypes.length > 0 ? hybridResponseTypes : undefined }),
    allowedOrigins: (oidc.allowedOrigins ?? []).map(readOrigin),
    accessTokenType: (oidc.accessToken?.type ?? 'JWT') as Application['accessTokenType'],
    userTokenLifetimeSeconds: oidc.accessToken?.userAccessTokenExpiryInSeconds ?? 3600,
    applicationTokenLifetimeSeconds: oidc.accessToken?.applicationAccessTokenExpiryInSeconds ?? 3600,
    accessTokenClaims: oidc.accessToken?.accessTokenAttributes ?? [],
    refreshTokenLifetimeSeconds: oidc.refreshToken?.expiryInSeconds ?? 86_400,
    renewsRefreshToken: oidc.refreshToken?.renewRefreshToken ?? true,
    idTokenLifetimeSeconds: oidc.idToken?.expiryInSeconds ?? 3600,
    audiences: oidc.idToken?.audience ?? [],
    ...present({
      idTokenAlgorithm: readAlgorithm(oidc.idToken?.idTokenSignedResponseAlg),
      mayExchangeFor: oidc.tokenExchange?.allowedClients,
      trustedIssuers: oidc.jwtBearer?.trustedIssuers,
    }),
    ...readClientAuthentication(oidc),
    ...present({ backChannelLogoutUrl: readLogoutUrl(oidc.logout?.backChannelLogoutUrl) }),
    endsTokensWithSession: oidc.accessToken?.revokeTokensWhenIDPSessionTerminated ?? false,
    mustPushRequests: oidc.pushAuthorizationRequest?.requirePushAuthorizationRequest ?? false,
  } satisfies Partial<Application>
}

function readClientAuthentication({
  clientAuthentication: { tokenEndpointAuthMethod: method, tokenEndpointAuthSigningAlg: algorithm } = {},
  publicClient = false,
}: OidcInput): Pick<Application, 'clientAuthMethod' | 'clientAuthAlgorithm'> {
  const field = 'clientAuthentication.tokenEndpointAuthMethod'
  if (!method) return {}
  if ((method === 'none') !== publicClient) {
    throw requestProblems.invalid(`${field}: "none" is only for public clients. Leave it out.`)
  }
  return method === 'none'
    ? {}
    : { clientAuthMethod: method, ...present({ clientAuthAlgorithm: algorithm || undefined }) }
}

function readAlgorithm(given: NonNullable<OidcInput['idToken']>['idTokenSignedResponseAlg']) {
  return given === 'SHA256withRSA' ? 'RS256' : given
}

/** RFC 8252: tokens may only go to https pages, programs on the same machine, and schemes that belong to a domain. */
function isCallbackUrl(url: string): boolean {
  const parsed = URL.parse(url)
  if (parsed?.hash !== '' || /[#*]/.test(url) || parsed.username !== '' || parsed.password !== '') return false
  if (parsed.protocol === 'https:') return true
  if (parsed.protocol === 'http:') return isLoopback(parsed.hostname)
  return /^[a-z][a-z0-9+-]*\.[a-z0-9+.-]+:$/.test(parsed.protocol)
}

function readLogoutUrl(given: string | undefined): string | undefined {
  if (!given) return undefined
  if (/^https?:/i.test(given) && isCallbackUrl(given)) return given
  throw requestProblems.invalid(
    'logout.backChannelLogoutUrl: must be an absolute https URL without fragment, user name and wildcard; http only on this machine (127.0.0.1, localhost).',
  )
}

function isLoopback(hostname: string): boolean {
  return /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname)
}

/**
 * The reference accepts several URLs as one regular expression of alternatives. Any other expression is ambiguous, so it is
 * refused. A dot is a literal dot, escaped or not.
 */
function readCallbackUrl(given: string): string[] {
  const expression = /^regexp=(.*)$/s.exec(given)?.[1]
  const urls = expression === undefined ? [given] : alternativesOf(expression)
  for (const url of urls) {
    if (!isCallbackUrl(url)) {
      throw requestProblems.invalid(
        'callbackURLs: each must be an absolute URL without fragment, user name and wildcard: https, http on this machine (127.0.0.1, localhost), or the scheme of a native application with a dot (com.example.app:/callback); or regexp=(url|url).',
      )
    }
  }
  return urls
}

function alternativesOf(expression: string): string[] {
  const [, inner = expression] = /^\((.*)\)$/s.exec(expression) ?? []
  return inner.split('|').map(alternative => {
    const url = alternative.replace(/\\([./?-])/g, '$1')
    if (!/[*+()[\]{}^$\\]/.test(url)) return url
    const shown = JSON.stringify(alternative.slice(0, 200))
    throw requestProblems.invalid(
      `callbackURLs: ${shown} is a regular expression. List every address: regexp=(https://a.example/cb|https://b.example/cb).`,
    )
  })
}

function readOrigin(given: string): string {
  const origin = given.replace(/\/$/, '')
  if (!isOrigin(origin)) {
    throw requestProblems.invalid('allowedOrigins: each must be an origin, for example https://app.example.com.')
  }
  return origin
}

function readHybridResponseTypes(hybrid: OidcInput['hybridFlow']): string[] {
  if (!hybrid?.enable) return []
  const types = (hybrid.responseType ?? '').split(',').map(type => type.trim())
  if (types.every(type => HYBRID_RESPONSE_TYPES.includes(type))) return types
  throw applicationProblems.wrongHybridResponseType()
}

/** The application without the optional settings. */
export function withoutOidc(application: Application): Application {
  const {
    backChannelLogoutUrl: _logout,
    hybridResponseTypes: _types,
    idTokenAlgorithm: _algorithm,
    keptOidc: _kept,
    mayExchangeFor: _clients,
    trustedIssuers: _issuers,
    clientAuthMethod: _method,
    clientAuthAlgorithm: _assertions,
    ...others
  } = application
  return others
}

/** The settings as they were sent, with defaults for the others. */
export function showOidc(application: Application): OidcView {
  const { hybridResponseTypes = [], mayExchangeFor, trustedIssuers } = application
  const view: OidcView = {
    clientId: application.clientId,
    ...present({ clientSecret: application.clientSecret }),
    state: 'ACTIVE',
    grantTypes: application.grantTypes,
    callbackURLs: application.callbackUrls,
    allowedOrigins: application.allowedOrigins,
    publicClient: application.isPublicClient,
    pkce: { mandatory: application.mustUsePkce, supportPlainTransformAlgorithm: false },
    hybridFlow: {
      enable: hybridResponseTypes.length > 0,
      ...present({ responseType: hybridResponseTypes.length > 0 ? hybridResponseTypes.join(',') : undefined }),
    },
    accessToken: {
      type: application.accessTokenType,
      userAccessTokenExpiryInSeconds: application.userTokenLifetimeSeconds,
      applicationAccessTokenExpiryInSeconds: application.applicationTokenLifetimeSeconds,
      accessTokenAttributes: application.accessTokenClaims,
      bindingType: 'None',
    },
    refreshToken: {
      expiryInSeconds: application.refreshTokenLifetimeSeconds,
      renewRefreshToken: application.renewsRefreshToken,
    },
    ...present({
      tokenExchange: mayExchangeFor && { allowedClients: mayExchangeFor },
      jwtBearer: trustedIssuers && { trustedIssuers },
    }),
    idToken: {
      expiryInSeconds: application.idTokenLifetimeSeconds,
      audience: application.audiences,
      ...present({ idTokenSignedResponseAlg: application.idTokenAlgorithm }),
    },
  }
  const { callbackURLs, ...kept } = application.keptOidc ?? {}
  // A command of the operator may have changed the callback URLs.
  const isCurrent = isDeepStrictEqual(
    (callbackURLs as string[] | undefined)?.flatMap(readCallbackUrl),
    application.callbackUrls,
  )
  return withKept(view, isCurrent ? { ...kept, callbackURLs } : kept)
}
