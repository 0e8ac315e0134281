import { present } from '@preflow/contract'
import type { Configuration, KoaContextWithOIDC, Provider } from 'oidc-provider'
import { deviceCodePage, deviceConfirmPage, donePage, errorPage, pageHeaders } from '../../ground/pages/pages.ts'
import { applicationOf } from './adapter.ts'

/** The page where users enter the code of a device. */
export const DEVICE_PAGE = '/device'

/** The pages that oidc-provider shows itself, in our design. */

/** The part of a request that a page needs. */
type PageContext = Pick<KoaContextWithOIDC, 'type' | 'set' | 'body'>

/** @param formTargets Other targets than this server that a form of the page may have. */
export function show(ctx: PageContext, page: string, formTargets?: readonly string[]): void {
  ctx.type = 'html'
  ctx.set(pageHeaders(present({ formTargets })))
  ctx.body = page
}

/** The device forms contain the secret that oidc-provider stored in the session. */
function formOf(ctx: KoaContextWithOIDC, route: string): { action: string; csrf: string } {
  const { secret } = (ctx.oidc.session?.state ?? {}) as { secret?: string }
  return { action: ctx.oidc.urlFor(route), csrf: secret ?? '' }
}

/**
 * Fills in the code of a `verification_uri_complete`. The user compares it and submits the form. oidc-provider would submit it
 * with a script. Use it before the provider's own routes.
 */
export function fillInDeviceCode(provider: Provider): void {
  provider.use(async (ctx, next) => {
    const { user_code: code, ...others } = ctx.query
    if (ctx.path === DEVICE_PAGE && ctx.method === 'GET' && typeof code === 'string') {
      ctx.state['userCode'] = code
      ctx.query = others
    }
    await next()
  })
}

/** Messages by the name of oidc-provider's error on the device page. */
const DEVICE_COMPLAINTS: Record<string, string> = {
  NoCodeError: 'Enter the code first.',
  NotFoundError: 'This code does not exist. Check the code on your device.',
  ExpiredError: 'This code has expired. Start again on your device.',
  AlreadyUsedError: 'This code was already used. Start again on your device.',
  AbortedError: 'You cancelled the request. Your device stops waiting.',
}

/** The members of an error that the device's page shows. */
interface DevicePageError {
  userCode?: string
  /** Seconds that the browser must wait after too many codes. */
  afterSeconds?: number
}

const TOO_MANY_CODES = 'Too many wrong codes. Wait ten minutes, then start again on your device.'

/** Shows an error that cannot be returned to the application, because the application or its callback is unknown. */
export function showError(ctx: PageContext, out: { error: string; error_description?: string | undefined }): void {
  const isOurs = out.error === 'server_error'
  show(
    ctx,
    errorPage(
      out.error,
      isOurs ? 'An unexpected error occurred on the server. Try again in a moment.' : out.error_description,
    ),
  )
}

/** Shows that the user is signed out. */
export function showSignedOut(ctx: PageContext): void {
  show(ctx, donePage('You are signed out', 'You can close this window.'))
}

export const devicePages: NonNullable<NonNullable<Configuration['features']>['deviceFlow']> = {
  userCodeInputSource(ctx, _form, _out, error) {
    const { afterSeconds, userCode = ctx.state['userCode'] } = (error ?? {}) as DevicePageError
    if (afterSeconds !== undefined) return show(ctx, errorPage('temporarily_unavailable', TOO_MANY_CODES))
    const complaint = error && (DEVICE_COMPLAINTS[error.name] ?? 'The request failed. Try again.')
    const form = formOf(ctx, 'code_verification')
    show(
      ctx,
      deviceCodePage({
        ...form,
        ...present({ code: userCode, complaint }),
      }),
    )
  },
  userCodeConfirmSource(ctx, _form, client, _deviceInfo, userCode) {
    const form = formOf(ctx, 'code_verification')
    show(ctx, deviceConfirmPage({ ...form, code: userCode, application: applicationOf(client).name }))
  },
  successSource(ctx) {
    show(ctx, donePage('Your device is connected', 'You can close this window.'))
  },
}
