import { actionTypes, answerMembers, answerStatuses, type Platform } from '@preflow/contract'
import { consequencesOf, judgedOf, viewOf } from '../answer.ts'
import type { ReadingCheck } from '../check.ts'
import type { Exchange } from '../session.ts'
import { operationChecks } from './operation.ts'

/** The platforms that would read this answer. */
function readers({ judgements }: Exchange): Platform[] {
  return judgements.map(({ platform }) => platform)
}

/** The texts of an answer that platforms look at, with the longest each may be. */
function textsOf(exchange: Exchange): { name: string; value: unknown; isReason: boolean }[] {
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

/** Whose limit it is cannot be seen from outside. */
const LIMITED = 'The status is 429: it has a limit, or a service behind it has one, which this run may have reached.'

/** In the order in which a platform looks: status, content type, bytes, JSON, then the members. */
export const answerChecks: readonly ReadingCheck[] = [
  {
    id: 'answer.connection',
    title: 'Every event is answered over HTTP',
    why: 'A connection that breaks is a crash to the platform: it tries once more, or fails the flow at once.',
    mend: 'Let no exception end the process or the connection; answer 500 with ERROR instead.',
    level: 'must',
    inspect: ({ delivery }) =>
      !delivery.ok && (delivery.error.code === 'reset' || delivery.error.code === 'protocol')
        ? [delivery.error.message]
        : [],
  },
  {
    id: 'answer.status',
    title: 'The status is 200, 400, 401 or 500',
    why: 'Any other status is no decision, whatever the body says; 502, 503 and 504 are asked again first.',
    mend: 'Answer 200 with SUCCESS, FAILED or INCOMPLETE, and 400, 401 or 500 with ERROR. Do not pass on the status of another service.',
    level: 'must',
    inspect(exchange) {
      const { status } = viewOf(exchange)
      if (status === undefined || status === 200 || status === 400 || status === 401 || status === 500) return []
      if (Object.hasOwn(answerStatuses, status)) {
        return [`The status is ${status}: platforms ask again, and fail the flow when it comes again.`]
      }
      return [status === 429 ? LIMITED : `The status is ${status}.`]
    },
  },
  {
    id: 'answer.content-type',
    title: 'The content type is application/json',
    why: 'Platforms look for these very letters and do not read anything else. application/problem+json is something else.',
    mend: 'Send content-type: application/json, with a charset if you like. An HTML page here is a crash or a gateway.',
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
    why: 'Platforms announce no compression, and read UTF-8 without an order mark.',
    mend: 'Switch compression off for this path, and write UTF-8 without a byte order mark.',
    level: 'must',
    inspect(exchange) {
      const { text } = viewOf(exchange)
      return text && !text.ok ? [`The answer cannot be read: ${text.why}.`] : []
    },
  },
  {
    id: 'answer.json',
    title: 'The body is one JSON object',
    why: 'Anything else fails the flow. What follows the object is ignored by some platforms and refused by others.',
    mend: 'Serialize one object, once, with the JSON writer of your language: NaN, single quotes and comments are no JSON. A text with JSON in it was serialized twice.',
    level: 'must',
    inspect(exchange) {
      const { json, record } = viewOf(exchange)
      if (!json) return []
      if (!json.ok) return [`The answer cannot be read: ${json.why}.`]
      if (!record) return [`The JSON is ${kindOfJson(json.value)}, not an object.`]
      return json.isFollowed ? ['Something follows the JSON object.'] : []
    },
  },
  {
    id: 'answer.action-status',
    title: 'actionStatus says SUCCESS, FAILED, INCOMPLETE or ERROR',
    why: 'The word is compared as it is, in capitals.',
    mend: 'Send actionStatus with one of these four words. A health page at this path is a routing mistake.',
    level: 'must',
    inspect(exchange) {
      const { record, payload } = viewOf(exchange)
      if (!record || payload) return []
      const { actionStatus } = record
      if (actionStatus === undefined) return ['There is no actionStatus.']
      const isWrongCase = typeof actionStatus === 'string' && Object.hasOwn(answerMembers, actionStatus.toUpperCase())
      return [isWrongCase ? 'actionStatus is not in capitals.' : 'actionStatus is none of the four words.']
    },
  },
  {
    id: 'answer.pairing',
    title: 'The status fits actionStatus',
    why: 'ERROR with 200 is refused as a broken answer, and so is FAILED with 400: the client gets a server error instead of the reason.',
    mend: 'SUCCESS, FAILED and INCOMPLETE go with 200; ERROR goes with 400, 401 or 500.',
    level: 'must',
    inspect(exchange) {
      const { status = 0, payload } = viewOf(exchange)
      if (!payload) return []
      const isError = payload.actionStatus === 'ERROR'
      return isError === (answerStatuses[status]?.carries === 'error')
        ? []
        : [`${payload.actionStatus} comes with status ${status}.`]
    },
  },
  {
    id: 'answer.members',
    title: 'There are no members the contract does not know',
    why: 'WSO2 platforms refuse the whole answer for one member they do not know.',
    mend: 'Send actionStatus and what belongs to it: operations and data, or failureReason and failureDescription, or errorMessage and errorDescription.',
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
    why: 'Without it the answer is broken, and a refusal becomes a server error.',
    mend: 'Send a short code such as access_denied as text.',
    level: 'must',
    regards: saysStatus('FAILED', 'ERROR'),
    inspect: exchange =>
      textsOf(exchange).flatMap(({ name, value, isReason }) => {
        if (value === undefined || value === null || value === '')
          return isReason ? [`${name} is missing or empty.`] : []
        return typeof value === 'string' ? [] : [`${name} is not a text.`]
      }),
  },
  {
    id: 'answer.alphabet',
    title: 'Texts keep to the letters platforms accept',
    why: "Letters, digits, white space and -_.!?;:'()[] are all there is. One comma makes a refusal a server error.",
    mend: 'Word it without the character, and never put values of the event or messages of exceptions into it.',
    level: 'must',
    regards: saysStatus('FAILED', 'ERROR'),
    inspect: exchange =>
      textsOf(exchange).flatMap(({ name, value }) => {
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
    title: 'Texts are short enough',
    why: 'A reason of more than 100 characters or a description of more than 300 makes the answer invalid.',
    mend: 'Cut them before sending.',
    level: 'must',
    regards: saysStatus('FAILED', 'ERROR'),
    inspect: exchange =>
      textsOf(exchange).flatMap(({ name, value, isReason }) => {
        if (typeof value !== 'string') return []
        const most = Math.min(...readers(exchange).map(({ text }) => (isReason ? text.maxReason : text.maxDescription)))
        return value.length > most ? [`${name} has more than ${most} characters.`] : []
      }),
  },
  {
    id: 'answer.description',
    title: 'A refusal is explained',
    why: 'Without failureDescription, WSO2 answers a token request with 200 and no token in it, and people read nothing at all.',
    mend: 'Send a sentence as failureDescription.',
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
    title: 'FAILED does not speak of server errors',
    why: 'Token platforms refuse FAILED with server_error, internal_server_error or 500: the client gets a server error.',
    mend: 'Answer ERROR with status 500 when it is your fault, and FAILED with a reason of its own when it is not.',
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
    title: 'data says who signed in',
    why: 'An authenticator that identifies must name the user; only a second factor may leave it out.',
    mend: 'Send data.user.id, with claims and groups as lists, in a SUCCESS of an authentication.',
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
        return isKnown ? [] : ['There is no data.user, and nobody is known from an earlier step.']
      }
      const checked = schema.safeParse(data)
      if (!checked.success)
        return [`data.${checked.error.issues[0]?.path.join('.') ?? ''} is not as the contract has it.`]
      const { user } = data as { user?: { id?: unknown } }
      return user && !user.id ? ['data.user has no id.'] : []
    },
  },
  {
    id: 'answer.size',
    title: 'The answer is small',
    why: 'Platforms stop reading a very long answer and fail the flow.',
    mend: 'Send the operations and nothing else.',
    level: 'must',
    inspect: ({ delivery }) =>
      !delivery.ok && delivery.error.code === 'answer_too_large' ? [delivery.error.message] : [],
  },
]

/** What none of the other checks explains: the platforms have the last word. */
export const usableCheck: ReadingCheck = {
  id: 'answer.usable',
  title: 'Every platform can use every answer',
  why: 'Each answer was read and applied as each platform does it, and no other check of this list says what is wrong.',
  mend: 'Do what the message says.',
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
  return typeof value === 'string' ? 'a text' : `a ${typeof value}`
}
