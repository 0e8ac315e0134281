import { getRequestListener } from '@hono/node-server'
import { present } from '@preflow/contract'
import { serve } from '@preflow/extension/node'
import { type Context, Hono } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import * as oidc from 'openid-client'
import { demoAddresses } from './demo-addresses.ts'
import {
  type Claims,
  CONTENT_SECURITY_POLICY,
  forwardPage,
  noticePage,
  refusedPage,
  signedInPage,
  startPage,
} from './web-pages.ts'

/** The running web application of the demonstration. */
export interface WebApplication {
  /** Its first page, without a trailing slash. */
  url: string
  /** The callback URL. */
  callbackUrl: string
  /** Enables the sign-in. Before, the page shows that the lab is starting. */
  connect(client: WebClient): void
  close(): Promise<void>
}

/** The client registration at the server. */
export interface WebClient {
  /** The address of the tenant, without a trailing slash. */
  tenantUrl: string
  name: string
  clientId: string
  clientSecret: string
}

/** What the browser keeps during a sign-in. */
interface Begun {
  verifier: string
  nonce: string
  address: string
}

const SCOPES = 'openid profile email orders.read'
const CALLBACK_PATH = '/callback'
/** Long enough to find the PIN. */
const SIGN_IN_SECONDS = 900
/** The header in which a trusted proxy passes the address of the client. */
const ADDRESS_HEADER = 'x-client-source-ip'

const addresses = Object.values(demoAddresses)

/**
 * Serves the web application in which a sign-in of the lab ends: authorization code with PKCE, and a page that shows
 * the claims of the tokens, or why there are none. The tokens are neither shown nor stored.
 *
 * @returns When it is running. Rejects with a message if the port is in use.
 */
export async function startWebApplication({ port }: { port: number }): Promise<WebApplication> {
  let client: WebClient | undefined
  const app = new Hono<{ Variables: { client: WebClient } }>()
  const server = await serve(
    {},
    { port, log: false, listeners: { '/': getRequestListener(request => app.fetch(request)) } },
  )
  const { host } = new URL(server.url)
  const callbackUrl = server.url + CALLBACK_PATH

  app.use(async (c, next) => {
    c.header('content-security-policy', CONTENT_SECURITY_POLICY)
    c.header('x-content-type-options', 'nosniff')
    c.header('cache-control', 'no-store')
    c.header('referrer-policy', 'no-referrer')
    // With another name of this machine, the cookie of a sign-in would be missing at the callback.
    if (c.req.header('host') !== host) return c.redirect(server.url)
    if (!client) return c.html(noticePage({ title: 'One moment', text: 'The lab is starting. Try again soon.' }), 503)
    c.set('client', client)
    return next()
  })
  app.notFound(c => c.html(noticePage({ title: 'Page not found', text: 'The shop has one page.' }), 404))
  app.onError((error, c) =>
    c.html(noticePage({ title: 'The server cannot be used', text: `${error.message}. See the log of the lab.` }), 502),
  )

  app.get('/', c => c.html(startPage({ application: c.get('client').name, addresses })))

  app.get('/sign-in', async c => {
    const address =
      addresses.find(known => known.address === c.req.query('from'))?.address ?? demoAddresses.good.address
    const config = await discover(c.get('client'))
    const [state, nonce, verifier] = [oidc.randomState(), oidc.randomNonce(), oidc.randomPKCECodeVerifier()]
    // Named after the state, so that two windows do not overwrite each other's cookie.
    setCookie(c, cookieOf(state), JSON.stringify({ verifier, nonce, address } satisfies Begun), {
      path: CALLBACK_PATH,
      httpOnly: true,
      sameSite: 'Lax',
      maxAge: SIGN_IN_SECONDS,
    })
    const url = oidc.buildAuthorizationUrl(config, {
      redirect_uri: callbackUrl,
      scope: SCOPES,
      state,
      nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    return c.html(forwardPage(url.href))
  })

  app.get(CALLBACK_PATH, async c => {
    const { state, code, error } = c.req.query()
    // The user returns from signing out.
    if (code === undefined && error === undefined) return c.redirect('/')
    const begun = readBegun(c, state)
    if (!state || !begun) {
      const text = 'This sign-in was not started in this browser, was finished before, or took too long.'
      return c.html(noticePage({ title: 'Sign-in failed', text }), 400)
    }
    deleteCookie(c, cookieOf(state), { path: CALLBACK_PATH })
    const { search } = new URL(c.req.url)
    const { status, page } = await redeem(new URL(callbackUrl + search), { ...begun, state }, c.get('client'))
    return c.html(page, status)
  })

  return {
    url: server.url,
    callbackUrl,
    connect: known => {
      client = known
    },
    close: server.close,
  }
}

/** Requests the tokens and shows the result. */
async function redeem(
  url: URL,
  { address, state, nonce, verifier }: Begun & { state: string },
  client: WebClient,
): Promise<{ status: 200 | 403; page: string }> {
  const config = await discover(client)
  const signOutUrl = oidc.buildEndSessionUrl(config, { post_logout_redirect_uri: url.origin + url.pathname }).href
  let refusal: { error?: string; error_description?: string; call_id?: string } | undefined
  // The header that a proxy before the application would set. In the lab both are on this machine.
  config[oidc.customFetch] = async (target, options) => {
    const init = { ...options, headers: { ...options.headers, [ADDRESS_HEADER]: address } }
    const response = await fetch(target, init as RequestInit)
    // Checked here, because for 5xx answers the client reports only the status.
    if (!response.ok)
      refusal = (await response
        .clone()
        .json()
        .catch(() => undefined)) as typeof refusal
    return response
  }
  try {
    const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier }
    const tokens = await oidc.authorizationCodeGrant(config, url, checks)
    const idToken: Claims = { ...tokens.claims() }
    const page = signedInPage({
      user: nameOf(idToken),
      address,
      idToken,
      accessToken: readClaims(tokens.access_token),
      scope: tokens.scope ?? '',
      lifetimeSeconds: tokens.expires_in,
      signOutUrl,
    })
    return { status: 200, page }
  } catch (thrown) {
    const { error, error_description: description, call_id: callId } = refusal ?? asRefusal(thrown)
    const callsUrl = `${client.tenantUrl}/api/server/v1/actions/calls`
    const page = refusedPage({ error: error ?? 'server_error', description, callId, callsUrl, signOutUrl })
    return { status: 403, page }
  }
}

/** The error of the callback, or of the token response. */
function asRefusal(thrown: unknown): { error: string; error_description?: string; call_id?: string } {
  if (thrown instanceof oidc.AuthorizationResponseError) {
    const { error, error_description } = thrown
    return { error, ...present({ error_description }) }
  }
  return { error: 'invalid_response', error_description: (thrown as Error).message }
}

/** Not cached: the server is on this machine, and after a restart nothing is outdated. */
function discover({ tenantUrl, clientId, clientSecret }: WebClient): Promise<oidc.Configuration> {
  return oidc.discovery(
    new URL(`${tenantUrl}/oauth2/token`),
    clientId,
    undefined,
    oidc.ClientSecretBasic(clientSecret),
    // The lab uses http, on this machine only.
    { execute: [oidc.allowInsecureRequests] },
  )
}

function cookieOf(state: string): string {
  return `web_shop_${state}`
}

function readBegun(c: Context, state: string | undefined): Begun | undefined {
  // Accepts only a state in our form. Other values cannot be the name of a cookie.
  if (state === undefined || !/^[\w-]+$/.test(state)) return undefined
  const text = getCookie(c, cookieOf(state))
  try {
    return text === undefined ? undefined : (JSON.parse(text) as Begun)
  } catch {
    return undefined
  }
}

/** The name of the user, as far as the token has one. */
function nameOf({ name, given_name: given, family_name: family, email, sub }: Claims): string {
  const whole = [given, family].filter(part => part !== undefined).join(' ')
  return String(name ?? (whole === '' ? (email ?? sub) : whole))
}

/** The claims of a JWT, only for display: the signature is not verified. */
function readClaims(token: string): Claims | undefined {
  const [, payload = ''] = token.split('.')
  try {
    return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims
  } catch {
    return undefined
  }
}
