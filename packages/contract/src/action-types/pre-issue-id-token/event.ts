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
