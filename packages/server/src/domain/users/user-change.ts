import type { InitiatorType } from '@preflow/contract'
import type { Database } from '../../ground/store/database.ts'
import type { Organization, Tenant, User } from '../../ground/store/model.ts'
import type { TriggerAction } from '../actions/trigger-action.ts'
import type { PasswordRules } from '../credentials/password-rules.ts'

/** In whose name a user is changed: the user, an administrator, or an application with a token of its own. */
export interface Initiator {
  type: InitiatorType
  /** A user id, or the subject of the token. */
  id: string
}

/** Where a change happens and who wants it: what every change of a user has in common. */
export interface UserChange {
  tenant: Tenant
  organization: Organization
  initiator: Initiator
}

/** What of a user may change beside the password. */
export type Profile = Pick<User, 'userName' | 'document' | 'isActive'>

/** What changes of users need of the server. */
export interface UserPorts {
  db: Database
  trigger: TriggerAction
  passwordRules: PasswordRules
  /** Epoch milliseconds. */
  now(): number
  newId(): string
}

/**
 * Most bytes of all attributes of a user together, as JSON. The event about a change has each of them up to three times, and
 * extensions read no event of any size: a web framework may stop at 100 KB. A client that could write a larger one would get past
 * an action that goes on when its extension fails.
 */
const MAX_DOCUMENT_BYTES = 16_384

/** What the attributes of a user must be to be kept. */
export const DOCUMENT_FORM = `at most ${MAX_DOCUMENT_BYTES} bytes together, written as JSON`

export function isDocumentShort(document: User['document']): boolean {
  return Buffer.byteLength(JSON.stringify(document)) <= MAX_DOCUMENT_BYTES
}
