/**
 * Clients.
 *
 * - For a grant or response type that the client may not use, RFC 6749 has its own error code. The stock handlers return
 *   `invalid_request`.
 * - For the stock code, secrets in the header and in the form are one method. An application may allow only one of them.
 * - A client that registered one key may use any key id in its assertions. The stock code compares the ids.
 * - Callbacks are checked at the registration of applications, not again here.
 */
import { type Client, errors, Provider } from 'oidc-provider'
import { applicationOf } from '../adapter.ts'
import { type ClientInternals, type OIDCContextInternals, type ProviderInternals, wrap } from './internals.ts'

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

/** Returns `unauthorized_client` for a grant or response type that the client may not use. */
export function nameUnauthorizedClients(provider: Provider): void {
  const { Client } = provider as unknown as ProviderInternals
  wrap(
    Client.prototype,
    'grantTypeAllowed',
    isAllowed =>
      function (this: ClientInternals, type: string) {
        if (isAllowed.call(this, type)) return true
        // For other grants this call is only a check, such as whether to issue a refresh token.
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

/** Enforces the client authentication method, if the application allows only one. */
export function requireClientAuthMethod(provider: Provider): void {
  const { OIDCContext } = provider as unknown as ProviderInternals
  wrap(
    OIDCContext.prototype,
    'entity',
    entity =>
      function (this: OIDCContextInternals, key: string, value: unknown) {
        entity.call(this, key, value)
        if (key !== 'Client') return
        const client = value as Client & ClientInternals
        const { clientAuthMethod, publicKeys } = applicationOf(client)
        const used = secretMethodOf(this.params, Provider.ctx?.headers.authorization)
        if (used !== undefined && clientAuthMethod !== undefined && used !== clientAuthMethod) {
          throw new errors.InvalidClientAuth(`the client authenticates with ${clientAuthMethod}`)
        }
        if (publicKeys && 'jwk' in publicKeys) ignoreNamesOfKeys(client)
      },
  )
}

function secretMethodOf(params: OIDCContextInternals['params'], authorization: string | undefined): string | undefined {
  if (params?.client_secret) return 'client_secret_post'
  return /^basic /i.test(authorization ?? '') ? 'client_secret_basic' : undefined
}

function ignoreNamesOfKeys({ asymmetricKeyStore }: ClientInternals): void {
  const { selectForVerify } = Object.getPrototypeOf(asymmetricKeyStore) as ClientInternals['asymmetricKeyStore']
  asymmetricKeyStore.selectForVerify = function (options) {
    return selectForVerify.call(this, { ...options, kid: undefined })
  }
}

/** Accepts registered callbacks. The rules of registration allow http and the schemes of native applications. */
export function acceptRegisteredCallbacks(provider: Provider): void {
  const { Client } = provider as unknown as ProviderInternals
  Client.Schema.prototype.redirectUris = () => undefined
}

/** The requested grant, at the endpoints that issue tokens. */
function requestedGrant(): unknown {
  const { route, params } = Provider.ctx?.oidc ?? {}
  if (route === 'device_authorization') return DEVICE_GRANT
  return route === 'token' ? params?.['grant_type'] : undefined
}
