import { z } from 'zod'
import { kept } from './kept-fields.ts'
import {
  nothing,
  oneParameter,
  type PageLink,
  pageLinkSchema,
  pageSize,
  pathSegment,
  type RouteTable,
} from './route.ts'

/** The algorithms for ID tokens. */
export type IdTokenAlgorithmName = 'RS256' | 'PS256' | 'ES256'

/** How an application speaks OAuth and OpenID Connect. Spelled as in the reference; what is left out gets its default. */
export interface OidcInput {
  /** Chosen by the server unless given. Cannot be changed later. */
  clientId?: string
  clientSecret?: string
  grantTypes: string[]
  /** `regexp=(https://a|https://b)` counts as the list of its alternatives. */
  callbackURLs?: string[]
  allowedOrigins?: string[]
  publicClient?: boolean
  pkce?: { mandatory?: boolean; supportPlainTransformAlgorithm?: boolean }
  hybridFlow?: { enable?: boolean; responseType?: string }
  accessToken?: {
    /** `JWT`, or `Default` for an opaque one. Default `JWT`. */
    type?: string
    userAccessTokenExpiryInSeconds?: number
    applicationAccessTokenExpiryInSeconds?: number
    accessTokenAttributes?: string[]
  }
  refreshToken?: { expiryInSeconds?: number; renewRefreshToken?: boolean }
  tokenExchange?: {
    /** Client ids that may exchange access tokens of this application for their own. Default: only it itself. */
    allowedClients?: string[]
  }
  jwtBearer?: {
    /** Whose assertions about users the application may redeem. Default: nobody's. */
    trustedIssuers?: TrustedIssuerInput[]
  }
  idToken?: {
    expiryInSeconds?: number
    audience?: string[]
    /** Default: what the server signs with. `SHA256withRSA` is another name of `RS256`. */
    idTokenSignedResponseAlg?: IdTokenAlgorithmName | 'SHA256withRSA'
  }
  clientAuthentication?: {
    /** The one way in which the client may authenticate. Empty or left out: with its secret, in the header or in the form. */
    tokenEndpointAuthMethod?: '' | ClientAuthMethodName
    /** With `private_key_jwt`: the one algorithm of assertions. Empty or left out: any of those. */
    tokenEndpointAuthSigningAlg?: string
  }
  pushAuthorizationRequest?: { requirePushAuthorizationRequest?: boolean }
}

/** Signs assertions about users of the tenant. */
export interface TrustedIssuerInput {
  /** The claim `iss`. */
  issuer: string
  /** Its public keys: a JSON Web Key Set. */
  jwks: { keys: Record<string, unknown>[] }
  /** The claim that has the user name. Default `sub`. */
  subjectClaim?: string
}
/** How a client proves who it is. `none` is for public clients, and they can do nothing else. */
export type ClientAuthMethodName = 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt' | 'none'

/** Fields that were sent and are only kept are shown besides these. */
export interface OidcView {
  clientId: string
  /** Absent for a public client. */
  clientSecret?: string
  state: string
  grantTypes: string[]
  callbackURLs: string[]
  allowedOrigins: string[]
  publicClient: boolean
  pkce: { mandatory: boolean; supportPlainTransformAlgorithm: boolean }
  hybridFlow: { enable: boolean; responseType?: string }
  accessToken: {
    type: string
    userAccessTokenExpiryInSeconds: number
    applicationAccessTokenExpiryInSeconds: number
    accessTokenAttributes: string[]
    bindingType: string
  }
  refreshToken: { expiryInSeconds: number; renewRefreshToken: boolean }
  /** Absent when nothing was chosen. */
  tokenExchange?: NonNullable<OidcInput['tokenExchange']>
  jwtBearer?: NonNullable<OidcInput['jwtBearer']>
  idToken: { expiryInSeconds: number; audience: string[]; idTokenSignedResponseAlg?: string }
}

/** How an application has its users signed in. A sequence is replaced as a whole. */
export interface AuthenticationSequenceInput {
  /** `DEFAULT` is one step with the password. Default `DEFAULT`. */
  type?: 'DEFAULT' | 'USER_DEFINED'
  /** One after the other; of the options of a step the user chooses one. `id` counts from 1. */
  steps?: { id: number; options: AuthenticatorOption[] }[]
  /** The step whose user is signed in. Default 1. */
  subjectStepId?: number
  /** Default 1. Kept and shown; the attributes are those of the user who is signed in. */
  attributeStepId?: number
}

export interface AuthenticatorOption {
  /** Identity providers are not offered. */
  idp: 'LOCAL'
  /** `BasicAuthenticator`, or the name of a custom authenticator. */
  authenticator: string
}

export type AuthenticationSequenceView = Required<AuthenticationSequenceInput>

export interface AdvancedInput {
  /** Whether users are not asked what the application may have. Default `false`. */
  skipLoginConsent?: boolean
  /** Whether the application may sign users out without asking them. Default `false`. */
  skipLogoutConsent?: boolean
  /** What the application signs with: a certificate in PEM, as it is or in Base64, or the address of its JSON Web Key Set. */
  certificate?: { type?: 'PEM' | 'JWKS'; value?: string }
}

/** Which claims about the user the application gets. */
export interface ClaimConfigurationInput {
  /** `LOCAL`: claims are named by their local URI. `CUSTOM`: by what `claimMappings` calls them. Default `LOCAL`. */
  dialect?: 'LOCAL' | 'CUSTOM'
  claimMappings?: { applicationClaim: string; localClaim: { uri: string } }[]
  /** Limits what the scopes bring. Empty or left out: the scopes decide alone. */
  requestedClaims?: { claim: { uri: string }; mandatory?: boolean }[]
}

export interface ApplicationInput {
  name: string
  description?: string
  authenticationSequence?: AuthenticationSequenceInput
  inboundProtocolConfiguration?: { oidc?: OidcInput }
  advancedConfigurations?: AdvancedInput
  claimConfiguration?: ClaimConfigurationInput
  /** Whether users sign in and tokens are issued. Default `true`. */
  applicationEnabled?: boolean
}

export interface ApplicationPatch {
  name?: string
  description?: string
  authenticationSequence?: AuthenticationSequenceInput
  advancedConfigurations?: AdvancedInput
  claimConfiguration?: ClaimConfigurationInput
  /** Whether users sign in and tokens are issued. Default `true`. */
  applicationEnabled?: boolean
}

export interface ApplicationSummary {
  id: string
  name: string
  description?: string
  clientId: string
  access: 'READ' | 'WRITE'
  self: string
}

export interface ApplicationView extends Omit<ApplicationSummary, 'self'> {
  applicationEnabled: boolean
  inboundProtocols: { type: string; name: string; self: string }[]
  advancedConfigurations: Required<Omit<AdvancedInput, 'certificate'>>
  authenticationSequence: AuthenticationSequenceView
}

export interface ApplicationList {
  totalResults: number
  startIndex: number
  count: number
  applications: ApplicationSummary[]
  links: PageLink[]
}

export interface AuthorizedApiInput {
  /** Of the API resource. */
  id: string
  policyIdentifier?: string
  scopes?: string[]
}

export interface AuthorizedApiView {
  id: string
  identifier: string
  displayName: string
  policyId: string
  type: string
  authorizedScopes: { id: string; name: string; displayName: string }[]
}

type OneApplication = { applicationId: string }

export interface ApplicationRoutes {
  createApplication: { params: object; query: object; body: ApplicationInput; answers: { 201: undefined } }
  listApplications: {
    params: object
    query: { limit?: number; offset?: number; filter?: string; excludeSystemPortals?: 'true' | 'false' }
    body: undefined
    answers: { 200: ApplicationList }
  }
  getApplication: { params: OneApplication; query: object; body: undefined; answers: { 200: ApplicationView } }
  updateApplication: { params: OneApplication; query: object; body: ApplicationPatch; answers: { 200: undefined } }
  deleteApplication: { params: OneApplication; query: object; body: undefined; answers: { 204: undefined } }
  getOidcConfiguration: { params: OneApplication; query: object; body: undefined; answers: { 200: OidcView } }
  replaceOidcConfiguration: { params: OneApplication; query: object; body: OidcInput; answers: { 200: undefined } }
  regenerateClientSecret: { params: OneApplication; query: object; body: undefined; answers: { 200: OidcView } }
  authorizeApi: { params: OneApplication; query: object; body: AuthorizedApiInput; answers: { 200: undefined } }
  listAuthorizedApis: {
    params: OneApplication
    query: object
    body: undefined
    answers: { 200: AuthorizedApiView[] }
  }
  updateAuthorizedApi: {
    params: OneApplication & { apiId: string }
    query: object
    body: { addedScopes?: string[]; removedScopes?: string[] }
    answers: { 200: undefined }
  }
  withdrawApi: {
    params: OneApplication & { apiId: string }
    query: object
    body: undefined
    answers: { 204: undefined }
  }
}

/** A field that would promise what this server does not give: only with the value that promises nothing. */
const off = kept(z.literal(false), 'Not offered: leave it out or say false.')

/** Fields of the reference that change nothing here. */
function keptAsSent(...names: string[]): Record<string, z.ZodExactOptional<z.ZodType>> {
  return Object.fromEntries(names.map(name => [name, kept(z.unknown())]))
}

/** A setting of something that is not offered, switched off: whatever is in it says nothing. */
function switchedOff(hint: string): z.ZodExactOptional<z.ZodType> {
  return kept(z.unknown().refine(saysNothing, { message: `is not offered. ${hint}` }), 'Not offered: leave it out.')
}

function saysNothing(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(saysNothing)
  if (typeof value === 'object' && value !== null) return Object.values(value).every(saysNothing)
  return value === '' || value === false || value === null || value === undefined || value === 0
}

const text = z.string().max(1024)
const lifetimeSeconds = z.number().int().min(1).max(315_360_000)
const names = z.array(z.string().min(1).max(255)).max(200)

const BINDING_TYPES = ['None', 'cookie', 'sso-session', 'device-flow', 'DPoP', 'certificate', 'client-request'] as const
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']

const trustedIssuerSchema: z.ZodType<TrustedIssuerInput> = z.strictObject({
  issuer: z.url({ protocol: /^https?$/ }).max(1024),
  jwks: z.strictObject({
    keys: z
      .array(
        z
          .record(z.string(), z.unknown())
          .refine(key => typeof key['kty'] === 'string' && !PRIVATE_MEMBERS.some(member => member in key), {
            message: 'must be a public key as JSON Web Key, without private members',
          }),
      )
      .min(1)
      .max(20),
  }),
  subjectClaim: z.string().min(1).max(255).exactOptional(),
})

const clientAuthenticationSchema = z.strictObject({
  tokenEndpointAuthMethod: z
    .enum(['', 'client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'])
    .exactOptional(),
  tokenEndpointAuthSigningAlg: z.enum(['', 'PS256', 'ES256', 'ES384', 'RS384', 'RS256']).exactOptional(),
  tokenEndpointAllowReusePvtKeyJwt: z.literal(false).exactOptional().describe('An assertion is used once.'),
  tlsClientAuthSubjectDn: z.literal('').exactOptional().describe('Certificates of TLS are not offered.'),
})

export const oidcInputSchema: z.ZodType<OidcInput> = z.strictObject({
  clientId: z
    .string()
    .regex(/^[\w.-]{1,255}$/)
    .exactOptional(),
  clientSecret: z
    .string()
    .regex(/^[\x21-\x7e]{8,255}$/)
    .exactOptional(),
  grantTypes: names.min(1),
  callbackURLs: kept(
    z.array(z.string().min(1).max(4096)).max(100),
    'Absolute URLs, or `regexp=(url|url)` with nothing in it but alternatives.',
  ),
  allowedOrigins: z.array(z.string().min(1).max(1024)).max(100).exactOptional(),
  publicClient: z.boolean().exactOptional(),
  pkce: z
    .strictObject({
      mandatory: z.boolean().exactOptional(),
      supportPlainTransformAlgorithm: kept(z.boolean(), 'Kept and returned. Only S256 is offered, whatever it says.'),
    })
    .exactOptional(),
  hybridFlow: z
    .strictObject({ enable: z.boolean().exactOptional(), responseType: text.exactOptional() })
    .exactOptional(),
  accessToken: z
    .strictObject({
      type: z.enum(['JWT', 'Default']).exactOptional(),
      userAccessTokenExpiryInSeconds: lifetimeSeconds.exactOptional(),
      applicationAccessTokenExpiryInSeconds: lifetimeSeconds.exactOptional(),
      accessTokenAttributes: names.exactOptional(),
      validateTokenBinding: off,
      revokeTokensWhenIDPSessionTerminated: off,
      enableJwtScopeAsArray: off,
      bindingType: kept(z.enum(BINDING_TYPES), 'Default `None`.'),
    })
    .exactOptional(),
  refreshToken: z
    .strictObject({
      expiryInSeconds: lifetimeSeconds.exactOptional(),
      renewRefreshToken: z.boolean().exactOptional(),
      gracefulRefreshTokenRotationEnabled: off,
      ...keptAsSent(
        'extendRenewedRefreshTokenExpiryTime',
        'gracefulRefreshTokenRotationValidityPeriod',
        'gracefulRefreshTokenReuseLimit',
      ),
    })
    .exactOptional(),
  tokenExchange: z.strictObject({ allowedClients: names.exactOptional() }).exactOptional(),
  jwtBearer: z.strictObject({ trustedIssuers: z.array(trustedIssuerSchema).max(20).exactOptional() }).exactOptional(),
  idToken: z
    .strictObject({
      expiryInSeconds: lifetimeSeconds.exactOptional(),
      audience: z.array(z.string().min(1).max(1024)).max(100).exactOptional(),
      encryption: z.strictObject({ enabled: off, ...keptAsSent('algorithm', 'method') }).exactOptional(),
      idTokenSignedResponseAlg: kept(
        z.enum(['RS256', 'PS256', 'ES256', 'SHA256withRSA']),
        'What ID tokens are signed with.',
      ),
    })
    .exactOptional(),
  validateRequestObjectSignature: off,
  isFAPIApplication: off,
  pushAuthorizationRequest: z
    .strictObject({
      requirePushAuthorizationRequest: kept(z.boolean(), 'Whether authorization requests must be pushed.'),
    })
    .exactOptional(),
  clientAuthentication: kept(clientAuthenticationSchema, 'How the client proves who it is.'),
  subject: z
    .strictObject({
      subjectType: kept(z.literal('public'), 'Pairwise subjects are not offered.'),
      sectorIdentifierUri: switchedOff('It is for pairwise subjects.'),
    })
    .exactOptional(),
  logout: z
    .strictObject({
      backChannelLogoutUrl: switchedOff('Leave it empty.'),
      frontChannelLogoutUrl: switchedOff('Browsers give frames of other sites no cookies.'),
    })
    .exactOptional(),
  requestObject: switchedOff('Send the parameters themselves, or push them.'),
  fapiProfile: switchedOff('Leave it empty.'),
  subjectToken: z
    .strictObject({ enable: off, ...keptAsSent('applicationSubjectTokenExpiryInSeconds') })
    .exactOptional(),
  cibaAuthenticationRequest: switchedOff('Leave it out.'),
  ...keptAsSent('scopeValidators'),
  // The server's own. What a tool read it may send back.
  state: z.literal('ACTIVE').exactOptional(),
  ...keptAsSent('clientSecretExpiresAt', 'multipleClientSecretsConfigured', 'issuer'),
}) as unknown as z.ZodType<OidcInput>

const nameSchema = z.string().min(1).max(255)
const certificateSchema = z.strictObject({
  type: z.enum(['PEM', 'JWKS']).exactOptional(),
  value: z.string().max(16_384).exactOptional(),
})
const advancedSchema = z
  .strictObject({
    skipLoginConsent: z.boolean().exactOptional(),
    skipLogoutConsent: z.boolean().exactOptional(),
    saas: off,
    useExternalConsentPage: off,
    enableAPIBasedAuthentication: off,
    fragment: off,
    enableAuthorization: off,
    certificate: kept(certificateSchema, 'What the application signs with.'),
    attestationMetaData: switchedOff('Leave it out.'),
    ...keptAsSent(
      'discoverableByEndUsers',
      'discoverableGroups',
      'returnAuthenticatedIdpList',
      'trustedAppConfiguration',
      'additionalSpProperties',
    ),
  })
  .exactOptional()

const MAX_STEPS = 10
const stepNumber = z.number().int().min(1).max(MAX_STEPS)
const stepsSchema = z
  .array(
    z.strictObject({
      id: stepNumber,
      options: z.array(z.strictObject({ idp: z.literal('LOCAL'), authenticator: z.string().min(1).max(255) })).max(50),
    }),
  )
  .max(MAX_STEPS)
const sequenceTypeSchema = z.enum(['DEFAULT', 'USER_DEFINED'])

const authenticationSequenceSchema = z.strictObject({
  type: sequenceTypeSchema.exactOptional(),
  steps: stepsSchema.exactOptional(),
  subjectStepId: stepNumber.exactOptional(),
  attributeStepId: stepNumber.exactOptional(),
  script: z.literal('').exactOptional().describe('Not offered: leave it out or send an empty text.'),
  requestPathAuthenticators: z
    .array(z.unknown())
    .max(0)
    .exactOptional()
    .describe('Not offered: leave it out or empty.'),
})

const claimSchema = z.strictObject({ uri: z.string().min(1).max(1024) })
const claimConfigurationSchema = z.strictObject({
  dialect: z.enum(['LOCAL', 'CUSTOM']).exactOptional(),
  claimMappings: z
    .array(z.strictObject({ applicationClaim: z.string().min(1).max(1024), localClaim: claimSchema }))
    .max(200)
    .exactOptional(),
  requestedClaims: z
    .array(z.strictObject({ claim: claimSchema, mandatory: z.boolean().exactOptional() }))
    .max(200)
    .exactOptional(),
  subject: z
    .strictObject({
      claim: z
        .strictObject({ uri: z.enum(['', 'http://wso2.org/claims/userid']) })
        .exactOptional()
        .describe('The subject is the id of the user.'),
      includeUserDomain: z.literal(false).exactOptional(),
      includeTenantDomain: z.literal(false).exactOptional(),
      ...keptAsSent('useMappedLocalSubject', 'mappedLocalSubjectMandatory'),
    })
    .exactOptional(),
  role: z.unknown().exactOptional(),
})

const sharedFields = {
  description: text.exactOptional(),
  authenticationSequence: authenticationSequenceSchema.exactOptional(),
  advancedConfigurations: advancedSchema,
  applicationEnabled: z.boolean().exactOptional(),
  enhancedOrgAuthenticationEnabled: off,
  claimConfiguration: kept(claimConfigurationSchema, 'Which claims about the user the application gets.'),
  isManagementApp: kept(z.boolean()),
  isB2BSelfServiceApp: kept(z.boolean()),
  ...keptAsSent(
    'imageUrl',
    'accessUrl',
    'logoutReturnUrl',
    'templateId',
    'templateVersion',
    'associatedRoles',
    'provisioningConfigurations',
  ),
}

export const applicationInputSchema: z.ZodType<ApplicationInput> = z.strictObject({
  name: nameSchema,
  inboundProtocolConfiguration: z.strictObject({ oidc: oidcInputSchema.exactOptional() }).exactOptional(),
  ...sharedFields,
}) as unknown as z.ZodType<ApplicationInput>

/** Members of a view that a tool may send back as it read them. */
export const READ_ONLY_FIELDS = ['id', 'clientId', 'access', 'inboundProtocols'] as const

export const applicationPatchSchema: z.ZodType<ApplicationPatch> = z.strictObject({
  name: nameSchema.exactOptional(),
  ...sharedFields,
  ...keptAsSent('applicationVersion'),
  ...Object.fromEntries(
    READ_ONLY_FIELDS.map(name => [name, z.unknown().exactOptional().describe('As it is, or left out.')]),
  ),
}) as unknown as z.ZodType<ApplicationPatch>

const summaryFields = {
  id: z.string(),
  name: z.string(),
  description: z.string().exactOptional(),
  clientId: z.string(),
  access: z.enum(['READ', 'WRITE']),
}

export const applicationSummarySchema: z.ZodType<ApplicationSummary> = z.strictObject({
  ...summaryFields,
  self: z.string(),
})

/** Loose: fields that are only kept come back where they were sent. */
export const applicationViewSchema: z.ZodType<ApplicationView> = z.looseObject({
  ...summaryFields,
  applicationEnabled: z.boolean(),
  inboundProtocols: z.array(z.strictObject({ type: z.string(), name: z.string(), self: z.string() })),
  advancedConfigurations: z.looseObject({ skipLoginConsent: z.boolean(), skipLogoutConsent: z.boolean() }),
  authenticationSequence: z.strictObject({
    type: sequenceTypeSchema,
    steps: stepsSchema,
    subjectStepId: stepNumber,
    attributeStepId: stepNumber,
  }),
})

export const applicationListSchema: z.ZodType<ApplicationList> = z.strictObject({
  totalResults: z.number(),
  startIndex: z.number(),
  count: z.number(),
  applications: z.array(applicationSummarySchema),
  links: z.array(pageLinkSchema),
})

/** Loose: fields that are only kept come back where they were sent. */
export const oidcViewSchema: z.ZodType<OidcView> = z.looseObject({
  clientId: z.string(),
  clientSecret: z.string().exactOptional(),
  state: z.string(),
  grantTypes: z.array(z.string()),
  callbackURLs: z.array(z.string()),
  allowedOrigins: z.array(z.string()),
  publicClient: z.boolean(),
  pkce: z.looseObject({ mandatory: z.boolean(), supportPlainTransformAlgorithm: z.boolean() }),
  hybridFlow: z.looseObject({ enable: z.boolean(), responseType: z.string().exactOptional() }),
  accessToken: z.looseObject({
    type: z.string(),
    userAccessTokenExpiryInSeconds: z.number(),
    applicationAccessTokenExpiryInSeconds: z.number(),
    accessTokenAttributes: z.array(z.string()),
    bindingType: z.string(),
  }),
  refreshToken: z.looseObject({ expiryInSeconds: z.number(), renewRefreshToken: z.boolean() }),
  tokenExchange: z.strictObject({ allowedClients: z.array(z.string()).exactOptional() }).exactOptional(),
  jwtBearer: z.strictObject({ trustedIssuers: z.array(trustedIssuerSchema).exactOptional() }).exactOptional(),
  idToken: z.looseObject({
    expiryInSeconds: z.number(),
    audience: z.array(z.string()),
    idTokenSignedResponseAlg: z.string().exactOptional(),
  }),
})

export const authorizedApiInputSchema: z.ZodType<AuthorizedApiInput> = z.strictObject({
  id: z.string().min(1).max(255),
  policyIdentifier: z.string().max(255).exactOptional(),
  scopes: names.exactOptional(),
  authorizationDetailsTypes: switchedOff('Leave it out.'),
}) as unknown as z.ZodType<AuthorizedApiInput>

const authorizedApiPatchSchema: z.ZodType<{ addedScopes?: string[]; removedScopes?: string[] }> = z.strictObject({
  addedScopes: names.exactOptional(),
  removedScopes: names.exactOptional(),
  addedAuthorizationDetailsTypes: switchedOff('Leave it out.'),
  removedAuthorizationDetailsTypes: switchedOff('Leave it out.'),
}) as unknown as z.ZodType<{ addedScopes?: string[]; removedScopes?: string[] }>

export const authorizedApiViewSchema: z.ZodType<AuthorizedApiView> = z.strictObject({
  id: z.string(),
  identifier: z.string(),
  displayName: z.string(),
  policyId: z.string(),
  type: z.string(),
  authorizedScopes: z.array(z.strictObject({ id: z.string(), name: z.string(), displayName: z.string() })),
})

const oneApplication = oneParameter('applicationId')
const oneAuthorization: z.ZodType<OneApplication & { apiId: string }> = z.object({
  applicationId: pathSegment,
  apiId: pathSegment,
})

export const applicationRoutes: RouteTable<ApplicationRoutes> = {
  createApplication: {
    method: 'POST',
    path: '/applications',
    summary: 'Create an application',
    tag: 'Applications',
    access: { permission: 'internal_application_mgt_create' },
    level: 'tenant',
    params: nothing,
    query: nothing,
    body: applicationInputSchema,
    answers: { 201: { description: 'It exists; Location ends with its id', hasLocation: true } },
    refusals: [400, 409],
  },
  listApplications: {
    method: 'GET',
    path: '/applications',
    summary: 'List the applications by name',
    tag: 'Applications',
    access: { permission: 'internal_application_mgt_view' },
    level: 'tenant',
    params: nothing,
    query: z.object({
      limit: pageSize(1000).exactOptional().describe('Default 30'),
      offset: z.coerce.number().int().min(0).max(1_000_000).exactOptional() as unknown as z.ZodExactOptional<
        z.ZodType<number>
      >,
      filter: z.string().exactOptional().describe('For example `name eq shop`; also co, sw and ew, and clientId'),
      excludeSystemPortals: z.enum(['true', 'false']).exactOptional(),
    }),
    answers: { 200: { description: 'One page', schema: applicationListSchema } },
    refusals: [400],
  },
  getApplication: {
    method: 'GET',
    path: '/applications/{applicationId}',
    summary: 'Read an application',
    tag: 'Applications',
    access: { permission: 'internal_application_mgt_view' },
    level: 'tenant',
    params: oneApplication,
    query: nothing,
    answers: { 200: { description: 'The application', schema: applicationViewSchema } },
    refusals: [400, 404],
  },
  updateApplication: {
    method: 'PATCH',
    path: '/applications/{applicationId}',
    summary: 'Change an application; what is left out stays',
    tag: 'Applications',
    access: { permission: 'internal_application_mgt_update' },
    level: 'tenant',
    params: oneApplication,
    query: nothing,
    body: applicationPatchSchema,
    answers: { 200: { description: 'It is changed' } },
    refusals: [400, 404, 409],
  },
  deleteApplication: {
    method: 'DELETE',
    path: '/applications/{applicationId}',
    summary: 'Delete an application; one that is not there counts as deleted',
    tag: 'Applications',
    access: { permission: 'internal_application_mgt_delete' },
    level: 'tenant',
    params: oneApplication,
    query: nothing,
    answers: { 204: { description: 'It is gone' } },
    refusals: [400],
  },
  getOidcConfiguration: {
    method: 'GET',
    path: '/applications/{applicationId}/inbound-protocols/oidc',
    summary: 'Read how an application speaks OpenID Connect, with its client id and secret',
    tag: 'Applications',
    access: { permission: 'internal_application_mgt_view' },
    level: 'tenant',
    params: oneApplication,
    query: nothing,
    answers: { 200: { description: 'The configuration', schema: oidcViewSchema } },
    refusals: [400, 404],
  },
  replaceOidcConfiguration: {
    method: 'PUT',
    path: '/applications/{applicationId}/inbound-protocols/oidc',
    summary: 'Replace how an application speaks OpenID Connect; client id and secret stay',
    tag: 'Applications',
    access: { permission: 'internal_application_mgt_update' },
    level: 'tenant',
    params: oneApplication,
    query: nothing,
    body: oidcInputSchema,
    answers: { 200: { description: 'It is changed' } },
    refusals: [400, 404],
  },
  regenerateClientSecret: {
    method: 'POST',
    path: '/applications/{applicationId}/inbound-protocols/oidc/regenerate-secret',
    summary: 'Give an application a new client secret; the old one ends at once',
    tag: 'Applications',
    access: { permission: 'internal_application_mgt_client_secret_create' },
    level: 'tenant',
    params: oneApplication,
    query: nothing,
    answers: { 200: { description: 'The configuration with the new secret', schema: oidcViewSchema } },
    refusals: [400, 404],
  },
  authorizeApi: {
    method: 'POST',
    path: '/applications/{applicationId}/authorized-apis',
    summary: 'Let an application ask for scopes of an API',
    tag: 'Applications',
    access: { permission: 'internal_application_mgt_update' },
    level: 'tenant',
    params: oneApplication,
    query: nothing,
    body: authorizedApiInputSchema,
    answers: { 200: { description: 'It may' } },
    refusals: [400, 404, 409],
  },
  listAuthorizedApis: {
    method: 'GET',
    path: '/applications/{applicationId}/authorized-apis',
    summary: 'List the APIs an application may ask scopes of',
    tag: 'Applications',
    access: { permission: 'internal_application_mgt_view' },
    level: 'tenant',
    params: oneApplication,
    query: nothing,
    answers: { 200: { description: 'The APIs', schema: z.array(authorizedApiViewSchema) } },
    refusals: [400, 404],
  },
  updateAuthorizedApi: {
    method: 'PATCH',
    path: '/applications/{applicationId}/authorized-apis/{apiId}',
    summary: 'Change which scopes of an API an application may ask for',
    tag: 'Applications',
    access: { permission: 'internal_application_mgt_update' },
    level: 'tenant',
    params: oneAuthorization,
    query: nothing,
    body: authorizedApiPatchSchema,
    answers: { 200: { description: 'It is changed' } },
    refusals: [400, 404],
  },
  withdrawApi: {
    method: 'DELETE',
    path: '/applications/{applicationId}/authorized-apis/{apiId}',
    summary: 'Take an API away from an application',
    tag: 'Applications',
    access: { permission: 'internal_application_mgt_update' },
    level: 'tenant',
    params: oneAuthorization,
    query: nothing,
    answers: { 204: { description: 'It is gone' } },
    refusals: [400, 404],
  },
}
