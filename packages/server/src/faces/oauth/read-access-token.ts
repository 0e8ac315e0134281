import { present } from '@preflow/contract'
import type { Grant, Provider } from 'oidc-provider'
import type { Actor } from '../../domain/tokens/token-draft.ts'
import { type GrantMemory, memoryOf } from './seam/grants.ts'

/** Who presents an access token, and what for. */
export interface AccessTokenClaims {
  clientId: string
  /** Absent when the application acts for itself. */
  userId?: string
  scopes: string[]
  /** Where it is valid. */
  organizationId: string
  /** Epoch seconds. */
  expiresAt: number
  /** Only of a user's. */
  grant?: GrantMemory & { id: string }
  /** Only of an exchanged one. */
  actor?: Actor
}

/** The claims of a valid, unrevoked access token of the provider's issuer, opaque ones included. */
export async function readAccessToken(provider: Provider, value: string): Promise<AccessTokenClaims | undefined> {
  const ofUser = await provider.AccessToken.find(value)
  const token = ofUser ?? (await provider.ClientCredentials.find(value))
  if (!token?.isValid || token.clientId === undefined) return undefined
  // Revoking a refresh token ends the grant, and with it every access token of it.
  const grant = ofUser && (await provider.Grant.find(ofUser.grantId))
  if (ofUser && !grant) return undefined
  const { act, org_id } = (token.extra ?? {}) as { act?: Actor; org_id?: string }
  return {
    clientId: token.clientId,
    scopes: [...token.scopes],
    organizationId: org_id ?? '',
    expiresAt: token.exp ?? 0,
    ...present({ userId: ofUser?.accountId, actor: act, grant: grant && summaryOf(grant) }),
  }
}

function summaryOf(grant: Grant): GrantMemory & { id: string } {
  const { asked, amr, parentGrantId } = memoryOf(grant)
  return { id: grant.jti, ...present({ asked, amr, parentGrantId }) }
}
