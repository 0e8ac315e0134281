import type { ServerResponse } from 'node:http'
import type { Problem } from '../problem.ts'
import { errorPage, type PageOptions, pageHeaders } from './pages.ts'

export function send(response: ServerResponse, status: number, page: string, options?: PageOptions): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-length': Buffer.byteLength(page),
    ...pageHeaders(options),
  })
  response.end(page)
}

/** Shows a problem as a page. */
export function sendProblemPage(response: ServerResponse, { code, headers, sentence, status }: Problem): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  send(response, status, errorPage(code, sentence))
}

export function redirect(response: ServerResponse, status: 302 | 303, location: string): void {
  response.writeHead(status, { location, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
  response.end()
}
