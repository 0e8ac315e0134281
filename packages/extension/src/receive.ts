import {
  type ActionRequest,
  API_VERSION_HEADER,
  actionTypes,
  describeIssues,
  parseActionRequest,
  present,
} from '@preflow/contract'
import type { CallerCheck } from './caller.ts'
import type { IncomingCall } from './exchange.ts'

/** A call that never reaches a handler. */
export class Refusal extends Error {
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

/** The checks before a handler is called. */
export interface Reception {
  caller: CallerCheck
  maxBodyBytes: number
  /** Milliseconds for which a signed call may be sent again, because its platform got no answer. */
  retryMs: number
  /** Whether there is a handler for an action type. */
  handles(actionType: string): boolean
}

/**
 * Reads a call: first authenticates its caller, then checks that its body is a request of the contract. `messageId` is the id
 * of a signed call.
 *
 * @throws {Refusal} If it never reaches a handler.
 */
export async function receive(
  call: IncomingCall,
  { caller, maxBodyBytes, retryMs, handles }: Reception,
): Promise<{ request: ActionRequest; body: string; messageId?: string }> {
  if (call.method !== 'POST') {
    throw new Refusal(405, 'method_not_allowed', 'Call this extension with POST.', { allow: 'POST' })
  }
  const unwelcome = caller.byHeaders(call.header)
  if (unwelcome) throw unauthorized(unwelcome, caller)
  const contentType = call.header('content-type') ?? ''
  if (contentType !== 'application/json' && !/^application\/json\s*(;|$)/i.test(contentType)) {
    throw new Refusal(415, 'unsupported_media_type', 'Send the request as application-json.')
  }
  const isDeclaredTooLarge = Number(call.header('content-length') ?? 0) > maxBodyBytes
  const body = isDeclaredTooLarge ? undefined : await call.text(maxBodyBytes).catch(endedEarly)
  if (body === undefined) {
    throw new Refusal(413, 'payload_too_large', `This extension reads at most ${maxBodyBytes} bytes.`)
  }
  const unsigned = caller.byBody && (await caller.byBody(call.header, body))
  if (unsigned) throw unauthorized(unsigned, caller)
  const arrival = await caller.arrival?.(call.header)
  if (arrival && !((arrival.ageMs ?? Number.POSITIVE_INFINITY) <= retryMs)) throw replayed()
  const request = readRequest(body, call.header(API_VERSION_HEADER), handles)
  return { request, body, ...present({ messageId: arrival?.id }) }
}

function unauthorized(why: string, { challenge }: CallerCheck): Refusal {
  return new Refusal(
    401,
    'unauthorized',
    `The caller is not authenticated: ${why}. Check the endpoint authentication of the action.`,
    challenge ? { 'www-authenticate': challenge } : {},
  )
}

function replayed(): Refusal {
  return new Refusal(
    401,
    'replayed',
    'A call with this webhook-id was received before. Sign every call with a new id and the current time.',
  )
}

function readRequest(body: string, apiVersion: string | undefined, handles: Reception['handles']): ActionRequest {
  let document: unknown
  try {
    document = JSON.parse(body)
  } catch {
    throw new Refusal(400, 'invalid_request', 'The body is not JSON.')
  }
  const named = (document as { actionType?: unknown } | null)?.actionType
  if (typeof named === 'string' && !handles(named) && /^[A-Z][A-Z_]{0,63}$/.test(named)) {
    throw new Refusal(
      400,
      'unsupported_action_type',
      `This extension has no ${named} handler. Add one to defineExtension.`,
    )
  }
  const parsed = parseActionRequest(document)
  if (!parsed.ok) throw new Refusal(400, 'invalid_request', describeIssues(parsed.issues))
  const { latestVersion } = actionTypes[parsed.request.actionType]
  if (apiVersion !== undefined && !(majorOf(apiVersion) <= majorOf(latestVersion))) {
    throw new Refusal(
      400,
      'unsupported_version',
      `This extension supports ${parsed.request.actionType} up to ${latestVersion}.`,
    )
  }
  return parsed.request
}

/** `v2` is 2; NaN if it is not a version. */
function majorOf(version: string): number {
  return Number(/^v(\d{1,4})(\.\d+)*$/.exec(version)?.[1])
}

function endedEarly(cause: unknown): never {
  throw Object.assign(new Refusal(400, 'invalid_request', 'The body ended before it was complete.'), { cause })
}
