/** The objects that the server stores. Only the query files in this folder know the columns behind them. */
import type { ActionType, EndpointAuthentication, FailureMode, NamedValues, Rule } from '@preflow/contract'

/** The root of all data: every user, application and action belongs to exactly one tenant. */
export interface Tenant {
  /** A number as a string, as on the wire. The first tenant is `-1234`. */
  id: string
  /** The name in `/t/{domain}`. The first tenant is `carbon.super`, which is also served at the root. */
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
  /** Epoch milliseconds. Default: the time of the insert. */
  createdAt?: number
}

/**
 * The attributes of a user, by their SCIM names: what SCIM returns, without the attributes that the server computes. Claims are
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
  /** The groups of the user, in the order of creation. */
  groups: GroupReference[]
  /** The roles of the user and of the user's groups, oldest first. */
  roles: RoleReference[]
  isActive: boolean
  /**
   * Whether one of the roles is the tenant's fixed role Administrator. `true` gives it to a new user. After that only memberships
   * change it.
   */
  isAdministrator: boolean
  /** Sessions and grants of the user with another generation have ended. The store sets it. Absent before. */
  generation?: string
  createdAt: number
  updatedAt: number
}

/** A named group of users of one organization. */
export interface Group {
  /** The SCIM id. */
  id: string
  tenantId: string
  organizationId: string
  name: string
  /** The id of the group at the client. */
  externalId?: string
  createdAt: number
  updatedAt: number
}

export interface GroupReference {
  id: string
  name: string
}

export interface RoleReference {
  id: string
  name: string
  /** The audience with the name of its organization or application. */
  audience: Role['audience'] & { name?: string }
  kind?: FixedRole
  /** `false`: only a group of the user has the role. */
  isDirect: boolean
}

/** A set of permissions that members get together. */
export interface Role {
  id: string
  tenantId: string
  /** Where it applies: in an organization and those below it, or in tokens for one application. */
  audience: { type: 'organization' | 'application'; id: string }
  name: string
  /** The kind of a fixed role. Its permissions come from the server's version and are not stored. */
  kind?: FixedRole
  /** Empty for a fixed role. */
  permissions: string[]
  createdAt: number
  updatedAt: number
}

/** Administrator of a tenant, or of one of its organizations and those below it. */
export type FixedRole = 'administrator' | 'organization-administrator'

export interface Application {
  /** The resource id, to which `application` in rules refers. */
  id: string
  tenantId: string
  name: string
  description?: string
  clientId: string
  /** Sealed at rest, plain only here. Absent for a public client. */
  clientSecret?: string
  isPublicClient: boolean
  /** The only allowed way to authenticate. Absent: with its secret, in the header or in the form. */
  clientAuthMethod?: 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt'
  /** With `private_key_jwt`: the only allowed algorithm of its assertions. Absent: every algorithm that the server supports. */
  clientAuthAlgorithm?: string
  /** The keys that verify its signatures. */
  publicKeys?: PublicKeys
  /** Whether authorization requests must be pushed. Absent: no. */
  mustPushRequests?: boolean
  mustUsePkce: boolean
  grantTypes: string[]
  callbackUrls: string[]
  /** Response types of the hybrid flow that it may request, for example `code id_token`. Absent: none. */
  hybridResponseTypes?: string[]
  allowedOrigins: string[]
  /** `Default` is an opaque token. Only `JWT` tokens trigger the access token action. */
  accessTokenType: 'JWT' | 'Default'
  userTokenLifetimeSeconds: number
  applicationTokenLifetimeSeconds: number
  /** Limits the OIDC claims that scopes bring. Absent: no limit. */
  requestedClaims?: string[]
  /** Names of OIDC claims that the access token has in addition to those of the scopes. */
  accessTokenClaims: string[]
  refreshTokenLifetimeSeconds: number
  renewsRefreshToken: boolean
  idTokenLifetimeSeconds: number
  /** The algorithm that signs its ID tokens. Absent: the algorithm of the server. */
  idTokenAlgorithm?: IdTokenAlgorithm
  /** Audiences in addition to the client id. */
  audiences: string[]
  /** Client ids that may exchange access tokens of this application. Absent: only the application itself. */
  mayExchangeFor?: string[]
  /** Issuers whose assertions about users it may redeem. Absent: none. */
  trustedIssuers?: TrustedIssuer[]
  /** Whether the sign-in skips the consent page. */
  skipsConsent: boolean
  /** Whether it may sign users out without a confirmation page. Absent: no. */
  skipsLogoutConsent?: boolean
  /** Receives a logout token when a user signs out of a session in which they used the application. Absent: nothing is sent. */
  backChannelLogoutUrl?: string
  /** Whether its grants end with the session of the browser. Absent: no. */
  endsTokensWithSession?: boolean
  /** Whether users can sign in and tokens are issued. Absent: yes. */
  isEnabled?: boolean
  /** Fields of the management API that are only stored and returned, by their path. */
  kept?: Record<string, unknown>
  /** The same for its OpenID Connect configuration. */
  keptOidc?: Record<string, unknown>
  /** Which roles give users permissions in its tokens. Absent: those of the organization. */
  roleAudience?: Role['audience']['type']
  /** How users sign in. Absent: with their password. */
  signIn?: SignInSequence
  /** A system application such as the Console. It never triggers the ID token action. */
  isSystem: boolean
  /** Grants and tokens of the application with another generation have ended. The store sets it. Absent before. */
  generation?: string
  createdAt: number
  updatedAt: number
}

/** Public keys of an application: a JSON Web Key, or the address of its key set. */
export type PublicKeys = { jwk: Record<string, unknown> } | { jwksUri: string }

/** The algorithms for ID tokens that an application may choose. */
export type IdTokenAlgorithm = 'RS256' | 'PS256' | 'ES256'

/** Signs assertions about users of the tenant. */
export interface TrustedIssuer {
  /** The claim `iss`. */
  issuer: string
  /** Its public keys, as a JSON Web Key Set. */
  jwks: { keys: Record<string, unknown>[] }
  /** The claim that has the user name. Default: `sub`. */
  subjectClaim?: string
}

/** The steps of a sign-in. Their numbers start at 1. */
export interface SignInSequence {
  /** In order. Each step lists authenticators by name, and the user chooses one. */
  steps: { options: string[] }[]
  /** The step whose user is signed in. */
  subjectStep: number
  /** Only stored and returned. The attributes are always those of the signed-in user. */
  attributeStep: number
}

/** An API with scopes. Applications are authorized for some of them. */
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
  /** The organization that configured it. Actions of the root organization apply to the tenant. */
  organizationId: string
  type: ActionType
  name: string
  description?: string
  status: 'ACTIVE' | 'INACTIVE'
  /** Major version: `v1`. */
  version: string
  endpoint: {
    uri: string
    /** With its secrets decrypted. Sealed at rest, never returned by the API. */
    authentication: EndpointAuthentication
    allowedHeaders: string[]
    allowedParameters: string[]
    /** Standard Webhooks secrets (`whsec_…`), newest first, at most two. Sealed at rest. */
    signingSecrets: string[]
  }
  rule?: Rule
  attributes: string[]
  passwordSharing?: { format: 'PLAIN_TEXT' | 'SHA256_HASHED'; certificate?: string }
  /** Beyond the reference. The default `error` is what the reference does. */
  onFailure: FailureMode
  /** Overrides the server's platform for this action. */
  platform?: string
  createdAt: number
  updatedAt: number
}

/**
 * An authenticator that an extension implements: an action of type AUTHENTICATION with a name. The action has the same name, and
 * the authenticator is enabled while the action is active.
 */
export interface Authenticator {
  /** `custom-…`, unique in its organization. */
  name: string
  displayName: string
  /** Whether it identifies a user, or verifies a second factor of an identified user. */
  authenticationType: 'IDENTIFICATION' | 'VERIFICATION'
  image?: string
  action: Action
}

/** A sign-in in progress, from the first step to the last. */
export interface SignInFlow {
  /** 32 hexadecimal digits. Browsers and extensions see it, so it is a name and not a proof. */
  id: string
  tenantId: string
  organizationId: string
  /** The interaction of oidc-provider. Only the browser with its cookie may continue the flow. */
  interactionId: string
  /** Counts changes. Of two concurrent changes from the same version only one is stored. */
  version: number
  /** The completed steps in order. Steps of the session come first. */
  passed: PassedStep[]
  /** The authenticator that the user chose in the current step, if it offers a choice. */
  chosen?: string | undefined
  /**
   * The authenticators of the current step that redirected the browser, by name. Each is called again only for a browser that
   * returns.
   */
  sentAway?: Record<string, SentAway> | undefined
  /** The OAuth error for the application, if anyone except its own browser ended the sign-in. */
  refusal?: { error: string; error_description: string }
  /** The headers and parameters of the authorization request, without secrets. */
  request: { headers: NamedValues[]; parameters: NamedValues[] }
  /** Whether the sign-in has succeeded or failed. */
  isDecided: boolean
  /** Epoch milliseconds. */
  expiresAt: number
}

/** A step that the user passed. */
export interface PassedStep {
  authenticator: string
  userId: string
  /** The generation of the user at that time. The step does not count if it has changed. */
  generation?: string
}

/** A browser that an authenticator redirected to its own page. */
export interface SentAway {
  url: string
  /** When a request of the returning browser began to call the extension, in epoch milliseconds. */
  checkedAt?: number
}

/** One execution of an action, stored to explain its result. Secrets, credentials and token values are redacted before. */
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
  /** The summary for people. */
  reason: string
  clientId?: string
  grantType?: string
  /** The effect on the flow: `continued`, `denied`, `refused with server_error`. */
  flowResult: string
  /** Everything else: request, attempts, answer, operations with verdicts, diagnostic steps. JSON. */
  details: unknown
}

/**
 * One security event, or one change through the management API, SCIM or the command line: the initiator, the change, the time.
 * Never a secret or a claim value.
 */
export interface AuditRecord {
  id: string
  tenantId: string
  /** Epoch milliseconds. */
  recordedAt: number
  /** The user id of the administrator, or the subject of the access token. Empty: not known. */
  initiator: string
  /** `ADD`, `UPDATE`, `DELETE`, `ACTIVATE`, `DEACTIVATE`, … */
  action: string
  /** `ACTION`, `APPLICATION`, `API_RESOURCE`, `USER`, … */
  targetType: string
  targetId: string
  /** Details of the change, for example the names of the changed fields. JSON. */
  details: unknown
  /** Default `administration.changed`. */
  event?: string
  /** Default `success`. */
  outcome?: string
  organizationId?: string
  actorKind?: string
  clientId?: string
  reason?: string
  /** Of the client. */
  address?: string
  /** Identifies the user agent without showing it. */
  agent?: string
  /** Connects the records of one request. */
  requestId?: string
  callId?: string
}
