import { type EndpointAuthentication, type Platform, present } from '@preflow/contract'
import { LRUCache } from 'lru-cache'
import { failure, type Result } from './call-error.ts'
import type { Send } from './send.ts'

/** The two types for which a token is fetched before the extension is called. */
export type OAuthAuthentication = Extract<EndpointAuthentication, { type: 'CLIENT_CREDENTIAL' | 'PASSWORD_CREDENTIAL' }>

type Simple = Exclude<EndpointAuthentication, OAuthAuthentication>

/** The header of each authentication type. Names in lower case. */
const proofs: { [T in Simple['type']]: (authentication: Extract<Simple, { type: T }>) => Record<string, string> } = {
  NONE: () => ({}),
  BASIC: ({ properties: { username, password } }) => ({ authorization: basic(username, password) }),
  BEARER: ({ properties: { accessToken } }) => ({ authorization: `Bearer ${accessToken}` }),
  API_KEY: ({ properties: { header, value } }) => ({ [header.toLowerCase()]: value }),
}

/** The token request of the two OAuth types, besides `scope`. */
const grants: {
  [T in OAuthAuthentication['type']]: (a: Extract<OAuthAuthentication, { type: T }>) => Record<string, string>
} = {
  CLIENT_CREDENTIAL: () => ({ grant_type: 'client_credentials' }),
  PASSWORD_CREDENTIAL: ({ properties: { username, password } }) => ({ grant_type: 'password', username, password }),
}

export function needsToken(authentication: EndpointAuthentication): authentication is OAuthAuthentication {
  return authentication.type in grants
}

/** The headers that authenticate the platform to the extension. `token` is required for the OAuth types. */
export function authenticate(
  authentication: EndpointAuthentication,
  token: string | undefined,
): Record<string, string> {
  if (needsToken(authentication)) return { authorization: `Bearer ${token}` }
  const proof = proofs[authentication.type] as (authentication: Simple) => Record<string, string>
  return proof(authentication)
}

/** How a token request is sent. */
export type TokenCallLimits = Pick<Platform['calling'], 'connectTimeoutMs' | 'readTimeoutMs'> & { owner?: string }

/** Where access tokens for extensions come from. */
export interface CredentialSource {
  /**
   * A token that is presumably valid. Concurrent callers share one request to the token endpoint.
   *
   * @param rejected A token that the extension answered with 401. Another one is fetched, unless this has happened
   *   already.
   * @returns The token and whether it was fetched just now; an error of code `credentials` if none is available.
   */
  token(
    authentication: OAuthAuthentication,
    limits: TokenCallLimits,
    rejected?: string,
  ): Promise<Result<{ accessToken: string; isNew: boolean }>>
}

/** A token is renewed this many milliseconds before it expires, or at a tenth of its life if that is shorter. */
const RENEWAL_MARGIN_MS = 30_000

/** The reference's limit for responses of token endpoints. */
const MAX_TOKEN_ANSWER_BYTES = 1_048_576

/** Maximum number of cached tokens. The least recently used one is evicted first. */
const MAX_REMEMBERED = 1000

interface Grant {
  accessToken: string
  /** Infinity if the endpoint does not specify it: then the token is used until an extension rejects it. */
  renewAt: number
  refreshToken?: string
}

interface CredentialPorts {
  send: Send
  /** Milliseconds since the epoch. */
  now(): number
}

/**
 * Fetches and caches the tokens for `CLIENT_CREDENTIAL` and `PASSWORD_CREDENTIAL`.
 *
 * A known refresh token is tried first, then the configured grant. Tokens are only in memory.
 */
export function createCredentialSource(ports: CredentialPorts): CredentialSource {
  const grantsByKey = new LRUCache<string, Grant>({ max: MAX_REMEMBERED })
  const underWay = new Map<string, Promise<Result<Grant>>>()

  return {
    async token(authentication, limits, rejected) {
      const key = JSON.stringify([authentication.type, authentication.properties])
      const known = grantsByKey.get(key)
      if (known && known.accessToken !== rejected && ports.now() < known.renewAt) {
        return { ok: true, value: { accessToken: known.accessToken, isNew: false } }
      }
      let acquiring = underWay.get(key)
      if (!acquiring) {
        acquiring = acquire(ports, authentication, limits, known?.refreshToken).finally(() => underWay.delete(key))
        underWay.set(key, acquiring)
      }
      const acquired = await acquiring
      if (!acquired.ok) {
        grantsByKey.delete(key)
        return acquired
      }
      grantsByKey.set(key, acquired.value)
      return { ok: true, value: { accessToken: acquired.value.accessToken, isNew: true } }
    },
  }
}

async function requestToken(
  { send, now }: CredentialPorts,
  { properties }: OAuthAuthentication,
  form: Record<string, string>,
  limits: TokenCallLimits,
): Promise<Result<Grant>> {
  const startedAt = now()
  const delivery = await send({
    url: properties.tokenEndpoint,
    headers: {
      authorization: basic(properties.clientId, properties.clientSecret),
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({
      ...form,
      ...(properties.scopes?.trim() ? { scope: properties.scopes } : {}),
    }).toString(),
    connectTimeoutMs: limits.connectTimeoutMs,
    readTimeoutMs: limits.readTimeoutMs,
    maxAnswerBytes: MAX_TOKEN_ANSWER_BYTES,
    ...present({ owner: limits.owner }),
  })
  if (!delivery.ok) return unobtainable(delivery.error.message)
  if (delivery.status !== 200) {
    return unobtainable(
      `The token endpoint answered with status ${delivery.status}. Check client id, client secret, user and scopes.`,
    )
  }
  const answer = parseTokenAnswer(delivery.body)
  if (!answer) return unobtainable('The answer of the token endpoint has no access_token. Check its address.')
  const { accessToken, refreshToken, expiresInSeconds } = answer
  const lifetimeMs = expiresInSeconds * 1000
  const kept = refreshToken ?? (form['grant_type'] === 'refresh_token' ? form['refresh_token'] : undefined)
  return {
    ok: true,
    value: {
      accessToken,
      renewAt: startedAt + lifetimeMs - Math.min(RENEWAL_MARGIN_MS, lifetimeMs / 10),
      ...present({ refreshToken: kept }),
    },
  }
}

/** With the refresh token if there is one. Otherwise, or if it is rejected, with the configured grant. */
async function acquire(
  ports: CredentialPorts,
  authentication: OAuthAuthentication,
  limits: TokenCallLimits,
  refreshToken: string | undefined,
): Promise<Result<Grant>> {
  if (refreshToken !== undefined) {
    const form = { grant_type: 'refresh_token', refresh_token: refreshToken }
    const refreshed = await requestToken(ports, authentication, form, limits)
    if (refreshed.ok) return refreshed
  }
  const grant = grants[authentication.type] as (a: OAuthAuthentication) => Record<string, string>
  return requestToken(ports, authentication, grant(authentication), limits)
}

function parseTokenAnswer(
  body: Uint8Array,
): { accessToken: string; refreshToken?: string; expiresInSeconds: number } | undefined {
  let answer: unknown
  try {
    answer = JSON.parse(new TextDecoder().decode(body))
  } catch {
    return undefined
  }
  if (typeof answer !== 'object' || answer === null) return undefined
  const { access_token, refresh_token, expires_in } = answer as Record<string, unknown>
  if (typeof access_token !== 'string' || access_token === '') return undefined
  const seconds = Number(expires_in ?? Number.NaN)
  return {
    accessToken: access_token,
    ...(typeof refresh_token === 'string' && refresh_token !== '' ? { refreshToken: refresh_token } : {}),
    expiresInSeconds: seconds > 0 ? seconds : Number.POSITIVE_INFINITY,
  }
}

function unobtainable(why: string): { ok: false; error: { code: 'credentials'; message: string } } {
  const { error } = failure('credentials', `Error occurred while retrieving access token for actions. ${why}`)
  return { ok: false, error: { ...error, code: 'credentials' } }
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`
}
