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

/** An attribute with its stored value, and with the new one if the update changes it. */
export interface UpdatingClaim extends UserClaim {
  /** `""` or `[]` if the attribute is removed. */
  updatingValue?: string | string[]
}

/** A profile will be updated through SCIM. */
export interface ProfileEvent {
  /** Who updates the profile. */
  initiatorType: InitiatorType
  /** Always `UPDATE`. */
  action: 'UPDATE'
  /** What the update changes. */
  request?: {
    /** Every change with the value to store: the complete list for a multi-valued attribute, `""` or `[]` for a removal. */
    claims: UserClaim[]
  }
  /** The tenant of the root organization. */
  tenant: Tenant
  /** The organization in which it happens. */
  organization?: Organization
  /** The user whose profile is updated. */
  user: {
    /** For a shared user, the id in the organization of the account; absent if that is unknown. */
    id?: string
    /** Only for a shared user: the id in the organization in which it happens. */
    sharedUserId?: string
    /** The organization of the account. */
    organization?: Organization
    /** The attributes that the action lists and that have a stored value. A first value is only in `request.claims`. */
    claims?: UpdatingClaim[]
    /** Names of the user's groups, if the action lists the groups claim. */
    groups?: string[]
  }
  /** The store of the user's account. */
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
