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
  /** The client's request at the token or authorize endpoint. */
  request: TokenRequest
  /** The tenant of the root organization. */
  tenant: Tenant
  /** The organization in which the token is issued. Since revision 1.1. */
  organization?: Organization
  /** The user of the token. Absent if an application requests it for itself. */
  user?: {
    /** The id of the account. */
    id: string
    /** The organization of the account. Since revision 1.1. */
    organization?: Organization
  }
  /** The store of the user's account. */
  userStore?: UserStore
  /** The access token as it would be issued. */
  accessToken: {
    /** `JWT` or `Opaque`. */
    tokenType: string
    /** The granted scopes. */
    scopes?: string[]
    /** All claims, also `aud`, `iss` and `expires_in`. */
    claims: TokenClaim[]
  }
  /** The refresh token as it would be issued. Since revision 1.1. */
  refreshToken?: {
    /** The lifetime in seconds is the claim `expires_in`. */
    claims: TokenClaim[]
  }
  /** The sign-in in the browser. Since revision 1.2. */
  session?: {
    /** Names the sign-in until its consent. */
    sessionDataKeyConsent: string
  }
  /** The token response. Since revision 1.3. */
  response?: {
    /** The names of its members. */
    parameters: string[]
  }
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
