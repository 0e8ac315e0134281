/** The nouns the server keeps. Rows are turned into these by the query files beside this one; nothing else knows columns. */
import type { ActionType, EndpointAuthentication, FailureMode, NamedValues, Rule } from '@preflow/contract'

/** The root of everything: users, applications and actions belong to exactly one. */
export interface Tenant {
  /** A number written as a string, as on the wire. The first tenant is `-1234`. */
  id: string
  /** The name in `/t/{domain}`. The first tenant is `carbon.super`, served at the root as well. */
  domain: string
  /** The organization at depth 0. */
  rootOrganizationId: string
}

export interface Organization {
  id: string
  tenantId: string
  parentId?: string
  name: string
  handle: string
  depth: number
  /** Epoch milliseconds. Default: when it is kept. */
  createdAt?: number
}

/**
 * The attributes of a user, by their SCIM names: what SCIM shows without what the server computes. It is the truth; claims are
 * derived from it.
 */
export type UserDocument = Readonly<Record<string, unknown>>

export interface User {
  /** The SCIM id. */
  id: string
  tenantId: string
  organizationId: string
  userName: string
  document: UserDocument
  groups: string[]
  isActive: boolean
  /**
   * Whether the user has the fixed role Administrator of the tenant. A new user is given it with `true`; afterwards only
   * memberships change it.
   */
  isAdministrator: boolean
  createdAt: number
  updatedAt: number
}

/** Permissions that are given together. */
export interface Role {
  id: string
  tenantId: string
  /** Where it counts: in an organization and those below it, or in tokens for one application. */
  audience: { type: 'organization' | 'application'; id: string }
  name: string
  /** Of a fixed role: its permissions are those of the server's version, not stored ones. */
  kind?: FixedRole
  /** Empty for a fixed role. */
  permissions: string[]
  createdAt: number
  updatedAt: number
}

/** Administrator of a tenant; administrator of one of its organizations and those below. */
export type FixedRole = 'administrator' | 'organization-administrator'

export interface Application {
  /** The resource id: what rules mean by `application`. */
  id: string
  tenantId: string
  name: string
  description?: string
  clientId: string
  /** Kept sealed; in clear only here. Absent for a public client. */
  clientSecret?: string
  isPublicClient: boolean
  /** The one way in which it may authenticate. Absent: with its secret, in the header or in the form. */
  clientAuthMethod?: 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt'
  /** With `private_key_jwt`: the one algorithm of its assertions. Absent: any that the server knows. */
  clientAuthAlgorithm?: string
  /** What it signs with. */
  publicKeys?: PublicKeys
  /** Whether authorization requests must be pushed. Absent: no. */
  mustPushRequests?: boolean
  mustUsePkce: boolean
  grantTypes: string[]
  callbackUrls: string[]
  /** Response types of the hybrid flow it may ask for, for example `code id_token`. Absent: none. */
  hybridResponseTypes?: string[]
  allowedOrigins: string[]
  /** `Default` is an opaque token. Only `JWT` tokens fire the access token action. */
  accessTokenType: 'JWT' | 'Default'
  userTokenLifetimeSeconds: number
  applicationTokenLifetimeSeconds: number
  /** The OIDC claims that scopes may bring at most. Absent: all of the scopes. */
  requestedClaims?: string[]
  /** OIDC claim names to put into the access token beside those the scopes ask for. */
  accessTokenClaims: string[]
  refreshTokenLifetimeSeconds: number
  renewsRefreshToken: boolean
  idTokenLifetimeSeconds: number
  /** What its ID tokens are signed with. Absent: what the server signs with. */
  idTokenAlgorithm?: IdTokenAlgorithm
  /** Audiences beside the client id. */
  audiences: string[]
  /** Client ids that may exchange access tokens of this application for their own. Absent: only it itself. */
  mayExchangeFor?: string[]
  /** Whose assertions about users it may redeem. Absent: nobody's. */
  trustedIssuers?: TrustedIssuer[]
  /** Whether the sign-in page skips asking for consent. */
  skipsConsent: boolean
  /** Whether it may sign users out without asking them. Absent: no. */
  skipsLogoutConsent?: boolean
  /** Whether users sign in and tokens are issued. Absent: yes. */
  isEnabled?: boolean
  /** Fields of the management API that are only stored and shown again, by their path. */
  kept?: Record<string, unknown>
  /** The same of its OpenID Connect configuration. */
  keptOidc?: Record<string, unknown>
  /** How users sign in. Absent: with their password. */
  signIn?: SignInSequence
  /** Console and the like: never fires the ID token action. */
  isSystem: boolean
  createdAt: number
  updatedAt: number
}

/** Public keys of an application: a JSON Web Key, or where its key set is published. */
export type PublicKeys = { jwk: Record<string, unknown> } | { jwksUri: string }

/** The algorithms for ID tokens that an application may choose from. */
export type IdTokenAlgorithm = 'RS256' | 'PS256' | 'ES256'

/** Signs assertions about users of the tenant. */
export interface TrustedIssuer {
  /** The claim `iss`. */
  issuer: string
  /** Its public keys: a JSON Web Key Set. */
  jwks: { keys: Record<string, unknown>[] }
  /** The claim that has the user name. Default: `sub`. */
  subjectClaim?: string
}

/** What users go through to sign in. Steps count from 1. */
export interface SignInSequence {
  /** One after the other; of the authenticators of a step, given by name, the user chooses one. */
  steps: { options: string[] }[]
  /** Whose user is signed in. */
  subjectStep: number
  /** Kept and shown. The attributes are those of the user who is signed in. */
  attributeStep: number
}

/** An API with scopes; applications are authorized for some of them. */
export interface ApiResource {
  id: string
  tenantId: string
  name: string
  identifier: string
  description?: string
  requiresAuthorization: boolean
  scopes: { id: string; name: string; displayName?: string; description?: string }[]
}

export interface Action {
  id: string
  tenantId: string
  /** The organization it was configured in; the root organization's apply to the tenant. */
  organizationId: string
  type: ActionType
  name: string
  description?: string
  status: 'ACTIVE' | 'INACTIVE'
  /** Major version: `v1`. */
  version: string
  endpoint: {
    uri: string
    /** With its secrets, opened. Sealed at rest, never returned by the API. */
    authentication: EndpointAuthentication
    allowedHeaders: string[]
    allowedParameters: string[]
    /** Standard Webhooks secrets (`whsec_…`), newest first, at most two. Sealed at rest. */
    signingSecrets: string[]
  }
  rule?: Rule
  attributes: string[]
  passwordSharing?: { format: 'PLAIN_TEXT' | 'SHA256_HASHED'; certificate?: string }
  /** Beyond the reference; the default is `error`, which is the reference. */
  onFailure: FailureMode
  /** Overrides the server's platform for this action. */
  platform?: string
  createdAt: number
  updatedAt: number
}

/**
 * A way to sign in that an extension decides: an action of type AUTHENTICATION with a name. The action's name is the
 * authenticator's, and the authenticator is enabled while the action is active.
 */
export interface Authenticator {
  /** `custom-…`, unique in its organization. */
  name: string
  displayName: string
  /** Whether it finds out who somebody is, or verifies a second factor of somebody already known. */
  authenticationType: 'IDENTIFICATION' | 'VERIFICATION'
  image?: string
  action: Action
}

/** A sign-in under way, from the first step to the last. */
export interface SignInFlow {
  /** 32 hexadecimal digits. Travels through browsers and extensions: a name, no proof. */
  id: string
  tenantId: string
  organizationId: string
  /** The interaction of oidc-provider; only the browser with its cookie may go on with the flow. */
  interactionId: string
  /** Counts changes: of two that are made at once from the same version only one is kept. */
  version: number
  /** The steps that were passed, in their order, the session's first. */
  passed: { authenticator: string; userId: string }[]
  /** What the user chose in the current step, where there is a choice. */
  chosen?: string | undefined
  /**
   * The authenticators of the current step that have sent the browser away, by name. Each is called again only for a browser that
   * comes back.
   */
  sentAway?: Record<string, SentAway> | undefined
  /** The OAuth error for the application, when the sign-in was ended by somebody else than its browser. */
  refusal?: { error: string; error_description: string }
  /** What the browser sent when it asked for authorization, without secrets. */
  request: { headers: NamedValues[]; parameters: NamedValues[] }
  /** Whether the sign-in has succeeded or failed. */
  isDecided: boolean
  /** Epoch milliseconds. */
  expiresAt: number
}

/** A browser that an authenticator has sent to a page of its own. */
export interface SentAway {
  url: string
  /** Epoch milliseconds at which a request of the browser that came back began to call the extension. */
  checkedAt?: number
}

/** One execution of an action, kept to answer "why". Secrets, credentials and token values are redacted before it is made. */
export interface CallRecord {
  id: string
  tenantId: string
  actionId: string
  actionType: ActionType
  actionName: string
  /** Epoch milliseconds. */
  startedAt: number
  durationMs: number
  /** `success`, `failed`, `error`, `incomplete`, `skipped`. */
  status: string
  /** The sentence a person reads first. */
  reason: string
  clientId?: string
  grantType?: string
  /** What the flow did with it: `continued`, `denied`, `refused with server_error`. */
  flowResult: string
  /** Everything else: request, attempts, answer, operations with verdicts, diagnostic steps. JSON. */
  details: unknown
}

/** One change somebody made through the management API or SCIM: who, what, when. Never a secret or a claim value. */
export interface AuditRecord {
  id: string
  tenantId: string
  /** Epoch milliseconds. */
  recordedAt: number
  /** The user id of the administrator, or the subject of the access token. */
  initiator: string
  /** `ADD`, `UPDATE`, `DELETE`, `ACTIVATE`, `DEACTIVATE`, … */
  action: string
  /** `ACTION`, `APPLICATION`, `API_RESOURCE`, `USER`, … */
  targetType: string
  targetId: string
  /** What helps to understand the change, for example the names of the changed fields. JSON. */
  details: unknown
}
