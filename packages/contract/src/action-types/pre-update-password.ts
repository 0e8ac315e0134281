import * as z from 'zod/mini'
import {
  type Organization,
  organizationSchema,
  type Tenant,
  tenantSchema,
  type UserClaim,
  type UserStore,
  userClaimSchema,
  userStoreSchema,
} from '../event.ts'
import type { ActionTypeDescriptor } from './descriptor.ts'

/** Who set a flow in motion: the user, an administrator, or an application with a token of its own. */
export type InitiatorType = 'ADMIN' | 'APPLICATION' | 'USER'

/**
 * The password as it is shared. `value` is the text itself, or with `HASH` the padded base64 of one unsalted SHA-256 round
 * over its UTF-8 bytes. Decrypted from a JWE of the reference it is a list of single characters: join it.
 */
export interface PasswordCredential {
  type: 'PASSWORD'
  format: 'PLAIN_TEXT' | 'HASH'
  value: string | string[]
  /** Only with `HASH`. */
  additionalData?: { algorithm: 'SHA256' }
}

/** What is about to happen: a password will be set. */
export interface PasswordEvent {
  initiatorType: InitiatorType
  /** `REGISTER` only in version 2. */
  action: 'UPDATE' | 'RESET' | 'INVITE' | 'REGISTER'
  /** The tenant of the root organization. */
  tenant: Tenant
  /** The organization in which it happens. Since revision 1.1. */
  organization?: Organization
  user: {
    /** Absent while the user is being registered. */
    id?: string
    /** Where the account lives. Since revision 1.1. */
    organization?: Organization
    /** The attributes the action asks for, as far as the user has them, in no order. Since revision 1.1. */
    claims?: UserClaim[]
    /** When the action asks for the groups claim. Since revision 1.1. */
    groups?: string[]
    /** A text is a compact JWE (RSA-OAEP-256, A256GCM) of the credential. */
    updatingCredential: PasswordCredential | string
  }
  userStore?: UserStore
}

export const initiatorTypeSchema: z.ZodMiniType<InitiatorType> = z.enum(['ADMIN', 'APPLICATION', 'USER'])

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

export const preUpdatePassword: ActionTypeDescriptor<PasswordEvent> = {
  type: 'PRE_UPDATE_PASSWORD',
  path: 'preUpdatePassword',
  displayName: 'Pre Update Password',
  description: 'Configure an extension point for modifying user password via a custom service.',
  category: 'PRE_POST',
  latestVersion: 'v2',
  revisions: ['1.0', '1.1', '2.0'],
  since: [
    { revision: '1.1', path: '/organization' },
    { revision: '1.1', path: '/user/organization' },
    { revision: '1.1', path: '/user/claims' },
    { revision: '1.1', path: '/user/groups' },
    { revision: '2.0', path: '/action', value: 'REGISTER' },
  ],
  mayBeConfiguredByOrganization: true,
  disclosedByDefault: 'nothing',
  mayListHeaders: false,
  mayListAttributes: true,
  mayRedirect: false,
  ruleFields: [
    {
      name: 'flow',
      displayName: 'flow',
      value: {
        kind: 'options',
        values: [
          'adminInitiatedPasswordReset',
          'adminInitiatedPasswordUpdate',
          'adminInitiatedUserInviteToSetPassword',
          'applicationInitiatedPasswordUpdate',
          'userInitiatedPasswordReset',
          'userInitiatedPasswordUpdate',
          'adminInitiatedRegistration',
          'applicationInitiatedRegistration',
          'userInitiatedRegistration',
        ],
      },
    },
  ],
  places: [],
  offers: [],
  serverErrorReasons: [],
  sentWhenEmpty: [],
  inClear: {
    initiatorType: true,
    action: true,
    tenant: true,
    organization: true,
    user: {
      id: true,
      organization: true,
      claims: [{ uri: true }],
      updatingCredential: { type: true, format: true, additionalData: true },
    },
    userStore: true,
  },
  eventSchema: passwordEventSchema,
}
