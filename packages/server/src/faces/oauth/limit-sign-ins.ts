import type { IncomingMessage } from 'node:http'
import type { Provider } from 'oidc-provider'
import type { Limits } from '../../domain/limits/limits.ts'
import type { ClientRequest } from '../../ground/http/client-request.ts'
import { AUTHORIZE } from './provider-configuration.ts'
import { showError } from './provider-pages.ts'

export interface LimitPorts {
  limits: Limits
  clientRequestOf(request: IncomingMessage): ClientRequest
}

/** Refuses new sign-ins from a network that started too many. Use it before the provider's own routes. */
export function limitSignIns(provider: Provider, { clientRequestOf, limits }: LimitPorts): void {
  provider.use(async (ctx, next) => {
    if (ctx.path !== AUTHORIZE) return next()
    const { address } = clientRequestOf(ctx.req)
    const seconds = await limits.waitFor({ bucket: 'sign-in', of: [], address })
    if (seconds === undefined) return next()
    ctx.status = 429
    ctx.set('retry-after', String(seconds))
    const error_description = `Too many sign-ins were started from your network. Try again in ${seconds} seconds.`
    showError(ctx, { error: 'temporarily_unavailable', error_description })
  })
}
