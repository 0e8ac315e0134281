/** The answers of a provider to unhandled requests and errors, and its error log. */
import type { EventEmitter } from 'node:events'
import { DatabaseUnavailable } from '@preflow/database'
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { Log } from '../../ground/observe/log.ts'
import { describeUnavailable } from '../../ground/problem.ts'
import { DEVICE_PAGE, showError } from './provider-pages.ts'

/** For a database that does not answer. RFC 6749 defines this code for the authorization endpoint, and clients know it. */
const UNAVAILABLE = {
  error: 'temporarily_unavailable',
  error_description: 'The server cannot reach its database. Try again later.',
}

/** Answers unknown paths, and the device form without its session. Use it before anything else. */
export function answerWhatIsLeft(provider: Provider): void {
  provider.use(async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      if (error instanceof DatabaseUnavailable) return answerUnavailable(ctx, error)
      // After an error oidc-provider shows the device form again. It throws if no session can store the form's secret.
      const device = ctx as unknown as KoaContextWithOIDC
      const session = device.oidc?.session as { new?: boolean } | undefined
      if (ctx.path !== DEVICE_PAGE || !session?.new) throw error
      ctx.status = 400
      return showError(device, {
        error: 'session_not_found',
        error_description: 'This form has expired, or your browser blocks cookies. Open the page again.',
      })
    }
    if (ctx.status !== 404 || ctx.body) return
    const description = `There is no ${ctx.method} endpoint at this path. Check the method and the path.`
    ctx.body = { error: 'not_found', error_description: description }
    // Koa would send a body without a status as 200.
    ctx.status = 404
  })
}

/** Turns the error of an unreachable database into a 503 with `Retry-After`. Use it after everything that changes errors. */
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

/** Logs the server's own errors. Errors of an extension are already in the log, under the id of the call. */
export function logFailures(provider: Provider, log: Log, tenant: string): void {
  provider.on('server_error', (ctx, error) => {
    if ('callId' in error && error.callId !== undefined) return
    if (error instanceof DatabaseUnavailable) {
      return log.error({ tenant, route: ctx.oidc?.route, ...describeUnavailable(error) }, error.message)
    }
    log.error({ tenant, route: ctx.oidc?.route, err: error }, 'a request could not be answered')
  })
  // Koa would print these errors: a client closed the connection, or an error was not handled before.
  ;(provider as EventEmitter).on('error', (error: Error & { headerSent?: boolean }) =>
    error.headerSent
      ? log.debug({ err: error }, 'a response could not be sent')
      : log.error({ tenant, err: error }, 'a request could not be answered'),
  )
}
