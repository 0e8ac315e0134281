import { present } from '@preflow/contract'
import type { Configuration, KoaContextWithOIDC, Provider } from 'oidc-provider'
import { deviceCodePage, deviceConfirmPage, donePage, errorPage, pageHeaders } from '../../ground/pages/pages.ts'
import { applicationOf } from './adapter.ts'

/** Where users enter the code of a device. */
export const DEVICE_PAGE = '/device'

/** The pages that oidc-provider shows by itself, with our looks. */

/** As much of a request as a page needs. */
type PageContext = Pick<KoaContextWithOIDC, 'type' | 'set' | 'body'>

/** @param formTargets Where a form of the page may lead besides this server. */
export function show(ctx: PageContext, page: string, formTargets?: readonly string[]): void {
  ctx.type = 'html'
  ctx.set(pageHeaders(present({ formTargets })))
  ctx.body = page
}

/** The forms for a device carry the secret that oidc-provider put into the session. */
function formOf(ctx: KoaContextWithOIDC, route: string): { action: string; csrf: string } {
  const { secret } = (ctx.oidc.session?.state ?? {}) as { secret?: string }
  return { action: ctx.oidc.urlFor(route), csrf: secret ?? '' }
}

/**
 * Fills in the code of a `verification_uri_complete` for the user, who compares it and sends it. oidc-provider would send it by
 * a script. Use it before the provider's own routes.
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

/** Sentences by the name of the error that oidc-provider reports on the device's page. */
const DEVICE_COMPLAINTS: Record<string, string> = {
  NoCodeError: 'Enter the code first.',
  NotFoundError: 'There is no such code. Look again at your device.',
  ExpiredError: 'This code has expired. Start again on your device.',
  AlreadyUsedError: 'This code was already used. Start again on your device.',
  AbortedError: 'You cancelled the request. Your device has been told.',
}

/** An error that cannot be given to the application, because it is not known which one, or how to reach it. */
export function showError(ctx: PageContext, out: { error: string; error_description?: string | undefined }): void {
  const isOurs = out.error === 'server_error'
  show(
    ctx,
    errorPage(out.error, isOurs ? 'Something broke on our side. Try again in a moment.' : out.error_description),
  )
}

/** Says that the session is over. */
export function showSignedOut(ctx: PageContext): void {
  show(ctx, donePage('You are signed out', 'You can close this window.'))
}

export const devicePages: NonNullable<NonNullable<Configuration['features']>['deviceFlow']> = {
  userCodeInputSource(ctx, _form, _out, error) {
    const { userCode = ctx.state['userCode'] } = (error ?? {}) as { userCode?: string }
    const complaint = error && (DEVICE_COMPLAINTS[error.name] ?? 'This did not work. Try again.')
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
