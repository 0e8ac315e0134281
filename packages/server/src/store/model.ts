/** The nouns the server keeps. Rows are turned into these by the query files beside this one; nothing else knows columns. */
import type { ActionType, EndpointAuthentication, Rule } from '@preflow/contract'

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

export interface User {
  /** The SCIM id. */
  id: string
  tenantId: string
  organizationId: string
  userName: string
  /** By local claim URI, `http://wso2.org/claims/givenname`. */
  claims: Record<string, string | string[]>
  groups: string[]
  isActive: boolean
  /** Administrators may use the management API with Basic credentials; actions never apply to them there. */
  isAdministrator: boolean
  createdAt: number
  updatedAt: number
}

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
  /** OIDC claim names to put into the access token beside those the scopes ask for. */
  accessTokenClaims: string[]
  refreshTokenLifetimeSeconds: number
  renewsRefreshToken: boolean
  idTokenLifetimeSeconds: number
  /** Audiences beside the client id. */
  audiences: string[]
  /** Whether the sign-in page skips asking for consent. */
  skipsConsent: boolean
  /** Console and the like: never fires the ID token action. */
  isSystem: boolean
  createdAt: number
  updatedAt: number
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

/** What a call that could not be decided means for the flow. */
export type FailureMode = 'error' | 'deny' | 'continue'

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
