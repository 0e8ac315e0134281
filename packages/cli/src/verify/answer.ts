import {
  type ActionResponse,
  type ActionType,
  answerMembers,
  answerStatuses,
  type Platform,
  platforms,
  present,
} from '@preflow/contract'
import type { OperationVerdict, Outcome } from '@preflow/engine'
import { clientView } from '../events/client-view.ts'
import type { Exchange } from './session.ts'

/**
 * An answer as far as it can be read at all: each part is there only when everything before it is in order, so that one
 * fault is not reported as five.
 */
export interface AnswerView {
  status?: number
  /** There when the status is one that has a payload. */
  contentType?: string
  /** There when it is declared as JSON: the text, or why there is none. */
  text?: { ok: true; text: string } | { ok: false; why: string }
  /** There when the text could be decoded. */
  json?: { ok: true; value: unknown; isFollowed: boolean } | { ok: false; why: string }
  /** There when the JSON is an object. */
  record?: Record<string, unknown>
  /** There when `actionStatus` is known. */
  payload?: {
    actionStatus: ActionResponse['actionStatus']
    operations: readonly unknown[]
    record: Record<string, unknown>
  }
}

const views = new WeakMap<Exchange, AnswerView>()

/** Reads an answer once, leniently. */
export function viewOf(exchange: Exchange): AnswerView {
  const known = views.get(exchange)
  if (known) return known
  const view = readView(exchange)
  views.set(exchange, view)
  return view
}

function readView({ delivery }: Exchange): AnswerView {
  if (!delivery.ok) return {}
  const { status, headers, body } = delivery
  const view: AnswerView = { status }
  // 502, 503 and 504 are asked again first.
  if ((answerStatuses[status]?.retry ?? 'always') === 'always') return view
  view.contentType = headers['content-type'] ?? ''
  if (!view.contentType.includes('application/json')) return view
  view.text = readText(body, headers['content-encoding'])
  if (!view.text.ok) return view
  view.json = readJson(view.text.text)
  if (!view.json.ok || typeof view.json.value !== 'object' || view.json.value === null) return view
  if (Array.isArray(view.json.value)) return view
  const record = view.json.value as Record<string, unknown>
  view.record = record
  const { actionStatus, operations } = record
  if (!isActionStatus(actionStatus)) return view
  view.payload = { actionStatus, operations: Array.isArray(operations) ? operations : [], record }
  return view
}

function isActionStatus(value: unknown): value is ActionResponse['actionStatus'] {
  return typeof value === 'string' && Object.hasOwn(answerMembers, value)
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function readText(body: Uint8Array, encoding = 'identity'): NonNullable<AnswerView['text']> {
  if (encoding.trim().toLowerCase() !== 'identity') return { ok: false, why: `it is compressed (${encoding})` }
  try {
    const text = utf8.decode(body)
    return text.startsWith('\uFEFF') ? { ok: false, why: 'it begins with the order mark of UTF-8' } : { ok: true, text }
  } catch {
    return { ok: false, why: 'its bytes are not UTF-8' }
  }
}

function readJson(text: string): NonNullable<AnswerView['json']> {
  if (text.trim() === '') return { ok: false, why: 'the body is empty' }
  try {
    return { ok: true, value: JSON.parse(text), isFollowed: false }
  } catch (error) {
    // V8 names the place where a complete value is followed by more.
    const [, end] = /after JSON at position (\d+)/.exec((error as Error).message) ?? []
    if (end === undefined) return { ok: false, why: `the body is not JSON${whereIn((error as Error).message)}` }
    return { ok: true, value: JSON.parse(text.slice(0, Number(end))), isFollowed: true }
  }
}

/** What V8 stumbled over, without the text around it, which may be anything. */
function whereIn(message: string): string {
  const [what] =
    /^(Unexpected token '.+?'(?=,)|Unexpected end of JSON input|[A-Z][^"\n]* at position \d+)/u.exec(message) ?? []
  return what === undefined ? '' : ` (${what})`
}

/** The kinds of decision that count as one: whether the same was decided twice. */
export interface Decision {
  /** `SUCCESS`, `FAILED`, `INCOMPLETE`, `ERROR`, or `unusable`. */
  status: string
  /** For people: `FAILED access_denied`, `SUCCESS with 2 operations`, `no answer`. */
  words: string
  /** Equal for two answers that decide the same. Values of operations and redirect addresses may differ. */
  key: string
}

/** What an answer decides, whether or not a platform could use it. */
export function decisionOf(exchange: Exchange): Decision {
  const { status, payload, contentType } = viewOf(exchange)
  if (!exchange.delivery.ok) return plain('unusable', `no answer (${exchange.delivery.error.code})`)
  if (!payload) return plain('unusable', `status ${status}, ${contentType ? `${contentType}, ` : ''}no decision`)
  const { actionStatus, operations, record } = payload
  if ((actionStatus === 'ERROR') === (status === 200)) {
    return plain('unusable', `${actionStatus} with status ${status}`)
  }
  const reason = record['failureReason'] ?? record['errorMessage']
  if (actionStatus === 'FAILED' || actionStatus === 'ERROR') {
    return plain(actionStatus, `${actionStatus}${typeof reason === 'string' ? ` ${reason}` : ''}`)
  }
  const asked = operations.map(operation => {
    const { op, path } = (operation ?? {}) as { op?: unknown; path?: unknown }
    return `${op} ${path ?? ''}`.trim()
  })
  const count = asked.length === 1 ? '1 operation' : `${asked.length} operations`
  return {
    status: actionStatus,
    words: asked.length === 0 ? actionStatus : `${actionStatus} with ${count}`,
    key: [actionStatus, ...asked].join('\n'),
  }
}

/** Whether it fails the flow on the extension's own wish. */
export function isError({ status }: Decision): boolean {
  return status === 'ERROR'
}

/** Whether it lets the flow go on or refuses it. */
export function isDecided(decision: Decision): boolean {
  return !isError(decision) && decision.status !== 'unusable'
}

function plain(status: string, words: string): Decision {
  return { status, words, key: words }
}

/** Whether an answer refuses what was asked, in a way that is not a crash: ERROR, or any 4xx. */
export function isRefusal(exchange: Exchange): boolean {
  const { payload } = viewOf(exchange)
  if (!exchange.delivery.ok) return false
  const { status } = exchange.delivery
  return (status >= 400 && status < 500 && payload?.actionStatus !== 'SUCCESS') || payload?.actionStatus === 'ERROR'
}

/** What some platforms make of one answer. */
export interface Consequence {
  /** `partial`: used, but not every operation is carried out. */
  kind: 'usable' | 'partial' | 'declined' | 'broken'
  /** Titles. */
  platforms: string[]
  /** What the client would see there. */
  client: string
  /** Why a platform cannot use it, or not all of it: the engine's words. */
  why?: string
}

/** The operations that changed nothing. */
function leftOut({ operations }: Outcome & { status: 'success' }): readonly OperationVerdict[] {
  return operations.filter(({ verdict }) => verdict !== 'applied')
}

/** Whether a platform can use an outcome; an ERROR of the contract is the extension's own wish. */
export function kindOf(outcome: Outcome): Consequence['kind'] {
  if (outcome.status === 'success' && leftOut(outcome).length > 0) return 'partial'
  if (outcome.status !== 'error' && outcome.status !== 'continued') return 'usable'
  return outcome.error.code === 'extension_error' ? 'declined' : 'broken'
}

/** What one platform made of an answer. */
export interface Judged {
  type: ActionType
  platform: Platform
  outcome: Outcome
}

/** What each platform makes of an answer. */
export function judgedOf({ type, judgements }: Exchange): Judged[] {
  return judgements.map(judgement => ({ type, ...judgement }))
}

const ORDER = Object.keys(platforms)

/** What platforms make of answers; those that make the same of them are one entry. */
export function consequencesOf(judged: readonly Judged[]): Consequence[] {
  const groups = new Map<string, Consequence>()
  for (const { type, platform, outcome } of judged.toSorted(
    (a, b) => ORDER.indexOf(a.platform.name) - ORDER.indexOf(b.platform.name),
  )) {
    const kind = kindOf(outcome)
    const client = clientView(type, outcome) ?? ''
    const why = whyOf(outcome, platform)
    const key = [kind, client, why].join('\n')
    const group = groups.get(key)
    if (group) group.platforms.push(platform.title)
    else groups.set(key, { kind, platforms: [platform.title], client, ...present({ why }) })
  }
  return [...groups.values()]
}

function whyOf(outcome: Outcome, platform: Platform): string | undefined {
  if (kindOf(outcome) === 'broken' && 'error' in outcome) return withoutTitle(outcome.error?.message ?? '', platform)
  if (outcome.status !== 'success' || leftOut(outcome).length === 0) return undefined
  const names = new Set(leftOut(outcome).map(({ op, path = '' }) => `${op} ${path}`.trim()))
  return `Not carried out: ${[...names].join(', ')}.`
}

/** The engine names the platform in some messages; platforms that say the same are to be one group. */
function withoutTitle(message: string, { title }: Platform): string {
  return message.replaceAll(title, 'the platform').replace(/^the platform/, 'The platform')
}
