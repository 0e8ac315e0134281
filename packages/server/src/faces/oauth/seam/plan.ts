/** The plan: what the stock handlers know of a request, in the form in which tokens are decided. */
import { present } from '@preflow/contract'
import { errors, type KoaContextWithOIDC } from 'oidc-provider'
import type { TokenPlan } from '../../../domain/tokens/decide-tokens.ts'
import { namedValues } from '../../../ground/http/named-values.ts'
import { applicationOf } from '../adapter.ts'
import { RESOURCE } from '../resource.ts'
import type { CodeModel, RefreshTokenModel } from './internals.ts'
import type { DecisionSource, SeamPorts } from './take-over.ts'

/** The plan of a request. Throws `invalid_grant` when its user no longer exists or is disabled. */
export async function planOf(
  ctx: KoaContextWithOIDC,
  source: DecisionSource,
  { clientRequestOf, findUser, issuer }: Pick<SeamPorts, 'clientRequestOf' | 'findUser' | 'issuer'>,
): Promise<TokenPlan> {
  const {
    accountId,
    authentication = {},
    scopes,
    willIssueRefreshToken = false,
    tokens = ['access', 'id'],
    ...others
  } = source
  const account = accountId === undefined ? undefined : await findUser(accountId)
  if (accountId !== undefined && !account) throw new errors.InvalidGrant('the user is gone or was disabled')
  const isAtToken = ctx.oidc.route === 'token'
  const sent = (ctx.method === 'POST' ? ctx.oidc.body : ctx.query) ?? {}
  const params = ctx.oidc.params ?? {}
  const scope = isAtToken ? sent['scope'] : params['scope']
  return {
    ...others,
    authentication,
    issuer,
    application: applicationOf(ctx.oidc.client),
    client: clientRequestOf(ctx.req),
    parameters: namedValues(sent),
    ...(isAtToken ? { grantType: String(params['grant_type']) } : { responseType: String(params['response_type']) }),
    ...present({
      requestedScopes: typeof scope === 'string' && scope !== '' ? scope.split(' ') : undefined,
      user: account?.user,
      userOrganization: account?.organization,
    }),
    grantedScopes: scopes.filter(name => name !== ''),
    willIssueRefreshToken,
    tokens,
  }
}

/** Where a decision starts at the authorize endpoint. */
export function sourceAtAuthorize(ctx: KoaContextWithOIDC): DecisionSource {
  const { session, grant, params = {}, acr, amr } = ctx.oidc
  const nonce = params['nonce']
  const types = String(params['response_type']).split(' ')
  return {
    ...present({ accountId: session?.accountId }),
    scopes: grant?.getResourceScopeFiltered(RESOURCE, ctx.oidc.requestParamScopes).split(' ') ?? [],
    authentication: present({
      authTimeSeconds: session?.authTime(),
      nonce: typeof nonce === 'string' ? nonce : undefined,
      acr: acr || undefined,
      amr: amr || undefined,
    }),
    tokens: [
      ...(types.includes('token') ? (['access'] as const) : []),
      ...(types.includes('id_token') ? (['id'] as const) : []),
    ],
  }
}

/** How the user behind a code or refresh token signed in. */
export function authenticationOf({
  authTime,
  nonce,
  acr,
  amr,
  sid,
}: CodeModel | RefreshTokenModel): NonNullable<TokenPlan['authentication']> {
  return present({ authTimeSeconds: authTime, nonce, acr, amr, sessionId: sid })
}
