import { type ActionRequest, API_VERSION_HEADER, actionTypes, type Events, present } from '@preflow/contract'
import { createContext, type Facts } from './context.ts'
import { type Decision, fail } from './decision.ts'
import type { DecisionRecord } from './decision-record.ts'
import type { IncomingCall, OutgoingAnswer } from './exchange.ts'
import type { Handler } from './handlers.ts'
import { wordDecision } from './word-decision.ts'

/** How calls are decided. */
export interface Deciding {
  table: ReadonlyMap<string, Handler<keyof Events>>
  budgetMs: number
  /** The answer when the budget is used up. */
  onDeadline: Decision
  lifetimesAs: 'text' | 'number' | undefined
  onError(error: unknown): void
  now(): number
}

/**
 * Calls the handler and writes the result into the record. Synchronous if the handler is.
 *
 * @param startedAt Start of the call, by `performance.now()`.
 */
export function decide(
  request: ActionRequest,
  call: IncomingCall,
  startedAt: number,
  record: DecisionRecord,
  { table, budgetMs, onDeadline, lifetimesAs, onError, now }: Deciding,
): OutgoingAnswer | Promise<OutgoingAnswer> {
  const type = request.actionType
  const facts: Facts = {}
  const limitMs = Math.min(budgetMs, call.remainingMs ?? budgetMs)
  const remainingMs = () => Math.max(0, limitMs - (performance.now() - startedAt))
  const controller = new AbortController()
  const facets = {
    actionType: type,
    requestId: request.requestId,
    flowId: request.flowId,
    apiVersion: call.header(API_VERSION_HEADER),
    event: request.event as Events[typeof type],
    allowedOperations: request.allowedOperations ?? [],
    places: actionTypes[type].places,
  }
  const context = createContext(facets, { signal: controller.signal, remainingMs, now }, facts)
  const handle = table.get(type) as Handler<typeof type>

  function conclude(decision: Decision): OutgoingAnswer {
    if (Object.keys(facts).length > 0) record.facts = facts
    if (isDecision(decision)) return wordDecision(decision, facets, record, lifetimesAs)
    record.reports.push('The handler returned no decision. Return allow, deny, fail or redirectTo.')
    const none = fail('server_error', 'The extension failed.', { why: 'no decision' })
    return wordDecision(none, facets, record, lifetimesAs)
  }

  function concludeThrown(error: unknown): OutgoingAnswer {
    onError(error)
    record.thrown = describeThrown(error)
    return conclude(fail('server_error', 'The extension failed.', { why: 'the handler threw' }))
  }

  let decided: Decision | Promise<Decision>
  try {
    decided = handle(facets.event as never, context as never)
  } catch (error) {
    return concludeThrown(error)
  }
  if (!isPromise(decided)) return conclude(decided)
  return withinBudget(decided, remainingMs(), () => {
    controller.abort(new DOMException('The budget of the extension is spent.', 'TimeoutError'))
    return onDeadline
  }).then(conclude, concludeThrown)
}

/** TypeScript does not check authors who write JavaScript. */
function isDecision(decision: unknown): decision is Decision {
  const named = (decision as Decision | undefined | null)?.decision
  return named === 'allow' || named === 'deny' || named === 'fail' || named === 'redirect'
}

/** Whether a handler decides asynchronously. */
export function isPromise<Value>(value: Value | Promise<Value>): value is Promise<Value> {
  return typeof (value as Promise<Value> | undefined)?.then === 'function'
}

function withinBudget<Value>(promise: Promise<Value>, remainingMs: number, onSpent: () => Value): Promise<Value> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(onSpent()), remainingMs)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** Describes an exception without quoting it. */
function describeThrown(error: unknown): NonNullable<DecisionRecord['thrown']> {
  if (!(error instanceof Error)) return { name: typeof error }
  const { code } = error as { code?: unknown }
  const at = error.stack
    ?.split('\n')
    .find(line => /^\s+at /.test(line))
    ?.trim()
  return { name: error.name, ...present({ code: typeof code === 'string' ? code : undefined, at }) }
}
