import { errors, type TokenEndpointGrantContext } from 'oidc-provider'
import type { Organization, User } from '../../../ground/store/model.ts'
import { grantScopes } from '../scopes.ts'
import { applicationOf, RESOURCE } from '../seam.ts'
import type { GrantPorts } from './grants.ts'

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
    authentication: {
      ...(authTime === undefined ? {} : { authTimeSeconds: authTime }),
      ...(amr ? { amr } : {}),
    },
    ...(accessingOrganization ? { accessingOrganization } : {}),
  })

  const grant = new provider.Grant({ clientId: client.clientId, accountId: user.id })
  grantScopes(grant, scopes)
  const grantId = await grant.save()
  ctx.oidc.entity('Grant', grant)

  const gty = params.grant_type
  const info = await resourceServerOf(ctx)
  const accessToken = new provider.AccessToken({ client, accountId: user.id, grantId, gty })
  accessToken.resourceServer = info
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
      ...(amr ? { amr } : {}),
      ...(authTime === undefined ? {} : { authTime }),
    })
    ctx.oidc.entity('RefreshToken', refreshToken)
    refreshTokenValue = await refreshToken.save()
  }
  const idToken = await new provider.IdToken({}, { ctx, client }).issue({ use: 'idtoken' })

  ctx.body = {
    access_token: accessTokenValue,
    token_type: accessToken.tokenType,
    expires_in: accessToken.expiration,
    ...(accessToken.scope ? { scope: accessToken.scope } : {}),
    ...(refreshTokenValue === undefined ? {} : { refresh_token: refreshTokenValue }),
    ...(idToken ? { id_token: idToken } : {}),
    ...members,
  }
}

async function resourceServerOf(ctx: TokenEndpointGrantContext) {
  const { provider, client } = ctx.oidc
  const application = applicationOf(client)
  return new provider.ResourceServer(RESOURCE, {
    scope: '',
    audience: application.clientId,
    accessTokenFormat: application.accessTokenType === 'JWT' ? 'jwt' : 'opaque',
  })
}

/** What the request asks for, of what may be given: everything that may be given when it does not say. */
export function requestedScopes(ctx: TokenEndpointGrantContext, given: readonly string[], otherwise: string[] = []) {
  const { scope } = ctx.oidc.params
  return scope ? scope.split(' ').filter(name => given.includes(name)) : otherwise
}

/** A required parameter. Throws the protocol's error when it is missing. */
export function required(ctx: TokenEndpointGrantContext, name: string): string {
  const value = ctx.oidc.params[name]
  if (typeof value !== 'string' || value === '') throw new errors.InvalidRequest(`missing required parameter ${name}`)
  return value
}
