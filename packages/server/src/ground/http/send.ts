import type { ServerResponse } from 'node:http'
import { present } from '@preflow/contract'
import { Problem } from '../problem.ts'

/** Sends a JSON body. If the response has already begun, it cannot be changed, so its connection is closed. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Record<string, string> = {},
): void {
  if (response.headersSent) return void response.destroy()
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...headers,
  })
  response.end(text)
}

/** The problems of requests that no face answers. Their codes are those of OAuth errors. */
export const serverProblems = {
  noSuchPlace: () =>
    new Problem(404, 'not_found', 'The tenant or organization does not exist. Check the path after /t/ and /o/.'),
  noSuchPath: () => new Problem(404, 'not_found', 'The path does not exist. Check the address.'),
  foreignOrigin: () =>
    new Problem(
      403,
      'access_denied',
      'Pages of this origin cannot call the API. Add the origin to the allowedOrigins of an application.',
    ),
  formTooLarge: (_: number, detail: string) =>
    new Problem(413, 'invalid_request', 'The body is too large.', { detail }),
  unexpected: () => new Problem(500, 'server_error', 'Internal Server Error.'),
}

/** Refuses a request in the form of an OAuth error. */
export function sendProblem(response: ServerResponse, { code, headers, sentence, status }: Problem): void {
  sendJson(response, status, { error: code, ...present({ error_description: sentence }) }, headers)
}

/**
 * Renders a problem in the form of WSO2's REST APIs.
 *
 * @param traceId The id of the request in the log, for APIs that return it.
 */
export function problemResponse({ code, headers, sentence, status, title }: Problem, traceId?: string): Response {
  const body = { code, message: title ?? sentence ?? code, ...present({ description: sentence, traceId }) }
  return Response.json(body, { status, headers: { 'cache-control': 'no-store', ...headers } })
}
