import type { Target } from '../../domain/access/decide.ts'
import type { OperationName } from '../../domain/access/operations.ts'
import type { Caller } from '../../domain/credentials/authenticate.ts'
import type { PasswordRules } from '../../domain/credentials/password-rules.ts'
import type { Mounted } from '../../ground/http/mounted.ts'
import type { Problem } from '../../ground/problem.ts'
import type { Database } from '../../ground/store/database.ts'
import type { AuditRecord } from '../../ground/store/model.ts'
import type { ManagementRouteName, ManagementRoutes } from './routes/routes.ts'

/** One request, as a handler sees it: authenticated, authorized and valid. */
export interface Call<Name extends ManagementRouteName> extends Mounted {
  /** Of the transaction, when the route changes something. */
  db: Database
  caller: Caller
  /** Throws a 403 unless the caller may do the operation to the target. See {@link decide}. */
  authorize(operation: OperationName, target?: Target): void
  params: ManagementRoutes[Name]['params']
  query: ManagementRoutes[Name]['query']
  body: ManagementRoutes[Name]['body']
  /** Epoch milliseconds, the same during the whole call. */
  nowMs: number
  newId(): string
  randomBytes(count: number): Uint8Array
  passwordRules: PasswordRules
  /** Keeps who changed what, together with the change. */
  audit(entry: Pick<AuditRecord, 'action' | 'targetType' | 'targetId' | 'details'>): void
}

type Answers<Name extends ManagementRouteName> = ManagementRoutes[Name]['answers']

/** What a handler answers: one of the declared statuses with its body. `location` is the path of what was created. */
export type Answer<Name extends ManagementRouteName> = {
  [Status in keyof Answers<Name>]: Answers<Name>[Status] extends undefined
    ? { status: Status; location?: string }
    : { status: Status; body: Answers<Name>[Status]; location?: string }
}[keyof Answers<Name>]

export interface Handler<Name extends ManagementRouteName> {
  handle(call: Call<Name>): Promise<Answer<Name>>
  /** What is checked before the body is read. Throws a {@link Problem}. */
  admit?(params: ManagementRoutes[Name]['params'], mounted: Mounted): void
  /** How a body is refused that is not JSON, has unknown fields or fields of a wrong type. Default: code `UE-10000`. */
  refuseMalformed?(sentence: string): Problem
}

/** Handlers by the name of their route. */
export type Handlers<Names extends ManagementRouteName> = { [Name in Names]: Handler<Name> }
