import { AsyncLocalStorage } from 'node:async_hooks'

/**
 * Every security event: its outcome, its target, and the only details that it may have. Details are names, ids, codes and counts.
 * No event has a secret, a token, a password or the value of a claim.
 */
export const securityEvents = {
  'sign_in.succeeded': { outcome: 'success', target: 'USER', details: ['factors'] },
  'sign_in.step_passed': { outcome: 'success', target: 'USER', details: ['factor'] },
  'sign_in.failed': { outcome: 'refused', target: 'USER', details: ['factor', 'userNameHash'] },
  'sign_in.limited': { outcome: 'refused', target: 'USER', details: ['factor', 'userNameHash'] },
  'sign_in.locked': { outcome: 'notice', target: 'USER', details: ['factor', 'userNameHash'] },
  'sign_in.refused': { outcome: 'refused', target: 'APPLICATION', details: [] },
  'sign_in.returned_elsewhere': { outcome: 'refused', target: 'APPLICATION', details: ['authenticators'] },
  'session.ended': { outcome: 'success', target: 'USER', details: [] },
  'consent.given': { outcome: 'success', target: 'APPLICATION', details: ['scopes'] },
  'authorization.refused': { outcome: 'refused', target: 'APPLICATION', details: [] },
  'token.issued': { outcome: 'success', target: 'APPLICATION', details: ['grantType', 'scopes'] },
  'token.refused': { outcome: 'refused', target: 'APPLICATION', details: ['grantType'] },
  'token.reused': { outcome: 'refused', target: 'APPLICATION', details: ['grantType'] },
  'token.revoked': { outcome: 'success', target: 'APPLICATION', details: [] },
  'client.authentication_failed': { outcome: 'refused', target: 'APPLICATION', details: [] },
  'client_secret.viewed': { outcome: 'success', target: 'APPLICATION', details: [] },
  'access.denied': { outcome: 'refused', target: 'OPERATION', details: ['missing'] },
  'request.refused': { outcome: 'refused', target: 'PATH', details: ['status'] },
  'administrator.elsewhere': { outcome: 'success', target: 'TENANT', details: [] },
  'administration.changed': { outcome: 'success', target: '', details: [] },
  'extension.operations_rejected': {
    outcome: 'notice',
    target: 'ACTION',
    details: ['count', 'actionType'],
    hasOwnLine: true,
  },
  'extension.not_called': { outcome: 'notice', target: 'ACTION', details: ['actionType'], hasOwnLine: true },
  'events.left_out': { outcome: 'notice', target: 'TENANT', details: ['count'] },
} as const satisfies Record<string, SecurityEventDefinition>

interface SecurityEventDefinition {
  /** `refused`: the request was refused. A request has at most one such event. */
  outcome: 'success' | 'refused' | 'notice'
  /** The type of the target. */
  target: string
  details: readonly string[]
  /** Whether another log line already reports it. */
  hasOwnLine?: true
}

export type SecurityEventName = keyof typeof securityEvents

/** The actor of an event, if it is known. */
export interface Actor {
  /** `operator`: a user of the command line. `nobody`: not authenticated. */
  kind: 'user' | 'application' | 'operator' | 'nobody'
  id?: string
}

/** The facts of one event. Everything else comes from its request. */
export interface SecurityEventFacts<Name extends SecurityEventName = SecurityEventName> {
  /** Default: the caller of the request. */
  actor?: Actor
  clientId?: string
  targetId?: string
  /** A code of the protocol, or one of our sentences. Never a string of a client or an extension. */
  reason?: string
  callId?: string
  details?: Partial<Record<(typeof securityEvents)[Name]['details'][number], string | number | readonly string[]>>
}

/** A recorded event. */
export interface NotedEvent extends SecurityEventFacts {
  name: SecurityEventName
  /** Stored with its change, so only its log line must still be written. */
  isStored?: true
}

/** The scope of one request, in which events can be recorded. */
export interface RequestScope {
  id: string
  /** The address of the client. */
  address: string
  /** Identifies the user agent without showing it. */
  agent?: string
  path: string
  tenant?: { id: string; domain: string }
  organizationId?: string
  actor?: Actor
  events: NotedEvent[]
}

const scopes = new AsyncLocalStorage<RequestScope>()

/** Runs the work of one request, in which {@link noteEvent} is available. */
export function inRequestScope<Result>(scope: RequestScope, work: () => Promise<Result>): Promise<Result> {
  return scopes.run(scope, work)
}

/** The current request. Nothing outside of a request, as in the command line. */
export function currentRequest(): RequestScope | undefined {
  return scopes.getStore()
}

/**
 * Records a security event of the current request. It is written when the request is answered.
 *
 * Only the first refusal counts, because it is the most exact one. Later ones are its consequences.
 */
export function noteEvent<Name extends SecurityEventName>(name: Name, facts: SecurityEventFacts<Name> = {}): void {
  const scope = currentRequest()
  if (!scope) return
  const isRefusal = securityEvents[name].outcome === 'refused'
  if (isRefusal && scope.events.some(event => securityEvents[event.name].outcome === 'refused')) return
  scope.events.push({ ...(facts as SecurityEventFacts), name })
}

/** Sets the actor of the current request from now on. */
export function noteActor(actor: Actor): void {
  const scope = currentRequest()
  if (scope) scope.actor = actor
}

/** The statuses that count as a refusal even if no event was recorded. */
const REFUSED: readonly number[] = [401, 403, 429]

/** The events of an answered request: the recorded ones, or one for an unrecorded refusal. */
export function eventsOf({ events, path }: RequestScope, status: number): NotedEvent[] {
  // A change that was not stored did not happen.
  const happened = events.filter(({ isStored }) => !isStored || status < 400)
  const isNoted = happened.some(({ name }) => securityEvents[name].outcome === 'refused')
  if (isNoted || !REFUSED.includes(status)) return happened
  return [...happened, { name: 'request.refused', targetId: path, details: { status } } as NotedEvent]
}
