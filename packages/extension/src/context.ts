import type { AllowedOperation, EditablePlace, Events, NamedValues } from '@preflow/contract'
import { type EditFor, read, resolveEdits } from './edits.ts'

/** Facts an author adds to the log line of a decision. Never claim values, addresses or secrets. */
export type Facts = Record<string, string | number | boolean>

/** What a handler knows of the call besides the event. */
export interface Context<T extends keyof Events = keyof Events> {
  readonly actionType: T
  /** The platform's name for this call; the same when it tries again. Some platforms send none. */
  readonly requestId: string | undefined
  readonly flowId: string | undefined
  /** The major version of the action, for example `v1`. */
  readonly apiVersion: string | undefined
  readonly allowedOperations: readonly AllowedOperation[]
  /** Aborts when the budget is spent. Pass it to everything that waits. */
  readonly signal: AbortSignal
  /** Milliseconds left of the budget; 0 when it is spent. */
  remainingMs(): number
  /** Milliseconds since the epoch, from the clock of the extension. */
  now(): number
  /** A claim as text, the first one if it is a list; a user attribute is named by its URI. Absent: undefined. */
  claim(name: string): string | undefined
  /** A claim as a list, whether it was sent as one or as a single value. */
  claims(name: string): string[]
  /** The first value of a forwarded header, whatever the case of its name. */
  header(name: string): string | undefined
  headers(name: string): string[]
  /** The first value of a forwarded parameter; the case of the name counts. */
  parameter(name: string): string | undefined
  parameters(name: string): string[]
  /** Whether this edit would be sent. */
  may(edit: EditFor<T>): boolean
  /** Adds facts to the log line of this decision. */
  log(facts: Facts): void
}

/** What a context is made from. */
export interface CallFacts<T extends keyof Events> {
  actionType: T
  requestId: string | undefined
  flowId: string | undefined
  apiVersion: string | undefined
  event: Events[T]
  allowedOperations: readonly AllowedOperation[]
  places: readonly EditablePlace[]
}

/** How a context tells time. */
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
