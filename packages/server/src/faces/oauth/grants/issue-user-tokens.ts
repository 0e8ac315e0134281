import { present } from '@preflow/contract'
import type { TokenEndpointGrantContext } from 'oidc-provider'
import type { Actor } from '../../../domain/tokens/token-draft.ts'
import type { Organization, User } from '../../../ground/store/model.ts'
import { applicationOf } from '../adapter.ts'
import type { AccessTokenClaims } from '../read-access-token.ts'
import { RESOURCE, resourceServerOf } from '../resource.ts'
import { grantScopes } from '../scopes.ts'
import { memoryOf } from '../seam/grants.ts'
import type { GrantPorts } from './token-grant.ts'

/** The result of a grant for a user. */
export interface UserGrant {
  user: User
  /** The requested scopes. */
  scopes: string[]
  /** The authentication methods of the user (RFC 8176), for example `pwd`. Absent if another token authenticates the user. */
  amr?: string[]
  /** The token that the new ones are derived from. They last no longer and end with its grant. */
  from?: AccessTokenClaims
  /** The scopes of the input token, which limit those of the new tokens. */
  input?: readonly string[]
  /** Where the tokens are valid, if not in the issuer's organization. */
  accessingOrganization?: Organization
  /** Only for an exchange. */
  actor?: Actor
  /** Whether a refresh token is issued if the application may refresh. */
  mayRefresh?: boolean
}

/**
 * Issues the tokens of one of this server's own grants in the same order as oidc-provider does: first the actions, then the rows.
 *
 * @param members Additional members of the response.
 */
export async function issueUserTokens(
  ctx: TokenEndpointGrantContext,
  given: UserGrant,
  { nowSeconds, seam }: GrantPorts,
  members: Record<string, unknown> = {},
): Promise<void> {
  const { client, provider } = ctx.oidc
  const { accessingOrganization, actor, amr, from, input, scopes, user } = given
  const application = applicationOf(client)
  const willIssueRefreshToken = (given.mayRefresh ?? true) && application.grantTypes.includes('refresh_token')
  const authTime = amr ? nowSeconds() : undefined
  const decision = await seam.decide(ctx, {
    accountId: user.id,
    scopes,
    willIssueRefreshToken,
    authentication: present({ authTimeSeconds: authTime, amr }),
    ...present({
      accessingOrganization,
      actor,
      input,
      amr: from?.grant?.amr,
      maxLifetimeSeconds: from && Math.max(1, from.expiresAt - nowSeconds()),
    }),
  })

  const grantId = await saveGrant(ctx, given, decision.grantedScopes)
  const token = { client, accountId: user.id, grantId, gty: ctx.oidc.params.grant_type }
  const accessToken = new provider.AccessToken(token)
  accessToken.resourceServer = new provider.ResourceServer(RESOURCE, resourceServerOf(application))
  ctx.oidc.entity('AccessToken', accessToken)
  const accessTokenValue = await accessToken.save()

  let refreshTokenValue: string | undefined
  if (willIssueRefreshToken) {
    const refreshToken = new provider.RefreshToken({
      ...token,
      scope: accessToken.scope ?? '',
      resource: RESOURCE,
      ...present({ amr, authTime }),
    })
    ctx.oidc.entity('RefreshToken', refreshToken)
    refreshTokenValue = await refreshToken.save()
  }
  const idToken = await new provider.IdToken({}, { ctx, client }).issue({ use: 'idtoken' })

  ctx.body = {
    access_token: accessTokenValue,
    token_type: accessToken.tokenType,
    expires_in: accessToken.expiration,
    ...present({
      scope: accessToken.scope || undefined,
      refresh_token: refreshTokenValue,
      id_token: idToken || undefined,
    }),
    ...members,
  }
}

async function saveGrant(
  ctx: TokenEndpointGrantContext,
  { amr, from, scopes, user }: UserGrant,
  granted: readonly string[],
): Promise<string> {
  const { client, provider } = ctx.oidc
  const grant = new provider.Grant({ clientId: client.clientId, accountId: user.id })
  grantScopes(grant, granted)
  const parent = from?.grant
  Object.assign(
    memoryOf(grant),
    present({
      asked: parent?.asked ?? scopes,
      amr: parent?.amr ?? amr,
      parentGrantId: parent?.id,
      // Not the generation of the user after the actions were called.
      userGeneration: user.generation,
    }),
  )
  const id = await grant.save()
  ctx.oidc.entity('Grant', grant)
  return id
}
