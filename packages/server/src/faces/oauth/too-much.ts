import { errors, type KoaContextWithOIDC } from 'oidc-provider'

/** The error for a client that must wait, with its `retry-after`. RFC 6749 has no better code. */
export function tooMuch(
  ctx: Pick<KoaContextWithOIDC, 'set'>,
  status: number,
  afterSeconds: number,
): errors.OIDCProviderError & { afterSeconds: number } {
  ctx.set('retry-after', String(afterSeconds))
  const error_description = `Send fewer requests. Try again in ${afterSeconds} seconds.`
  const error = new errors.OIDCProviderError(status, 'temporarily_unavailable')
  return Object.assign(error, { error_description, expose: true, afterSeconds })
}
