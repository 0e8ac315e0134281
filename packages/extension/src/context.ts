import {
  type AllowedOperation,
  type EditablePlace,
  type Events,
  type NamedValues,
  RETURN_CODE_PARAMETER,
} from '@preflow/contract'
import { type EditFor, read, resolveEdits } from './edits.ts'

/** Facts that an author adds to the log line of a decision. Never claim values, addresses or secrets. */
export type Facts = Record<string, string | number | boolean>

/** What a handler gets about the call besides the event. */
export interface Context<T extends keyof Events = keyof Events> {
  readonly actionType: T
  /** The platform's id of this call. A retry has the same id. Some platforms send none. */
  readonly requestId: string | undefined
  readonly flowId: string | undefined
  /** The major version of the action, for example `v1`. */
  readonly apiVersion: string | undefined
  readonly allowedOperations: readonly AllowedOperation[]
  /** Aborts when the budget is used up. Pass it to everything that waits. */
  readonly signal: AbortSignal
  /** Remaining milliseconds of the budget; 0 when it is used up. */
  remainingMs(): number
  /** Milliseconds since the epoch, from the clock of the extension. */
  now(): number
  /**
   * A claim as a string; of a list, the first element. A user attribute is named by its URI. Undefined if it is absent.
   */
  claim(name: string): string | undefined
  /** A claim as a list, whether it was sent as a list or as a single value. */
  claims(name: string): string[]
  /** The first value of a forwarded header, ignoring the case of its name. */
  header(name: string): string | undefined
  headers(name: string): string[]
  /** The first value of a forwarded parameter. Its name is case-sensitive. */
  parameter(name: string): string | undefined
  parameters(name: string): string[]
  /**
   * What the browser brought back from your page during a sign-in, for `checkReturnCode`. Absent in a first call, and when the
   * browser brought several. WSO2's products send it only if the authenticator lists `returnCode` among its allowed parameters.
   */
  readonly returnCode: string | undefined
  /** Whether this edit would be sent. */
  may(edit: EditFor<T>): boolean
  /** Adds facts to the log line of this decision. */
  log(facts: Facts): void
}

/** The inputs of a context. */
export interface CallFacts<T extends keyof Events> {
  actionType: T
  requestId: string | undefined
  flowId: string | undefined
  apiVersion: string | undefined
  event: Events[T]
  allowedOperations: readonly AllowedOperation[]
  places: readonly EditablePlace[]
}

/** The clocks of a context. */
export interface Budget {
  signal: AbortSignal
  remainingMs(): number
  now(): number
}

export function createContext<T extends keyof Events>(call: CallFacts<T>, budget: Budget, facts: Facts): Context<T> {
  const event = call.event as { request?: { additionalHeaders?: NamedValues[]; additionalParams?: NamedValues[] } }
  const claims = (name: string) => texts(claimOf(call, name))
  const headers = (name: string) => {
    const wanted = name.toLowerCase()
    return valuesOf(
      event.request?.additionalHeaders,
      name => name === wanted || (name.length === wanted.length && name.toLowerCase() === wanted),
    )
  }
  const parameters = (name: string) => valuesOf(event.request?.additionalParams, candidate => candidate === name)
  return {
    actionType: call.actionType,
    requestId: call.requestId,
    flowId: call.flowId,
    apiVersion: call.apiVersion,
    allowedOperations: call.allowedOperations,
    signal: budget.signal,
    remainingMs: budget.remainingMs,
    now: budget.now,
    claim: name => claims(name)[0],
    claims,
    header: name => headers(name)[0],
    headers,
    parameter: name => parameters(name)[0],
    parameters,
    get returnCode() {
      const [code, ...others] = parameters(RETURN_CODE_PARAMETER)
      return others.length === 0 ? code : undefined
    },
    may: edit => resolveEdits([edit], call).reports.length === 0,
    log: more => {
      Object.assign(facts, more)
    },
  }
}

function claimOf<T extends keyof Events>(call: CallFacts<T>, name: string): unknown {
  const place = call.places.find(({ kind }) => kind === 'claims')
  if (place) {
    const list = read(call.event, place.path)
    return Array.isArray(list) ? list.find(claim => claim?.name === name)?.value : undefined
  }
  const { user } = call.event as { user?: { claims?: { uri: string; value: unknown }[] } }
  return user?.claims?.find(({ uri }) => uri === name)?.value
}

function texts(value: unknown): string[] {
  if (value === undefined || value === null) return []
  return (Array.isArray(value) ? value : [value]).map(item =>
    typeof item === 'object' ? JSON.stringify(item) : String(item),
  )
}

function valuesOf(list: readonly NamedValues[] = [], matches: (name: string) => boolean): string[] {
  const values: string[] = []
  for (const { name, value } of list) {
    if (matches(name)) values.push(...value)
  }
  return values
}
