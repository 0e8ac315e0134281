import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Interaction } from 'oidc-provider'
import type { TriggerAction } from '../../domain/actions/trigger-action.ts'
import type { CheckPassword } from '../../domain/credentials/check-password.ts'
import type { ClientRequest } from '../../ground/http/client-request.ts'
import type { Log } from '../../ground/observe/log.ts'
import { pagePolicy } from '../../ground/pages/pages.ts'
import type { Database } from '../../ground/store/database.ts'
import type { Application } from '../../ground/store/model.ts'
import type { IssuerServer } from '../oauth/provider.ts'

export interface SignInPorts {
  db: Database
  log: Log
  randomBytes(count: number): Uint8Array
  deriveSecret(purpose: string): string
  clientRequestOf(request: IncomingMessage): ClientRequest
  checkPassword: CheckPassword
  /** Calls the extension of a custom authenticator. */
  trigger: TriggerAction
  /** Break-glass: whether custom authenticators are switched off, whatever is configured. */
  areAuthenticatorsOff: boolean
  /** Reads a small form. Rejects when it is too large or no form. */
  readForm(request: IncomingMessage): Promise<URLSearchParams>
}

/** One request of a browser for the page of its interaction. */
export interface Visit {
  request: IncomingMessage
  response: ServerResponse
  server: IssuerServer
  ports: SignInPorts
  interaction: Interaction
  application: Application
}

/** What answers the prompts of one kind. */
export interface Prompt {
  show(visit: Visit): Promise<void>
  submit(visit: Visit, form: URLSearchParams): Promise<void>
}

/** Where the page of the interaction is. Only the browser with the interaction's cookie gets anywhere with it. */
export function pathOf({ interaction, server }: Pick<Visit, 'interaction' | 'server'>): string {
  return `${server.issuer.path}/sign-in/${interaction.uid}`
}

/**
 * A form belongs to the interaction whose cookie comes with it. The cookie alone is not enough: `SameSite=Lax` treats other
 * ports and subdomains of the same site as friends.
 */
export function csrfOf({ interaction, ports }: Visit): string {
  return createHmac('sha256', ports.deriveSecret('sign-in forms')).update(interaction.jti).digest('base64url')
}

export function isOwnForm(visit: Visit, form: URLSearchParams): boolean {
  const { headers } = visit.request
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false
  const given = Buffer.from(form.get('csrf') ?? '')
  const expected = Buffer.from(csrfOf(visit))
  return given.byteLength === expected.byteLength && timingSafeEqual(given, expected)
}

/** Ends the interaction with this result and sends the browser back into its authorization request. */
export function finish(
  { request, response, server }: Visit,
  result: Parameters<IssuerServer['provider']['interactionFinished']>[2],
): Promise<void> {
  response.setHeader('cache-control', 'no-store')
  return server.provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true })
}

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

export function redirect(response: ServerResponse, status: 302 | 303, location: string): void {
  response.writeHead(status, { location, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
  response.end()
}
