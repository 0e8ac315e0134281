import type { TokenClaim } from '@preflow/contract'

/** Writes one audience as a string, several as a list, and none as an absent claim. */
export function wireAudience(audiences: readonly string[]): string | readonly string[] | undefined {
  return audiences.length > 1 ? audiences : audiences[0]
}

/** Writes claims as the members of a token. Claims without a value are left out. */
export function claimsAsObject(claims: readonly TokenClaim[]): Record<string, unknown> {
  return Object.fromEntries(claims.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])))
}
