import type { TokenClaim } from '@preflow/contract'

/** One audience is written as a string, several as a list, none not at all. */
export function wireAudience(audiences: readonly string[]): string | readonly string[] | undefined {
  return audiences.length > 1 ? audiences : audiences[0]
}

/** Claims as the members of a token. Those without a value are left out. */
export function claimsAsObject(claims: readonly TokenClaim[]): Record<string, unknown> {
  return Object.fromEntries(claims.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])))
}
