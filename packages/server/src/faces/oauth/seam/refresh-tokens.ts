/**
 * Refresh tokens.
 *
 * - The stock handler consumes the old token and then issues. `rotateRefreshToken` is the last hook before anything is written,
 *   and it runs even without rotation. So the actions are called there.
 * - A refresh token stores the changes of actions in additional members of its row.
 * - A refresh token and its successor are one step: `consume` waits for `save`, so that no crash can lose both.
 */
import { present } from '@preflow/contract'
import type { AdapterPayload, KoaContextWithOIDC, Provider } from 'oidc-provider'
import { remainingScopes } from '../../../domain/tokens/customisation.ts'
import type { TokenDecision } from '../../../domain/tokens/decide-tokens.ts'
import { type ArtifactAdapter, applicationOf } from '../adapter.ts'
import { memoryOf } from './grants.ts'
import { current, type RefreshTokenModel, widen, wrap } from './internals.ts'
import { authenticationOf } from './plan.ts'
import type { SeamKit } from './take-over.ts'

const DEFAULT_REFRESH_LIFETIME_SECONDS = 86_400

/** Decides before a refresh. Returns whether a new refresh token replaces the old one. */
export async function decideBeforeRefresh(ctx: KoaContextWithOIDC, seam: SeamKit): Promise<boolean> {
  const old = ctx.oidc.entities.RefreshToken as unknown as RefreshTokenModel
  const params = ctx.oidc.params as { scope?: string }
  const grant = ctx.oidc.entities.Grant
  const kept = [...old.scopes]
  const requested = params.scope ? [...ctx.oidc.requestParamScopes] : kept
  const decision = await seam.decide(ctx, {
    accountId: old.accountId,
    scopes: requested,
    ...present({
      previousGrant: old.gty?.split(' ').at(-1),
      stored: old.customisation,
      accessingOrganization: old.accessingOrganization,
      amr: old.amr ?? (grant && memoryOf(grant).amr),
    }),
    willIssueRefreshToken: true,
    // OpenID Connect Core 12.2: the nonce belongs to the authorization request. A refreshed ID token has none.
    authentication: authenticationWithoutNonce(old),
  })
  // The stock handler reads both again: for the new refresh token, and to decide whether to issue an ID token.
  const issued = decision.accessToken.scopes
  old.scope = remainingScopes(kept, requested, issued).join(' ')
  if (params.scope) params.scope = issued.join(' ')

  const { isPublicClient, renewsRefreshToken } = applicationOf(ctx.oidc.client)
  if (renewsRefreshToken || isPublicClient) return true
  // Without rotation the same row stays, so it must store what a new row would.
  old.customisation = decision.customisation
  if (old.gty && !old.gty.endsWith('refresh_token')) old.gty = `${old.gty} refresh_token`
  if (decision.customisation.accessToken) {
    old.exp = Math.min((old.iat ?? 0) + refreshLifetime(decision), endOfChain(old, seam))
  }
  await extendGrant(ctx, old.exp ?? 0, seam)
  await old.save()
  return false
}

function authenticationWithoutNonce(old: RefreshTokenModel): ReturnType<typeof authenticationOf> {
  const { nonce: _, ...authentication } = authenticationOf(old)
  return authentication
}

/** Stores the customisation in refresh tokens, and replaces the predecessor in one step. */
export function replaceRefreshTokens(provider: Provider, seam: SeamKit): void {
  widen(provider.RefreshToken, 'customisation', 'accessingOrganization')
  const prototype: RefreshTokenModel = provider.RefreshToken.prototype as never
  wrap(
    prototype,
    'consume',
    consume =>
      async function (this: RefreshTokenModel) {
        const ctx = current()
        if (ctx.oidc.route === 'token') seam.stateOf(ctx).replaces = this.jti
        else await consume.call(this)
      },
  )
  wrap(
    prototype,
    'save',
    save =>
      async function (this: RefreshTokenModel) {
        const ctx = current()
        const { decided, replaces } = seam.stateOf(ctx)
        if (this.jti || !decided) return save.call(this)
        this.customisation = decided.customisation
        if (decided.organization.id !== seam.issuer.organization.id) this.accessingOrganization = decided.organization
        this.expiresIn = Math.max(1, Math.min(refreshLifetime(decided), endOfChain(this, seam) - seam.nowSeconds()))
        await extendGrant(ctx, seam.nowSeconds() + this.expiresIn, seam)
        if (replaces !== undefined) {
          const adapter = this.adapter as ArtifactAdapter
          const upsert = (id: string, payload: AdapterPayload, expiresInSeconds: number) =>
            adapter.replace(replaces, id, payload, expiresInSeconds)
          Object.defineProperty(this, 'adapter', { value: { ...adapter, upsert } })
        }
        return save.call(this)
      },
  )
}

/** The end of a chain of refresh tokens, counted from its first token regardless of refreshes. Epoch seconds. */
function endOfChain({ iiat }: RefreshTokenModel, { maxRefreshLifetimeSeconds, nowSeconds }: SeamKit): number {
  return (iiat ?? nowSeconds()) + maxRefreshLifetimeSeconds
}

/** A grant must outlive its refresh token, which each rotation and each action may extend. */
async function extendGrant(
  ctx: KoaContextWithOIDC,
  refreshExpiresAtSeconds: number,
  { nowSeconds }: SeamKit,
): Promise<void> {
  const grant = ctx.oidc.entities.Grant
  if (!grant?.exp || grant.exp >= refreshExpiresAtSeconds) return
  // Twice the needed time, so that a chain of refreshes seldom writes the grant.
  grant.exp = 2 * refreshExpiresAtSeconds - nowSeconds()
  await grant.save()
}

function refreshLifetime({ accessToken }: TokenDecision): number {
  const seconds = accessToken.refreshToken?.lifetimeSeconds ?? 0
  return seconds > 0 ? seconds : DEFAULT_REFRESH_LIFETIME_SECONDS
}
