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
import { preIssueAccessToken } from './pre-issue-access-token.ts'

/** What is about to happen: an ID token will be issued. */
export interface IdTokenEvent {
  request: TokenRequest
  tenant: Tenant
  organization?: Organization
  user?: {
    /** Absent for a federated user without a local account. */
    id?: string
    userType?: 'LOCAL' | 'FEDERATED'
    federatedIdP?: string
    organization?: Organization
    /** Only with the organization switch grant. */
    accessingOrganization?: Organization
  }
  userStore?: UserStore
  idToken: { claims: TokenClaim[] }
}

export const idTokenEventSchema: z.ZodMiniType<IdTokenEvent> = z.looseObject({
  request: tokenRequestSchema,
  tenant: tenantSchema,
  organization: z.exactOptional(organizationSchema),
  user: z.exactOptional(
    z.looseObject({
      id: z.exactOptional(z.string()),
      userType: z.exactOptional(z.enum(['LOCAL', 'FEDERATED'])),
      federatedIdP: z.exactOptional(z.string()),
      organization: z.exactOptional(organizationSchema),
      accessingOrganization: z.exactOptional(organizationSchema),
    }),
  ),
  userStore: z.exactOptional(userStoreSchema),
  idToken: z.looseObject({ claims: z.array(tokenClaimSchema) }),
})

const application = preIssueAccessToken.ruleFields.filter(field => field.name === 'application')

export const preIssueIdToken: ActionTypeDescriptor<IdTokenEvent> = {
  type: 'PRE_ISSUE_ID_TOKEN',
  path: 'preIssueIdToken',
  displayName: 'Pre Issue ID Token',
  description: 'Configure an extension point for modifying ID token via a custom service.',
  category: 'PRE_POST',
  latestVersion: 'v1',
  revisions: ['1.0'],
  since: [],
  mayBeConfiguredByOrganization: false,
  disclosedByDefault: 'nothing',
  mayListHeaders: true,
  mayListAttributes: false,
  mayRedirect: false,
  ruleFields: [
    ...application,
    {
      name: 'grantType',
      displayName: 'grant type',
      value: {
        kind: 'options',
        values: [
          'authorization_code',
          'password',
          'refresh_token',
          'urn:ietf:params:oauth:grant-type:device_code',
          'organization_switch',
        ],
      },
    },
  ],
  places: [
    { kind: 'audience', path: '/idToken/claims/aud/', indices: 'live', takesLikeNamed: false },
    { kind: 'lifetime', path: '/idToken/claims/expires_in' },
    {
      kind: 'claims',
      path: '/idToken/claims/',
      indices: 'live',
      standard: [
        'jti',
        'iss',
        'azp',
        'auth_time',
        'nonce',
        'acr',
        'amr',
        'isk',
        'realm',
        'tenant',
        'userstore',
        'at_hash',
        'c_hash',
        's_hash',
        'sid',
        'org_id',
        'org_name',
        'org_handle',
        'sub',
        'aud',
        'exp',
        'iat',
        'nbf',
        'expires_in',
      ],
      reserved: [
        'iss',
        'at_hash',
        'c_hash',
        's_hash',
        'sid',
        'expires_in',
        'realm',
        'tenant',
        'userstore',
        'isk',
        'sub',
        'aud',
        'exp',
        'iat',
        'auth_time',
        'nonce',
        'acr',
        'amr',
        'azp',
      ],
      reservedByReference: true,
      texts: {
        malformed: 'Failed to convert the value to Claim object.',
        incomplete: 'Claim name or value cannot be null.',
        exists: "Claim with name '{name}' already exists in ID Token.",
        reserved: "Cannot add standard claim '{name}' to ID Token.",
      },
    },
  ],
  offers: [
    { op: 'add', paths: ['/idToken/claims/', '/idToken/claims/aud/'] },
    { op: 'remove', paths: [{ eachClaimOf: '/idToken/claims/' }, '/idToken/claims/aud/'] },
    {
      op: 'replace',
      paths: [{ eachClaimOf: '/idToken/claims/' }, '/idToken/claims/aud/', '/idToken/claims/expires_in'],
    },
  ],
  serverErrorReasons: ['server_error', 'internal_server_error', '500'],
  sentWhenEmpty: [],
  inClear: {
    request: tokenRequestInClear,
    tenant: true,
    organization: true,
    user: { id: true, userType: true, federatedIdP: true, organization: true, accessingOrganization: true },
    userStore: true,
    idToken: { claims: { claimsNamed: ['iss', 'azp', 'aud', 'acr', 'amr', 'auth_time', 'expires_in'] } },
  },
  eventSchema: idTokenEventSchema,
}
