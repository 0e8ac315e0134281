/** Decides which pages of other origins may call the server (CORS), in one layer in front of all faces. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { sendProblem, serverProblems } from './send.ts'

/** The paths of a face that pages of other origins may call. A path in neither list is not shared. */
export interface SharedPaths {
  /** With credentials, from the allowed origins of the tenant. */
  withAllowed: RegExp
  /** From every origin, without credentials. For published documents. */
  withAll?: RegExp
}

/** Response headers that a page may read in addition to the safe ones. */
const EXPOSED = 'Location, WWW-Authenticate, ETag, Retry-After, x-preflow-call-id'
const METHODS = 'GET, POST, PUT, PATCH, DELETE'
/** Time for which a browser may cache a preflight. */
const MAX_AGE_SECONDS = '3600'

/**
 * Whether a string is the origin of an http or https page, in the form that browsers send. `*`, also in a host, and `null` are
 * not.
 */
export function isOrigin(text: string): boolean {
  return /^https?:[^*]+$/.test(text) && URL.parse(text)?.origin === text
}

/**
 * Writes the CORS headers of a request for a shared path and answers preflights. Call it before the face: headers that are
 * already set also reach error responses, and oidc-provider then writes no CORS headers of its own.
 *
 * A request of an origin that is not allowed is served without these headers, so its page cannot read the response. No shared
 * path may act on a cookie alone, because browsers send cookies with credentials.
 *
 * @param isAllowed Whether the tenant allows an origin.
 * @returns Whether the request is answered.
 */
export async function shareWithOrigins(
  request: IncomingMessage,
  response: ServerResponse,
  shared: { paths: SharedPaths; path: string },
  isAllowed: (origin: string) => Promise<boolean>,
): Promise<boolean> {
  const isForAll = shared.paths.withAll?.test(shared.path) ?? false
  if (!isForAll && !shared.paths.withAllowed.test(shared.path)) return false
  response.setHeader('vary', 'Origin')
  response.setHeader('access-control-expose-headers', EXPOSED)
  const { origin } = request.headers
  if (isForAll) response.setHeader('access-control-allow-origin', '*')
  if (origin === undefined || origin === ownOrigin(request)) return false
  // Documents in a sandbox have the origin `null`, regardless of their source.
  const mayRead = origin !== 'null' && (await isAllowed(origin))
  if (mayRead) {
    response.setHeader('access-control-allow-origin', origin)
    response.setHeader('access-control-allow-credentials', 'true')
  }
  if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return false
  if (mayRead || isForAll) allow(request, response)
  else sendProblem(response, serverProblems.foreignOrigin())
  return true
}

function allow(request: IncomingMessage, response: ServerResponse): void {
  const headers = request.headers['access-control-request-headers']
  if (headers !== undefined) response.setHeader('access-control-allow-headers', headers)
  response.setHeader('access-control-allow-methods', METHODS)
  response.setHeader('access-control-max-age', MAX_AGE_SECONDS)
  response.writeHead(204).end()
}

/** The origin of the server itself, whose pages are always allowed. Both headers have the values of the public URL. */
function ownOrigin({ headers }: IncomingMessage): string {
  return `${headers['x-forwarded-proto']}://${headers.host}`
}
