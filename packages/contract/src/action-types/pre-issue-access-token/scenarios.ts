import type { NamedValues, TokenClaim } from '../../event.ts'
import type { Platform } from '../../platforms.ts'
import { present } from '../../present.ts'
import {
  delta,
  gaugeBoard,
  heron,
  ISSUER,
  ines,
  PUBLIC_ADDRESS,
  tenant,
  tokenRequestHeaders,
  userClaims,
  userStore,
} from '../cast.ts'
import type { Scenario } from '../scenario.ts'
import type { AccessTokenEvent } from './event.ts'

interface Issuance {
  grant: string
  clientId?: string
  /** Default: those that the client requested. */
  scopes?: string[]
  lifetimeSeconds?: number
  /** Absent: the application acts for itself. */
  user?: { organization: typeof heron }
  claims?: TokenClaim[]
  binding?: TokenClaim[]
  refreshToken?: { lifetimeSeconds: number; willBeIssued: boolean }
  parameters?: NamedValues[]
  headers?: NamedValues[]
  consent?: string
}

/** The event as a platform writes it, with claims and response parameters in the order of the reference. */
function issuance(platform: Platform, given: Issuance): AccessTokenEvent {
  const { grant, user, lifetimeSeconds = 3600, scopes = [], claims = [], binding = [] } = given
  const clientId = given.clientId ?? gaugeBoard.clientId
  const { refreshPathsWhen, sendsSubjectType } = platform.issuing
  const refreshToken = refreshPathsWhen === 'grant' || given.refreshToken?.willBeIssued ? given.refreshToken : undefined
  return {
    request: {
      clientId,
      grantType: grant,
      ...(scopes.length > 0 && { scopes }),
      additionalHeaders: given.headers ?? tokenRequestHeaders,
      additionalParams: given.parameters ?? [
        { name: 'grant_type', value: [grant] },
        ...(scopes.length > 0 ? [{ name: 'scope', value: [scopes.join(' ')] }] : []),
      ],
    },
    tenant,
    organization: heron,
    ...present({ user: user && { id: ines.id, organization: user.organization }, userStore: user && userStore }),
    accessToken: {
      tokenType: 'JWT',
      claims: [
        { name: 'iss', value: ISSUER },
        { name: 'client_id', value: clientId },
        { name: 'aut', value: user ? 'APPLICATION_USER' : 'APPLICATION' },
        { name: 'expires_in', value: lifetimeSeconds },
        { name: 'aud', value: [clientId, 'https://api.heron.example'] },
        ...(sendsSubjectType ? [{ name: 'subject_type', value: 'public' }] : []),
        { name: 'sub', value: user ? ines.id : clientId },
        ...binding,
        ...claims,
      ],
      ...(scopes.length > 0 && { scopes: [...scopes].sort() }),
    },
    ...present({
      refreshToken: refreshToken && { claims: [{ name: 'expires_in', value: refreshToken.lifetimeSeconds }] },
    }),
    ...present({ session: given.consent === undefined ? undefined : { sessionDataKeyConsent: given.consent } }),
    response: {
      parameters: [
        'access_token',
        'token_type',
        'scope',
        'expires_in',
        ...(refreshToken ? ['refresh_token'] : []),
        ...(scopes.includes('openid') ? ['id_token'] : []),
      ],
    },
  }
}

const userScopes = ['openid', 'gauge:read', 'gauge:write']
const machineScopes = ['gauge:read', 'gauge:write']
const refreshed = { lifetimeSeconds: 86_400, willBeIssued: true }
const machine = { grant: 'client_credentials', clientId: 'gauge-feed' }
const signedIn = {
  grant: 'authorization_code',
  scopes: userScopes,
  user: { organization: heron },
  claims: userClaims,
  refreshToken: refreshed,
  consent: '0f6d4c6a-2a40-4c1e-9b3a-6f0a1b2c3d4e',
  parameters: [
    { name: 'grant_type', value: ['authorization_code'] },
    { name: 'redirect_uri', value: ['https://board.heron.example/callback'] },
  ],
}

const scenario = (name: string, about: string, given: Issuance): Scenario<AccessTokenEvent> => ({
  name,
  about,
  grant: given.grant,
  event: platform => issuance(platform, given),
})

/** When an access token is issued. Only these four grants trigger the action; a token exchange does not. */
export const scenarios: readonly Scenario<AccessTokenEvent>[] = [
  scenario('client_credentials', 'An application requests a token for itself.', { ...machine, scopes: machineScopes }),
  scenario('authorization_code', 'A user signs in with a code.', signedIn),
  scenario('password', 'A legacy client sends the password of a user.', {
    ...signedIn,
    grant: 'password',
    parameters: [
      { name: 'grant_type', value: ['password'] },
      { name: 'scope', value: [userScopes.join(' ')] },
    ],
  }),
  scenario('refresh_token', 'A token is refreshed. It contains what an action added before.', {
    ...signedIn,
    grant: 'refresh_token',
    claims: [...userClaims, { name: 'tier', value: 'gold' }, { name: 'country', value: 'SE' }],
    parameters: [{ name: 'grant_type', value: ['refresh_token'] }],
  }),
  scenario('short-lived', 'The application is configured with a lifetime of four minutes.', {
    ...machine,
    scopes: machineScopes,
    lifetimeSeconds: 240,
  }),
  scenario('bare', 'No scope was requested, and nothing of the request is forwarded.', {
    ...machine,
    headers: [],
    parameters: [],
  }),
  scenario('may-refresh', 'An application that may refresh requests a token for itself.', {
    ...machine,
    scopes: machineScopes,
    refreshToken: { lifetimeSeconds: 86_400, willBeIssued: false },
  }),
  scenario('sub-organization', 'A user of an organization below the root signs in.', {
    ...signedIn,
    user: { organization: delta },
  }),
  scenario('bound', 'The token is bound to the session, and the address is IPv6.', {
    ...signedIn,
    binding: [
      { name: 'binding_ref', value: '5f2b1c' },
      { name: 'binding_type', value: 'sso-session' },
    ],
    headers: tokenRequestHeaders.map(header =>
      header.value[0] === PUBLIC_ADDRESS ? { ...header, value: [`::ffff:${PUBLIC_ADDRESS}`] } : header,
    ),
  }),
]
