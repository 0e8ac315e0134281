import type { Provider } from 'oidc-provider'
import { readBody } from '../../ground/http/http-body.ts'
import { serverProblems } from '../../ground/http/send.ts'
import { Problem } from '../../ground/problem.ts'

/** A request before oidc-provider handles it. */
export type Context = Parameters<Parameters<Provider['use']>[0]>[0]

const MAX_FORM_BYTES = 57_344

/** Reads a posted form. A string is the reason why it cannot be read. */
export async function readForm(ctx: Context): Promise<URLSearchParams | string> {
  if (!ctx.is('application/x-www-form-urlencoded')) return 'Send a form, application/x-www-form-urlencoded.'
  try {
    const body = await readBody(ctx.req, ctx.get('content-length'), MAX_FORM_BYTES, serverProblems.formTooLarge)
    return new URLSearchParams(body.toString())
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    for (const [name, value] of Object.entries(error.headers)) ctx.set(name, value)
    return error.sentence ?? 'The form cannot be read.'
  }
}
