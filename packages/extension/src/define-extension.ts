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

/** The options of an extension besides its handlers. */
export interface ExtensionOptions {
  /**
   * How callers authenticate. There is no default, because an extension without caller authentication must be a
   * decision.
   */
  caller: CallerAuthentication
  /** Milliseconds from the call to the answer. Default 2800, because the smallest limit of a platform is 3 seconds. */
  budgetMs?: number
  /** The answer when the budget is used up. Default: an ERROR that states it. */
  onDeadline?: Deny | Fail
  /** Maximum size of a body, in bytes. Default 262,144. */
  maxBodyBytes?: number
  /** The JSON type of lifetimes. Default `text`, as the published contract declares them. */
  lifetimesAs?: 'text' | 'number'
  /**
   * Milliseconds for which an answer is kept for a platform that retries with the same request id and body because it
   * got no answer. The handler is not called again. ERROR answers are not kept, nor those of types that redirect the
   * browser, whose repeated calls differ in meaning. Default 10,000; 0 calls the handler every time. A signed call that
   * arrives later than this, and than ten seconds, is a replay and refused.
   */
  repeatWindowMs?: number
  /** Receives one record per call. Default: `serve` of `@preflow/extension/node` writes a readable line, other runtimes nothing. */
  log?(record: DecisionRecord): void
  /** Receives the exceptions of handlers, with message and stack, which may contain data of the payload. */
  onError?(error: unknown): void
  /** Receives what the author should fix, besides the record. */
  onReport?(report: { actionType: string; requestId?: string; message: string }): void
  /** Milliseconds since the epoch. Default `Date.now`. */
  now?(): number
}

/** A service that a platform calls. */
export interface Extension {
  /** Answers a call, in every runtime with `fetch`. Never rejects because of the call. Needs no `this`. */
  fetch(request: Request): Promise<Response>
  /** The same for runtimes without `Request`. */
  answer(call: IncomingCall): Promise<OutgoingAnswer>
  /** The action types for which it has handlers. */
  actionTypes: readonly (keyof Events)[]
}

const DEFAULT_BUDGET_MS = 2800
const DEFAULT_MAX_BODY_BYTES = 262_144
const DEFAULT_REPEAT_WINDOW_MS = 10_000

/** What is kept for a platform that retries. */
interface Decided {
  outgoing: OutgoingAnswer
  record: DecisionRecord
}

/**
 * Creates an extension from handlers.
 *
 * It authenticates the caller, limits the size, checks the request against the contract and limits the time. Every
 * platform accepts its answers.
 *
 * @throws {TypeError} If a handler is named after no action type, or an option is invalid.
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
    retryMs: Math.max(repeatWindowMs, DEFAULT_REPEAT_WINDOW_MS),
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
      const { request, body, messageId } = await receive(call, reception)
      const { actionType, requestId } = request
      if (requestId !== undefined) record.requestId = requestId
      record.actionType = actionType
      const callId = requestId ?? messageId
      if (callId === undefined || repeatWindowMs === 0 || actionTypes[actionType].mayRedirect) {
        const decided = decide(request, call, startedAt, record, deciding)
        outgoing = isPromise(decided) ? await decided : decided
      } else {
        const first = record
        const { answer, isRepeat } = await repeats.answer(callId, body, async () => ({
          outgoing: await decide(request, call, startedAt, first, deciding),
          record: first,
        }))
        outgoing = answer.outgoing
        // The first call has already reported what the author should fix.
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
      // A full disk or a broken logger must not prevent an answer to the platform and its user.
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
