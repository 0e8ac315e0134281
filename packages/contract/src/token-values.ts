/**
 * The characters of a scope, from RFC 6749, section 3.3: printable ASCII without space, quotation mark and backslash.
 */
export const SCOPE_PATTERN: RegExp = /^[\x21\x23-\x5B\x5D-\x7E]+$/

/**
 * A string like a host name, or an absolute URI with at least two characters after `//`.
 *
 * The pattern of WSO2's token response processors, which match the whole value. White space and line breaks are spelled
 * out because JavaScript and Java define them differently.
 */
const AUDIENCE =
  /^(?:[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^ \t\n\v\f\r/$.?#][^\n\r\u0085\u2028\u2029][^ \t\n\v\f\r]*|[a-zA-Z0-9.-]+)$/

/** Whether platforms accept a scope. */
export function isScope(text: string): boolean {
  return SCOPE_PATTERN.test(text)
}

/** Whether platforms accept an audience: `api.shop.example`, `https://api.shop.example/v1`, but not `urn:shop`. */
export function isAudience(text: string): boolean {
  return AUDIENCE.test(text)
}

/** The audience, validity and sign-in of a token: the claims that a server or resource server uses for decisions. */
const PLATFORM_SCOPE = /^(?:internal|console:|system$)/i

/** Who a token is for, where it is valid, until when, and how its user signed in: what a server or resource server decides by. */
const PLATFORM_CLAIM =
  /^(?:sub|iss|aut|client_id|azp|act|may_act|cnf|org_.*|sid|jti|iat|nbf|exp|amr|acr|auth_time|scp)$/

/** Names that are unsafe as members of an object. */
const OBJECT_MEMBER = /^(?:__proto__|constructor|prototype)$/

/**
 * Whether a scope belongs to the platform alone: `internal_…`, `console:…` and `SYSTEM`. An extension may remove one,
 * but never add one.
 */
export function isPlatformScope(text: string): boolean {
  return PLATFORM_SCOPE.test(text)
}

/** Whether a claim of a token belongs to the platform alone. An extension can neither add nor change it. */
export function isPlatformClaim(name: string): boolean {
  return PLATFORM_CLAIM.test(name)
}

/** Whether a token can have a claim with this name. */
export function isClaimName(name: string): boolean {
  return !OBJECT_MEMBER.test(name)
}
