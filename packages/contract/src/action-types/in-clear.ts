/**
 * Which parts of an event a call record keeps in clear; everything else is replaced by its JSON type. `true` keeps all,
 * an object goes on per key, a list of one goes on in each element, `claimsNamed` keeps every name and the values of some.
 */
export type InClear =
  | true
  | { readonly [key: string]: InClear }
  | readonly [InClear]
  | { readonly claimsNamed: readonly string[] }

/** What a call record shows of a token request: what was asked for, and which headers and parameters came along. */
export const tokenRequestInClear: InClear = {
  clientId: true,
  grantType: true,
  responseType: true,
  scopes: true,
  additionalHeaders: [{ name: true }],
  additionalParams: [{ name: true }],
}
