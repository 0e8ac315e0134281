import { present } from '@preflow/contract'
import type { Configuration, KoaContextWithOIDC } from 'oidc-provider'
import { deviceCodePage, deviceConfirmPage, donePage, errorPage, pagePolicy } from '../../ground/pages/pages.ts'
import { applicationOf } from './adapter.ts'

/** The pages that oidc-provider shows by itself, with our looks. */

/** As much of a request as a page needs. */
type PageContext = Pick<KoaContextWithOIDC, 'type' | 'set' | 'body'>

/** Shows a page. @param formTargets Where a form of it may lead besides this server. */
export function show(ctx: PageContext, page: string, formTargets?: readonly string[]): void {
  ctx.type = 'html'
  ctx.set('content-security-policy', pagePolicy(formTargets))
  ctx.set('referrer-policy', 'no-referrer')
  ctx.set('x-content-type-options', 'nosniff')
  ctx.body = page
}

/** The forms for a device carry the secret that oidc-provider put into the session. */
function formOf(ctx: KoaContextWithOIDC, route: string): { action: string; csrf: string } {
  const { secret } = (ctx.oidc.session?.state ?? {}) as { secret?: string }
  return { action: ctx.oidc.urlFor(route), csrf: secret ?? '' }
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
    const { userCode } = (error ?? {}) as { userCode?: string }
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
