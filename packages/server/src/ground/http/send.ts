import type { ServerResponse } from 'node:http'

/** Sends a JSON body. A response that has already begun cannot be changed any more: its connection is ended. */
export function sendJson(response: ServerResponse, status: number, body: object): void {
  if (response.headersSent) return void response.destroy()
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  })
  response.end(text)
}

const ERRORS: Record<number, string> = { 404: 'not_found', 413: 'invalid_request', 500: 'server_error' }

/** Refuses a request that reaches no face, in the form of an OAuth error. */
export function sendProblem(response: ServerResponse, status: number, description: string): void {
  sendJson(response, status, { error: ERRORS[status] ?? 'invalid_request', error_description: description })
}
