import type { Grant, KoaContextWithOIDC } from 'oidc-provider'
import { applicationOf } from './adapter.ts'
import { RESOURCE } from './resource.ts'
import { grantScopes } from './scopes.ts'
import { memoryOf } from './seam/grants.ts'

/**
 * The grant of this session: the scopes that the user agreed to. Without consent: the requested scopes that the user may have.
 */
export async function loadGrant(ctx: KoaContextWithOIDC): Promise<Grant | undefined> {
  const { client, session, result, provider, account, requestParamScopes, resourceServers = {} } = ctx.oidc
  if (!client || !session || !account) return undefined
  const grantId = result?.consent?.grantId ?? session.grantIdFor(client.clientId)
  const found = grantId ? await provider.Grant.find(grantId) : undefined
  const known = found?.accountId === account.accountId ? found : undefined
  const { skipsConsent } = applicationOf(client)
  if (!known && !skipsConsent) return undefined

  const grant = known ?? new provider.Grant({ clientId: client.clientId, accountId: account.accountId })
  const offered = [...requestParamScopes].filter(scope => resourceServers[RESOURCE]?.scopes.has(scope))
  const given = new Set(grant.getResourceScope(RESOURCE).split(' '))
  const isNew = skipsConsent && !(known && offered.every(scope => given.has(scope)))
  if (isNew) grantScopes(grant, offered)
  if (remember(grant, [...requestParamScopes], session.amr ?? []) || isNew) await grant.save()
  return grant
}

/** Stores the requested scopes and the sign-in methods in the grant. Returns whether it changed. */
function remember(grant: Grant, requested: readonly string[], amr: readonly string[]): boolean {
  const memory = memoryOf(grant)
  const asked = [...new Set([...(memory.asked ?? []), ...requested])]
  const isKnown = memory.asked?.length === asked.length && memory.amr?.join(' ') === amr.join(' ')
  Object.assign(memory, { asked, amr: [...amr] })
  return !isKnown
}
