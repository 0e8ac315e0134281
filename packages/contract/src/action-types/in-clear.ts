/**
 * Which parts of an event a call record keeps in clear. Everything else is replaced by its JSON type. `true` keeps
 * everything, an object applies to each key, a list of one applies to each element, and `claimsNamed` keeps every name
 * and the values of some.
 */
export type InClear =
  | true
  | { readonly [key: string]: InClear }
  | readonly [InClear]
  | { readonly claimsNamed: readonly string[] }

/**
 * The parts of a token request that a call record shows: what was requested, and the names of the headers and
 * parameters.
 */
export const tokenRequestInClear: InClear = {
  clientId: true,
  grantType: true,
  responseType: true,
  scopes: true,
  additionalHeaders: [{ name: true }],
  additionalParams: [{ name: true }],
}
