import {
  type ActionRequest,
  type ActionResponse,
  API_VERSION_HEADER,
  actionTypes,
  describeIssues,
  type Events,
  isAllowed,
  type Operation,
  parseActionRequest,
  readDocument,
} from '@preflow/contract'
import { type CallerAuthentication, createCallerCheck } from './caller.ts'
import { type Context, createContext, type Facts } from './context.ts'
import { type DataFor, type Decision, type Deny, type Fail, fail } from './decision.ts'
import { type EditFor, resolveEdits } from './edits.ts'
import { MAX_DESCRIPTION, MAX_REASON, mendText } from './mend-text.ts'
import { createRepeats } from './repeats.ts'

type Camel<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Lowercase<Head>}${Capitalize<Camel<Tail>>}`
  : Lowercase<Name>

/** `PRE_ISSUE_ACCESS_TOKEN` is handled by `preIssueAccessToken`. */
export type HandlerName<T extends keyof Events> = Camel<T>

/** Decides one call. What it throws becomes an ERROR without details; what it does not decide in time is decided for it. */
export type Handler<T extends keyof Events> = (
  event: Events[T],
  context: Context<T>,
) => DecisionFor<T> | Promise<DecisionFor<T>>

/** A decision with the edits and the data that make sense for the action type. */
export type DecisionFor<T extends keyof Events> = Decision<EditFor<T>, DataFor<T>>

/** The handlers of an extension by the name of their action type. */
export type Handlers = { [T in keyof Events as HandlerName<T>]?: Handler<T> }

/** What became of one call, without anything that came from its payload: safe to write to a log as it is. */
export interface DecisionRecord {
  /** `refused` when the call never reached a handler. */
  decision: Decision['decision'] | 'refused'
  /** The HTTP status of the answer. */
  status: number
  requestId?: string
  actionType?: string
  /** The reason of a denial, the message of an error. */
  reason?: string
  /** The explanation of the handler or of the refusal. */
  why?: string
  /** The operations sent, as `op path`, without values. */
  operations: string[]
  /** What the author should mend: edits that were not offered, texts that platforms would refuse. */
  reports: string[]
  facts?: Facts
  /** Name, code and place of what a handler threw. Its message stays out: it may quote the payload. */
  thrown?: { name: string; code?: string; at?: string }
  durationMs: number
  /** The platform asked again: answered as before, without asking the handler. */
  isRepeat?: true
}

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
  /** Receives one record per call. Default: none is kept. */
  log?(record: DecisionRecord): void
  /** Receives what a handler threw, with its message and stack. Mind what they may contain. */
  onError?(error: unknown): void
  /** Receives what the author should mend, besides the record. */
  onReport?(report: { actionType: string; requestId?: string; message: string }): void
  /** Milliseconds since the epoch. Default `Date.now`. */
  now?(): number
}

/** The parts of a call, from whatever runtime received it. */
export interface IncomingCall {
  method: string
  /** A header by its lower-case name. */
  header(name: string): string | undefined
  /** The body as text; undefined when it is longer than that. Stops reading as soon as it knows. */
  text(maxBytes: number): Promise<string | undefined>
  /** Milliseconds the runtime leaves for the answer, when it limits them. */
  remainingMs?: number
}

/** The parts of an answer. */
export interface OutgoingAnswer {
  status: number
  headers: Record<string, string>
  body: string
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

/** A call that never reaches a handler. */
class Refusal extends Error {
  status: number
  code: string
  headers: Record<string, string>
  constructor(status: number, code: string, description: string, headers: Record<string, string> = {}) {
    super(description)
    this.status = status
    this.code = code
    this.headers = headers
  }
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
  const caller = createCallerCheck(options.caller, now)
  const { repeatWindowMs = DEFAULT_REPEAT_WINDOW_MS } = options
  const repeats = createRepeats<Decided>(repeatWindowMs, ({ outgoing }) => outgoing.status === 200, now)
  const table = handlersByType(handlers)

  async function answer(call: IncomingCall): Promise<OutgoingAnswer> {
    const startedAt = performance.now()
    let record: DecisionRecord = { decision: 'refused', status: 200, operations: [], reports: [], durationMs: 0 }
    let outgoing: OutgoingAnswer
    try {
      const { request, body } = await receive(call)
      const { actionType, requestId } = request
      if (requestId !== undefined) record.requestId = requestId
      record.actionType = actionType
      if (requestId === undefined || repeatWindowMs === 0 || actionTypes[actionType].mayRedirect) {
        const decided = decide(request, call, startedAt, record)
        outgoing = isPromise(decided) ? await decided : decided
      } else {
        const first = record
        const { answer, isRepeat } = await repeats.answer(requestId, body, async () => ({
          outgoing: await decide(request, call, startedAt, first),
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
      outgoing = answerOf(error.status, errorBody(error.code, error.message), error.headers)
    }
    record.status = outgoing.status
    record.durationMs = Math.round((performance.now() - startedAt) * 1000) / 1000
    try {
      for (const message of record.reports) {
        const { actionType = '', requestId } = record
        options.onReport?.({ actionType, ...(requestId !== undefined && { requestId }), message })
      }
      options.log?.(record)
    } catch (error) {
      // A full disk or a broken logger is no reason to keep a platform, and a person behind it, without an answer.
      options.onError?.(error)
    }
    return outgoing
  }

  async function receive(call: IncomingCall): Promise<{ request: ActionRequest; body: string }> {
    if (call.method !== 'POST') {
      throw new Refusal(405, 'method_not_allowed', 'Call this extension with POST.', { allow: 'POST' })
    }
    const unwelcome = caller.byHeaders(call.header)
    if (unwelcome) throw unauthorized(unwelcome)
    const contentType = call.header('content-type') ?? ''
    if (contentType !== 'application/json' && !/^application\/json\s*(;|$)/i.test(contentType)) {
      throw new Refusal(415, 'unsupported_media_type', 'Send the request as application-json.')
    }
    const isDeclaredTooLarge = Number(call.header('content-length') ?? 0) > maxBodyBytes
    const body = isDeclaredTooLarge ? undefined : await call.text(maxBodyBytes).catch(endedEarly)
    if (body === undefined) {
      throw new Refusal(413, 'payload_too_large', `This extension reads ${maxBodyBytes} bytes at most.`)
    }
    const unsigned = caller.byBody && (await caller.byBody(call.header, body))
    if (unsigned) throw unauthorized(unsigned)
    return { request: readRequest(body, call.header(API_VERSION_HEADER)), body }
  }

  function unauthorized(why: string): Refusal {
    return new Refusal(
      401,
      'unauthorized',
      `The caller is not authenticated: ${why}. Check the endpoint authentication of the action.`,
      caller.challenge ? { 'www-authenticate': caller.challenge } : {},
    )
  }

  function readRequest(body: string, apiVersion: string | undefined): ActionRequest {
    let document: unknown
    try {
      document = JSON.parse(body)
    } catch {
      throw new Refusal(400, 'invalid_request', 'The body is not JSON.')
    }
    const named = (document as { actionType?: unknown } | null)?.actionType
    if (typeof named === 'string' && !table.has(named) && /^[A-Z][A-Z_]{0,63}$/.test(named)) {
      throw new Refusal(
        400,
        'unsupported_action_type',
        `This extension has no ${named} handler. Add one to defineExtension.`,
      )
    }
    const parsed = parseActionRequest(document)
    if (!parsed.ok) throw new Refusal(400, 'invalid_request', describeIssues(parsed.issues))
    const { latestVersion } = actionTypes[parsed.request.actionType as keyof Events]
    if (apiVersion !== undefined && !(majorOf(apiVersion) <= majorOf(latestVersion))) {
      throw new Refusal(
        400,
        'unsupported_version',
        `This extension reads ${parsed.request.actionType} up to ${latestVersion}.`,
      )
    }
    return parsed.request
  }

  /** At once, if the handler decides at once. */
  function decide(
    request: ActionRequest,
    call: IncomingCall,
    startedAt: number,
    record: DecisionRecord,
  ): OutgoingAnswer | Promise<OutgoingAnswer> {
    const type = request.actionType as keyof Events
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
      if (isDecision(decision)) return word(decision, facets, record)
      record.reports.push('The handler returned no decision. Return allow, deny, fail or redirectTo.')
      return word(fail('server_error', 'The extension failed.', { why: 'no decision' }), facets, record)
    }

    function concludeThrown(error: unknown): OutgoingAnswer {
      options.onError?.(error)
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

  function word(
    decision: Decision,
    request: Parameters<typeof resolveEdits>[1],
    record: DecisionRecord,
  ): OutgoingAnswer {
    record.decision = decision.decision
    if (decision.why !== undefined) record.why = decision.why
    switch (decision.decision) {
      case 'allow': {
        const { operations, reports } = resolveEdits(decision.edits, request, options.lifetimesAs)
        record.reports.push(...reports)
        const { answerDataSchema } = actionTypes[request.actionType as keyof Events]
        const data = answerDataSchema && readDocument(answerDataSchema, decision.data ?? {}, ['data'])
        if (data?.ok === false) record.reports.push(describeIssues(data.issues))
        record.operations = operations.map(({ op, path }) => `${op} ${path}`)
        return answerOf(200, {
          actionStatus: 'SUCCESS',
          ...(operations.length > 0 && { operations }),
          ...(decision.data !== undefined && { data: decision.data }),
        })
      }
      case 'deny': {
        let { reason } = decision
        const { serverErrorReasons } = actionTypes[request.actionType as keyof Events]
        if (serverErrorReasons.includes(reason.toLowerCase())) {
          record.reports.push(`reason: platforms take ${reason} for a fault of the extension. Use fail for that.`)
          reason = 'access_denied'
        }
        const failureReason = mend('reason', reason, MAX_REASON, 'access_denied', record)
        const failureDescription = mend(
          'description',
          decision.description,
          MAX_DESCRIPTION,
          'The request was denied.',
          record,
        )
        record.reason = failureReason
        return answerOf(200, { actionStatus: 'FAILED', failureReason, failureDescription })
      }
      case 'fail': {
        const errorMessage = mend('message', decision.message, MAX_REASON, 'server_error', record)
        record.reason = errorMessage
        return answerOf(decision.status ?? 500, {
          actionStatus: 'ERROR',
          errorMessage,
          errorDescription: mend('description', decision.description, MAX_DESCRIPTION, 'The extension failed.', record),
        })
      }
      case 'redirect': {
        const operation: Operation = { op: 'redirect', url: decision.url }
        const problem = !isAllowed(operation, request.allowedOperations)
          ? 'this event offers no redirect. Decide without one.'
          : !/^https?:$/.test(URL.parse(decision.url)?.protocol ?? '')
            ? 'the URL must be absolute, with http or https.'
            : undefined
        if (problem) {
          record.reports.push(`redirectTo: ${problem}`)
          record.reason = 'server_error'
          return answerOf(500, errorBody('server_error', 'The extension asked for an impossible redirect.'))
        }
        record.operations = ['redirect']
        return answerOf(200, { actionStatus: 'INCOMPLETE', operations: [operation] })
      }
      default:
        return decision satisfies never
    }
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

function handlersByType(handlers: Handlers): ReadonlyMap<string, Handler<keyof Events>> {
  const names = new Map(Object.keys(actionTypes).map(type => [handlerName(type), type]))
  return new Map(
    Object.entries(handlers).flatMap(([name, handler]) => {
      const type = names.get(name)
      if (!type)
        throw new TypeError(`${name}: no action type has this handler. Known are ${[...names.keys()].join(', ')}.`)
      return handler ? [[type, handler as Handler<keyof Events>]] : []
    }),
  )
}

function handlerName(type: string): string {
  return type.toLowerCase().replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/** `v2` is 2; NaN when it is no version. */
function majorOf(version: string): number {
  return Number(/^v(\d{1,4})(\.\d+)*$/.exec(version)?.[1])
}

/** Types do not bind an author who writes JavaScript. */
function isDecision(decision: unknown): decision is Decision {
  const named = (decision as Decision | undefined | null)?.decision
  return named === 'allow' || named === 'deny' || named === 'fail' || named === 'redirect'
}

function isPromise<Value>(value: Value | Promise<Value>): value is Promise<Value> {
  return typeof (value as Promise<Value> | undefined)?.then === 'function'
}

function withinBudget<Value>(promise: Promise<Value>, remainingMs: number, onSpent: () => Value): Promise<Value> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(onSpent()), remainingMs)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** What may be said of an exception without quoting it. */
function describeThrown(error: unknown): NonNullable<DecisionRecord['thrown']> {
  if (!(error instanceof Error)) return { name: typeof error }
  const { code } = error as { code?: unknown }
  const at = error.stack
    ?.split('\n')
    .find(line => /^\s+at /.test(line))
    ?.trim()
  return { name: error.name, ...(typeof code === 'string' && { code }), ...(at !== undefined && { at }) }
}

function mend(name: string, text: string, maxLength: number, fallback: string, record: DecisionRecord): string {
  const mended = mendText(name, text, maxLength, fallback)
  if (mended.report) record.reports.push(mended.report)
  return mended.text
}

/** Our own words: mended like the author's, but nobody needs a report about them. */
function errorBody(code: string, description: string): ActionResponse {
  return {
    actionStatus: 'ERROR',
    errorMessage: mendText('message', code, MAX_REASON, 'server_error').text,
    errorDescription: mendText('description', description, MAX_DESCRIPTION, 'The extension failed.').text,
  }
}

function answerOf(status: number, body: ActionResponse, headers: Record<string, string> = {}): OutgoingAnswer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
}

function endedEarly(cause: unknown): never {
  throw Object.assign(new Refusal(400, 'invalid_request', 'The body ended before it was complete.'), { cause })
}

function callOf(request: Request): IncomingCall {
  return {
    method: request.method,
    header: name => request.headers.get(name) ?? undefined,
    text: maxBytes => readText(request.body, maxBytes),
  }
}

async function readText(body: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<string | undefined> {
  if (!body) return ''
  const decoder = new TextDecoder()
  let bytes = 0
  let text = ''
  for await (const chunk of body) {
    bytes += chunk.byteLength
    // Leaving the loop cancels the stream, so nothing more is received.
    if (bytes > maxBytes) return undefined
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}
