import { present } from '@preflow/contract'
import type { Provider } from 'oidc-provider'

/** Who presents an access token, and what for. */
export interface AccessTokenClaims {
  clientId: string
  /** Absent when the application acts for itself. */
  userId?: string
  scopes: string[]
}

/** The claims of a valid, unrevoked access token of the provider's issuer, opaque ones included. */
export async function readAccessToken(provider: Provider, value: string): Promise<AccessTokenClaims | undefined> {
  const ofUser = await provider.AccessToken.find(value)
  const token = ofUser ?? (await provider.ClientCredentials.find(value))
  if (!token?.isValid || token.clientId === undefined) return undefined
  // Revoking a refresh token ends the grant, and with it every access token of it.
  if (ofUser && !(await provider.Grant.find(ofUser.grantId))) return undefined
  return { clientId: token.clientId, ...present({ userId: ofUser?.accountId }), scopes: [...token.scopes] }
}
