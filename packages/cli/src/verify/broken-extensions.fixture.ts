import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { ActionType } from '@preflow/contract'
import type { Extension, IncomingCall } from '@preflow/extension'
import { API_KEY, SIGNING_SECRET } from './good-extension.fixture.ts'

/** The deadline for extensions that miss it, in milliseconds. */
const HURRIED_MS = 1000
/** More than half of that. */
const SLOW_START_MS = 600

/** One request that a broken extension received. */
export interface ReceivedCall {
  method: string
  headers: Readonly<Record<string, string | undefined>>
  text: string
  /** The body as JSON; undefined if it is not JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of many shapes
  json: any
  /** The number of the call in the run, from 1. */
  n: number
}

/** The answer, `silence` for none, or a broken connection. */
export type Reply =
  | { status: number; headers?: Record<string, string>; body: string | Uint8Array }
  | 'silence'
  | 'reset'

/**
 * A defect of an extension.
 *
 * @param good The answer of the good extension to this call or a similar one.
 */
export type Defect = (
  call: ReceivedCall,
  good: (changes?: Partial<ReceivedCall>) => Promise<Reply>,
) => Reply | Promise<Reply>

export interface BrokenExtension {
  name: string
  /** The sample or guide of WSO2 that has it, and the row of docs/reference/conformance.md that it violates. */
  seen: string
  /** Default PRE_ISSUE_ACCESS_TOKEN. */
  type?: ActionType
  /** Creates the defect for one run. Its closure holds the state. */
  defect(): Defect
  /** The checks that catch it: all of them, and no other. */
  caughtBy: readonly string[]
  /** The deadline of the platforms, if the defect is about time. Default: one that no machine misses. */
  deadlineMs?: number
  /** How the calls differ. */
  calling?: 'signed' | 'openly'
}

const JSON_TYPE = { 'content-type': 'application/json' }

// biome-ignore lint/suspicious/noExplicitAny: answers of many shapes
type Json = any

function json(status: number, body: unknown, headers: Record<string, string> = JSON_TYPE): Reply {
  return { status, headers, body: JSON.stringify(body) }
}

/** Changes the decisions of the good extension. Its refusals stay unchanged. */
function decisions(edit: (decided: Json, call: ReceivedCall) => unknown, status = 200): () => Defect {
  return () => async (call, good) => {
    const reply = await good()
    if (typeof reply === 'string' || reply.status !== 200) return reply
    const decided = JSON.parse(String(reply.body))
    const edited = edit(decided, call)
    return edited === decided ? reply : json(status, edited)
  }
}

/** Changes the bytes and headers of the good extension's decisions. */
function replies(edit: (reply: Exclude<Reply, string>, call: ReceivedCall) => Reply): () => Defect {
  return () => async (call, good) => {
    const reply = await good()
    return typeof reply === 'string' || reply.status !== 200 ? reply : edit(reply, call)
  }
}

const refusals = (edit: (failed: Json) => unknown, status?: number) =>
  decisions(decided => (decided.actionStatus === 'FAILED' ? edit(decided) : decided), status)

const operations = (edit: (list: Json[], call: ReceivedCall) => unknown) =>
  decisions((decided, call) =>
    decided.actionStatus === 'SUCCESS' ? { ...decided, operations: edit(decided.operations ?? [], call) } : decided,
  )

const redirects = (edit: (incomplete: Json) => unknown) => decisions(edit)

const claimsOf = (call: ReceivedCall): Json[] => call.json?.event?.accessToken?.claims ?? []
const credentialOf = (call: ReceivedCall): Json => call.json?.event?.user?.updatingCredential
const succeeded = { actionStatus: 'SUCCESS' }
const EXPIRES_IN = '/accessToken/claims/expires_in'

const CRASH: Reply = {
  status: 500,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  body: '<pre>TypeError: Cannot read properties of undefined (reading &#39;id&#39;)\n    at handler (/srv/app/index.js:12:34)</pre>',
}

/** The answer of Express to a body that it cannot parse, without an error handler. */
const CRASHED_REFUSAL: Reply = {
  status: 400,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  body: '<pre>SyntaxError: Unexpected end of JSON input\n    at JSON.parse (&lt;anonymous&gt;)\n    at parse (/srv/app/node_modules/body-parser/lib/types/json.js:92:19)</pre>',
}

export const brokenExtensions: readonly BrokenExtension[] = [
  // --- status and form of the answer
  {
    name: 'answers ERROR with 200',
    seen: 'the password sample in Ballerina, E66',
    defect: refusals(() => ({ actionStatus: 'ERROR', errorMessage: 'invalid_request' })),
    caughtBy: ['answer.pairing'],
  },
  {
    name: 'answers FAILED with 400',
    seen: 'E71',
    defect: refusals(failed => ({ ...failed }), 400),
    caughtBy: ['answer.pairing'],
  },
  {
    name: 'answers FAILED with 401',
    seen: 'the profile sample for Vercel, PR-26',
    defect: refusals(failed => ({ ...failed }), 401),
    caughtBy: ['answer.pairing'],
  },
  {
    name: 'answers SUCCESS with 500',
    seen: 'E71',
    defect: decisions(decided => ({ ...decided }), 500),
    caughtBy: ['answer.pairing'],
  },
  {
    name: 'answers 204',
    seen: 'E62',
    defect: replies(() => ({ status: 204, body: '' })),
    caughtBy: ['answer.status'],
  },
  {
    name: 'answers 201',
    seen: 'E62',
    defect: replies(reply => ({ ...reply, status: 201 })),
    caughtBy: ['answer.status'],
  },
  {
    name: 'redirects to a login page',
    seen: 'E51',
    defect: replies(() => ({ status: 302, headers: { location: 'https://elsewhere.example/' }, body: '' })),
    caughtBy: ['answer.status'],
  },
  {
    name: 'forwards the 429 of a service that it calls',
    seen: 'the password sample for Node.js, E62',
    defect: replies(() => json(429, { actionStatus: 'ERROR', errorMessage: 'too_many_requests' })),
    caughtBy: ['reach.claims', 'answer.status'],
  },
  {
    name: 'refuses with 403',
    seen: 'E61',
    defect: refusals(failed => ({ ...failed }), 403),
    caughtBy: ['answer.status'],
  },
  {
    name: 'is not a function for its runtime, so the gateway answers 502',
    seen: 'the guides for Lambda, E54',
    defect: () => () => json(502, { message: 'Internal Server Error' }),
    caughtBy: ['answer.status', 'input.malformed', 'input.no-event'],
  },
  {
    name: 'is not ready for the first call',
    seen: 'T216',
    defect: () => {
      const seen = new Set<string>()
      return (call, good) => {
        const { requestId } = call.json ?? {}
        if (typeof requestId !== 'string' || seen.has(requestId)) return good()
        seen.add(requestId)
        return { status: 503, body: '' }
      }
    },
    caughtBy: ['answer.status'],
  },
  {
    name: 'breaks the connection if no address is forwarded',
    seen: 'the password sample in Ballerina',
    defect: () => async (call, good) =>
      call.json?.event?.request?.clientId && !call.json.event.request.additionalHeaders && !call.json.event.session
        ? 'reset'
        : good(),
    caughtBy: ['answer.connection'],
  },
  {
    name: 'answers as text/html',
    seen: 'E63',
    defect: replies(reply => ({ ...reply, headers: { 'content-type': 'text/html' } })),
    caughtBy: ['answer.content-type'],
  },
  {
    name: 'answers as Application/JSON',
    seen: 'E63',
    defect: replies(reply => ({ ...reply, headers: { 'content-type': 'Application/JSON' } })),
    caughtBy: ['answer.content-type'],
  },
  {
    name: 'answers as application/problem+json',
    seen: 'E63',
    defect: replies(reply => ({ ...reply, headers: { 'content-type': 'application/problem+json' } })),
    caughtBy: ['answer.content-type'],
  },
  {
    name: 'answers without a content type',
    seen: 'the profile sample for Lambda, E63',
    defect: replies(reply => ({ ...reply, headers: {} })),
    caughtBy: ['answer.content-type'],
  },
  {
    name: 'compresses its answers although no encoding is accepted',
    seen: 'E36: no encoding is accepted',
    defect: replies(reply => ({
      ...reply,
      headers: { ...JSON_TYPE, 'content-encoding': 'gzip' },
      body: gzipSync(reply.body),
    })),
    caughtBy: ['answer.encoding'],
  },
  {
    name: 'begins its answers with a byte order mark',
    seen: 'RFC 8259, section 8.1',
    defect: replies(reply => ({ ...reply, body: `\uFEFF${reply.body}` })),
    caughtBy: ['answer.encoding'],
  },
  {
    name: 'answers in UTF-16',
    seen: 'RFC 8259, section 8.1',
    defect: replies(reply => ({
      ...reply,
      headers: { 'content-type': 'application/json; charset=utf-16' },
      body: Buffer.from(`\uFEFF${reply.body}`, 'utf16le'),
    })),
    caughtBy: ['answer.encoding'],
  },
  {
    name: 'serializes twice',
    seen: 'E64',
    defect: replies(reply => ({ ...reply, body: JSON.stringify(reply.body) })),
    caughtBy: ['answer.json'],
  },
  {
    name: 'answers twice in one body',
    seen: 'platforms read the first of them, or none',
    defect: replies(reply => ({ ...reply, body: `${reply.body}${reply.body}` })),
    caughtBy: ['answer.json'],
  },
  {
    name: 'answers 200 with an empty body',
    seen: 'E64',
    defect: replies(reply => ({ ...reply, body: '' })),
    caughtBy: ['answer.json'],
  },
  {
    name: 'writes NaN, as Python does',
    seen: 'E64',
    defect: replies(reply => ({ ...reply, body: String(reply.body).replace(/\}$/, ',"operations":[NaN]}') })),
    caughtBy: ['answer.json'],
  },
  {
    name: 'answers a list',
    seen: 'E64',
    defect: replies(reply => ({ ...reply, body: `[${reply.body}]` })),
    caughtBy: ['answer.json'],
  },
  {
    name: 'writes the status in lowercase',
    seen: 'E76',
    defect: decisions(decided => ({ ...decided, actionStatus: decided.actionStatus.toLowerCase() })),
    caughtBy: ['answer.action-status'],
  },
  {
    name: 'answers {error} without actionStatus',
    seen: 'the password sample for Node.js, E64',
    defect: refusals(() => ({ error: 'invalid_request' }), 400),
    caughtBy: ['answer.action-status'],
  },
  {
    name: 'has a health page where the extension should be',
    seen: 'the profile sample for Vercel, PR-30',
    defect: () => () => json(200, { message: 'Service is running.', status: 'ok' }),
    caughtBy: ['answer.action-status', 'input.malformed', 'input.no-event', 'caller.missing', 'caller.wrong'],
  },
  {
    name: 'adds an unknown member',
    seen: 'E82',
    defect: decisions(decided => ({ ...decided, requestId: 'rq-1' })),
    caughtBy: ['answer.members'],
  },
  {
    name: 'sends error instead of errorMessage',
    seen: 'the password sample for Node.js, E70',
    defect: () => async (call, good) =>
      call.json?.event?.request?.grantType === 'password'
        ? json(400, { actionStatus: 'ERROR', error: 'unsupported_grant' })
        : good(),
    caughtBy: ['answer.members', 'answer.reason'],
  },
  {
    name: 'answers ERROR without a message',
    seen: 'the password sample in Ballerina, E70',
    defect: () => async (call, good) =>
      call.json?.event?.request?.grantType === 'password' ? json(400, { actionStatus: 'ERROR' }) : good(),
    caughtBy: ['answer.reason'],
  },
  {
    name: 'refuses without a reason',
    seen: 'E73',
    defect: refusals(({ failureReason: _, ...failed }) => failed),
    caughtBy: ['answer.reason'],
  },
  {
    name: 'refuses with a number as the reason',
    seen: 'E73',
    defect: refusals(failed => ({ ...failed, failureReason: 403 })),
    caughtBy: ['answer.reason'],
  },
  {
    name: 'refuses with a comma in the description',
    seen: 'the token sample, E74',
    defect: refusals(failed => ({ ...failed, failureDescription: 'No address, no token.' })),
    caughtBy: ['answer.alphabet'],
  },
  {
    name: 'refuses in German',
    seen: 'E74: only ASCII letters',
    defect: refusals(failed => ({ ...failed, failureDescription: 'Ohne Adresse gibt es keinen Schlüssel.' })),
    caughtBy: ['answer.alphabet'],
  },
  {
    name: 'repeats the name of the department in the refusal',
    seen: 'the profile samples',
    type: 'PRE_UPDATE_PROFILE',
    defect: decisions((decided, call) =>
      decided.actionStatus === 'FAILED'
        ? { ...decided, failureDescription: `No department ${call.json.event.request.claims[0].value}.` }
        : decided,
    ),
    caughtBy: ['answer.alphabet'],
  },
  {
    name: 'refuses with a reason of 101 characters',
    seen: 'E74',
    defect: refusals(failed => ({ ...failed, failureReason: 'x'.repeat(101) })),
    caughtBy: ['answer.length'],
  },
  {
    name: 'refuses with a description of 301 characters',
    seen: 'E75',
    defect: refusals(failed => ({ ...failed, failureDescription: 'x'.repeat(301) })),
    caughtBy: ['answer.length'],
  },
  {
    name: 'refuses without a description',
    seen: 'the token guides, T211',
    defect: refusals(({ failureDescription: _, ...failed }) => failed),
    caughtBy: ['answer.description'],
  },
  {
    name: 'refuses with server_error',
    seen: 'T209',
    defect: refusals(failed => ({ ...failed, failureReason: 'Server_Error' })),
    caughtBy: ['answer.server-words'],
  },
  {
    name: 'answers with more than a mebibyte',
    seen: 'Preflow reads no more than a mebibyte; the reference has no limit',
    defect: replies(reply => ({ ...reply, body: `${' '.repeat(1_100_000)}${reply.body}` })),
    caughtBy: ['answer.size'],
  },
  {
    name: 'signs in at once without a user',
    seen: 'AU-12',
    type: 'AUTHENTICATION',
    defect: redirects(() => succeeded),
    caughtBy: ['answer.data', 'event.asks-before-signing-in'],
  },
  {
    name: 'signs in a user without an id',
    seen: 'AU-13',
    type: 'AUTHENTICATION',
    defect: redirects(() => ({ ...succeeded, data: { user: { claims: [] } } })),
    caughtBy: ['answer.data', 'event.asks-before-signing-in'],
  },

  // --- operations
  {
    name: 'writes ADD in capitals',
    seen: 'T225',
    defect: operations(list => list.map(operation => ({ ...operation, op: operation.op.toUpperCase() }))),
    caughtBy: ['operation.form'],
  },
  {
    name: 'moves a claim',
    seen: 'E81',
    defect: operations(() => [{ op: 'move', from: '/accessToken/claims/a', path: '/accessToken/claims/b' }]),
    caughtBy: ['operation.form'],
  },
  {
    name: 'explains an operation in an unknown member',
    seen: 'E82',
    defect: operations(list => list.map(operation => ({ ...operation, why: 'risk' }))),
    caughtBy: ['operation.form'],
  },
  {
    name: 'sends operations: null',
    seen: 'T169',
    defect: operations(() => null),
    caughtBy: ['operation.form'],
  },
  {
    name: 'sends operations as an object',
    seen: 'the reference cannot read it',
    defect: operations(list => ({ ...list })),
    caughtBy: ['operation.form'],
  },
  {
    name: 'omits the path',
    seen: 'the reference fails on it',
    defect: operations(() => [{ op: 'add', value: { name: 'risk', value: 'low' } }]),
    caughtBy: ['operation.form'],
  },
  {
    name: 'omits the value',
    seen: 'T115',
    defect: operations(() => [{ op: 'replace', path: EXPIRES_IN }]),
    caughtBy: ['operation.form'],
  },
  {
    name: 'writes url before op',
    seen: 'E80',
    type: 'AUTHENTICATION',
    defect: redirects(incomplete => ({
      ...incomplete,
      operations: incomplete.operations.map(({ op, url }: Json) => ({ url, op })),
    })),
    caughtBy: ['operation.form'],
  },
  {
    name: 'sends a redirect with a path',
    seen: 'E79',
    type: 'AUTHENTICATION',
    defect: redirects(incomplete => ({
      ...incomplete,
      operations: incomplete.operations.map((operation: Json) => ({ ...operation, path: '/redirect' })),
    })),
    caughtBy: ['operation.form'],
  },
  {
    name: 'sends two redirects',
    seen: 'AU-09',
    type: 'AUTHENTICATION',
    defect: redirects(incomplete => ({
      ...incomplete,
      operations: [...incomplete.operations, ...incomplete.operations],
    })),
    caughtBy: ['operation.redirect'],
  },
  {
    name: 'answers INCOMPLETE without operations',
    seen: 'AU-08, E77',
    type: 'AUTHENTICATION',
    defect: redirects(() => ({ actionStatus: 'INCOMPLETE' })),
    caughtBy: ['operation.redirect'],
  },
  {
    name: 'redirects to a path',
    seen: 'AU-04',
    type: 'AUTHENTICATION',
    defect: redirects(incomplete => ({
      ...incomplete,
      operations: incomplete.operations.map(({ op, url }: Json) => ({
        op,
        url: url.replace('https://door.example', ''),
      })),
    })),
    caughtBy: ['operation.redirect'],
  },
  {
    name: 'answers INCOMPLETE to a token request',
    seen: 'T206, E161',
    defect: decisions(() => ({
      actionStatus: 'INCOMPLETE',
      operations: [{ op: 'redirect', url: 'https://a.example/' }],
    })),
    caughtBy: ['operation.redirect'],
  },
  {
    name: 'replaces the subject',
    seen: 'T132, E87',
    defect: operations(list => [...list, { op: 'replace', path: '/accessToken/claims/sub', value: 'root' }]),
    caughtBy: ['operation.allowed'],
  },
  {
    name: 'ignores allowedOperations',
    seen: 'the token sample, T180',
    defect: operations(list => [...list, { op: 'replace', path: '/refreshToken/claims/expires_in', value: 600 }]),
    caughtBy: ['operation.allowed'],
  },
  {
    name: 'sends operations to a password update',
    seen: 'PR-28',
    type: 'PRE_UPDATE_PASSWORD',
    defect: decisions(decided =>
      decided.actionStatus === 'SUCCESS'
        ? { ...decided, operations: [{ op: 'replace', path: '/user/updatingCredential', value: 'x' }] }
        : decided,
    ),
    caughtBy: ['operation.allowed'],
  },
  {
    name: 'sends the lifetime as "900s"',
    seen: 'the token sample, T175',
    defect: operations(() => [{ op: 'replace', path: EXPIRES_IN, value: '900s' }]),
    caughtBy: ['operation.applied'],
  },
  {
    name: 'adds an object as a claim',
    seen: 'T115, E97',
    defect: operations(() => [
      { op: 'add', path: '/accessToken/claims/-', value: { name: 'risk', value: { score: 3 } } },
    ]),
    caughtBy: ['operation.applied'],
  },
  {
    name: 'adds at an index beyond the list',
    seen: 'T118',
    defect: operations((_, call) => [
      { op: 'add', path: `/accessToken/claims/${claimsOf(call).length}`, value: { name: 'risk', value: 'low' } },
    ]),
    caughtBy: ['operation.applied'],
  },
  {
    name: 'adds the claim exp',
    seen: 'T125',
    defect: operations(() => [{ op: 'add', path: '/accessToken/claims/-', value: { name: 'exp', value: 1 } }]),
    caughtBy: ['operation.applied'],
  },
  {
    name: 'sets every token to 900 seconds',
    seen: 'the token sample, T238',
    defect: operations(() => [{ op: 'replace', path: EXPIRES_IN, value: '900' }]),
    caughtBy: ['operation.lifetime'],
  },
  {
    name: 'adds its claim at every refresh',
    seen: 'the token sample, T193',
    defect: operations(() => [{ op: 'add', path: '/accessToken/claims/-', value: { name: 'risk', value: 'low' } }]),
    caughtBy: ['operation.refresh'],
  },

  // --- events of platforms
  {
    name: 'always fails',
    seen: 'the password sample for Node.js',
    defect: decisions(() => ({ actionStatus: 'ERROR', errorMessage: 'server_error' }), 500),
    caughtBy: ['event.decides'],
  },
  {
    name: 'needs a requestId',
    seen: 'E32',
    defect: () => async (call, good) =>
      call.json?.event && !call.json.requestId
        ? json(500, { actionStatus: 'ERROR', errorMessage: 'no_request_id' })
        : good(),
    caughtBy: ['event.decides', 'event.revisions'],
  },
  {
    name: 'crashes without an organization',
    seen: 'the PIN sample, UC-23',
    defect: () => async (call, good) =>
      call.json?.event?.tenant?.id && !call.json.event.organization ? CRASH : good(),
    caughtBy: ['answer.content-type', 'event.revisions', 'input.members', 'secrecy.internals'],
  },
  {
    name: 'needs the user store',
    seen: 'the password sample in Ballerina, T62',
    defect: () => async (call, good) =>
      call.json?.event?.user && !call.json.event.userStore
        ? json(500, { actionStatus: 'ERROR', errorMessage: 'server_error' })
        : good(),
    caughtBy: ['event.optional-members'],
  },
  {
    name: 'reads the user store, which an older contract lacks',
    seen: 'PW-39',
    type: 'PRE_UPDATE_PASSWORD',
    defect: () => async (call, good) =>
      call.json?.event?.user && !call.json.event.organization && !call.json.event.userStore
        ? json(500, { actionStatus: 'ERROR', errorMessage: 'server_error' })
        : good(),
    caughtBy: ['event.optional-members'],
  },
  {
    name: 'cannot write names into a header line',
    seen: 'the profile samples',
    defect: () => async (call, good) =>
      claimsOf(call).some(({ value }) => typeof value === 'string' && /[^\x20-\xff]/.test(value))
        ? json(500, { actionStatus: 'ERROR', errorMessage: 'server_error' })
        : good(),
    caughtBy: ['event.scripts'],
  },
  {
    name: 'rejects unknown members',
    seen: 'platforms add members within a version',
    defect: () => async (call, good) =>
      call.json?.event?.addedLater ? json(400, { actionStatus: 'ERROR', errorMessage: 'unknown_member' }) : good(),
    caughtBy: ['event.new-members'],
  },
  {
    name: 'treats the retry as a replay',
    seen: 'T216',
    defect: () => {
      const seen = new Set<string>()
      return async (call, good) => {
        const { requestId } = call.json ?? {}
        if (!requestId || !seen.has(`${requestId}`)) {
          seen.add(`${requestId}`)
          return good()
        }
        const reply = await good()
        return typeof reply !== 'string' && reply.status === 200
          ? json(200, { actionStatus: 'FAILED', failureReason: 'replayed', failureDescription: 'Seen before.' })
          : reply
      }
    },
    caughtBy: ['event.retry'],
  },
  {
    name: 'compares a list with a string',
    seen: 'the profile samples, UC-12',
    type: 'PRE_UPDATE_PROFILE',
    defect: decisions((decided, call) => {
      const [first] = call.json?.event?.request?.claims ?? []
      return Array.isArray(first?.value) && first.value.length === 1
        ? {
            actionStatus: 'FAILED',
            failureReason: 'invalid_department',
            failureDescription: 'There is no such department.',
          }
        : decided
    }),
    caughtBy: ['event.claim-forms'],
  },
  {
    name: 'reads no more than 16 KiB',
    seen: 'events of users with many groups are larger',
    defect: () => async (call, good) => {
      const reply = await good()
      return call.json?.event && call.text.length > 16_384 ? { status: 413, body: '' } : reply
    },
    caughtBy: ['answer.status', 'event.large'],
  },
  {
    name: 'needs the version header',
    seen: 'older contracts had no version header',
    defect: () => async (call, good) =>
      call.json?.event && !call.headers['x-wso2-api-version']
        ? json(400, { actionStatus: 'ERROR', errorMessage: 'no_version' })
        : good(),
    caughtBy: ['event.version'],
  },
  {
    name: 'allows an invalid address',
    seen: 'the token sample, T237',
    defect: () => async (call, good) => {
      const text = call.text.replaceAll(/no-address|1\.2\.3\.4&maxAgeInDays=365/g, '8.8.8.8')
      return good({ text, json: call.json })
    },
    caughtBy: ['event.address'],
  },
  {
    name: 'does not recognize IPv4 addresses written as IPv6',
    seen: 'the token sample',
    defect: () => async (call, good) => good({ text: call.text.replaceAll('::ffff:', 'ffff-'), json: call.json }),
    caughtBy: ['event.address'],
  },
  {
    name: 'decodes the hash of a password as a string',
    seen: 'the password sample for Node.js, UC-04',
    type: 'PRE_UPDATE_PASSWORD',
    defect: decisions((decided, call) => (credentialOf(call)?.format === 'HASH' ? succeeded : decided)),
    caughtBy: ['event.credential-forms'],
  },
  {
    name: 'allows encrypted passwords unread',
    seen: 'PC-06, UC-05',
    type: 'PRE_UPDATE_PASSWORD',
    defect: () => async (call, good) => (typeof credentialOf(call) === 'string' ? json(200, succeeded) : good()),
    caughtBy: ['event.credential-forms'],
  },
  {
    name: 'does not support encrypted passwords',
    seen: 'the password sample for Node.js, UC-05',
    type: 'PRE_UPDATE_PASSWORD',
    defect: () => async (call, good) =>
      typeof credentialOf(call) === 'string' ? json(400, { error: 'Unsupported credential.' }) : good(),
    caughtBy: ['answer.action-status'],
  },
  {
    name: 'never refuses a password',
    seen: 'the profile guide for Choreo',
    type: 'PRE_UPDATE_PASSWORD',
    defect: decisions(() => succeeded),
    caughtBy: ['event.refuses-passwords'],
  },
  {
    name: 'reads attributes by the wrong name, so that no rule ever applies',
    seen: 'the profile guide for Choreo',
    type: 'PRE_UPDATE_PROFILE',
    defect: () => async (_, good) => {
      const reply = await good()
      return typeof reply !== 'string' && reply.status === 200 ? json(200, succeeded) : reply
    },
    caughtBy: ['event.refuses-profiles'],
  },
  {
    name: 'reads the user of the first step where there is none',
    seen: 'the PIN sample, UC-24',
    type: 'AUTHENTICATION',
    defect: () => async (call, good) => (call.json?.event?.tenant?.id && !call.json.event.user ? CRASH : good()),
    caughtBy: ['answer.content-type', 'input.members', 'secrecy.internals'],
  },
  {
    name: 'redirects every flow to the same page',
    seen: 'the PIN sample',
    type: 'AUTHENTICATION',
    defect: redirects(incomplete => ({
      ...incomplete,
      operations: [{ op: 'redirect', url: 'https://door.example/entry' }],
    })),
    caughtBy: ['event.flows-apart'],
  },
  {
    name: 'redirects browsers to a page without TLS',
    seen: 'the PIN sample',
    type: 'AUTHENTICATION',
    defect: redirects(incomplete => ({
      ...incomplete,
      operations: incomplete.operations.map(({ op, url }: Json) => ({ op, url: url.replace('https:', 'http:') })),
    })),
    caughtBy: ['event.secure-page'],
  },
  {
    name: 'forgets that a flow is pending',
    seen: 'the PIN sample, UC-19',
    type: 'AUTHENTICATION',
    defect: () => {
      const pending = new Set<string>()
      return async (call, good) => {
        const reply = await good()
        const { flowId } = call.json ?? {}
        if (typeof reply === 'string' || reply.status !== 200 || !pending.has(flowId)) {
          pending.add(flowId)
          return reply
        }
        return json(200, {
          actionStatus: 'FAILED',
          failureReason: 'userNotFound',
          failureDescription: 'Unable to find user.',
        })
      }
    },
    caughtBy: ['event.retry'],
  },

  // --- requests that no platform sends
  {
    name: 'ignores actionType',
    seen: 'the password sample for Node.js, the PIN sample, UC-10',
    defect: () => async (call, good) =>
      call.json?.event?.accessToken
        ? good({ text: JSON.stringify({ ...call.json, actionType: 'PRE_ISSUE_ACCESS_TOKEN' }) })
        : good(),
    caughtBy: ['reach.unknown-type'],
  },
  {
    name: 'treats a body that is not JSON as a request without an address',
    seen: 'the token sample',
    defect: () => async (call, good) => {
      const reply = await good()
      return call.method === 'POST' && call.headers['x-api-key'] && !call.json?.event
        ? json(200, {
            actionStatus: 'FAILED',
            failureReason: 'access_denied',
            failureDescription: 'No client address.',
          })
        : reply
    },
    caughtBy: ['input.malformed', 'input.no-event'],
  },
  {
    name: 'answers SUCCESS to every POST',
    seen: 'the password sample for Node.js, UC-10',
    defect: () => async (_, good) => {
      const reply = await good()
      return typeof reply !== 'string' && reply.status === 400 ? json(200, succeeded) : reply
    },
    caughtBy: ['reach.unknown-type', 'input.malformed', 'input.no-event'],
  },
  {
    name: 'crashes on broken members',
    seen: 'the password sample in Ballerina, the PIN sample',
    defect: () => async (call, good) => {
      const reply = await good()
      return typeof reply !== 'string' && reply.status === 400 && call.json?.event?.request === null ? CRASH : reply
    },
    caughtBy: ['input.members', 'secrecy.internals'],
  },
  {
    name: 'shows a stack trace for malformed JSON',
    seen: 'the profile sample for Lambda',
    defect: () => async (call, good) => {
      const reply = await good()
      return typeof reply !== 'string' && reply.status === 400 && call.json === undefined ? CRASHED_REFUSAL : reply
    },
    caughtBy: ['secrecy.internals'],
  },
  {
    name: 'reads any content type',
    seen: 'the password sample for Node.js',
    defect: () => (call, good) => good({ headers: { ...call.headers, 'content-type': 'application/json' } }),
    caughtBy: ['input.content-type'],
  },
  {
    name: 'decides for any method',
    seen: 'the token sample',
    defect: () => (_, good) => good({ method: 'POST' }),
    caughtBy: ['input.method'],
  },
  {
    name: 'reads bodies of any size',
    seen: 'the token sample, UC-10',
    defect: () => (call, good) =>
      call.text.length > 1_000_000 ? good({ text: JSON.stringify({ ...call.json, padding: '' }) }) : good(),
    caughtBy: ['input.size'],
  },
  {
    name: 'remembers a bad request',
    seen: 'the PIN sample',
    defect: () => {
      let isSpoilt = false
      return async (call, good) => {
        const reply = await good()
        isSpoilt ||= call.text === 'null'
        return isSpoilt && typeof reply !== 'string' && reply.status === 200
          ? json(200, { actionStatus: 'FAILED', failureReason: 'access_denied', failureDescription: 'No.' })
          : reply
      }
    },
    caughtBy: ['input.survives'],
  },
  {
    name: 'hangs on malformed JSON',
    deadlineMs: HURRIED_MS,
    seen: 'the password sample for Node.js',
    defect: () => (call, good) => (call.text === '' && call.method === 'POST' ? 'silence' : good()),
    caughtBy: ['input.malformed'],
  },

  // --- authentication
  {
    name: 'ignores credentials',
    seen: 'the token sample, the password sample for Node.js, the PIN sample, UC-08',
    defect: () => (call, good) => good({ headers: { ...call.headers, 'x-api-key': API_KEY } }),
    caughtBy: ['caller.missing', 'caller.wrong'],
  },
  {
    name: 'compares only the beginning of the key',
    seen: 'the profile sample for Vercel, UC-08',
    defect: () => (call, good) => {
      const key = call.headers['x-api-key']
      const isNear = key !== undefined && key.length > 8 && API_KEY.startsWith(key.slice(0, 8))
      return good(isNear ? { headers: { ...call.headers, 'x-api-key': API_KEY } } : {})
    },
    caughtBy: ['caller.wrong'],
  },
  {
    name: 'searches for the key anywhere in the header',
    seen: 'the profile sample for Vercel, UC-08',
    defect: () => (call, good) =>
      good(call.headers['x-api-key']?.includes(API_KEY) ? { headers: { ...call.headers, 'x-api-key': API_KEY } } : {}),
    caughtBy: ['caller.wrong'],
  },
  {
    name: 'ignores the case of the key',
    seen: 'the profile sample for Vercel, UC-08',
    defect: () => (call, good) =>
      good({ headers: { ...call.headers, 'x-api-key': call.headers['x-api-key']?.toLowerCase() } }),
    caughtBy: ['caller.wrong'],
  },
  {
    name: 'requires no credentials',
    seen: 'the PIN sample, UC-08',
    calling: 'openly',
    defect: () => (call, good) => good({ headers: { ...call.headers, 'x-api-key': API_KEY } }),
    caughtBy: ['caller.open'],
  },
  {
    name: 'does not verify the signature',
    seen: 'Standard Webhooks 1.0',
    calling: 'signed',
    defect: () => (call, good) => good({ headers: { ...call.headers, 'x-api-key': API_KEY } }),
    caughtBy: ['caller.missing', 'caller.wrong', 'caller.altered', 'caller.replayed'],
  },
  {
    name: 'accepts any signature',
    seen: 'Standard Webhooks 1.0',
    calling: 'signed',
    defect: () => (call, good) =>
      good(call.headers['webhook-signature'] ? { headers: { ...call.headers, 'x-api-key': API_KEY } } : {}),
    caughtBy: ['caller.wrong', 'caller.altered', 'caller.replayed'],
  },

  {
    name: 'accepts signatures of the future',
    seen: 'Standard Webhooks 1.0',
    calling: 'signed',
    defect: () => (call, good) => {
      const { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': signatures = '' } = call.headers
      const expected = createHmac('sha256', Buffer.from(SIGNING_SECRET.slice(6), 'base64'))
        .update(`${id}.${seconds}.${call.text}`)
        .digest('base64')
      const isFresh = Date.now() / 1000 - Number(seconds) < 300
      return good(
        isFresh && signatures.includes(expected) ? { headers: { ...call.headers, 'x-api-key': API_KEY } } : {},
      )
    },
    caughtBy: ['caller.replayed'],
  },

  // --- time
  {
    name: 'never answers',
    deadlineMs: HURRIED_MS,
    seen: 'the token sample, T218',
    defect: () => () => 'silence',
    caughtBy: ['time.deadline'],
  },
  {
    name: 'hangs for one flow',
    deadlineMs: HURRIED_MS,
    seen: 'the password sample for Node.js',
    type: 'PRE_UPDATE_PASSWORD',
    defect: () => (call, good) => (call.json?.event?.action === 'INVITE' ? 'silence' : good()),
    caughtBy: ['time.deadline'],
  },
  {
    name: 'starts slowly',
    deadlineMs: HURRIED_MS,
    seen: 'the token sample',
    defect: () => async (call, good) => {
      if (call.n === 1) await new Promise(resolve => setTimeout(resolve, SLOW_START_MS))
      return good()
    },
    caughtBy: ['time.quick'],
  },
  {
    name: 'stores the request in a variable of the module',
    seen: 'the PIN sample',
    defect: () => {
      let current: Partial<ReceivedCall> = {}
      return async (call, good) => {
        current = { text: call.text, json: call.json }
        await new Promise(resolve => setImmediate(resolve))
        await new Promise(resolve => setImmediate(resolve))
        return good(current)
      }
    },
    caughtBy: ['time.concurrency'],
  },
  {
    name: 'closes every connection',
    seen: 'platforms keep connections open',
    defect: () => async (_, good) => {
      const reply = await good()
      return typeof reply === 'string' ? reply : { ...reply, headers: { ...reply.headers, connection: 'close' } }
    },
    caughtBy: ['time.keep-alive'],
  },

  // --- secrecy
  {
    name: 'repeats the password in its answer',
    seen: 'the password sample for Node.js',
    type: 'PRE_UPDATE_PASSWORD',
    defect: decisions((decided, call) =>
      call.json.event.initiatorType === 'APPLICATION'
        ? {
            actionStatus: 'FAILED',
            failureReason: 'not_allowed',
            failureDescription: `Not by an application: ${credentialOf(call).value}`,
          }
        : decided,
    ),
    caughtBy: ['secrecy.credentials'],
  },
  {
    name: 'repeats the key of the call',
    seen: 'the password sample for Node.js',
    defect: () => async (call, good) => {
      const reply = await good()
      return typeof reply !== 'string' && reply.status === 415
        ? json(415, {
            actionStatus: 'ERROR',
            errorMessage: 'bad_headers',
            errorDescription: JSON.stringify(call.headers),
          })
        : reply
    },
    caughtBy: ['secrecy.credentials'],
  },
]

/** Serves a defect on a real socket until the test ends. */
export async function serveBroken(
  t: Pick<TestContext, 'after'>,
  good: Extension,
  defect: Defect,
): Promise<{ url: string }> {
  let n = 0
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', async () => {
      n += 1
      const text = Buffer.concat(chunks).toString()
      const headers = request.headers as Record<string, string | undefined>
      const method = request.method ?? ''
      let json: { value: unknown } | undefined
      const call: ReceivedCall = {
        method,
        headers,
        text,
        n,
        // Only some defects read it, and some bodies are large.
        get json() {
          json ??= { value: parse(text) }
          return json.value
        },
      }
      const reply = await defect(call, async changes => goodReply(good, { method, headers, text, ...changes }))
      if (reply === 'reset') request.socket.destroy()
      else if (reply !== 'silence') {
        const length = { 'content-length': String(Buffer.byteLength(reply.body)) }
        response.writeHead(reply.status, { ...(reply.status === 204 ? {} : length), ...reply.headers })
        response.end(reply.body)
      }
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` }
}

async function goodReply(
  good: Extension,
  { method, headers, text }: Pick<ReceivedCall, 'method' | 'headers' | 'text'>,
): Promise<Reply> {
  const call: IncomingCall = {
    method,
    // A defect may have changed the body, and the declared length is checked first.
    header: name => (name === 'content-length' ? String(Buffer.byteLength(text)) : headers[name]),
    text: async maxBytes => (Buffer.byteLength(text) > maxBytes ? undefined : text),
  }
  return good.answer(call)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
