import {
  type ActionResponse,
  type ActionType,
  actionTypes,
  answerMembers,
  answerStatuses,
  type Operation,
  type OperationName,
  operationMembers,
  operationNames,
  type Platform,
  present,
} from '@preflow/contract'
import { type CallError, failure, type Result } from './call-error.ts'

/** The meaning of one answer. */
export interface Reading {
  /** The answer according to the contract, or why it is invalid. */
  answer: Result<ActionResponse>
  /** Whether another attempt may succeed. */
  mayRetry: boolean
  /** The reference's log message if there is no payload. */
  logText?: string
  /** The body as JSON, if it is valid. */
  json?: unknown
}

/**
 * Parses the answer of an extension as strictly as the platform does.
 *
 * Every rejection states what the author of the extension must change. Values of the answer are not quoted, except one
 * invalid character of a reason.
 *
 * @param answer.headers By lower-case name.
 * @param maxOperations An answer with more is invalid as a whole, and nothing else of it is read. Default: no limit.
 */
export function readAnswer(
  answer: { status: number; headers: Readonly<Record<string, string>>; body: Uint8Array },
  type: ActionType,
  platform: Platform,
  maxOperations: number = Number.POSITIVE_INFINITY,
): Reading {
  const { status, headers } = answer
  const rule = answerStatuses[status]
  if (!rule) {
    return {
      answer: failure(
        'unexpected_status',
        `The extension answered with status ${status}. Answer 200 with SUCCESS, FAILED or INCOMPLETE, or 400, 401 or 500 with ERROR.`,
      ),
      mayRetry: false,
      logText: `Unexpected response received with status code: ${status}.`,
    }
  }
  const isDecision = rule.carries === 'decision'
  const refuse = (logText: string, error: CallError, json?: unknown): Reading => ({
    answer: { ok: false, error },
    mayRetry: rule.retry !== 'never',
    logText,
    ...present({ json }),
  })

  if (!isJson(headers['content-type'], platform)) {
    return refuse(
      isDecision
        ? `Unexpected response for status code: ${status}. The response content type is not application/json.`
        : `Failed to execute the action request. Received status code: ${status}.`,
      {
        code: isDecision ? 'unreadable_answer' : 'unexpected_status',
        message: `The extension answered with status ${status} and content type ${headers['content-type'] ?? 'none'}. Send application/json${isDecision ? '' : ' with an ERROR payload'}.`,
      },
    )
  }
  const parsed = parseJson(answer.body, headers, platform)
  const json = parsed.ok ? withinLimits(parsed.value, maxOperations) : parsed
  const payload = json.ok ? readPayload(json.value, rule.carries, type, platform) : json
  if (!payload.ok) {
    return refuse(
      isDecision
        ? `Unexpected response for status code: ${status}. Reading JSON response failed.`
        : `Unexpected error response received for the status code: ${status}. Parsing JSON response failed.`,
      payload.error,
      json.ok ? json.value : undefined,
    )
  }
  return { answer: payload, mayRetry: rule.retry === 'always', ...present({ json: json.ok ? json.value : undefined }) }
}

function isJson(contentType: string | undefined, { reading }: Platform): boolean {
  if (contentType === undefined) return false
  return reading.contentType === 'exact'
    ? contentType.includes('application/json')
    : /^\s*application\/json\s*(;|,|$)/i.test(contentType)
}

/** A strict parser rejects UTF-8's byte order mark as JSON. */
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })
const replacingUtf8 = new TextDecoder('utf-8', { ignoreBOM: true })

function parseJson(
  body: Uint8Array,
  headers: Readonly<Record<string, string>>,
  { reading }: Platform,
): Result<unknown> {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity'
  if (encoding !== 'identity') {
    return unreadable(`The answer is compressed (content-encoding: ${encoding}). Send it as it is.`)
  }
  let text: string
  try {
    text = (reading.malformedUtf8 === 'reject' ? strictUtf8 : replacingUtf8).decode(body)
  } catch {
    return unreadable('The answer is not UTF-8. Encode it as UTF-8.')
  }
  if (text.trim() === '') return unreadable('The answer is empty. Send a JSON object with actionStatus.')
  try {
    return { ok: true, value: JSON.parse(text) }
  } catch (error) {
    // V8 reports the position at which a complete value is followed by more.
    const [, end] = /after JSON at position (\d+)/.exec((error as Error).message) ?? []
    if (end === undefined) return unreadable('The answer is not JSON. Check for truncated output or an error page.')
    if (reading.trailingText === 'reject') return unreadable('There is text after the JSON value. Remove it.')
    return { ok: true, value: JSON.parse(text.slice(0, Number(end))) }
  }
}

/** No answer of the contract is nested nearly as deep. Recursive code must not overflow the stack. */
const MAX_DEPTH = 100
const TOO_DEEP = `The answer is nested more than ${MAX_DEPTH} levels deep. Flatten it.`

/** The value, if it is not too large to be worked on. */
function withinLimits(value: unknown, maxOperations: number): Result<unknown> {
  const operations = isRecord(value) ? value['operations'] : undefined
  if (Array.isArray(operations) && operations.length > maxOperations) {
    return unreadable(`The answer has ${operations.length} operations. Send at most ${maxOperations}.`)
  }
  return isWithin(MAX_DEPTH, value) ? { ok: true, value } : unreadable(TOO_DEEP)
}

function isWithin(depth: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  return depth > 0 && Object.values(value).every(member => isWithin(depth - 1, member))
}

function readPayload(
  json: unknown,
  carries: 'decision' | 'error',
  type: ActionType,
  platform: Platform,
): Result<ActionResponse> {
  if (!isRecord(json)) return unreadable('The answer is not a JSON object.')
  const status = json['actionStatus']
  const isKnown = typeof status === 'string' && Object.hasOwn(answerMembers, status)
  if (!isKnown || (status === 'ERROR') !== (carries === 'error')) {
    return unreadable(
      carries === 'error'
        ? 'actionStatus must be ERROR with this HTTP status. SUCCESS, FAILED and INCOMPLETE go with 200.'
        : 'actionStatus must be SUCCESS, FAILED or INCOMPLETE, in capitals. ERROR goes with HTTP status 400, 401 or 500.',
    )
  }
  const known = answerMembers[status as ActionResponse['actionStatus']]
  if (platform.reading.unknownFields === 'reject') {
    const unknown = Object.keys(json).find(name => name !== 'actionStatus' && !known.includes(name))
    if (unknown !== undefined) {
      return unreadable(`${platform.title} rejects unknown members in a ${status} answer: remove ${unknown}.`)
    }
  }
  return readers[status as ActionResponse['actionStatus']](json, type, platform)
}

const readers: {
  [S in ActionResponse['actionStatus']]: (
    json: Record<string, unknown>,
    type: ActionType,
    platform: Platform,
  ) => Result<ActionResponse>
} = {
  SUCCESS: (json, type, platform) => {
    const operations = readOperations(json['operations'], platform)
    if (!operations.ok) return operations
    const { data } = json
    const schema = actionTypes[type].answerDataSchema
    const checked = data === undefined || data === null ? undefined : schema?.safeParse(data)
    if (checked && !checked.success) {
      const at = ['data', ...(checked.error.issues[0]?.path ?? [])].join('.')
      return unreadable(`${at}: does not follow the contract. Correct it.`)
    }
    return {
      ok: true,
      value: {
        actionStatus: 'SUCCESS',
        operations: operations.value,
        ...present({ data: data ?? undefined }),
      },
    }
  },
  INCOMPLETE: (json, _, platform) => {
    const { operations } = json
    if (operations === undefined || operations === null) {
      return unreadable('operations: is missing. INCOMPLETE needs exactly one operation, a redirect with its url.')
    }
    const read = readOperations(operations, platform)
    return read.ok ? { ok: true, value: { actionStatus: 'INCOMPLETE', operations: read.value } } : read
  },
  FAILED: (json, _, platform) => {
    const reason = readText(json, 'failureReason', platform.text.maxReason, platform)
    if (!reason.ok) return reason
    if (reason.value === undefined) return unreadable('failureReason: is missing. FAILED needs one.')
    const description = readText(json, 'failureDescription', platform.text.maxDescription, platform)
    if (!description.ok) return description
    return {
      ok: true,
      value: {
        actionStatus: 'FAILED',
        failureReason: reason.value,
        ...present({ failureDescription: description.value }),
      },
    }
  },
  ERROR: (json, _, platform) => {
    const message = readText(json, 'errorMessage', platform.text.maxReason, platform)
    if (!message.ok) return message
    if (message.value === undefined) return unreadable('errorMessage: is missing. ERROR needs one.')
    const description = readText(json, 'errorDescription', platform.text.maxDescription, platform)
    if (!description.ok) return description
    return {
      ok: true,
      value: {
        actionStatus: 'ERROR',
        errorMessage: message.value,
        ...present({ errorDescription: description.value }),
      },
    }
  },
}

/** An empty string counts as missing. */
function readText(
  json: Record<string, unknown>,
  name: string,
  maxLength: number,
  { text, title }: Platform,
): Result<string | undefined> {
  const value = json[name]
  if (value === undefined || value === null || value === '') return { ok: true, value: undefined }
  if (typeof value !== 'string') return unreadable(`${name}: must be a string.`)
  const offending = [...value].find(character => !text.alphabet.test(character))
  if (offending !== undefined) {
    return unreadable(
      `${name} contains '${offending}' (U+${offending.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}), which ${title} rejects; remove it. Letters, digits, spaces and -_.!?;:'()[] are allowed.`,
    )
  }
  if (value.length > maxLength) {
    return unreadable(`${name} has ${value.length} characters; ${title} accepts at most ${maxLength}. Shorten it.`)
  }
  return { ok: true, value }
}

function readOperations(value: unknown, platform: Platform): Result<Operation[]> {
  const { reading, title } = platform
  if (value === undefined) return { ok: true, value: [] }
  if (value === null) {
    return reading.nullOperations === 'ignore'
      ? { ok: true, value: [] }
      : unreadable(`operations: is null, which ${title} does not support. Leave it out or send [].`)
  }
  if (!Array.isArray(value)) return unreadable('operations: must be a list.')
  const operations: Operation[] = []
  for (const [i, item] of value.entries()) {
    const operation = readOperation(item, platform)
    if (!operation.ok) return unreadable(`operations.${i}: ${operation.error.message}`)
    operations.push(operation.value)
  }
  return { ok: true, value: operations }
}

function readOperation(item: unknown, { reading, title }: Platform): Result<Operation> {
  if (!isRecord(item)) return unreadable('must be an object with op and path.')
  const { op, path, url, value } = item
  if (op !== undefined && op !== null && !operationNames.includes(op as OperationName)) {
    return unreadable('op must be add, remove, replace or redirect, in lower case.')
  }
  if (path !== undefined && path !== null && typeof path !== 'string') return unreadable('path must be a string.')
  if (url !== undefined && url !== null && typeof url !== 'string') return unreadable('url must be a string.')
  const names = Object.keys(item)
  if (reading.unknownFields === 'reject') {
    const unknown = names.find(name => !operationMembers.includes(name))
    if (unknown !== undefined) return unreadable(`${title} rejects unknown members: remove ${unknown}.`)
  }
  // A streaming parser knows `op` only after it has read it.
  const opAt = names.indexOf('op')
  const comes = (name: string) => names.includes(name) && (!reading.keyOrderMatters || names.indexOf(name) > opAt)
  if (op === 'redirect' && (comes('path') || comes('value'))) {
    return unreadable('a redirect has a url, but no path and no value. Remove them.')
  }
  if (names.includes('url') && (op !== 'redirect' || (reading.keyOrderMatters && names.indexOf('url') < opAt))) {
    return unreadable(
      op === 'redirect' ? `${title} needs op before url. Write op first.` : 'only a redirect has a url. Remove it.',
    )
  }
  return {
    ok: true,
    value: {
      // Without an op it matches nothing that is allowed.
      op: (op ?? '') as Operation['op'],
      ...(typeof path === 'string' ? { path } : {}),
      ...('value' in item ? { value } : {}),
      ...(typeof url === 'string' ? { url } : {}),
    },
  }
}

function unreadable(message: string): { ok: false; error: CallError } {
  return failure('unreadable_answer', message)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
