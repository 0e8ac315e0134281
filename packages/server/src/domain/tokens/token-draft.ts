import {
  type AccessTokenEvent,
  actionTypes,
  type IdTokenEvent,
  isPlatformClaim,
  isPlatformScope,
  type NamedValues,
  type Platform,
  present,
  type TokenClaim,
  type TokenRequest,
} from '@preflow/contract'
import type { ClientRequest } from '../../ground/http/client-request.ts'
import type { Application, Organization, User } from '../../ground/store/model.ts'
import { PRIMARY_USER_STORE, wireOrganization, wireTenant } from '../actions/event-nouns.ts'
import type { Issuer } from '../tenants/issuer.ts'

/** The parts of a token request that an event shows. */
export interface TokenContext {
  issuer: Issuer
  application: Application
  client: ClientRequest
  /** Every parameter of the request, including secrets. The engine decides what it sends. */
  parameters: NamedValues[]
  /** The grant type as the client sent it. Absent at the authorize endpoint. */
  grantType?: string
  /** Only at the authorize endpoint. */
  responseType?: string
  /** Absent if the request had no `scope`. */
  requestedScopes?: string[]
  /** Absent if the application acts for itself. */
  user?: User
  /** The organization of the user's account. */
  userOrganization?: Organization
  /** Only for the organization switch grant: the target organization. */
  accessingOrganization?: Organization
}

/** The claim `act` (RFC 8693): the client that acts for the user, and the actor before it. */
export interface Actor {
  sub: string
  act?: Actor
}

/** An access token before it is issued. */
export interface AccessTokenDraft {
  subject: string
  /** The claim `aut`. */
  subjectKind: 'APPLICATION' | 'APPLICATION_USER'
  scopes: string[]
  audiences: string[]
  lifetimeSeconds: number
  /** User attributes and custom claims: everything except the standard claims. */
  claims: TokenClaim[]
  /** Present if the application may use refresh tokens. */
  refreshToken?: { lifetimeSeconds: number; willBeIssued: boolean }
  /** The consent page that led to the code. */
  sessionDataKeyConsent?: string
  /** Only for an exchanged token. */
  actor?: Actor
}

/** An ID token before it is issued. */
export interface IdTokenDraft {
  /** The platform's own claims, in order: `jti`, `iss`, `azp`, … No extension can change them. */
  fixed: TokenClaim[]
  /** User attributes and custom claims. */
  claims: TokenClaim[]
  audiences: string[]
  lifetimeSeconds: number
}

const STANDARD_ACCESS_CLAIMS: ReadonlySet<string> = new Set(
  actionTypes.PRE_ISSUE_ACCESS_TOKEN.places.flatMap(place => (place.kind === 'claims' ? place.standard : [])),
)

/**
 * Writes an access token draft as the event of its action, in the newest revision of the contract. The engine removes what a
 * platform does not know and adds the allowed operations.
 */
export function accessTokenEvent(context: TokenContext, draft: AccessTokenDraft, platform: Platform): AccessTokenEvent {
  const { issuer, application, requestedScopes, user, userOrganization, accessingOrganization } = context
  const { scopes, sessionDataKeyConsent } = draft
  // A user of an organization below the root keeps that organization. A user of the root gets the organization switched to.
  const residence = userOrganization?.depth ? userOrganization : (accessingOrganization ?? userOrganization)
  // The reference offers changes to a refresh token if the application may have one, even if none is issued.
  const isRefreshTokenShown = platform.issuing.refreshPathsWhen === 'grant' || draft.refreshToken?.willBeIssued === true
  const refreshToken = isRefreshTokenShown ? draft.refreshToken : undefined
  return {
    request: { ...wireRequest(context), ...present({ scopes: requestedScopes }) },
    tenant: wireTenant(issuer.tenant),
    organization: wireOrganization(issuer.organization),
    ...(user && {
      user: { id: user.id, ...present({ organization: residence && wireOrganization(residence) }) },
      userStore: PRIMARY_USER_STORE,
    }),
    accessToken: {
      tokenType: application.accessTokenType,
      claims: [
        { name: 'iss', value: issuer.url },
        { name: 'client_id', value: application.clientId },
        { name: 'aut', value: draft.subjectKind },
        { name: 'expires_in', value: draft.lifetimeSeconds },
        { name: 'aud', value: draft.audiences },
        ...(platform.issuing.sendsSubjectType ? [{ name: 'subject_type', value: 'public' }] : []),
        { name: 'sub', value: draft.subject },
        ...draft.claims,
      ],
      ...present({ scopes: scopes.length > 0 ? scopes : undefined }),
    },
    ...present({
      refreshToken: refreshToken && { claims: [{ name: 'expires_in', value: refreshToken.lifetimeSeconds }] },
      session: sessionDataKeyConsent === undefined ? undefined : { sessionDataKeyConsent },
    }),
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

/** Reads the action's changes from the event that {@link accessTokenEvent} wrote. */
export function readAccessToken(event: AccessTokenEvent, draft: AccessTokenDraft): AccessTokenDraft {
  const { claims, scopes = [] } = event.accessToken
  const claimValue = (name: string) => claims.find(claim => claim.name === name)?.value
  const refreshLifetime = event.refreshToken?.claims.find(claim => claim.name === 'expires_in')?.value
  return {
    ...draft,
    // The engine already refuses scopes of the platform. This is the second check, independent of the first.
    scopes: scopes.filter(scope => !isPlatformScope(scope) || draft.scopes.includes(scope)),
    audiences: textsOf(claimValue('aud')),
    lifetimeSeconds: secondsOf(claimValue('expires_in'), draft.lifetimeSeconds),
    // Adding a standard name that was not in the event is not an error, but has no effect (T124).
    claims: claims.filter(({ name }) => !STANDARD_ACCESS_CLAIMS.has(name) && !isPlatformClaim(name)),
    ...present({
      refreshToken: draft.refreshToken && {
        ...draft.refreshToken,
        lifetimeSeconds: secondsOf(refreshLifetime, draft.refreshToken.lifetimeSeconds),
      },
    }),
  }
}

/**
 * Writes an ID token draft as the event of its action.
 *
 * @param grantedScopes Shown as the requested scopes if the request named none.
 */
export function idTokenEvent(context: TokenContext, draft: IdTokenDraft, grantedScopes: string[]): IdTokenEvent {
  const { issuer, user, userOrganization, accessingOrganization } = context
  return {
    request: { ...wireRequest(context), scopes: context.requestedScopes ?? grantedScopes },
    tenant: wireTenant(issuer.tenant),
    organization: wireOrganization(issuer.organization),
    ...(user && {
      user: {
        id: user.id,
        userType: 'LOCAL',
        ...present({
          organization: userOrganization && wireOrganization(userOrganization),
          accessingOrganization: accessingOrganization && wireOrganization(accessingOrganization),
        }),
      },
      userStore: PRIMARY_USER_STORE,
    }),
    idToken: {
      claims: [
        ...draft.fixed,
        ...draft.claims,
        { name: 'aud', value: draft.audiences },
        { name: 'expires_in', value: draft.lifetimeSeconds },
      ],
    },
  }
}

/** Reads the action's changes from the event that {@link idTokenEvent} wrote. */
export function readIdToken(event: IdTokenEvent, draft: IdTokenDraft): IdTokenDraft {
  const { claims } = event.idToken
  const claimValue = (name: string) => claims.find(claim => claim.name === name)?.value
  const others = new Set(['aud', 'expires_in', ...draft.fixed.map(({ name }) => name)])
  return {
    fixed: draft.fixed,
    claims: claims.filter(({ name }) => !others.has(name) && !isPlatformClaim(name)),
    audiences: textsOf(claimValue('aud')),
    lifetimeSeconds: secondsOf(claimValue('expires_in'), draft.lifetimeSeconds),
  }
}

function wireRequest({ application, client, parameters, grantType, responseType }: TokenContext): TokenRequest {
  return {
    clientId: application.clientId,
    ...present({ grantType, responseType }),
    additionalHeaders: client.headers,
    additionalParams: parameters,
  }
}

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? value.filter(item => typeof item === 'string') : []
}

function secondsOf(value: unknown, otherwise: number): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : otherwise
}
