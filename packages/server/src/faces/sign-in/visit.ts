import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Interaction, InteractionResults } from 'oidc-provider'
import type { TriggerAction } from '../../domain/actions/trigger-action.ts'
import type { CheckPassword } from '../../domain/credentials/check-password.ts'
import type { Issuer } from '../../domain/tenants/issuer.ts'
import type { ClientRequest } from '../../ground/http/client-request.ts'
import type { Log } from '../../ground/observe/log.ts'
import { formTargetOf } from '../../ground/pages/pages.ts'
import { send } from '../../ground/pages/send.ts'
import type { Database } from '../../ground/store/database.ts'
import type { Application, User } from '../../ground/store/model.ts'

export interface SignInPorts {
  db: Database
  log: Log
  randomBytes(count: number): Uint8Array
  clientRequestOf(request: IncomingMessage): ClientRequest
  checkPassword: CheckPassword
  /** Marks the browser as one in which this user signed in. */
  rememberBrowser(request: IncomingMessage, response: ServerResponse, user: User): void
  /** Calls the extension of a custom authenticator. */
  trigger: TriggerAction
  /** Break-glass: whether custom authenticators are disabled, regardless of their configuration. */
  areAuthenticatorsOff: boolean
  /** Reads a small form. Rejects if it is too large or not a form. */
  readForm(request: IncomingMessage): Promise<URLSearchParams>
}

/** The functions of the authorization server that the pages need. */
export interface SignInServer {
  issuer: Issuer
  interactions: {
    /**
     * Finds the interaction of this browser and its application, if that still exists.
     *
     * Rejects with oidc-provider's `SessionNotFound` if the browser has no cookie of a running interaction.
     */
    find(
      request: IncomingMessage,
      response: ServerResponse,
    ): Promise<{ interaction: Interaction; application?: Application }>
    /** Ends the interaction and returns the browser to its authorization request. */
    finish(request: IncomingMessage, response: ServerResponse, result: InteractionResults): Promise<void>
    /** The scopes that the user has not yet agreed to. */
    missingScopes(interaction: Interaction): string[]
    /** Records that the user agrees to these scopes. Resolves with the id of the grant. */
    grant(interaction: Interaction, application: Application, scopes: readonly string[]): Promise<string>
  }
}

/** One request of a browser for the page of its interaction. */
export interface Visit {
  request: IncomingMessage
  response: ServerResponse
  server: SignInServer
  ports: SignInPorts
  interaction: Interaction
  application: Application
}

/** The handler of one kind of prompt. */
export interface Prompt {
  show(visit: Visit): Promise<void>
  submit(visit: Visit, form: URLSearchParams): Promise<void>
}

/** The path of the interaction's page. Only the browser with the interaction's cookie can use it. */
export function pathOf({ interaction, server }: Pick<Visit, 'interaction' | 'server'>): string {
  return `${server.issuer.path}/sign-in/${interaction.uid}`
}

/** Shows a page of the sign-in. Its form may return to the application. */
export function showPage({ interaction, response }: Visit, status: number, page: string): void {
  send(response, status, page, { formTargets: formTargetOf(interaction.params['redirect_uri']), keepsOpener: true })
}

/**
 * The secret that binds a form to the interaction of its cookie. The cookie alone is not enough: for `SameSite=Lax`, other
 * ports and subdomains are the same site.
 */
export function csrfOf({ interaction, ports }: Visit): string {
  return formSecretsOf(interaction, ports)[0] ?? ''
}

/** Older keys count as well, so that a new one breaks no form that a user has open. */
function formSecretsOf({ jti }: Interaction, { db }: SignInPorts): string[] {
  return db.seal
    .deriveSecrets('sign-in forms')
    .map(secret => createHmac('sha256', secret).update(jti).digest('base64url'))
}

export function isOwnForm(visit: Visit, form: URLSearchParams): boolean {
  const { headers } = visit.request
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false
  const given = Buffer.from(form.get('csrf') ?? '')
  return formSecretsOf(visit.interaction, visit.ports).some(secret => {
    const expected = Buffer.from(secret)
    return given.byteLength === expected.byteLength && timingSafeEqual(given, expected)
  })
}

/** Ends the interaction with this result and returns the browser to its authorization request. */
export function finish({ request, response, server }: Visit, result: InteractionResults): Promise<void> {
  response.setHeader('cache-control', 'no-store')
  return server.interactions.finish(request, response, result)
}
