const INSERTED =
  /^\/\.well-known\/(openid-configuration|oauth-authorization-server)((?:\/t\/[^/?]+)?(?:\/o\/[^/?]+)?)\/oauth2\/token(?=$|\?)/

/**
 * Maps the discovery documents of RFC 8414, section 3.1, to those below the issuer. There the well-known name comes before the
 * path of the issuer.
 *
 * @example belowIssuer('/.well-known/oauth-authorization-server/t/acme/oauth2/token')
 *   // '/t/acme/oauth2/token/.well-known/oauth-authorization-server'
 * @returns The same document below the issuer. Any other address stays unchanged.
 */
export function belowIssuer(url: string): string {
  return url.replace(INSERTED, '$2/oauth2/token/.well-known/$1')
}
