import { type ActionResponse, API_VERSION_HEADER, present } from '@preflow/contract'
import { authenticate, needsToken } from './authenticate.ts'
import type { ActionCall } from './call.ts'
import { type CallErrorCode, failure, type Result } from './call-error.ts'
import type { EnginePorts } from './ports.ts'
import { type Reading, readAnswer } from './read-answer.ts'
import type { Run } from './run.ts'
import { sign } from './sign.ts'

/** Failures that every platform retries, whether it retries broken connections or not. */
const TIMEOUTS: ReadonlySet<CallErrorCode> = new Set(['connect_timeout', 'no_connection', 'deadline'])
/** Failures that newer platforms retry. */
const BROKEN_CONNECTIONS: ReadonlySet<CallErrorCode> = new Set(['refused', 'reset', 'unreachable', 'unknown_host'])

/** How often an OAuth token that the extension answers with 401 is replaced. */
const MAX_RENEWALS = 1

/** More than any token needs. A large answer must not occupy the server that works on it. */
const DEFAULT_MAX_OPERATIONS = 64

/** The final result. */
export type EndpointAnswer = Result<ActionResponse> & { status?: number }

/**
 * Calls the endpoint until there is an answer or no attempt is left.
 *
 * Timeouts, 502, 503, 504, a 500 without a payload and, on newer platforms, broken connections are retried at once. The
 * result is that of the last answer, even if a later attempt got none.
 */
export async function callEndpoint(
  body: string,
  call: ActionCall,
  ports: Pick<EnginePorts, 'send' | 'credentials' | 'now'>,
  run: Run,
): Promise<EndpointAnswer> {
  const { action, platform, requestId } = call
  const { authentication, signingSecrets = [] } = action.endpoint
  const signed = sign(signingSecrets, `${requestId}-${action.id}`, ports.now(), body)
  if (!signed.ok) return signed

  run.diagnose('calling')
  let rejected: string | undefined
  for (let renewals = 0; ; renewals++) {
    let token: string | undefined
    if (needsToken(authentication)) {
      const obtained = await ports.credentials.token(
        authentication,
        { ...platform.calling, ...present({ owner: call.owner }) },
        rejected,
      )
      const { tokenEndpoint } = authentication.properties
      if (!obtained.ok) {
        run.diagnose('tokenFailed', tokenEndpoint, obtained.error.message)
        return obtained
      }
      if (obtained.value.isNew) run.diagnose('tokenObtained', tokenEndpoint)
      token = obtained.value.accessToken
    }
    const headers = {
      ...authenticate(authentication, token),
      // These are the platform's: an API key with one of their names does not replace them.
      ...signed.value,
      accept: 'application/json',
      'content-type': 'application/json',
      [API_VERSION_HEADER]: action.version,
    }
    run.sending(headers)
    const answer = await attempt(body, headers, call, ports, run)
    if (token === undefined || answer.status !== 401) return answer
    if (renewals === MAX_RENEWALS) {
      run.diagnose('unauthorizedToTheEnd', MAX_RENEWALS)
      return answer
    }
    run.diagnose('unauthorized', renewals + 1, MAX_RENEWALS)
    rejected = token
  }
}

async function attempt(
  body: string,
  headers: Record<string, string>,
  { action, bounds, owner, platform, signal }: ActionCall,
  ports: Pick<EnginePorts, 'send' | 'now'>,
  run: Run,
): Promise<EndpointAnswer> {
  const { attempts, connectTimeoutMs, readTimeoutMs, maxAnswerBytes, retriesBrokenConnections } = platform.calling
  const request = {
    url: action.endpoint.uri,
    headers,
    body,
    connectTimeoutMs,
    readTimeoutMs,
    maxAnswerBytes,
    ...present({ owner, signal }),
  }
  let last: (Reading & { status: number }) | undefined
  let lost: EndpointAnswer = failure(
    'misconfigured',
    `${platform.title} is set to 0 attempts, so the extension is never called. Set at least 1.`,
  )
  for (let n = 1; n <= attempts; n++) {
    const startedAt = ports.now()
    const delivery = await ports.send(request)
    const durationMs = ports.now() - startedAt
    if (delivery.ok) {
      const { status } = delivery
      const reading = readAnswer(delivery, action.type, platform, bounds?.maxOperations ?? DEFAULT_MAX_OPERATIONS)
      last = { ...reading, status }
      run.answered(delivery, reading, { startedAt, durationMs, status })
      if (!reading.mayRetry) break
      run.diagnose('unavailable', n, attempts)
    } else {
      const { error } = delivery
      run.attempted({ startedAt, durationMs, failure: error })
      lost = delivery
      const isTimeout = TIMEOUTS.has(error.code)
      if (isTimeout) run.diagnose('timedOut', n, attempts)
      else run.diagnose('broken')
      if (!isTimeout && !(retriesBrokenConnections && BROKEN_CONNECTIONS.has(error.code))) break
    }
  }
  if (!last) {
    run.diagnose('unusable', 'Failed to execute the action request or maximum retry attempts reached.')
    return lost
  }
  diagnoseReading(last, run)
  return { ...last.answer, status: last.status }
}

function diagnoseReading({ answer, logText }: Reading, { diagnose }: Run): void {
  if (!answer.ok) {
    diagnose('unusable', logText)
    return
  }
  const response = answer.value
  switch (response.actionStatus) {
    case 'SUCCESS':
      diagnose('succeeded')
      break
    case 'INCOMPLETE':
      diagnose('incomplete')
      break
    case 'FAILED':
      diagnose('failed', response.failureReason, response.failureDescription)
      break
    case 'ERROR':
      diagnose('errored', response.errorMessage, response.errorDescription)
      break
    default:
      response satisfies never
  }
}
