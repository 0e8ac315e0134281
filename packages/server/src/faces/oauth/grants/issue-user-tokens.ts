import { present } from '@preflow/contract'
import type { TokenEndpointGrantContext } from 'oidc-provider'
import type { Organization, User } from '../../../ground/store/model.ts'
import { applicationOf } from '../adapter.ts'
import { RESOURCE, resourceServerOf } from '../resource.ts'
import { grantScopes } from '../scopes.ts'
import type { GrantPorts } from './token-grant.ts'

/** What a grant found out about the user it issues for. */
export interface UserGrant {
  user: User
  /** What the request asked for within what the grant gives. */
  scopes: string[]
  /** How the user proved to be who they are: RFC 8176, for example `pwd`. Absent when another token did. */
  amr?: string[]
  /** Only with the organization switch. */
  accessingOrganization?: Organization
}

/**
 * Issues access token, refresh token and ID token of one of our own grants the way oidc-provider does for its own: the
 * actions first, then the rows.
 *
 * @param members More members of the response.
 */
export async function issueUserTokens(
  ctx: TokenEndpointGrantContext,
  { user, scopes, amr, accessingOrganization }: UserGrant,
  { nowSeconds, seam }: GrantPorts,
  members: Record<string, unknown> = {},
): Promise<void> {
  const { client, provider, params } = ctx.oidc
  const application = applicationOf(client)
  const mayRefresh = application.grantTypes.includes('refresh_token')
  const authTime = amr ? nowSeconds() : undefined
  await seam.decide(ctx, {
    accountId: user.id,
    scopes,
    willIssueRefreshToken: mayRefresh,
    authentication: present({ authTimeSeconds: authTime, amr }),
    ...present({ accessingOrganization }),
  })

  const grant = new provider.Grant({ clientId: client.clientId, accountId: user.id })
  grantScopes(grant, scopes)
  const grantId = await grant.save()
  ctx.oidc.entity('Grant', grant)

  const gty = params.grant_type
  const accessToken = new provider.AccessToken({ client, accountId: user.id, grantId, gty })
  accessToken.resourceServer = new provider.ResourceServer(RESOURCE, resourceServerOf(application))
  ctx.oidc.entity('AccessToken', accessToken)
  const accessTokenValue = await accessToken.save()

  let refreshTokenValue: string | undefined
  if (mayRefresh) {
    const refreshToken = new provider.RefreshToken({
      client,
      accountId: user.id,
      grantId,
      gty,
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
