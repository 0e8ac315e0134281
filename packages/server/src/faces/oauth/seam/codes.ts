/**
 * Codes: authorization codes and device codes.
 *
 * The stock handlers consume a code and then issue. Actions must be called *before*, so that a refusal consumes nothing.
 */
import { present } from '@preflow/contract'
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import { applicationOf } from '../adapter.ts'
import { type CodeModel, current, widen, wrap } from './internals.ts'
import { authenticationOf, sourceAtAuthorize } from './plan.ts'
import type { SeamKit } from './take-over.ts'

/** Consumes codes only after the actions allowed it. */
export function decideBeforeConsumingCodes(provider: Provider, seam: SeamKit): void {
  decideBeforeConsuming(provider.AuthorizationCode, seam)
  decideBeforeConsuming(provider.DeviceCode, seam)
}

function decideBeforeConsuming(Model: Provider['AuthorizationCode'] | Provider['DeviceCode'], seam: SeamKit): void {
  const prototype: CodeModel = Model.prototype as never
  wrap(
    prototype,
    'consume',
    consume =>
      async function (this: CodeModel) {
        const ctx = current()
        // A declined device code is consumed to report the decline. No token is issued.
        if (this.error === undefined) {
          const { accountId, sessionDataKeyConsent } = this
          const decision = await seam.decide(ctx, {
            ...present({ accountId, sessionDataKeyConsent }),
            scopes: [...this.scopes],
            willIssueRefreshToken: applicationOf(ctx.oidc.client).grantTypes.includes('refresh_token'),
            authentication: authenticationOf(this),
          })
          // The stock handler reads the scopes from here, for the refresh token and to decide whether to issue an ID token.
          this.scope = decision.accessToken.scopes.join(' ')
        }
        await consume.call(this)
      },
  )
}

/**
 * In the hybrid flow a refused ID token must not leave a code. A code also stores the key of its consent page, and ends with the
 * session of its browser.
 */
export function decideBeforeNewCodes(provider: Provider, seam: SeamKit): void {
  widen(provider.AuthorizationCode, 'sessionDataKeyConsent', 'endsWithSession')
  const prototype: CodeModel = provider.AuthorizationCode.prototype as never
  wrap(
    prototype,
    'save',
    save =>
      async function (this: CodeModel) {
        const ctx = current()
        if (!this.jti) {
          this.endsWithSession = true
          const { Interaction } = ctx.oidc.entities
          if (Interaction?.prompt.name === 'consent') this.sessionDataKeyConsent = Interaction.jti
          if (asksForIdToken(ctx)) await seam.decide(ctx, sourceAtAuthorize(ctx))
        }
        return save.call(this)
      },
  )
}

function asksForIdToken(ctx: KoaContextWithOIDC): boolean {
  return String(ctx.oidc.params?.['response_type']).split(' ').includes('id_token')
}
