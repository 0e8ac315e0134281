/** Responses: members that actions add and hide, refusals, and the challenge that RFC 6749 requires. */
import type { EventEmitter } from 'node:events'
import { errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider'
import { CALL_ID_HEADER, callIdOf } from '../../../domain/actions/call-record.ts'
import type { TokenDecision } from '../../../domain/tokens/decide-tokens.ts'
import type { Problem } from '../../../ground/problem.ts'
import type { SeamKit } from './take-over.ts'

/** The events of oidc-provider for a failed request at an endpoint with client authentication. */
const FAILURES = [
  'grant.error',
  'introspection.error',
  'revocation.error',
  'device_authorization.error',
  'pushed_authorization_request.error',
]

/** Returns `invalid_client` and 401 to a client that does not authenticate. The stock handlers return `invalid_request`. */
export function challengeClients(provider: Provider): void {
  for (const failure of FAILURES) (provider as EventEmitter).on(failure, challenge)
}

/** Adds the ids of extension calls to errors, so that the client can quote them to the operator. */
export function nameCalls(provider: Provider): void {
  provider.on('grant.error', nameCall)
  provider.on('server_error', nameCall)
}

/** Adds the members that actions added to the response and removes those that they hid. */
export function shapeResponses(provider: Provider, { stateOf }: SeamKit): void {
  provider.on('grant.success', ctx => shapeResponse(ctx.body as Record<string, unknown>, stateOf(ctx).decided))
}

function shapeResponse(body: Record<string, unknown>, decision: TokenDecision | undefined): void {
  if (!decision) return
  const { scopes, added, hidden } = decision.response
  if (scopes.length > 0) body['scope'] = scopes.join(' ')
  for (const { name, value } of added) body[name] = value
  for (const name of hidden) delete body[name]
}

/** Renders a problem as an OAuth error. The redirect of the authorize endpoint never contains the extension's message. */
export function asProviderError(ctx: KoaContextWithOIDC, problem: Problem): Error {
  const { status, code, sentence } = problem
  const callId = callIdOf(problem)
  if (ctx.oidc.route !== 'token') {
    return Object.assign(new errors.OIDCProviderError(500, 'server_error'), {
      error_description: 'Error occurred when processing the authorization request. Returning an error back to client.',
      expose: true,
      callId,
    })
  }
  return Object.assign(new errors.OIDCProviderError(status, code), {
    error_description: sentence,
    // Without it oidc-provider would replace the description of a 500.
    expose: true,
    callId,
  })
}

/** RFC 6749, section 5.2: a client that does not authenticate gets 401. RFC 9110, section 15.5.2: a 401 has a challenge. */
function challenge(ctx: KoaContextWithOIDC, error: Error): void {
  if (error instanceof errors.InvalidRequest && lacksAuthentication(ctx)) {
    ctx.body = { error: 'invalid_client', error_description: 'client authentication failed' }
    ctx.status = 401
  }
  if (ctx.status === 401 && !ctx.response.get('www-authenticate')) {
    ctx.set('www-authenticate', `Basic realm="${ctx.oidc.issuer}"`)
  }
}

/** Whether the request has no client authentication, or an unsupported one. Unknown before the form is read. */
function lacksAuthentication({ headers, oidc: { body, client } }: KoaContextWithOIDC): boolean {
  if (client || !body || body['client_secret']) return false
  return headers.authorization === undefined ? !body['client_id'] : !/^basic /i.test(headers.authorization)
}

function nameCall(ctx: KoaContextWithOIDC, error: Error): void {
  const { callId, expose } = error as { callId?: string; expose?: boolean }
  const body = ctx.body as Record<string, unknown> | undefined
  const isJson = typeof body === 'object' && body !== null
  if (callId !== undefined) {
    ctx.set(CALL_ID_HEADER, callId)
    if (isJson) body['call_id'] = callId
  }
  if (isJson && !expose) body['error_description'] = 'Internal Server Error.'
}
