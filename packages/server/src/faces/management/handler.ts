import type { ManagementRouteName, ManagementRoutes } from '@preflow/contract/management'
import type { Caller } from '../../domain/credentials/authenticate.ts'
import { invalidRequest, type Refusal } from '../../ground/http/refusal.ts'
import type { Database } from '../../ground/store/database.ts'
import type { AuditRecord, Organization, Tenant } from '../../ground/store/model.ts'

/** Where the API is mounted: the server found these from the path and took its prefix off. */
export interface Mounted {
  tenant: Tenant
  organization: Organization
  /** What was taken off: empty at the root, `/t/demo`, `/t/demo/o/branch`. */
  prefix: string
  /** Of the client, by which wrong passwords are counted. */
  address?: string
}

/** One request, as a handler sees it: authenticated, authorized and valid. */
export interface Call<Name extends ManagementRouteName> extends Mounted {
  /** Of the transaction, when the route changes something. */
  db: Database
  caller: Caller
  params: ManagementRoutes[Name]['params']
  query: ManagementRoutes[Name]['query']
  body: ManagementRoutes[Name]['body']
  /** Epoch milliseconds, the same during the whole call. */
  nowMs: number
  newId(): string
  randomBytes(count: number): Uint8Array
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
  /** What is checked before the body is read. Throws a {@link Refusal}. */
  admit?(params: ManagementRoutes[Name]['params'], mounted: Mounted): void
  /** How a body is refused that is not JSON, has unknown fields or fields of a wrong type. Default: {@link invalidRequest}. */
  refuseMalformed?(description: string): Refusal
}

/** Handlers by the name of their route. */
export type Handlers<Names extends ManagementRouteName> = { [Name in Names]: Handler<Name> }

export const refuseMalformedByDefault = (description: string): Refusal => invalidRequest(description)

/**
 * Where the client reached the server, for example `https://id.example.com`. The server pins the host and `x-forwarded-proto`
 * to its public URL before anything is mounted, so neither can be made up by a client.
 */
export function originOf(request: Request): string {
  const url = new URL(request.url)
  const scheme = request.headers.get('x-forwarded-proto')
  return scheme === 'https' || scheme === 'http' ? `${scheme}://${url.host}` : url.origin
}

/** ISO 8601, as the wire has it. */
export function instant(epochMs: number): string {
  return new Date(epochMs).toISOString()
}
