/** What a scope may be, after RFC 6749, section 3.3: printable ASCII without space, quotation mark and backslash. */
export const SCOPE_PATTERN: RegExp = /^[\x21\x23-\x5B\x5D-\x7E]+$/

/**
 * A host-like word, or an absolute URI with at least two characters after `//`.
 *
 * The pattern of WSO2's token response processors, which match it against the whole value. White space and line ends are
 * written out because they mean more in JavaScript than in Java.
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
