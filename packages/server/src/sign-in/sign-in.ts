import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { errors, type Interaction } from 'oidc-provider'
import { IDENTITY_SCOPES } from '../oauth/claims.ts'
import type { IssuerServer } from '../oauth/provider.ts'
import { grantScopes } from '../oauth/scopes.ts'
import { applicationOf, RESOURCE } from '../oauth/seam.ts'
import { listApiResources } from '../store/api-resources.ts'
import type { Database } from '../store/database.ts'
import type { Application } from '../store/model.ts'
import { findUserById } from '../store/users.ts'
import { type CheckPassword, PASSWORD_COMPLAINTS } from './check-password.ts'
import { consentPage, errorPage, formTargetOf, pagePolicy, signInPage } from './pages.ts'

export interface SignInPorts {
  db: Database
  deriveSecret(purpose: string): string
  checkPassword: CheckPassword
  /** Reads a small form. Rejects when it is too large or no form. */
  readForm(request: IncomingMessage): Promise<URLSearchParams>
}

/** What the scopes about the user mean to that user. */
const IDENTITY_WISHES: Record<string, string> = {
  openid: 'know who you are',
  profile: 'read your name and profile',
  email: 'read your e-mail address',
  phone: 'read your telephone number',
  address: 'read your postal address',
  groups: 'see which groups you are in',
  roles: 'see which roles you have',
}

/**
 * Answers the sign-in page of an issuer at `/sign-in/{uid}`: asks for user name and password, then for consent, and sends the
 * browser back into the authorization request that brought it here.
 */
export async function handleSignIn(
  request: IncomingMessage,
  response: ServerResponse,
  server: IssuerServer,
  ports: SignInPorts,
): Promise<void> {
  const interaction = await server.provider.interactionDetails(request, response).catch(error => {
    if (error instanceof errors.SessionNotFound) return undefined
    throw error
  })
  if (!interaction) {
    return send(response, 400, errorPage('session_not_found', 'This sign-in was finished before, or it took too long.'))
  }
  const client = await server.provider.Client.find(String(interaction.params['client_id']))
  if (!client) return send(response, 400, errorPage('invalid_client', 'The application was removed meanwhile.'))
  const visit: Visit = { request, response, server, ports, interaction, application: applicationOf(client) }
  const step = steps[interaction.prompt.name]
  if (!step) {
    return finish(visit, { error: 'interaction_required', error_description: 'The request asks for an unknown step.' })
  }
  if (request.method === 'GET' || request.method === 'HEAD') return step.show(visit)
  if (request.method !== 'POST') {
    response.setHeader('allow', 'GET, HEAD, POST')
    return send(response, 405, errorPage('invalid_request', 'This page knows GET and POST.'))
  }

  const form = await ports.readForm(request)
  if (!isOwnForm(visit, form)) {
    return send(response, 403, errorPage('access_denied', 'The form did not come from this page. Load it again.'))
  }
  if (form.get('step') === 'cancel') {
    return finish(visit, { error: 'access_denied', error_description: 'The user denied the request.' })
  }
  return step.submit(visit, form)
}

interface Visit {
  request: IncomingMessage
  response: ServerResponse
  server: IssuerServer
  ports: SignInPorts
  interaction: Interaction
  application: Application
}

/** The steps by the prompt that asks for them. */
const steps: Record<
  string,
  { show(visit: Visit): Promise<void>; submit(visit: Visit, form: URLSearchParams): Promise<void> }
> = {
  login: {
    async show(visit) {
      const hint = visit.interaction.params['login_hint']
      showSignIn(visit, 200, typeof hint === 'string' ? { userName: hint } : {})
    },
    async submit(visit, form) {
      const { ports, request, server } = visit
      const userName = form.get('username') ?? ''
      const password = form.get('password') ?? ''
      const verdict = await ports.checkPassword({ issuer: server.issuer, userName, password }, request)
      if (verdict.status === 'right') {
        return finish(visit, { login: { accountId: verdict.user.id, amr: ['pwd'] } })
      }
      const complaint = PASSWORD_COMPLAINTS[verdict.status]
      showSignIn(visit, verdict.status === 'resting' ? 429 : 400, { userName, complaint })
    },
  },
  consent: {
    async show(visit) {
      const { application, interaction, ports, response, server } = visit
      const user = await findUserById(ports.db, server.issuer.tenant.id, interaction.session?.accountId ?? '')
      const wishes = await wishesOf(visit)
      const page = consentPage({
        application: application.name,
        userName: user?.userName ?? 'you',
        csrf: csrfOf(visit),
        wishes,
      })
      send(response, 200, page, formTargetOf(interaction.params['redirect_uri']))
    },
    async submit(visit) {
      const { interaction, server } = visit
      const { Grant } = server.provider
      const accountId = interaction.session?.accountId
      if (accountId === undefined) throw new Error('a consent was asked for before the sign-in')
      const known = interaction.grantId ? await Grant.find(interaction.grantId) : undefined
      const grant = known ?? new Grant({ clientId: visit.application.clientId, accountId })
      grantScopes(grant, missingScopes(interaction))
      await finish(visit, { consent: { grantId: await grant.save() } })
    },
  },
}

function showSignIn(visit: Visit, status: number, view: { userName?: string; complaint?: string }): void {
  const { application, interaction, response } = visit
  const page = signInPage({ application: application.name, csrf: csrfOf(visit), ...view })
  send(response, status, page, formTargetOf(interaction.params['redirect_uri']))
}

function missingScopes({ prompt }: Interaction): string[] {
  const { missingOIDCScope = [], missingResourceScopes = {} } = prompt.details as {
    missingOIDCScope?: string[]
    missingResourceScopes?: Record<string, string[]>
  }
  return [...new Set([...missingOIDCScope, ...(missingResourceScopes[RESOURCE] ?? [])])]
}

async function wishesOf({ interaction, ports, server }: Visit): Promise<string[]> {
  const scopes = missingScopes(interaction)
  const apis = scopes.every(scope => IDENTITY_SCOPES.includes(scope))
    ? []
    : await listApiResources(ports.db, server.issuer.tenant.id)
  const titles = new Map(apis.flatMap(api => api.scopes.map(scope => [scope.name, scope.displayName ?? scope.name])))
  return scopes.map(scope => IDENTITY_WISHES[scope] ?? titles.get(scope) ?? scope)
}

/**
 * A form belongs to the interaction whose cookie comes with it. The cookie alone is not enough: `SameSite=Lax` treats other
 * ports and subdomains of the same site as friends.
 */
function csrfOf({ interaction, ports }: Visit): string {
  return createHmac('sha256', ports.deriveSecret('sign-in forms')).update(interaction.jti).digest('base64url')
}

function isOwnForm(visit: Visit, form: URLSearchParams): boolean {
  const { headers } = visit.request
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false
  const given = Buffer.from(form.get('csrf') ?? '')
  const expected = Buffer.from(csrfOf(visit))
  return given.byteLength === expected.byteLength && timingSafeEqual(given, expected)
}

function finish(
  { request, response, server }: Visit,
  result: Parameters<IssuerServer['provider']['interactionFinished']>[2],
): Promise<void> {
  response.setHeader('cache-control', 'no-store')
  return server.provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true })
}

function send(response: ServerResponse, status: number, page: string, formTargets?: readonly string[]): void {
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
