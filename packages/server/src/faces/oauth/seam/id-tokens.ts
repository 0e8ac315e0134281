/** ID tokens: the decision gives their payload and lifetime, and oidc-provider signs them. */
import type { IdToken, Provider } from 'oidc-provider'
import { type IdTokenModel, LIFETIME, type TokenInternals, wrap } from './internals.ts'
import { sourceAtAuthorize } from './plan.ts'
import type { SeamKit } from './take-over.ts'
import { claimsAsObject, wireAudience } from './wire-claims.ts'

const DEFAULT_LIFETIME_SECONDS = 3600

/** Writes the decision into ID tokens. */
export function writeDecidedIdTokens(provider: Provider, seam: SeamKit): void {
  const prototype: IdTokenModel = provider.IdToken.prototype as never
  wrap(
    prototype,
    'issue',
    issue =>
      async function (this: IdTokenModel, options: Parameters<IdToken['issue']>[0]) {
        if (options.use !== 'idtoken') return issue.call(this, options)
        const { ctx } = this
        if (ctx.oidc.route !== 'token') await seam.decide(ctx, sourceAtAuthorize(ctx))
        const { decided, accessToken } = seam.stateOf(ctx)
        const draft = decided?.idToken
        // The response leaves out undefined members.
        if (!draft) return undefined as unknown as string
        const { at_hash = accessToken, c_hash, s_hash } = this.extra
        const payload = { ...claimsAsObject([...draft.fixed, ...draft.claims]), at_hash, c_hash, s_hash }
        // The signer assigns the client id. An accessor that ignores assignments keeps the decided audiences.
        Object.defineProperty(payload, 'aud', {
          enumerable: true,
          get: () => wireAudience(draft.audiences),
          set() {},
        })
        this.payload = async () => payload
        this[LIFETIME] = draft.lifetimeSeconds
        return issue.call(this, options)
      },
  )
}

/** The decided lifetime of an ID token, in seconds. */
export function idTokenLifetime(token: object): number {
  return (token as TokenInternals)[LIFETIME] ?? DEFAULT_LIFETIME_SECONDS
}
