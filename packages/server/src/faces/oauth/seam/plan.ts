/** The plan: the stock handlers' knowledge of a request, in the form of the token decision. */
import { present } from '@preflow/contract'
import { errors, type KoaContextWithOIDC } from 'oidc-provider'
import type { TokenPlan } from '../../../domain/tokens/token-plan.ts'
import { namedValues } from '../../../ground/http/named-values.ts'
import { applicationOf } from '../adapter.ts'
import { RESOURCE } from '../resource.ts'
import type { CodeModel, RefreshTokenModel } from './internals.ts'
import type { DecisionSource, SeamPorts } from './take-over.ts'

/**
 * Makes the plan of a request, with scopes within the token's limits. Throws `invalid_grant` if its user was deleted or
 * deactivated, or no longer belongs to the organization.
 */
export async function planOf(ctx: KoaContextWithOIDC, source: DecisionSource, ports: PlanPorts): Promise<TokenPlan> {
  const {
    accountId,
    authentication = {},
    amr = authentication.amr,
    input,
    scopes,
    willIssueRefreshToken = false,
    tokens = ['access', 'id'],
    ...others
  } = source
  const { issuer } = ports
  const application = applicationOf(ctx.oidc.client)
  const account = accountId === undefined ? undefined : await findAccount(accountId, source, ports)
  const limits = {
    application,
    organization: source.accessingOrganization ?? issuer.organization,
    requested: scopes.filter(name => name !== ''),
    ...present({ user: account?.user, amr, input }),
  }
  const allowed = await ports.scopesOfToken(limits)
  const added = source.stored?.accessToken?.addedScopes ?? []
  return {
    ...others,
    ...requestOf(ctx),
    authentication,
    issuer,
    application,
    client: ports.clientRequestOf(ctx.req),
    ...present({ user: account?.user, userOrganization: account?.organization }),
    grantedScopes: limits.requested.filter(scope => allowed.includes(scope) || added.includes(scope)),
    willIssueRefreshToken,
    tokens,
  }
}

type PlanPorts = Pick<SeamPorts, 'clientRequestOf' | 'findUser' | 'issuer' | 'mayEnter' | 'scopesOfToken'>

async function findAccount(
  id: string,
  { accessingOrganization }: DecisionSource,
  { findUser, mayEnter }: PlanPorts,
): ReturnType<PlanPorts['findUser']> {
  const account = await findUser(id)
  if (!account) throw new errors.InvalidGrant('the user was deleted or deactivated')
  if (accessingOrganization && !(await mayEnter(account.user, accessingOrganization))) {
    throw new errors.InvalidGrant('the user does not belong to the organization')
  }
  return account
}

/** The client's request. */
function requestOf(ctx: KoaContextWithOIDC) {
  const isAtToken = ctx.oidc.route === 'token'
  const sent = (ctx.method === 'POST' ? ctx.oidc.body : ctx.query) ?? {}
  const params = ctx.oidc.params ?? {}
  const scope = isAtToken ? sent['scope'] : params['scope']
  return {
    parameters: namedValues(sent),
    ...(isAtToken ? { grantType: String(params['grant_type']) } : { responseType: String(params['response_type']) }),
    ...present({ requestedScopes: typeof scope === 'string' && scope !== '' ? scope.split(' ') : undefined }),
  }
}

/** The source of a decision at the authorize endpoint. */
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

/** The sign-in behind a code or refresh token. */
export function authenticationOf({
  authTime,
  nonce,
  acr,
  amr,
  sid,
}: CodeModel | RefreshTokenModel): NonNullable<TokenPlan['authentication']> {
  return present({ authTimeSeconds: authTime, nonce, acr, amr, sessionId: sid })
}
