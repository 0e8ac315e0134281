import { present } from '@preflow/contract'
import type { Grant, Provider } from 'oidc-provider'
import type { Actor } from '../../domain/tokens/token-draft.ts'
import { type GrantMemory, memoryOf } from './seam/grants.ts'

/** The claims of an access token. */
export interface AccessTokenClaims {
  clientId: string
  /** Absent if the application acts for itself. */
  userId?: string
  scopes: string[]
  /** The organization where it is valid. */
  organizationId: string
  /** Epoch seconds. */
  expiresAt: number
  /** Only for a token of a user. */
  grant?: GrantMemory & { id: string }
  /** Only for an exchanged token. */
  actor?: Actor
}

/** Returns the claims of a valid, unrevoked access token of the provider's issuer, opaque tokens included. */
export async function readAccessToken(provider: Provider, value: string): Promise<AccessTokenClaims | undefined> {
  const ofUser = await provider.AccessToken.find(value)
  const token = ofUser ?? (await provider.ClientCredentials.find(value))
  if (!token?.isValid || token.clientId === undefined) return undefined
  // Revoking a refresh token ends the grant and all its access tokens.
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
