/**
 * Clients.
 *
 * - Where RFC 6749 has an error code of its own for a grant or response type that the client may not use, the stock handlers
 *   answer `invalid_request`.
 * - Secrets in the header and in the form are one method for the stock code. An application may allow only one of them.
 * - A client that registered one key may name it in its assertions as it likes. The stock code compares the names.
 * - Their callbacks are checked where applications are registered.
 */
import { type Client, errors, Provider } from 'oidc-provider'
import { applicationOf } from '../adapter.ts'
import { type ClientInternals, type OIDCContextInternals, type ProviderInternals, wrap } from './internals.ts'

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

/** A client authenticates in the one way that its application allows, where it allows only one. */
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
