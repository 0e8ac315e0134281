/**
 * Guesses: client secrets and device codes. The stock code allows any number of attempts. Each attempt is counted where it
 * is compared, because only that code knows whether it was wrong.
 */
import type { Provider } from 'oidc-provider'
import type { Use } from '../../../domain/limits/limits.ts'
import { tooMuch } from '../too-much.ts'
import { type ClientInternals, current, type ProviderInternals, wrap } from './internals.ts'
import type { SeamKit } from './take-over.ts'

/** Counts wrong secrets by application and network. The application's own networks have a separate count. */
export function limitSecretGuesses(provider: Provider, { clientRequestOf, issuer, limits }: SeamKit): void {
  const { Client } = provider as unknown as ProviderInternals
  wrap(
    Client.prototype,
    'compareClientSecret',
    compare =>
      async function (this: ClientInternals, actual: string) {
        const ctx = current()
        const { address } = clientRequestOf(ctx.req)
        const of = ['client', issuer.tenant.id, this.clientId]
        const own: Use = { bucket: 'client-address', of, address }
        const shared: Use = { bucket: 'client', of }
        const seconds =
          (await limits.waitFor(own)) ??
          ((await limits.isKnown(of, address)) ? undefined : await limits.waitFor(shared))
        if (seconds !== undefined) throw tooMuch(ctx, 429, seconds)
        if (await compare.call(this, actual)) {
          await limits.know(of, address)
          return true
        }
        await Promise.all([limits.count(own), limits.count(shared)])
        return false
      },
  )
}

/** Counts wrong device codes by browser and network. */
export function limitCodeGuesses(provider: Provider, { clientRequestOf, issuer, limits }: SeamKit): void {
  wrap(
    provider.DeviceCode,
    'findByUserCode',
    find =>
      async function (this: typeof provider.DeviceCode, ...given) {
        const ctx = current()
        const { address } = clientRequestOf(ctx.req)
        const uses: Use[] = [
          { bucket: 'user-code', of: [issuer.tenant.id, String(ctx.oidc.session?.uid)] },
          { bucket: 'user-code-address', of: [issuer.tenant.id], address },
        ]
        const seconds = await limits.waitFor(...uses)
        if (seconds !== undefined) throw tooMuch(ctx, 429, seconds)
        const code = await find.apply(this, given)
        if (!code) await Promise.all(uses.map(use => limits.count(use)))
        return code
      },
  )
}
