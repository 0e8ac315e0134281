import type { InitiatorType } from '@preflow/contract'
import type { Database } from '../../ground/store/database.ts'
import type { Organization, Tenant, User } from '../../ground/store/model.ts'
import type { TriggerAction } from '../actions/trigger-action.ts'
import type { PasswordRules } from '../credentials/password-rules.ts'

/** The initiator of a change: the user, an administrator, or an application with its own token. */
export interface Initiator {
  type: InitiatorType
  /** A user id, or the subject of the token. */
  id: string
}

/** The members of every change of a user: its place and its initiator. */
export interface UserChange {
  tenant: Tenant
  organization: Organization
  initiator: Initiator
}

/** The members of a user that can change, except the password. */
export type Profile = Pick<User, 'userName' | 'document' | 'isActive'>

/** The ports that changes of users need. */
export interface UserPorts {
  db: Database
  trigger: TriggerAction
  passwordRules: PasswordRules
  /** Epoch milliseconds. */
  now(): number
  newId(): string
}

/**
 * Maximum size of all attributes of a user together, in bytes of JSON. The event of a change contains each attribute up to three
 * times, and extensions have a limit: a web framework may stop at 100 KB. If the action continues on failure, a client could
 * otherwise bypass it with a larger document.
 */
const MAX_DOCUMENT_BYTES = 16_384

/** The rule for the size of the attributes, for messages. */
export const DOCUMENT_FORM = `at most ${MAX_DOCUMENT_BYTES} bytes together, written as JSON`

export function isDocumentShort(document: User['document']): boolean {
  return Buffer.byteLength(JSON.stringify(document)) <= MAX_DOCUMENT_BYTES
}
