import type { InitiatorType } from '@preflow/contract'
import type { Database } from '../store/database.ts'
import type { Organization, Tenant } from '../store/model.ts'

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

/** What changes of users need of the server. */
export interface UserPorts {
  db: Database
  /** Epoch milliseconds. */
  now(): number
  newId(): string
}
