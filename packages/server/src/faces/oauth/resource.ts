import type { Application } from '../../ground/store/model.ts'

/** The only resource server, for all APIs of the tenant. oidc-provider issues JWTs only for a resource server. */
export const RESOURCE = 'urn:preflow:apis'

/** Describes that resource server to oidc-provider, for the tokens of one application. */
export function resourceServerOf({ accessTokenType, clientId }: Application, scopes: readonly string[] = []) {
  return {
    scope: scopes.join(' '),
    audience: clientId,
    accessTokenFormat: accessTokenType === 'JWT' ? ('jwt' as const) : ('opaque' as const),
  }
}
