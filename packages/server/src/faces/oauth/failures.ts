/** What a provider answers when nothing else does, and what it logs. */
import type { EventEmitter } from 'node:events'
import { DatabaseUnavailable } from '@preflow/database'
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { Log } from '../../ground/observe/log.ts'
import { describeUnavailable } from '../../ground/problem.ts'
import { DEVICE_PAGE, showError } from './provider-pages.ts'

/** While the database does not answer: RFC 6749 has this code for the authorization endpoint, and clients know it. */
const UNAVAILABLE = {
  error: 'temporarily_unavailable',
  error_description: 'The server cannot reach its data now. Try again later.',
}

/** Answers a path nobody serves, and the device's form without its session. Use it before anything else. */
export function answerWhatIsLeft(provider: Provider): void {
  provider.use(async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      if (error instanceof DatabaseUnavailable) return answerUnavailable(ctx, error)
      // oidc-provider shows the device's form again after a mistake, and breaks when it has no session to keep its secret in.
      const device = ctx as unknown as KoaContextWithOIDC
      const session = device.oidc?.session as { new?: boolean } | undefined
      if (ctx.path !== DEVICE_PAGE || !session?.new) throw error
      ctx.status = 400
      return showError(device, {
        error: 'session_not_found',
        error_description: 'This form is too old, or your browser keeps no cookies. Open the page anew.',
      })
    }
    if (ctx.status !== 404 || ctx.body) return
    const description = `Nothing answers ${ctx.method} at this path. Look at the method and the path.`
    ctx.body = { error: 'not_found', error_description: description }
    // A body alone would be sent with 200.
    ctx.status = 404
  })
}

/** A database that does not answer now is a 503 with `Retry-After` instead of a 500. Use it after everything that changes errors. */
export function reportUnavailable(provider: Provider): void {
  provider.on('server_error', (ctx, error) => {
    if (error instanceof DatabaseUnavailable && ctx.status === 500) answerUnavailable(ctx, error)
  })
}

function answerUnavailable(ctx: Pick<KoaContextWithOIDC, 'body' | 'set' | 'status'>, error: DatabaseUnavailable): void {
  const isPage = typeof ctx.body === 'string'
  ctx.status = 503
  ctx.set('retry-after', String(error.retryAfterSeconds))
  if (!isPage) ctx.body = UNAVAILABLE
}

/** Logs the server's own errors. What an extension caused is in the log already, under the id of its call. */
export function logFailures(provider: Provider, log: Log, tenant: string): void {
  provider.on('server_error', (ctx, error) => {
    if ('callId' in error && error.callId !== undefined) return
    if (error instanceof DatabaseUnavailable) {
      return log.error({ tenant, route: ctx.oidc?.route, ...describeUnavailable(error) }, error.message)
    }
    log.error({ tenant, route: ctx.oidc?.route, err: error }, 'a request could not be answered')
  })
  // Koa would print what reaches it: a client that closed the connection, or what nothing above could answer.
  ;(provider as EventEmitter).on('error', (error: Error & { headerSent?: boolean }) =>
    error.headerSent
      ? log.debug({ err: error }, 'a response could not be sent')
      : log.error({ tenant, err: error }, 'a request could not be answered'),
  )
}
