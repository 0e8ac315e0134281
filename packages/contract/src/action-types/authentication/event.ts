import * as z from 'zod/mini'
import {
  type NamedValues,
  namedValuesSchema,
  type Organization,
  organizationSchema,
  type Tenant,
  tenantSchema,
  type UserClaim,
  type UserStore,
  userClaimSchema,
  userStoreSchema,
} from '../../event.ts'

/**
 * A step of a sign-in calls a custom authenticator. A call after the browser returned looks the same, except for the
 * parameter `returnCode`. So keep state by `flowId`.
 */
export interface AuthenticationEvent {
  /** Headers and parameters of the browser's request that the authenticator lists. */
  request?: { additionalHeaders?: NamedValues[]; additionalParams?: NamedValues[] }
  tenant: Tenant
  organization?: Organization
  /** The user of an earlier step; absent in the first step. */
  user?: {
    id?: string
    userIdentitySource?: 'LOCAL' | 'FEDERATED'
    sub?: string
    claims?: UserClaim[]
    groups?: string[]
  }
  /** Empty for a federated user. */
  userStore?: UserStore
  application: { id: string; name: string }
  /** Counted from 1. */
  currentStepIndex: number
  authenticatedSteps?: { index: number; name: string }[]
}

/**
 * `data` of a SUCCESS answer: the user who signed in. Required if the authenticator identifies; ignored if it verifies
 * a second factor.
 */
export interface AuthenticationData {
  user?: {
    id?: string
    claims?: UserClaim[] | null
    groups?: string[] | null
    userStore?: { id?: string; name?: string } | null
  }
}

export const authenticationEventSchema: z.ZodMiniType<AuthenticationEvent> = z.looseObject({
  request: z.exactOptional(
    z.looseObject({
      additionalHeaders: z.exactOptional(z.array(namedValuesSchema)),
      additionalParams: z.exactOptional(z.array(namedValuesSchema)),
    }),
  ),
  tenant: tenantSchema,
  organization: z.exactOptional(organizationSchema),
  user: z.exactOptional(
    z.looseObject({
      id: z.exactOptional(z.string()),
      userIdentitySource: z.exactOptional(z.enum(['LOCAL', 'FEDERATED'])),
      sub: z.exactOptional(z.string()),
      claims: z.exactOptional(z.array(userClaimSchema)),
      groups: z.exactOptional(z.array(z.string())),
    }),
  ),
  userStore: z.exactOptional(userStoreSchema),
  application: z.looseObject({ id: z.string(), name: z.string() }),
  currentStepIndex: z.number(),
  authenticatedSteps: z.exactOptional(z.array(z.looseObject({ index: z.number(), name: z.string() }))),
})

export const authenticationDataSchema: z.ZodMiniType<AuthenticationData> = z.looseObject({
  user: z.exactOptional(
    z.looseObject({
      id: z.exactOptional(z.string()),
      claims: z.exactOptional(z.nullable(z.array(userClaimSchema))),
      groups: z.exactOptional(z.nullable(z.array(z.string()))),
      userStore: z.exactOptional(
        z.nullable(z.looseObject({ id: z.exactOptional(z.string()), name: z.exactOptional(z.string()) })),
      ),
    }),
  ),
})
