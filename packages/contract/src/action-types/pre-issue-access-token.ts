import * as z from 'zod/mini'
import {
  type Organization,
  organizationSchema,
  type Tenant,
  type TokenClaim,
  type TokenRequest,
  tenantSchema,
  tokenClaimSchema,
  tokenRequestInClear,
  tokenRequestSchema,
  type UserStore,
  userStoreSchema,
} from '../event.ts'
import type { ActionTypeDescriptor } from './descriptor.ts'

/** What is about to happen: an access token will be issued. */
export interface AccessTokenEvent {
  request: TokenRequest
  tenant: Tenant
  /** Since revision 1.1. */
  organization?: Organization
  user?: { id: string; organization?: Organization }
  userStore?: UserStore
  accessToken: { tokenType: string; scopes?: string[]; claims: TokenClaim[] }
  /** Since revision 1.1. Lifetime in seconds as the claim `expires_in`. */
  refreshToken?: { claims: TokenClaim[] }
  /** Since revision 1.2. */
  session?: { sessionDataKeyConsent: string }
  /** Since revision 1.3: the members the token response will have. */
  response?: { parameters: string[] }
}

export const accessTokenEventSchema: z.ZodMiniType<AccessTokenEvent> = z.looseObject({
  request: tokenRequestSchema,
  tenant: tenantSchema,
  organization: z.exactOptional(organizationSchema),
  user: z.exactOptional(z.looseObject({ id: z.string(), organization: z.exactOptional(organizationSchema) })),
  userStore: z.exactOptional(userStoreSchema),
  accessToken: z.looseObject({
    tokenType: z.string(),
    scopes: z.exactOptional(z.array(z.string())),
    claims: z.array(tokenClaimSchema),
  }),
  refreshToken: z.exactOptional(z.looseObject({ claims: z.array(tokenClaimSchema) })),
  session: z.exactOptional(z.looseObject({ sessionDataKeyConsent: z.string() })),
  response: z.exactOptional(z.looseObject({ parameters: z.array(z.string()) })),
})

export const preIssueAccessToken: ActionTypeDescriptor<AccessTokenEvent> = {
  type: 'PRE_ISSUE_ACCESS_TOKEN',
  path: 'preIssueAccessToken',
  displayName: 'Pre Issue Access Token',
  description: 'Configure an extension point for modifying access token via a custom service.',
  category: 'PRE_POST',
  latestVersion: 'v1',
  revisions: ['1.0', '1.1', '1.2', '1.3'],
  since: [
    { revision: '1.1', path: '/organization' },
    { revision: '1.1', path: '/user/organization' },
    { revision: '1.1', path: '/refreshToken' },
    { revision: '1.2', path: '/session' },
    { revision: '1.3', path: '/response' },
  ],
  mayBeConfiguredByOrganization: false,
  disclosedByDefault: 'everything',
  mayListHeaders: true,
  mayListAttributes: false,
  mayRedirect: false,
  ruleFields: [
    {
      name: 'application',
      displayName: 'application',
      value: {
        kind: 'reference',
        valueAttribute: 'id',
        displayAttribute: 'name',
        links: [
          { href: '/applications?excludeSystemPortals=true&offset=0&limit=10', rel: 'values' },
          { href: '/applications?excludeSystemPortals=true&filter=&limit=10', rel: 'filter' },
        ],
      },
    },
    {
      name: 'grantType',
      displayName: 'grant type',
      value: { kind: 'options', values: ['authorization_code', 'password', 'refresh_token', 'client_credentials'] },
    },
  ],
  places: [
    { kind: 'scopes', path: '/accessToken/scopes/' },
    { kind: 'audience', path: '/accessToken/claims/aud/', indices: 'snapshot', takesLikeNamed: true },
    { kind: 'lifetime', path: '/accessToken/claims/expires_in' },
    { kind: 'lifetime', path: '/refreshToken/claims/expires_in' },
    {
      kind: 'claims',
      path: '/accessToken/claims/',
      indices: 'snapshot',
      standard: [
        'sub',
        'iss',
        'aud',
        'client_id',
        'aut',
        'expires_in',
        'binding_ref',
        'binding_type',
        'subject_type',
        'iat',
      ],
      reserved: ['exp', 'nbf', 'jti', 'azp', 'act', 'cnf', 'org_id', 'org_name', 'org_handle'],
      reservedByReference: false,
      scopePath: '/accessToken/scopes/',
      texts: {
        malformed: 'Invalid claim.',
        exists: 'An access token claim already exists.',
        reserved: "The claim '{name}' is written by the platform and cannot be added.",
      },
    },
    {
      kind: 'responseParameters',
      path: '/response/parameters/',
      removable: ['refresh_token', 'id_token'],
      reserved: ['refresh_token', 'id_token', 'error', 'error_description'],
    },
  ],
  offers: [
    {
      op: 'add',
      paths: [
        '/accessToken/claims/',
        '/accessToken/scopes/',
        '/accessToken/claims/aud/',
        { path: '/response/parameters/', when: 'present' },
      ],
    },
    {
      op: 'remove',
      paths: [
        { eachClaimOf: '/accessToken/claims/' },
        '/accessToken/scopes/',
        '/accessToken/claims/aud/',
        { path: '/response/parameters/refresh_token', when: 'present' },
        { path: '/response/parameters/id_token', when: 'present' },
      ],
    },
    {
      op: 'replace',
      paths: [
        { eachClaimOf: '/accessToken/claims/' },
        '/accessToken/scopes/',
        '/accessToken/claims/aud/',
        '/accessToken/claims/expires_in',
        { path: '/refreshToken/claims/expires_in', when: 'present' },
      ],
    },
  ],
  serverErrorReasons: ['server_error', 'internal_server_error', '500'],
  sentWhenEmpty: [],
  inClear: {
    request: tokenRequestInClear,
    tenant: true,
    organization: true,
    user: { id: true, organization: true },
    userStore: true,
    accessToken: {
      tokenType: true,
      scopes: true,
      claims: { claimsNamed: ['iss', 'client_id', 'aut', 'expires_in', 'aud', 'subject_type', 'binding_type', 'iat'] },
    },
    refreshToken: { claims: { claimsNamed: ['expires_in', 'iat'] } },
    response: true,
  },
  eventSchema: accessTokenEventSchema,
}
