/**
 * The answers of the samples in asgardeo-samples/asgardeo-service-extension-samples, rewritten after reading them:
 * their decisions, and what Express and a Lambda function URL answer around them. A table replaces the services they
 * call.
 */
import type { Defect, ReceivedCall, Reply } from './broken-extensions.fixture.ts'

// biome-ignore lint/suspicious/noExplicitAny: samples look into bodies of any shape, and crash at some
type Json = any

export interface OfficialSample {
  /** The last folder of its path in the repository, and the mode if it has several. */
  name: string
  /** Creates a new instance. */
  serve(): Defect
  /** The options that a user adds to `preflow verify URL`. */
  options: readonly string[]
  /** What platforms do with it, as in the report. */
  platforms: string
  /** The checks that it fails, and those that advise on it. */
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

/** The page of Express for an unhandled error, outside of production. */
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
    // If nothing was parsed, Express 4 provides an empty object, Express 5 undefined.
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

/** A function URL passes on any body with any method. */
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
    // An invalid address has no score, and counts as a good one.
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
    // It decodes a digest as if it were the password, so it never finds a hashed password.
    const password = format === 'HASH' ? Buffer.from(value, 'base64').toString('utf8') : value
    if (typeof password !== 'string') return reply(500, { error: 'The "data" argument must be of type string' })
    return BREACHED.has(password)
      ? failed('password_compromised', 'The provided password is compromised.')
      : reply(200, { actionStatus: 'SUCCESS' })
  })
}

const DEPARTMENTS: readonly unknown[] = ['Engineering', 'HR', 'Sales', 'Finance']

/** With a mail server that accepts every mail. */
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
    // This crashes without an organization, and in verification mode without a user.
    const organization = isBelow ? event.organization.id : event.tenant.name
    sessions.set(flowId, { organization, user: mode === 'second_factor' ? event.user.id : undefined })
    const url = `http://localhost:3000/api/pin-entry?flowId=${flowId}`
    return reply(200, { actionStatus: 'INCOMPLETE', operations: [{ op: 'redirect', url }] })
  })
}

/** All samples allow calls without credentials. */
const OPEN = 'caller.open'

export const officialSamples: readonly OfficialSample[] = [
  {
    name: 'adaptive-token-issuance-policy-service-aws-lambda',
    serve: () => adaptiveTokens(true),
    options: ['--type', 'preIssueAccessToken'],
    platforms: 'works in part at 1 of 9',
    // It adds the claim of the first token again at a refresh, and issues a token for an invalid address.
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
    // It sends error instead of errorMessage, and decodes a digest as a password.
    fails: ['answer.members', 'answer.reason', 'event.credential-forms'],
    advised: ['reach.unknown-type', OPEN, 'secrecy.internals'],
  },
  {
    name: 'pre-profile-update-validation-service-express-choreo',
    serve: profile,
    options: ['--type', 'preUpdateProfile'],
    platforms: 'works',
    // It answers SUCCESS to a form and to an empty body.
    fails: ['input.malformed', 'input.no-event'],
    advised: ['reach.unknown-type', 'event.claim-forms', 'input.content-type', OPEN, 'secrecy.internals'],
  },
  {
    name: 'pin-based-authentication-service-express, internal',
    serve: () => pin('internal'),
    options: ['--type', 'authentication'],
    platforms: 'works',
    // A second attempt finds the session of the first, and it crashes without an organization.
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

/** The sample without its key for AbuseIPDB. */
export const tokensWithoutKey = (): Defect => adaptiveTokens(false)
