/**
 * Sign-out, OpenID Connect RP-Initiated Logout 1.0, at `/oidc/logout`.
 *
 * oidc-provider's page always requires a confirmation and continues with a form and a script. Here the page is skipped if the
 * application proves the user's wish or is configured to need no proof, and redirects come from the server.
 */
import { randomBytes } from 'node:crypto'
import { present } from '@preflow/contract'
import type { JWTPayload } from 'jose'
import type { AdapterPayload, Provider } from 'oidc-provider'
import type { Issuer } from '../../domain/tenants/issuer.ts'
import { noteEvent } from '../../ground/observe/security-events.ts'
import { donePage, formTargetOf, logoutPage } from '../../ground/pages/pages.ts'
import type { Database } from '../../ground/store/database.ts'
import { applicationOf, createArtifactAdapter } from './adapter.ts'
import type { InformClients } from './back-channel.ts'
import type { ReadHint } from './keys.ts'
import { END_SESSION } from './provider-configuration.ts'
import { show, showError, showSignedOut } from './provider-pages.ts'
import { type Context, readForm } from './read-form.ts'

const CONFIRM = `${END_SESSION}/confirm`
/** Names the id of a posted or pending request. */
const KEPT = 'logout_request'
const KEPT_SECONDS = 600
const ID_BYTES = 24

type Session = Awaited<ReturnType<Provider['Session']['get']>>

export interface LogoutParts {
  db: Database
  issuer: Issuer
  readHint: ReadHint
  informClients: InformClients
}

/** A checked sign-out request. */
interface LogoutRequest {
  /** The redirect after the sign-out. Only with a client that registered it. */
  target?: string
  state?: string
  /** Whether the confirmation page is skipped. */
  skipsPage(session: Session): boolean
}

/** A request that waits for the user's choice on the page. */
interface Asked {
  sessionUid: string
  target?: string
  state?: string
}

/** Answers the endpoint. Use it before the provider's own routes. */
export function answerLogout(provider: Provider, parts: LogoutParts): void {
  provider.use(async (ctx, next) => {
    if (ctx.path !== END_SESSION && ctx.path !== CONFIRM) return next()
    ctx.set({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
    const form = ctx.method === 'POST' ? await readForm(ctx) : undefined
    if (typeof form === 'string') return refuse(ctx, form)
    if (ctx.path === CONFIRM) return form ? confirm(ctx, form, provider, parts) : next()
    if (form) return keepPosted(ctx, form, parts)
    if (ctx.method === 'GET' || ctx.method === 'HEAD') return begin(ctx, provider, parts)
    return next()
  })
}

/** A form from another site brings no `SameSite=Lax` cookie. The GET that follows does. */
async function keepPosted(ctx: Context, form: URLSearchParams, parts: LogoutParts): Promise<void> {
  const id = await keep({ query: form.toString() }, parts)
  redirect(ctx, `${parts.issuer.path}${END_SESSION}?${KEPT}=${id}`)
}

async function begin(ctx: Context, provider: Provider, parts: LogoutParts): Promise<void> {
  const posted = ctx.query[KEPT] === undefined ? undefined : await findKept(String(ctx.query[KEPT]), parts)
  const query = typeof posted?.['query'] === 'string' ? posted['query'] : ctx.querystring
  const request = await readRequest(new URLSearchParams(query), provider, parts)
  if (typeof request === 'string') return refuse(ctx, request)
  const { target, state } = request
  const session = await provider.Session.get(ctx)
  const { accountId, uid } = session
  if (accountId === undefined) return goOn(ctx, { ...present({ target, state }) })
  if (request.skipsPage(session)) {
    await endSession(ctx, provider, session, parts)
    return goOn(ctx, { ...present({ target, state }) })
  }
  const asked: Asked = { sessionUid: uid, ...present({ target, state }) }
  const csrf = await keep({ asked }, parts)
  show(ctx, logoutPage({ action: `${parts.issuer.path}${CONFIRM}`, csrf }), formTargetOf(target))
}

/** Handles the user's choice. The form contains an id that only the browser with this session has. */
async function confirm(ctx: Context, form: URLSearchParams, provider: Provider, parts: LogoutParts): Promise<void> {
  const id = form.get('xsrf') ?? ''
  const session = await provider.Session.get(ctx)
  const asked = accountSwitch(session, id) ?? ((await findKept(id, parts))?.['asked'] as Asked | undefined)
  if (!asked || asked.sessionUid !== session.uid) {
    return refuse(ctx, 'This form has expired, or belongs to another session. Sign out again.')
  }
  await keptRequests(parts).destroy(id)
  const { target, state } = asked
  if (form.get('logout') === null) return goOn(ctx, { ...present({ target, state }), error: 'access_denied' })
  await endSession(ctx, provider, session, parts)
  goOn(ctx, { ...present({ target, state }) })
}

/**
 * The sign-out of the previous user when another user signs in. oidc-provider does it with its own form, whose secret is in the
 * session, and then continues the sign-in.
 */
function accountSwitch({ state = {}, uid }: Session, id: string): Asked | undefined {
  const { secret, postLogoutRedirectUri: target } = state
  const isIt = typeof secret === 'string' && typeof target === 'string' && secret === id
  return isIt ? { sessionUid: uid, target } : undefined
}

async function endSession(
  ctx: Context,
  provider: Provider,
  session: Session,
  { informClients, issuer }: LogoutParts,
): Promise<void> {
  const { accountId: id, authorizations = {} } = session
  await session.destroy()
  if (id !== undefined) {
    noteEvent('session.ended', { actor: { kind: 'user', id }, targetId: id })
    const clients = Object.entries(authorizations).map(([clientId, { sid = '' }]) => ({ clientId, sid }))
    informClients(provider, { tenant: issuer.tenant.domain, sub: id, clients })
  }
  ctx.cookies.set(provider.cookieName('session'), null, { path: `${issuer.path}/`, signed: true, httpOnly: true })
}

/** Checks the parameters. A string is the reason for a refusal. */
async function readRequest(
  parameters: URLSearchParams,
  provider: Provider,
  { readHint }: LogoutParts,
): Promise<LogoutRequest | string> {
  for (const name of new Set(parameters.keys())) {
    if (parameters.getAll(name).length > 1) return `Send ${name} only once.`
  }
  const given = (name: string) => parameters.get(name) || undefined
  const hint = given('id_token_hint')
  const claims = hint === undefined ? undefined : await readHint(hint)
  if (hint !== undefined && !claims) return 'id_token_hint is not an ID token of this issuer.'
  const hintedId = claims && String(claims['azp'] ?? [claims.aud].flat()[0])
  const clientId = given('client_id') ?? hintedId
  if (hintedId !== undefined && clientId !== hintedId) return 'client_id is not the client of id_token_hint.'
  if (clientId === undefined) return { skipsPage: () => false }

  const client = await provider.Client.find(clientId)
  if (!client) return 'No application has this client_id.'
  const target = given('post_logout_redirect_uri')
  if (target !== undefined && !client.postLogoutRedirectUriAllowed(target)) {
    return 'post_logout_redirect_uri is not registered for the application.'
  }
  const needsNoProof = target !== undefined && applicationOf(client).skipsLogoutConsent === true
  return {
    ...present({ target, state: given('state') }),
    skipsPage: session => needsNoProof || isOfSession(claims, session, clientId),
  }
}

/** Whether the claims match the session. */
function isOfSession(claims: JWTPayload | undefined, session: Session, clientId: string): boolean {
  const sid = claims?.['sid']
  return claims?.sub === session.accountId && (sid === undefined || sid === session.sidFor(clientId))
}

/** Redirects to the application, or shows a page if it named no address. */
function goOn(ctx: Context, { error, state, target }: { target?: string; state?: string; error?: string }): void {
  if (target !== undefined) {
    const parameters = new URLSearchParams(present({ error, state }))
    const separator = target.includes('?') ? '&' : '?'
    redirect(ctx, parameters.size === 0 ? target : `${target}${separator}${parameters}`)
  } else if (error !== undefined) {
    show(ctx, donePage('You are still signed in', 'You can close this window.'))
  } else {
    showSignedOut(ctx)
  }
}

function redirect(ctx: Context, location: string): void {
  ctx.redirect(location)
  ctx.status = 303
}

function refuse(ctx: Context, description: string): void {
  ctx.status = 400
  showError(ctx, { error: 'invalid_request', error_description: description })
}

function keptRequests({ db, issuer }: LogoutParts) {
  return createArtifactAdapter(db, issuer, 'LogoutRequest')
}

async function keep(payload: AdapterPayload, parts: LogoutParts): Promise<string> {
  const id = randomBytes(ID_BYTES).toString('base64url')
  await keptRequests(parts).upsert(id, payload, KEPT_SECONDS)
  return id
}

function findKept(id: string, parts: LogoutParts): Promise<Record<string, unknown> | undefined> {
  return keptRequests(parts).find(id) as Promise<Record<string, unknown> | undefined>
}
