import * as z from 'zod/mini'
import {
  type InitiatorType,
  initiatorTypeSchema,
  type Organization,
  organizationSchema,
  type Tenant,
  tenantSchema,
  type UserClaim,
  type UserStore,
  userClaimSchema,
  userStoreSchema,
} from '../../event.ts'

/** An attribute with the value it has, and the one it will get when the update touches it. */
export interface UpdatingClaim extends UserClaim {
  /** `""` or `[]` when the attribute is removed. */
  updatingValue?: string | string[]
}

/** What is about to happen: a profile will be updated through SCIM. */
export interface ProfileEvent {
  initiatorType: InitiatorType
  action: 'UPDATE'
  /** Everything that changes, with what will be stored: the complete list for a multi-valued attribute, `""` or `[]` for a removal. */
  request?: { claims: UserClaim[] }
  /** The tenant of the root organization. */
  tenant: Tenant
  /** The organization in which it happens. */
  organization?: Organization
  user: {
    /** For a shared user the id in the organization where the account lives; absent when that is unknown. */
    id?: string
    /** Only for a shared user: the id inside the organization in which it happens. */
    sharedUserId?: string
    /** Where the account lives. */
    organization?: Organization
    /** The attributes the action asks for that have a stored value. A first value is only in `request.claims`. */
    claims?: UpdatingClaim[]
    groups?: string[]
  }
  userStore?: UserStore
}

const updatingClaimSchema: z.ZodMiniType<UpdatingClaim> = z.looseObject({
  uri: z.string(),
  value: z.union([z.string(), z.array(z.string())]),
  updatingValue: z.exactOptional(z.union([z.string(), z.array(z.string())])),
})

export const profileEventSchema: z.ZodMiniType<ProfileEvent> = z.looseObject({
  initiatorType: initiatorTypeSchema,
  action: z.literal('UPDATE'),
  request: z.exactOptional(z.looseObject({ claims: z.array(userClaimSchema) })),
  tenant: tenantSchema,
  organization: z.exactOptional(organizationSchema),
  user: z.looseObject({
    id: z.exactOptional(z.string()),
    sharedUserId: z.exactOptional(z.string()),
    organization: z.exactOptional(organizationSchema),
    claims: z.exactOptional(z.array(updatingClaimSchema)),
    groups: z.exactOptional(z.array(z.string())),
  }),
  userStore: z.exactOptional(userStoreSchema),
})
