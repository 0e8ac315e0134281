/**
 * Clients.
 *
 * - Where RFC 6749 has an error code of its own for a grant or response type that the client may not use, the stock handlers
 *   answer `invalid_request`.
 * - Their callbacks are checked where applications are registered.
 */
import { errors, Provider } from 'oidc-provider'
import { type ClientInternals, type ProviderInternals, wrap } from './internals.ts'

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

/** A grant or response type that the client may not use is `unauthorized_client`. */
export function nameUnauthorizedClients(provider: Provider): void {
  const { Client } = provider as unknown as ProviderInternals
  wrap(
    Client.prototype,
    'grantTypeAllowed',
    isAllowed =>
      function (this: ClientInternals, type: string) {
        if (isAllowed.call(this, type)) return true
        // For other grants this is a question, such as whether to issue a refresh token.
        if (type !== requestedGrant()) return false
        throw new errors.UnauthorizedClient('requested grant type is not allowed for this client')
      },
  )
  wrap(
    Client.prototype,
    'responseTypeAllowed',
    isAllowed =>
      function (this: ClientInternals, type: string) {
        if (isAllowed.call(this, type)) return true
        throw new errors.UnauthorizedClient('requested response_type is not allowed for this client')
      },
  )
}

/** Callbacks follow the rules of registration, which allow http and the schemes of native programs. */
export function acceptRegisteredCallbacks(provider: Provider): void {
  const { Client } = provider as unknown as ProviderInternals
  Client.Schema.prototype.redirectUris = () => undefined
}

/** The grant that a request wants, at the endpoints that give one. */
function requestedGrant(): unknown {
  const { route, params } = Provider.ctx?.oidc ?? {}
  if (route === 'device_authorization') return DEVICE_GRANT
  return route === 'token' ? params?.['grant_type'] : undefined
}
