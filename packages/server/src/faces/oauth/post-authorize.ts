/**
 * POST at the authorize endpoint, which OpenID Connect Core 3.1.2.1 requires.
 *
 * oidc-provider would need cookies with `SameSite=None` for it, because the form comes from another site. Here the form is
 * stored as a pushed authorization request for single use, and the browser is redirected to the same endpoint with GET. That
 * request has the session's cookie.
 */
import { UnsecuredJWT } from 'jose'
import type { Provider } from 'oidc-provider'
import type { Issuer } from '../../domain/tenants/issuer.ts'
import { AUTHORIZE } from './provider-configuration.ts'
import { showError } from './provider-pages.ts'
import { type Context, readForm } from './read-form.ts'

/** Until the browser has followed the redirect. */
const LIFETIME_SECONDS = 60
const REQUEST_URN = 'urn:ietf:params:oauth:request_uri:'
/** Parameters that must not be in an address, because histories and logs keep it. */
const SECRETS = ['client_secret', 'password']
/** Claims of the object that stores the form. They are no parameters. */
const CLAIMS = ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti']

/** Accepts forms, and refuses secrets in the address. Use it before the provider's own routes. */
export function acceptPostedRequests(provider: Provider, issuer: Issuer, nowSeconds: () => number): void {
  provider.use(async (ctx, next) => {
    // The response to `response_mode=form_post` is a form that submits itself. oidc-provider adds the hash of its script.
    if (ctx.path.startsWith(AUTHORIZE)) ctx.set('content-security-policy', "default-src 'none'; script-src")
    if (ctx.path !== AUTHORIZE) return next()
    const secret = SECRETS.find(name => ctx.query[name] !== undefined)
    if (secret !== undefined) return refuse(ctx, `${secret} must not be in the address. Send it to the token endpoint.`)
    if (ctx.method !== 'POST') return next()

    const form = await readForm(ctx)
    if (typeof form === 'string') return refuse(ctx, form)
    if (form.get('response_mode') === 'direct') return refuseDirect(ctx)
    ctx.status = 303
    ctx.redirect(`${issuer.path}${AUTHORIZE}?${await continuation(form, provider, issuer, nowSeconds())}`)
  })
}

/** The query of the GET: it names the stored request, or is the form itself if the provider refuses it in any case. */
async function continuation(
  form: URLSearchParams,
  provider: Provider,
  issuer: Issuer,
  now: number,
): Promise<URLSearchParams> {
  const clientId = form.get('client_id') ?? ''
  const client = await provider.Client.find(clientId)
  const mustPush = client?.['requirePushedAuthorizationRequests'] === true
  if (!client || mustPush || form.has('request_uri') || form.has('request')) {
    const shown = ['client_id', 'redirect_uri', 'response_type', 'response_mode', 'state', 'request_uri', 'request']
    return new URLSearchParams([...form].filter(([name]) => shown.includes(name)))
  }
  const names = [...new Set(form.keys())].filter(name => !CLAIMS.includes(name))
  const parameters = Object.fromEntries(names.map(name => [name, oneOrList(form.getAll(name))]))
  const request = new UnsecuredJWT(parameters)
    .setIssuer(clientId)
    .setAudience(issuer.url)
    .setIssuedAt(now)
    .setExpirationTime(now + LIFETIME_SECONDS)
    .encode()
  // Not trusted: no client authenticated, so the parameters are treated like those of an address.
  const kept = new provider.PushedAuthorizationRequest({ request, trusted: false } as never)
  const id = await kept.save(LIFETIME_SECONDS)
  return new URLSearchParams({ client_id: clientId, request_uri: REQUEST_URN + id })
}

/** Keeps a repeated parameter as a list, which the provider refuses. */
function oneOrList(values: string[]): string | string[] {
  return values.length === 1 ? (values[0] ?? '') : values
}

function refuse(ctx: Context, description: string): void {
  ctx.status = 400
  showError(ctx, { error: 'invalid_request', error_description: description })
}

/** Programs use this mode, and they read JSON. */
function refuseDirect(ctx: Context): void {
  const error_description =
    'response_mode=direct is not supported, because users sign in with the browser. Leave it out.'
  ctx.status = 400
  ctx.body = { error: 'unsupported_response_mode', error_description }
}
