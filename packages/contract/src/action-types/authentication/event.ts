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
  request?: {
    /** Names in lower case. */
    additionalHeaders?: NamedValues[]
    /** Parameters of the query or of the form. */
    additionalParams?: NamedValues[]
  }
  /** The tenant of the root organization. */
  tenant: Tenant
  /** The organization in which the user signs in. */
  organization?: Organization
  /** The user of an earlier step; absent in the first step. */
  user?: {
    /** The id of the local account. */
    id?: string
    /** Whether the account is in this tenant or at an identity provider. */
    userIdentitySource?: 'LOCAL' | 'FEDERATED'
    /** The subject at the identity provider. */
    sub?: string
    /** The attributes of the user that the platform shares. */
    claims?: UserClaim[]
    /** Names of the user's groups. */
    groups?: string[]
  }
  /** Empty for a federated user. */
  userStore?: UserStore
  /** The application to which the user signs in. */
  application: {
    /** Not the client id. */
    id: string
    /** The display name. */
    name: string
  }
  /** The step that is being passed, counted from 1. */
  currentStepIndex: number
  /** The steps that were passed. */
  authenticatedSteps?: {
    /** Counted from 1. */
    index: number
    /** The authenticator that passed the step. */
    name: string
  }[]
}

/**
 * `data` of a SUCCESS answer: the user who signed in. Required if the authenticator identifies; ignored if it verifies
 * a second factor.
 */
export interface AuthenticationData {
  /** The user who signed in. */
  user?: {
    /** The id of a local account, or of the user at the identity provider. */
    id?: string
    /** Attributes of the user. */
    claims?: UserClaim[] | null
    /** Names of groups. */
    groups?: string[] | null
    /** The store of a local account. */
    userStore?: UserStore | null
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
