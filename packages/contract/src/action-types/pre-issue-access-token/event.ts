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

/** An access token will be issued. */
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
  /** Since revision 1.3: the members of the token response. */
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
