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

/**
 * The password as it is shared. `value` is the password itself, or with `HASH` the padded base64 of one unsalted
 * SHA-256 round over its UTF-8 bytes. In a JWE of the reference it is a list of single characters: join them.
 */
export interface PasswordCredential {
  /** The kind of credential. */
  type: 'PASSWORD'
  /** How the action shares passwords. */
  format: 'PLAIN_TEXT' | 'HASH'
  /** The password or its digest. */
  value: string | string[]
  /** Only with `HASH`. */
  additionalData?: {
    /** The digest, without salt. */
    algorithm: 'SHA256'
  }
}

/** A password will be set. */
export interface PasswordEvent {
  /** Who sets the password. */
  initiatorType: InitiatorType
  /** Why it is set. `REGISTER` only in version 2. */
  action: 'UPDATE' | 'RESET' | 'INVITE' | 'REGISTER'
  /** The tenant of the root organization. */
  tenant: Tenant
  /** The organization in which it happens. Since revision 1.1. */
  organization?: Organization
  /** The user whose password is set. */
  user: {
    /** Absent while the user is being registered. */
    id?: string
    /** The organization of the account. Since revision 1.1. */
    organization?: Organization
    /** The attributes that the action lists and the user has, in no order. Since revision 1.1. */
    claims?: UserClaim[]
    /** Present if the action lists the groups claim. Since revision 1.1. */
    groups?: string[]
    /** A string is a compact JWE (RSA-OAEP-256, A256GCM) of the credential. */
    updatingCredential: PasswordCredential | string
  }
  /** The store of the user's account. */
  userStore?: UserStore
}

export const passwordCredentialSchema: z.ZodMiniType<PasswordCredential> = z.looseObject({
  type: z.literal('PASSWORD'),
  format: z.enum(['PLAIN_TEXT', 'HASH']),
  value: z.union([z.string(), z.array(z.string())]),
  additionalData: z.exactOptional(z.looseObject({ algorithm: z.literal('SHA256') })),
})

export const passwordEventSchema: z.ZodMiniType<PasswordEvent> = z.looseObject({
  initiatorType: initiatorTypeSchema,
  action: z.enum(['UPDATE', 'RESET', 'INVITE', 'REGISTER']),
  tenant: tenantSchema,
  organization: z.exactOptional(organizationSchema),
  user: z.looseObject({
    id: z.exactOptional(z.string()),
    organization: z.exactOptional(organizationSchema),
    claims: z.exactOptional(z.array(userClaimSchema)),
    groups: z.exactOptional(z.array(z.string())),
    updatingCredential: z.union([passwordCredentialSchema, z.string()]),
  }),
  userStore: z.exactOptional(userStoreSchema),
})
