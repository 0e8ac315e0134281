import { actionTypes, answerMembers, answerStatuses, type Platform } from '@preflow/contract'
import { consequencesOf, judgedOf, viewOf } from '../answer.ts'
import type { ReadingCheck } from '../check.ts'
import type { Exchange } from '../session.ts'
import { operationChecks } from './operation.ts'

/** The platforms that would read this answer. */
function readers({ judgements }: Exchange): Platform[] {
  return judgements.map(({ platform }) => platform)
}

/** The strings of an answer that platforms check, with the maximum length of each. */
function stringsOf(exchange: Exchange): { name: string; value: unknown; isReason: boolean }[] {
  const { payload } = viewOf(exchange)
  if (!payload) return []
  const [reason, description] = answerMembers[payload.actionStatus]
  if (payload.actionStatus !== 'FAILED' && payload.actionStatus !== 'ERROR') return []
  return [
    { name: reason ?? '', value: payload.record[reason ?? ''], isReason: true },
    { name: description ?? '', value: payload.record[description ?? ''], isReason: false },
  ]
}

function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}

const typesWithData = Object.values(actionTypes).flatMap(({ type, answerDataSchema }) => (answerDataSchema ? type : []))

const saysStatus = (...wanted: string[]) => ({
  test: (exchange: Exchange) => wanted.includes(viewOf(exchange).payload?.actionStatus ?? ''),
  unseen: `No answer was ${wanted.join(' or ')}.`,
})

/** From outside, the owner of the limit is unknown. */
const LIMITED = 'The status is 429. This run may have reached a limit of the extension or of a service behind it.'

/** In the order of a platform: status, content type, bytes, JSON, then the members. */
export const answerChecks: readonly ReadingCheck[] = [
  {
    id: 'answer.connection',
    title: 'Every event gets an HTTP response',
    why: 'For the platform, a broken connection is a crash: it tries again, or fails the flow at once.',
    fix: 'Catch every exception before it ends the process or the connection, and answer 500 with ERROR.',
    level: 'must',
    inspect: ({ delivery }) =>
      !delivery.ok && (delivery.error.code === 'reset' || delivery.error.code === 'protocol')
        ? [delivery.error.message]
        : [],
  },
  {
    id: 'answer.status',
    title: 'The status is 200, 400, 401 or 500',
    why: 'Any other status is no decision, whatever the body contains. For 502, 503 and 504 the platform first tries again.',
    fix: 'Answer 200 with SUCCESS, FAILED or INCOMPLETE, and 400, 401 or 500 with ERROR. Do not forward the status of another service.',
    level: 'must',
    inspect(exchange) {
      const { status } = viewOf(exchange)
      if (status === undefined || status === 200 || status === 400 || status === 401 || status === 500) return []
      if (Object.hasOwn(answerStatuses, status)) {
        return [`The status is ${status}. Platforms try again, and fail the flow if it repeats.`]
      }
      return [status === 429 ? LIMITED : `The status is ${status}.`]
    },
  },
  {
    id: 'answer.content-type',
    title: 'The content type is application/json',
    why: 'Platforms compare this value exactly and read no other type, such as application/problem+json.',
    fix: 'Send content-type: application/json, optionally with a charset. An HTML page here comes from a crash or a gateway.',
    level: 'must',
    inspect(exchange) {
      const { contentType } = viewOf(exchange)
      if (contentType === undefined || contentType.includes('application/json')) return []
      return [contentType === '' ? 'There is no content type.' : `The content type is ${contentType}.`]
    },
  },
  {
    id: 'answer.encoding',
    title: 'The body is plain UTF-8',
    why: 'Platforms accept no compression, and expect UTF-8 without a byte order mark.',
    fix: 'Turn off compression for this path, and write UTF-8 without a byte order mark.',
    level: 'must',
    inspect(exchange) {
      const { text } = viewOf(exchange)
      return text && !text.ok ? [`The answer cannot be read: ${text.why}.`] : []
    },
  },
  {
    id: 'answer.json',
    title: 'The body is one JSON object',
    why: 'Anything else fails the flow. Some platforms ignore what follows the object, others reject it.',
    fix: 'Serialize one object, once, with the JSON writer of your language. NaN, single quotes and comments are not JSON. A string that contains JSON was serialized twice.',
    level: 'must',
    inspect(exchange) {
      const { json, record } = viewOf(exchange)
      if (!json) return []
      if (!json.ok) return [`The answer cannot be read: ${json.why}.`]
      if (!record) return [`The JSON is ${kindOfJson(json.value)}, not an object.`]
      return json.isFollowed ? ['More content follows the JSON object.'] : []
    },
  },
  {
    id: 'answer.action-status',
    title: 'actionStatus is SUCCESS, FAILED, INCOMPLETE or ERROR',
    why: 'The value is compared exactly, in capitals.',
    fix: 'Send actionStatus with one of these four values. If this path serves a health page, fix the routing.',
    level: 'must',
    inspect(exchange) {
      const { record, payload } = viewOf(exchange)
      if (!record || payload) return []
      const { actionStatus } = record
      if (actionStatus === undefined) return ['There is no actionStatus.']
      const isWrongCase = typeof actionStatus === 'string' && Object.hasOwn(answerMembers, actionStatus.toUpperCase())
      return [isWrongCase ? 'actionStatus is not in capitals.' : 'actionStatus has another value.']
    },
  },
  {
    id: 'answer.pairing',
    title: 'The status matches actionStatus',
    why: 'ERROR with 200 is an invalid answer, and so is FAILED with 400: the client gets a server error instead of the reason.',
    fix: 'Send SUCCESS, FAILED and INCOMPLETE with 200, and ERROR with 400, 401 or 500.',
    level: 'must',
    inspect(exchange) {
      const { status = 0, payload } = viewOf(exchange)
      if (!payload) return []
      const isError = payload.actionStatus === 'ERROR'
      return isError === (answerStatuses[status]?.carries === 'error')
        ? []
        : [`${payload.actionStatus} has status ${status}.`]
    },
  },
  {
    id: 'answer.members',
    title: 'All members are in the contract',
    why: 'WSO2 platforms reject the whole answer for one unknown member.',
    fix: 'Send only actionStatus and its members: operations and data, failureReason and failureDescription, or errorMessage and errorDescription.',
    level: 'must',
    inspect(exchange) {
      const { payload } = viewOf(exchange)
      if (!payload || readers(exchange).every(({ reading }) => reading.unknownFields === 'ignore')) return []
      const known = answerMembers[payload.actionStatus]
      return Object.keys(payload.record)
        .filter(name => name !== 'actionStatus' && !known.includes(name))
        .map(name => `${payload.actionStatus} has no member ${name}.`)
    },
  },
  {
    id: 'answer.reason',
    title: 'FAILED has a failureReason, ERROR an errorMessage',
    why: 'Without it the answer is invalid, and a refusal becomes a server error.',
    fix: 'Send a short code such as access_denied as a string.',
    level: 'must',
    regards: saysStatus('FAILED', 'ERROR'),
    inspect: exchange =>
      stringsOf(exchange).flatMap(({ name, value, isReason }) => {
        if (value === undefined || value === null || value === '')
          return isReason ? [`${name} is missing or empty.`] : []
        return typeof value === 'string' ? [] : [`${name} is not a string.`]
      }),
  },
  {
    id: 'answer.alphabet',
    title: 'Messages contain only characters that platforms accept',
    why: "Only letters, digits, white space and -_.!?;:'()[] are allowed. One comma turns a refusal into a server error.",
    fix: 'Word it without the character. Never include values of the event or messages of exceptions.',
    level: 'must',
    regards: saysStatus('FAILED', 'ERROR'),
    inspect: exchange =>
      stringsOf(exchange).flatMap(({ name, value }) => {
        if (typeof value !== 'string') return []
        const offending = [...value].find(character =>
          readers(exchange).some(({ text }) => !text.alphabet.test(character)),
        )
        return offending === undefined
          ? []
          : [`${name} contains ${JSON.stringify(offending)} (${codePoint(offending)}).`]
      }),
  },
  {
    id: 'answer.length',
    title: 'Messages are short enough',
    why: 'A reason of more than 100 characters or a description of more than 300 makes the answer invalid.',
    fix: 'Shorten them before sending.',
    level: 'must',
    regards: saysStatus('FAILED', 'ERROR'),
    inspect: exchange =>
      stringsOf(exchange).flatMap(({ name, value, isReason }) => {
        if (typeof value !== 'string') return []
        const most = Math.min(...readers(exchange).map(({ text }) => (isReason ? text.maxReason : text.maxDescription)))
        return value.length > most ? [`${name} has more than ${most} characters.`] : []
      }),
  },
  {
    id: 'answer.description',
    title: 'A refusal has a description',
    why: 'Without failureDescription, WSO2 answers a token request with 200 and without a token, and users see no message.',
    fix: 'Send a sentence as failureDescription.',
    level: 'should',
    regards: saysStatus('FAILED'),
    inspect(exchange) {
      const { payload } = viewOf(exchange)
      return payload?.actionStatus === 'FAILED' && !payload.record['failureDescription']
        ? ['FAILED has no failureDescription.']
        : []
    },
  },
  {
    id: 'answer.server-words',
    title: 'FAILED has no reason of a server error',
    why: 'Token platforms reject FAILED with server_error, internal_server_error or 500: the client gets a server error.',
    fix: 'Answer ERROR with status 500 for an error of the extension. For a refusal, send FAILED with a specific reason.',
    level: 'must',
    regards: saysStatus('FAILED'),
    inspect(exchange) {
      const { payload } = viewOf(exchange)
      const reason = payload?.actionStatus === 'FAILED' ? payload.record['failureReason'] : undefined
      if (typeof reason !== 'string') return []
      const { serverErrorReasons } = actionTypes[exchange.type]
      return serverErrorReasons.includes(reason.toLowerCase()) ? [`failureReason is ${reason}.`] : []
    },
  },
  {
    id: 'answer.data',
    title: 'data names the user who signed in',
    why: 'An authenticator that identifies must name the user. Only a second factor may omit it.',
    fix: 'In a SUCCESS of an authentication, send data.user.id, and claims and groups as lists.',
    level: 'must',
    types: typesWithData,
    regards: saysStatus('SUCCESS'),
    inspect(exchange) {
      const { payload } = viewOf(exchange)
      if (payload?.actionStatus !== 'SUCCESS') return []
      const { data } = payload.record
      const schema = actionTypes[exchange.type].answerDataSchema
      if (!schema) return []
      if (data === undefined || data === null) {
        const isKnown = 'user' in (exchange.request?.event ?? {})
        return isKnown ? [] : ['There is no data.user, and no user is known from an earlier step.']
      }
      const checked = schema.safeParse(data)
      if (!checked.success)
        return [`data.${checked.error.issues[0]?.path.join('.') ?? ''} does not match the contract.`]
      const { user } = data as { user?: { id?: unknown } }
      return user && !user.id ? ['data.user has no id.'] : []
    },
  },
  {
    id: 'answer.size',
    title: 'The answer is small',
    why: 'Platforms stop reading a very long answer and fail the flow.',
    fix: 'Send only the operations.',
    level: 'must',
    inspect: ({ delivery }) =>
      !delivery.ok && delivery.error.code === 'answer_too_large' ? [delivery.error.message] : [],
  },
]

/** Problems that no other check explains. The verdict comes from the platforms. */
export const usableCheck: ReadingCheck = {
  id: 'answer.usable',
  title: 'Every platform can use every answer',
  why: 'Each answer was read and applied as each platform does it, and no other check explains the error.',
  fix: 'Follow the message.',
  level: 'must',
  inspect(exchange) {
    if (!exchange.delivery.ok) return []
    const broken = consequencesOf(judgedOf(exchange)).filter(({ kind }) => kind === 'broken')
    if (broken.length === 0) return []
    const isExplained = [...answerChecks, ...operationChecks].some(check => check.inspect(exchange).length > 0)
    return isExplained ? [] : broken.map(({ why = '' }) => why)
  },
}

function kindOfJson(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'string' ? 'a string' : `a ${typeof value}`
}
