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

export const accessTokenEventSchema: z.ZodType<AccessTokenEvent> = z.looseObject({
  request: tokenRequestSchema,
  tenant: tenantSchema,
  organization: organizationSchema.exactOptional(),
  user: z.looseObject({ id: z.string(), organization: organizationSchema.exactOptional() }).exactOptional(),
  userStore: userStoreSchema.exactOptional(),
  accessToken: z.looseObject({
    tokenType: z.string(),
    scopes: z.array(z.string()).exactOptional(),
    claims: z.array(tokenClaimSchema),
  }),
  refreshToken: z.looseObject({ claims: z.array(tokenClaimSchema) }).exactOptional(),
  session: z.looseObject({ sessionDataKeyConsent: z.string() }).exactOptional(),
  response: z.looseObject({ parameters: z.array(z.string()) }).exactOptional(),
})

export const preIssueAccessToken: ActionTypeDescriptor<AccessTokenEvent> = {
  type: 'PRE_ISSUE_ACCESS_TOKEN',
  path: 'preIssueAccessToken',
  displayName: 'Pre Issue Access Token',
  description: 'Configure an extension point for modifying access token via a custom service.',
  category: 'PRE_POST',
  latestVersion: 'v1',
  revisions: ['1.0', '1.1', '1.2', '1.3'],
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
    { kind: 'audience', path: '/accessToken/claims/aud/', indices: 'snapshot' },
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
    },
    { kind: 'responseParameters', path: '/response/parameters/', removable: ['refresh_token', 'id_token'] },
  ],
  eventSchema: accessTokenEventSchema,
}
