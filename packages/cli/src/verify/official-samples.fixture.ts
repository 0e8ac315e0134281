/**
 * How the samples of asgardeo-samples/asgardeo-service-extension-samples answer, written anew after reading them: what they decide,
 * and what Express and a Lambda function URL answer around them. The services they call are stood in for by a table.
 */
import type { Defect, ReceivedCall, Reply } from './broken-extensions.fixture.ts'

// biome-ignore lint/suspicious/noExplicitAny: samples look into bodies of any shape, and crash at some
type Json = any

export interface OfficialSample {
  /** The last folder of its path in the repository, and the mode where it has several. */
  name: string
  /** Makes one that has served nobody. */
  serve(): Defect
  /** What a user adds to `preflow verify URL`. */
  options: readonly string[]
  /** What platforms make of it, in the words of the report. */
  platforms: string
  /** The checks it fails, and those that have advice for it. */
  fails: readonly string[]
  advised: readonly string[]
}

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' }
const reply = (status: number, body: unknown, headers: Record<string, string> = JSON_TYPE): Reply => ({
  status,
  headers,
  body: JSON.stringify(body),
})
const failed = (failureReason: string, failureDescription: string) =>
  reply(200, { actionStatus: 'FAILED', failureReason, failureDescription })

/** The page of Express for an error nobody handles, outside of production. */
function crash(status: number, what: string): Reply {
  const body = `<!DOCTYPE html>\n<html lang="en">\n<head><title>Error</title></head>\n<body>\n<pre>${what}<br> &nbsp; &nbsp;at handle (/srv/sample/node_modules/express/lib/router/layer.js:95:5)</pre>\n</body>\n</html>\n`
  return { status, headers: { 'content-type': 'text/html; charset=utf-8' }, body }
}

/** `express.json()` with its limit of 100 kB, and one route. */
function express(version: 4 | 5, handle: (body: Json) => Reply): Defect {
  return call => {
    if (call.method !== 'POST') return crash(404, `Cannot ${call.method} /hook`)
    const isJson = /^application\/json\b/.test(call.headers['content-type'] ?? '')
    if (isJson && Buffer.byteLength(call.text) > 102_400) {
      return crash(413, 'PayloadTooLargeError: request entity too large')
    }
    // Express 4 leaves an empty object where nothing was parsed, Express 5 nothing.
    let body: Json = version === 4 ? {} : undefined
    if (isJson && call.text !== '') {
      // In its strict mode.
      if (typeof call.json !== 'object' || call.json === null) return crash(400, 'SyntaxError: Unexpected token')
      body = call.json
    }
    try {
      return handle(body)
    } catch (error) {
      return crash(500, String(error))
    }
  }
}

const COUNTRIES: Readonly<Record<string, string>> = {
  '205.210.31.51': 'US',
  '14.102.69.58': 'IN',
  '175.45.176.0': 'KP',
}
const SCORES: Readonly<Record<string, number>> = { '14.102.69.58': 50 }

/** A function URL hands over anything with any method. */
function adaptiveTokens(hasKey: boolean): Defect {
  return ({ json }: ReceivedCall) => {
    const headers: Json[] = json?.event?.request?.additionalHeaders || []
    const ip = headers.find(header => header.name.toLowerCase() === 'x-client-source-ip')?.value?.[0] || null
    if (!ip) return failed('access_denied', 'Request denied: No client IP address provided.')
    const country = COUNTRIES[ip] ?? 'UNKNOWN'
    if (country === 'KP')
      return failed('access_denied', `Access token issuance is blocked from your region (${country}).`)
    if (!hasKey) {
      const errorDescription = 'An error occurred while checking the IP address risk.'
      return reply(500, { actionStatus: 'ERROR', errorMessage: 'server_error', errorDescription })
    }
    const add = { op: 'add', path: '/accessToken/claims/-', value: { name: 'country', value: country } }
    const shorten = { op: 'replace', path: '/accessToken/claims/expires_in', value: '900' }
    // An address that is none has no score, and counts as a good one.
    const operations = (SCORES[ip] ?? 0) < 25 ? [add] : [shorten, add]
    return reply(200, { actionStatus: 'SUCCESS', operations })
  }
}

const BREACHED: ReadonlySet<string> = new Set(['P@ssw0rd', 'password', '123456', 'qwerty123'])

function breachedPasswords(): Defect {
  return express(5, body => {
    const credential = body?.event?.user?.updatingCredential
    if (credential?.type !== 'PASSWORD') {
      const errorDescription = 'No password credential found.'
      return reply(400, { actionStatus: 'ERROR', error: 'invalid_credential', errorDescription })
    }
    const { format, value } = credential
    // A digest is taken for an encoding of the password, so no hashed password is ever known.
    const password = format === 'HASH' ? Buffer.from(value, 'base64').toString('utf8') : value
    if (typeof password !== 'string') return reply(500, { error: 'The "data" argument must be of type string' })
    return BREACHED.has(password)
      ? failed('password_compromised', 'The provided password is compromised.')
      : reply(200, { actionStatus: 'SUCCESS' })
  })
}

const DEPARTMENTS: readonly unknown[] = ['Engineering', 'HR', 'Sales', 'Finance']

/** With a mail server that takes every mail. */
function profile(): Defect {
  return express(5, body => {
    const claims: Json[] = body?.event?.request?.claims || []
    const department = claims.find(({ uri }) => uri === 'http://wso2.org/claims/department')?.value
    if (department && !DEPARTMENTS.includes(department)) {
      return failed('invalid_department_input', 'Provided user department value is invalid.')
    }
    return reply(200, { actionStatus: 'SUCCESS' })
  })
}

function pin(mode: 'internal' | 'second_factor'): Defect {
  const sessions = new Map<string, object>()
  return express(4, body => {
    const { flowId, event } = body
    if (!flowId) {
      const errorDescription = 'Flow ID is required.'
      return reply(400, { actionStatus: 'ERROR', errorMessage: 'missingFlowId', errorDescription })
    }
    if (sessions.has(flowId)) return failed('userNotFound', 'Unable to find user for given credentials.')
    const isBelow = event?.organization?.orgHandle !== event?.tenant?.name
    // Reading these crashes without an organization, and without a user where it only verifies.
    const organization = isBelow ? event.organization.id : event.tenant.name
    sessions.set(flowId, { organization, user: mode === 'second_factor' ? event.user.id : undefined })
    const url = `http://localhost:3000/api/pin-entry?flowId=${flowId}`
    return reply(200, { actionStatus: 'INCOMPLETE', operations: [{ op: 'redirect', url }] })
  })
}

/** What all of them do: nobody has to prove anything. */
const OPEN = 'caller.open'

export const officialSamples: readonly OfficialSample[] = [
  {
    name: 'adaptive-token-issuance-policy-service-aws-lambda',
    serve: () => adaptiveTokens(true),
    options: ['--type', 'preIssueAccessToken'],
    platforms: 'works in part at 1 of 9',
    // The claim of the first token is added again at a refresh, and what is no address gets a token.
    fails: ['operation.applied', 'operation.refresh', 'event.address'],
    advised: [
      'reach.unknown-type',
      'input.malformed',
      'input.no-event',
      'input.content-type',
      'input.method',
      'input.size',
      OPEN,
    ],
  },
  {
    name: 'hibp-password-validator-service-express',
    serve: breachedPasswords,
    options: ['--type', 'preUpdatePassword'],
    platforms: 'works',
    // It says error where errorMessage belongs, and takes a digest for an encoding.
    fails: ['answer.members', 'answer.reason', 'event.credential-forms'],
    advised: ['reach.unknown-type', OPEN, 'secrecy.internals'],
  },
  {
    name: 'pre-profile-update-validation-service-express-choreo',
    serve: profile,
    options: ['--type', 'preUpdateProfile'],
    platforms: 'works',
    // A form and an empty body are SUCCESS.
    fails: ['input.malformed', 'input.no-event'],
    advised: ['reach.unknown-type', 'event.claim-forms', 'input.content-type', OPEN, 'secrecy.internals'],
  },
  {
    name: 'pin-based-authentication-service-express, internal',
    serve: () => pin('internal'),
    options: ['--type', 'authentication'],
    platforms: 'works',
    // A second attempt finds the session of the first, and without an organization it crashes.
    fails: ['answer.content-type', 'event.retry', 'event.optional-members'],
    advised: [OPEN, 'secrecy.internals'],
  },
  {
    name: 'pin-based-authentication-service-express, second factor',
    serve: () => pin('second_factor'),
    options: ['--type', 'authentication', '--verification'],
    platforms: 'works',
    fails: ['answer.content-type', 'event.retry', 'event.optional-members'],
    advised: [OPEN, 'secrecy.internals'],
  },
]

/** As it is when its key for AbuseIPDB is missing. */
export const tokensWithoutKey = (): Defect => adaptiveTokens(false)
