/**
 * POST at the authorize endpoint, which OpenID Connect Core 3.1.2.1 requires.
 *
 * oidc-provider would read it only with cookies of `SameSite=None`, because the form comes from another site. Here the form is
 * kept as a pushed authorization request that is used once, and the browser is sent to the same endpoint with GET: that request
 * carries the session's cookie.
 */
import { present } from '@preflow/contract'
import { UnsecuredJWT } from 'jose'
import type { Provider } from 'oidc-provider'
import type { Issuer } from '../../domain/tenants/issuer.ts'
import { readBody } from '../../ground/http/http-body.ts'
import { serverProblems } from '../../ground/http/send.ts'
import { Problem } from '../../ground/problem.ts'
import { AUTHORIZE } from './provider-configuration.ts'
import { showError } from './provider-pages.ts'

type Context = Parameters<Parameters<Provider['use']>[0]>[0]

const MAX_FORM_BYTES = 57_344
/** Only until the browser has followed the redirect. */
const LIFETIME_SECONDS = 60
const REQUEST_URN = 'urn:ietf:params:oauth:request_uri:'
/** What never belongs in an address: it would be kept in histories and logs. */
const SECRETS = ['client_secret', 'password']
/** Claims of the object in which the form is kept. As parameters they mean nothing. */
const CLAIMS = ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti']

/** Reads the forms, and refuses secrets in the address. Use it before the provider's own routes. */
export function acceptPostedRequests(provider: Provider, issuer: Issuer, nowSeconds: () => number): void {
  provider.use(async (ctx, next) => {
    if (ctx.path !== AUTHORIZE) return next()
    const secret = SECRETS.find(name => ctx.query[name] !== undefined)
    if (secret !== undefined) return refuse(ctx, `${secret} must not be in the address. Send it to the token endpoint.`)
    if (ctx.method !== 'POST') return next()

    const form = await readForm(ctx)
    if (form instanceof Problem) return refuse(ctx, form.sentence, form.status)
    if (!form) return refuse(ctx, 'Send the request as a form, application/x-www-form-urlencoded.')
    if (form.get('response_mode') === 'direct') return refuseDirect(ctx)
    ctx.status = 303
    ctx.redirect(`${issuer.path}${AUTHORIZE}?${await continuation(form, provider, issuer, nowSeconds())}`)
  })
}

async function readForm(ctx: Context): Promise<URLSearchParams | Problem | undefined> {
  if (!ctx.is('application/x-www-form-urlencoded')) return undefined
  try {
    const body = await readBody(ctx.req, ctx.get('content-length'), MAX_FORM_BYTES, serverProblems.formTooLarge)
    return new URLSearchParams(body.toString())
  } catch (error) {
    if (error instanceof Problem) return error
    throw error
  }
}

/** The query of the GET: it names the kept request, or is the form where that is refused whatever it says. */
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
  // Not trusted: nobody authenticated, so the parameters count as if they were in the address.
  const kept = new provider.PushedAuthorizationRequest({ request, trusted: false } as never)
  const id = await kept.save(LIFETIME_SECONDS)
  return new URLSearchParams({ client_id: clientId, request_uri: REQUEST_URN + id })
}

/** A parameter that came twice stays a list, which the provider refuses. */
function oneOrList(values: string[]): string | string[] {
  return values.length === 1 ? (values[0] ?? '') : values
}

function refuse(ctx: Context, description: string | undefined, status = 400): void {
  ctx.status = status
  showError(ctx, { error: 'invalid_request', ...present({ error_description: description }) })
}

/** Programs ask for this mode, and they read JSON. */
function refuseDirect(ctx: Context): void {
  const error_description =
    'response_mode=direct is not offered: applications sign users in with the browser. Leave it out.'
  ctx.status = 400
  ctx.body = { error: 'unsupported_response_mode', error_description }
}
