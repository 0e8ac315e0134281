import { present } from '@preflow/contract'
import type { Extension } from '../define-extension.ts'
import type { IncomingCall } from '../exchange.ts'

/**
 * The parts of a Lambda event that are read: function URLs and HTTP APIs (version 2), REST APIs (version 1), load
 * balancers.
 */
export interface LambdaHttpEvent {
  /** `2.0` for function URLs and HTTP APIs. */
  version?: string
  /** REST APIs and load balancers. */
  httpMethod?: string
  headers?: Record<string, string | undefined> | null
  multiValueHeaders?: Record<string, readonly string[] | undefined> | null
  body?: string | null
  isBase64Encoded?: boolean
  requestContext?: { http?: { method?: string }; elb?: object }
}

/** More data from Lambda. */
export interface LambdaContext {
  getRemainingTimeInMillis?(): number
}

/** A response that all four understand. */
export interface LambdaHttpResult {
  statusCode: number
  statusDescription?: string
  headers?: Record<string, string>
  multiValueHeaders?: Record<string, string[]>
  body: string
  isBase64Encoded: false
}

/**
 * Milliseconds of the remaining time that are reserved, because after it the caller gets an error instead of an answer.
 */
const RESERVE_MS = 150

/**
 * Creates the handler of a Lambda function, behind a function URL, an HTTP API, a REST API or a load balancer.
 *
 * The budget of the extension ends before the function's own time does.
 *
 * @example
 * export const handler = lambdaHandler(extension)
 */
export function lambdaHandler(
  extension: Extension,
): (event: LambdaHttpEvent, context?: LambdaContext) => Promise<LambdaHttpResult> {
  return async (event, context) => {
    const method = event.requestContext?.http?.method ?? event.httpMethod
    if (method === undefined) {
      throw new TypeError(
        'This is not an HTTP event. Put the function behind a function URL, an API gateway or a load balancer.',
      )
    }
    const { status, headers, body } = await extension.answer(callOf(event, method, context))
    const result = { statusCode: status, body, isBase64Encoded: false as const }
    // A load balancer requires a reason phrase, and headers in the form in which it sends them.
    if (!event.requestContext?.elb) return { ...result, headers }
    const statusDescription = `${status} ${REASONS[status] ?? 'Answer'}`
    if (!event.multiValueHeaders) return { ...result, statusDescription, headers }
    const multiValueHeaders = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]))
    return { ...result, statusDescription, multiValueHeaders }
  }
}

const REASONS: Record<number, string> = {
  200: 'OK',
  400: 'Bad Request',
  401: 'Unauthorized',
  405: 'Method Not Allowed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  500: 'Internal Server Error',
}

function callOf(event: LambdaHttpEvent, method: string, context: LambdaContext | undefined): IncomingCall {
  const headers = new Map<string, string>()
  for (const [name, value] of Object.entries(event.headers ?? {})) {
    if (value !== undefined) headers.set(name.toLowerCase(), value)
  }
  for (const [name, values] of Object.entries(event.multiValueHeaders ?? {})) {
    if (values) headers.set(name.toLowerCase(), values.join(', '))
  }
  const remainingMs = context?.getRemainingTimeInMillis?.()
  return {
    method,
    header: name => headers.get(name),
    text: async maxBytes => {
      const bytes = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8')
      return bytes.byteLength > maxBytes ? undefined : bytes.toString('utf8')
    },
    ...present({ remainingMs: remainingMs === undefined ? undefined : Math.max(0, remainingMs - RESERVE_MS) }),
  }
}
