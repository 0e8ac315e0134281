import { isDeepStrictEqual } from 'node:util'
import { isPlatformClaim, type TokenClaim } from '@preflow/contract'

/**
 * The changes of actions that persist through every later refresh. They are stored with the refresh token and sealed like it.
 *
 * A part is present if the action of that type ran once in this chain of tokens. From then on its values are the starting point
 * and are not computed again, so later changes of the application have no effect. Later changes of the user have none either,
 * unless `changedClaims` is present.
 */
export interface Customisation {
  accessToken?: CustomisedToken
  idToken?: CustomisedToken
}

/** The scopes themselves are in the refresh token. This only has the ones that an action added. */
export interface CustomisedToken {
  /** User attributes and custom claims after the last run. */
  claims: TokenClaim[]
  /** The claims that operations added, changed or removed. Attributes of the user with other names follow the profile. */
  changedClaims?: string[]
  audiences: string[]
  lifetimeSeconds: number
  /** Only for the access token: the lifetime of the chain's refresh token. */
  refreshTokenLifetimeSeconds?: number
  /** Only for the access token: scopes that only an action gave. They do not depend on rights of the application or user. */
  addedScopes?: string[]
}

/**
 * The scopes of a refresh token after a refresh in which the client requested `requested` and the action turned them into
 * `issued`.
 *
 * RFC 6749, section 6: requesting fewer scopes narrows this access token, not the refresh token. Scopes that the action removed
 * or added stay removed or added.
 */
export function remainingScopes(
  kept: readonly string[],
  requested: readonly string[],
  issued: readonly string[],
): string[] {
  const removed = new Set(requested.filter(scope => !issued.includes(scope)))
  return [...new Set([...kept.filter(scope => !removed.has(scope)), ...issued])].sort()
}

/**
 * The scopes that actions added to a chain of tokens, if the last run turned `granted` into `issued`.
 *
 * @param earlier The ones added before. A scope that was not requested this time stays. A removed scope does not.
 */
export function addedScopes(
  earlier: readonly string[],
  granted: readonly string[],
  issued: readonly string[],
): string[] {
  const kept = earlier.filter(scope => !granted.includes(scope) || issued.includes(scope))
  return [...new Set([...kept, ...issued.filter(scope => !granted.includes(scope))])].sort()
}

/**
 * The claims with which a token of the chain starts: those of the earlier run, and the current attributes of the user where that
 * run lets them follow the profile.
 */
export function claimsAtStart(earlier: CustomisedToken | undefined, attributes: () => TokenClaim[]): TokenClaim[] {
  if (!earlier) return attributes()
  // Older versions of the server allowed platform claims.
  const kept = earlier.claims.filter(({ name }) => !isPlatformClaim(name))
  const { changedClaims } = earlier
  if (!changedClaims) return kept
  const isChanged = ({ name }: TokenClaim) => changedClaims.includes(name)
  return [...attributes().filter(claim => !isChanged(claim)), ...kept.filter(isChanged)]
}

/** The names of the claims that differ before and after the action, with those that earlier runs changed. */
export function changedClaimNames(
  earlier: CustomisedToken | undefined,
  before: readonly TokenClaim[],
  after: readonly TokenClaim[],
): string[] {
  const valueIn = (claims: readonly TokenClaim[], wanted: string) => claims.find(({ name }) => name === wanted)?.value
  const names = new Set([...before, ...after].map(({ name }) => name))
  const changed = [...names].filter(name => !isDeepStrictEqual(valueIn(before, name), valueIn(after, name)))
  return [...new Set([...(earlier?.changedClaims ?? []), ...changed])]
}
