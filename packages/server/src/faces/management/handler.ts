import type { Target } from '../../domain/access/decide.ts'
import type { OperationName } from '../../domain/access/operations.ts'
import type { Caller } from '../../domain/credentials/authenticate.ts'
import type { PasswordRules } from '../../domain/credentials/password-rules.ts'
import type { Mounted } from '../../ground/http/mounted.ts'
import type { Problem } from '../../ground/problem.ts'
import type { Database } from '../../ground/store/database.ts'
import type { AuditRecord } from '../../ground/store/model.ts'
import type { ManagementRouteName, ManagementRoutes } from './routes/routes.ts'

/** A request for a handler: authenticated, authorized and valid. */
export interface Call<Name extends ManagementRouteName> extends Mounted {
  /** The handle of the transaction, if the route changes something. */
  db: Database
  caller: Caller
  /** Throws a 403 unless the caller may do the operation on the target. See {@link decide}. */
  authorize(operation: OperationName, target?: Target): void
  params: ManagementRoutes[Name]['params']
  query: ManagementRoutes[Name]['query']
  body: ManagementRoutes[Name]['body']
  /** Epoch milliseconds, the same during the whole call. */
  nowMs: number
  newId(): string
  randomBytes(count: number): Uint8Array
  passwordRules: PasswordRules
  /** Writes an audit record, in the transaction of the change. */
  audit(entry: Pick<AuditRecord, 'action' | 'targetType' | 'targetId' | 'details'>): void
}

type Answers<Name extends ManagementRouteName> = ManagementRoutes[Name]['answers']

/** The response of a handler: a declared status with its body. `location` is the path of the created object. */
export type Answer<Name extends ManagementRouteName> = {
  [Status in keyof Answers<Name>]: Answers<Name>[Status] extends undefined
    ? { status: Status; location?: string }
    : { status: Status; body: Answers<Name>[Status]; location?: string }
}[keyof Answers<Name>]

export interface Handler<Name extends ManagementRouteName> {
  handle(call: Call<Name>): Promise<Answer<Name>>
  /** The checks before the body is read. Throws a {@link Problem}. */
  admit?(params: ManagementRoutes[Name]['params'], mounted: Mounted): void
  /** The problem for a body that is not JSON, or has unknown fields or wrong types. Default: code `UE-10000`. */
  refuseMalformed?(sentence: string): Problem
}

/** The handlers by the names of their routes. */
export type Handlers<Names extends ManagementRouteName> = { [Name in Names]: Handler<Name> }
