import { present } from '@preflow/contract'
import type { Grant, KoaContextWithOIDC } from 'oidc-provider'
import { applicationOf } from './adapter.ts'
import { RESOURCE } from './resource.ts'
import { grantScopes } from './scopes.ts'
import { memoryOf } from './seam/grants.ts'
import { generationOf } from './seam/sessions.ts'

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
  // A grant of the consent page already has it. A new grant gets the generation of the session, not the user's current one.
  if (!known) memoryOf(grant).userGeneration = generationOf(session)
  const offered = [...requestParamScopes].filter(scope => resourceServers[RESOURCE]?.scopes.has(scope))
  const given = new Set(grant.getResourceScope(RESOURCE).split(' '))
  const isNew = skipsConsent && !(known && offered.every(scope => given.has(scope)))
  if (isNew) grantScopes(grant, offered)
  if (remember(grant, ctx) || isNew) await grant.save()
  return grant
}

/** Stores the requested scopes, the sign-in methods and the session in the grant. Returns whether it changed. */
function remember(grant: Grant, { oidc: { client, requestParamScopes, session } }: KoaContextWithOIDC): boolean {
  const memory = memoryOf(grant)
  const { amr = [], uid } = session ?? {}
  const now = {
    asked: [...new Set([...(memory.asked ?? []), ...requestParamScopes])],
    amr: [...amr],
    ...present({ sessionUid: uid }),
    endsWithSession: applicationOf(client).endsTokensWithSession ?? false,
  }
  const isKnown =
    memory.asked?.length === now.asked.length &&
    memory.amr?.join(' ') === now.amr.join(' ') &&
    memory.sessionUid === now.sessionUid &&
    (memory.endsWithSession ?? false) === now.endsWithSession
  Object.assign(memory, now)
  return !isKnown
}
