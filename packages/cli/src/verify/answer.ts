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
 * The readable parts of an answer. Each part exists only if everything before it is valid, so that one defect is not
 * reported five times.
 */
export interface AnswerView {
  status?: number
  /** Present if answers with this status have a payload. */
  contentType?: string
  /** Present if the content type is JSON: the decoded body, or why it cannot be decoded. */
  text?: { ok: true; text: string } | { ok: false; why: string }
  /** Present if the body was decoded. */
  json?: { ok: true; value: unknown; isFollowed: boolean } | { ok: false; why: string }
  /** Present if the JSON is an object. */
  record?: Record<string, unknown>
  /** Present if `actionStatus` is known. */
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
  // For 502, 503 and 504 the platform first tries again.
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
    return text.startsWith('\uFEFF') ? { ok: false, why: 'it begins with a UTF-8 byte order mark' } : { ok: true, text }
  } catch {
    return { ok: false, why: 'its bytes are not UTF-8' }
  }
}

function readJson(text: string): NonNullable<AnswerView['json']> {
  if (text.trim() === '') return { ok: false, why: 'the body is empty' }
  try {
    return { ok: true, value: JSON.parse(text), isFollowed: false }
  } catch (error) {
    // V8 reports the position if a complete value is followed by more.
    const [, end] = /after JSON at position (\d+)/.exec((error as Error).message) ?? []
    if (end === undefined) return { ok: false, why: `the body is not JSON${whereIn((error as Error).message)}` }
    return { ok: true, value: JSON.parse(text.slice(0, Number(end))), isFollowed: true }
  }
}

/** The error of V8 without the surrounding input, which may contain secrets. */
function whereIn(message: string): string {
  const [what] =
    /^(Unexpected token '.+?'(?=,)|Unexpected end of JSON input|[A-Z][^"\n]* at position \d+)/u.exec(message) ?? []
  return what === undefined ? '' : ` (${what})`
}

/** The decision of an answer, in a form that can be compared. */
export interface Decision {
  /** `SUCCESS`, `FAILED`, `INCOMPLETE`, `ERROR`, or `unusable`. */
  status: string
  /** For people: `FAILED access_denied`, `SUCCESS with 2 operations`, `no answer`. */
  words: string
  /** Equal for two answers with the same decision. Values of operations and redirect addresses may differ. */
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

/** Whether the extension itself answered ERROR. */
export function isError({ status }: Decision): boolean {
  return status === 'ERROR'
}

/** Whether it allows or refuses the flow. */
export function isDecided(decision: Decision): boolean {
  return !isError(decision) && decision.status !== 'unusable'
}

function plain(status: string, words: string): Decision {
  return { status, words, key: words }
}

/** Whether an answer rejects the request without a crash: ERROR, or any 4xx. */
export function isRefusal(exchange: Exchange): boolean {
  const { payload } = viewOf(exchange)
  if (!exchange.delivery.ok) return false
  const { status } = exchange.delivery
  return (status >= 400 && status < 500 && payload?.actionStatus !== 'SUCCESS') || payload?.actionStatus === 'ERROR'
}

/** What some platforms do with one answer. */
export interface Consequence {
  /** `partial`: used, but not every operation is applied. */
  kind: 'usable' | 'partial' | 'declined' | 'broken'
  /** Their titles. */
  platforms: string[]
  /** What the client would see there. */
  client: string
  /** Why a platform cannot use it, or not all of it, as the engine reports it. */
  why?: string
}

/** The operations that changed nothing. */
function leftOut({ operations }: Outcome & { status: 'success' }): readonly OperationVerdict[] {
  return operations.filter(({ verdict }) => verdict !== 'applied')
}

/** Whether a platform can use an outcome. `declined`: the extension answered ERROR. */
export function kindOf(outcome: Outcome): Consequence['kind'] {
  if (outcome.status === 'success' && leftOut(outcome).length > 0) return 'partial'
  if (outcome.status !== 'error' && outcome.status !== 'continued') return 'usable'
  return outcome.error.code === 'extension_error' ? 'declined' : 'broken'
}

/** What one platform did with an answer. */
export interface Judged {
  type: ActionType
  platform: Platform
  outcome: Outcome
}

/** What each platform does with an answer. */
export function judgedOf({ type, judgements }: Exchange): Judged[] {
  return judgements.map(judgement => ({ type, ...judgement }))
}

const ORDER = Object.keys(platforms)

/** What platforms do with answers. Platforms that do the same share one entry. */
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
  return `Not applied: ${[...names].join(', ')}.`
}

/** Removes the name of the platform from a message, so that platforms with the same message form one group. */
function withoutTitle(message: string, { title }: Platform): string {
  return message.replaceAll(title, 'the platform').replace(/^the platform/, 'The platform')
}
