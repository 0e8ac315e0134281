import type { KoaContextWithOIDC } from 'oidc-provider'
import { applicationOf } from './adapter.ts'
import { RESOURCE } from './resource.ts'
import { grantScopes } from './scopes.ts'

/** What the user agreed to in this session; everything that was asked for when the application needs no consent. */
export async function loadGrant(ctx: KoaContextWithOIDC) {
  const { client, session, result, provider, account, requestParamScopes, resourceServers = {} } = ctx.oidc
  if (!client || !session || !account) return undefined
  const grantId = result?.consent?.grantId ?? session.grantIdFor(client.clientId)
  const found = grantId ? await provider.Grant.find(grantId) : undefined
  const grant = found?.accountId === account.accountId ? found : undefined
  if (!applicationOf(client).skipsConsent) return grant

  const allowed = [...requestParamScopes].filter(scope => resourceServers[RESOURCE]?.scopes.has(scope))
  const given = new Set(grant?.getResourceScope(RESOURCE).split(' '))
  if (grant && allowed.every(scope => given.has(scope))) return grant
  const willing = grant ?? new provider.Grant({ clientId: client.clientId, accountId: account.accountId })
  grantScopes(willing, allowed)
  await willing.save()
  return willing
}
