import { actionTypes, type Events, present } from '@preflow/contract'
import { type CallerAuthentication, createCallerCheck } from './caller.ts'
import { type Deciding, decide, isPromise } from './decide.ts'
import { type Deny, type Fail, fail } from './decision.ts'
import type { DecisionRecord } from './decision-record.ts'
import { callOf, type IncomingCall, type OutgoingAnswer } from './exchange.ts'
import { type Handlers, handlersByType } from './handlers.ts'
import { type Reception, Refusal, receive } from './receive.ts'
import { createRepeats } from './repeats.ts'
import { errorAnswer } from './word-decision.ts'

/** What an extension needs besides its handlers. */
export interface ExtensionOptions {
  /** Who may call. There is no default: an extension that anybody may call is a decision. */
  caller: CallerAuthentication
  /** Milliseconds from the call to the answer. Default 2800: the smallest runtime limit in the field is 3 seconds. */
  budgetMs?: number
  /** What is answered when the budget is spent. Default: an ERROR that says so. */
  onDeadline?: Deny | Fail
  /** Largest body that is read, in bytes. Default 262,144. */
  maxBodyBytes?: number
  /** How lifetimes travel. Default `text`, as the published contract declares them. */
  lifetimesAs?: 'text' | 'number'
  /**
   * Milliseconds for which an answer is kept for a platform that asks again, with the same request id and body, because it
   * got none. The handler is not asked twice. ERROR answers are not kept, nor those of types that send the browser elsewhere,
   * whose calls differ by when they come. Default 10,000; 0 asks the handler every time.
   */
  repeatWindowMs?: number
  /** Receives one record per call. Default: `serve` of `@preflow/extension/node` writes a readable line, other runtimes nothing. */
  log?(record: DecisionRecord): void
  /** Receives what a handler threw, with its message and stack. Mind what they may contain. */
  onError?(error: unknown): void
  /** Receives what the author should mend, besides the record. */
  onReport?(report: { actionType: string; requestId?: string; message: string }): void
  /** Milliseconds since the epoch. Default `Date.now`. */
  now?(): number
}

/** A service that a platform calls. */
export interface Extension {
  /** Answers a call, wherever `fetch` is the interface. Never rejects because of the call. Needs no `this`. */
  fetch(request: Request): Promise<Response>
  /** The same for runtimes that do not hand over a `Request`. */
  answer(call: IncomingCall): Promise<OutgoingAnswer>
  /** The action types it has handlers for. */
  actionTypes: readonly (keyof Events)[]
}

const DEFAULT_BUDGET_MS = 2800
const DEFAULT_MAX_BODY_BYTES = 262_144
const DEFAULT_REPEAT_WINDOW_MS = 10_000

/** What is kept for a platform that asks again. */
interface Decided {
  outgoing: OutgoingAnswer
  record: DecisionRecord
}

/**
 * Makes an extension from handlers.
 *
 * It authenticates the caller, limits the size, checks the request against the contract, keeps the time, and words
 * every answer so that every platform accepts it.
 *
 * @throws {TypeError} When a handler is named after no action type, or the options cannot be.
 * @example
 * export const extension = defineExtension(
 *   {
 *     preIssueAccessToken(event, context) {
 *       if (event.request.grantType === 'password') return deny('access_denied', 'Use the sign-in page.')
 *       return allow([shortenTo(900), setClaim('tenant', event.tenant.name)])
 *     },
 *   },
 *   { caller: { type: 'apiKey', header: 'x-api-key', keys: [key] } },
 * )
 */
export function defineExtension(handlers: Handlers, options: ExtensionOptions): Extension {
  const { budgetMs = DEFAULT_BUDGET_MS, maxBodyBytes = DEFAULT_MAX_BODY_BYTES, now = Date.now } = options
  const onDeadline =
    options.onDeadline ?? fail('server_error', 'The extension did not decide in time.', { why: 'budget spent' })
  const { repeatWindowMs = DEFAULT_REPEAT_WINDOW_MS } = options
  const repeats = createRepeats<Decided>(repeatWindowMs, ({ outgoing }) => outgoing.status === 200, now)
  const table = handlersByType(handlers)
  const reception: Reception = {
    caller: createCallerCheck(options.caller, now),
    maxBodyBytes,
    handles: type => table.has(type),
  }
  const deciding: Deciding = {
    table,
    budgetMs,
    onDeadline,
    lifetimesAs: options.lifetimesAs,
    onError: error => options.onError?.(error),
    now,
  }

  async function answer(call: IncomingCall): Promise<OutgoingAnswer> {
    const startedAt = performance.now()
    let record: DecisionRecord = { decision: 'refused', status: 200, operations: [], reports: [], durationMs: 0 }
    let outgoing: OutgoingAnswer
    try {
      const { request, body } = await receive(call, reception)
      const { actionType, requestId } = request
      if (requestId !== undefined) record.requestId = requestId
      record.actionType = actionType
      if (requestId === undefined || repeatWindowMs === 0 || actionTypes[actionType].mayRedirect) {
        const decided = decide(request, call, startedAt, record, deciding)
        outgoing = isPromise(decided) ? await decided : decided
      } else {
        const first = record
        const { answer, isRepeat } = await repeats.answer(requestId, body, async () => ({
          outgoing: await decide(request, call, startedAt, first, deciding),
          record: first,
        }))
        outgoing = answer.outgoing
        // What the author should mend was reported the first time.
        if (isRepeat) record = { ...answer.record, reports: [], isRepeat: true }
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      record.reason = error.code
      record.why = error.message
      outgoing = errorAnswer(error.status, error.code, error.message, error.headers)
    }
    record.status = outgoing.status
    record.durationMs = Math.round((performance.now() - startedAt) * 1000) / 1000
    try {
      for (const message of record.reports) {
        const { actionType = '', requestId } = record
        options.onReport?.({ actionType, ...present({ requestId }), message })
      }
      options.log?.(record)
    } catch (error) {
      // A full disk or a broken logger is no reason to keep a platform, and a person behind it, without an answer.
      options.onError?.(error)
    }
    return options.log ? outgoing : { ...outgoing, record }
  }

  return {
    answer,
    fetch: async request => {
      const { status, headers, body } = await answer(callOf(request))
      return new Response(body, { status, headers })
    },
    actionTypes: [...table.keys()] as (keyof Events)[],
  }
}
