import { z } from 'zod'
import {
  type Organization,
  organizationSchema,
  type Tenant,
  type TokenClaim,
  type TokenRequest,
  tenantSchema,
  tokenClaimSchema,
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

export const idTokenEventSchema: z.ZodType<IdTokenEvent> = z.looseObject({
  request: tokenRequestSchema,
  tenant: tenantSchema,
  organization: organizationSchema.exactOptional(),
  user: z
    .looseObject({
      id: z.string().exactOptional(),
      userType: z.enum(['LOCAL', 'FEDERATED']).exactOptional(),
      federatedIdP: z.string().exactOptional(),
      organization: organizationSchema.exactOptional(),
      accessingOrganization: organizationSchema.exactOptional(),
    })
    .exactOptional(),
  userStore: userStoreSchema.exactOptional(),
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
    { kind: 'audience', path: '/idToken/claims/aud/', indices: 'live' },
    { kind: 'lifetime', path: '/idToken/claims/expires_in' },
    {
      kind: 'claims',
      path: '/idToken/claims/',
      indices: 'live',
      standard: [],
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
    },
  ],
  eventSchema: idTokenEventSchema,
}
