import * as z from 'zod/mini'
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
} from '../../event.ts'

/** An ID token will be issued. */
export interface IdTokenEvent {
  /** The client's request at the token or authorize endpoint. */
  request: TokenRequest
  /** The tenant of the root organization. */
  tenant: Tenant
  /** The organization in which the token is issued. */
  organization?: Organization
  /** The user of the token. */
  user?: {
    /** Absent for a federated user without a local account. */
    id?: string
    /** Whether the account is in this tenant or at an identity provider. */
    userType?: 'LOCAL' | 'FEDERATED'
    /** The name of the identity provider. */
    federatedIdP?: string
    /** The organization of the account. */
    organization?: Organization
    /** Only with the organization switch grant. */
    accessingOrganization?: Organization
  }
  /** The store of the user's account. */
  userStore?: UserStore
  /** The ID token as it would be issued. */
  idToken: {
    /** All claims, also `aud`, `iss` and `expires_in`. */
    claims: TokenClaim[]
  }
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
