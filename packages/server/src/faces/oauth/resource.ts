import type { Application } from '../../ground/store/model.ts'

/** The one resource server: oidc-provider issues JWTs only for one. It stands for every API of the tenant. */
export const RESOURCE = 'urn:preflow:apis'

/** How oidc-provider describes that resource server for the tokens of one application. */
export function resourceServerOf({ accessTokenType, clientId }: Application, scopes: readonly string[] = []) {
  return {
    scope: scopes.join(' '),
    audience: clientId,
    accessTokenFormat: accessTokenType === 'JWT' ? ('jwt' as const) : ('opaque' as const),
  }
}
