import type { ServerResponse } from 'node:http'
import type { Problem } from '../problem.ts'
import { errorPage, pagePolicy } from './pages.ts'

/** @param formTargets Where a form of the page may lead besides this server, for the content security policy. */
export function send(response: ServerResponse, status: number, page: string, formTargets?: readonly string[]): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-length': Buffer.byteLength(page),
    'content-security-policy': pagePolicy(formTargets),
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  })
  response.end(page)
}

/** Shows a problem to a person. */
export function sendProblemPage(response: ServerResponse, { code, headers, sentence, status }: Problem): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  send(response, status, errorPage(code, sentence))
}

export function redirect(response: ServerResponse, status: 302 | 303, location: string): void {
  response.writeHead(status, { location, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
  response.end()
}
