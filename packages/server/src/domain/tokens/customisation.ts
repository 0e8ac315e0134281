import type { TokenClaim } from '@preflow/contract'

/**
 * What actions changed and what lives on through every later refresh. It is kept with the refresh token, sealed like it.
 *
 * Presence of a part means that the action of that type ran once in this chain of tokens; from then on its values are the
 * starting point and nothing is computed afresh, so that a later change of the user or the application does not show.
 */
export interface Customisation {
  accessToken?: CustomisedToken
  idToken?: CustomisedToken
}

/** Scopes are not here, the refresh token has them itself: only which of them an action added. */
export interface CustomisedToken {
  /** User attributes and custom claims, as the last run left them. */
  claims: TokenClaim[]
  audiences: string[]
  lifetimeSeconds: number
  /** Only of the access token: how long the refresh token of the chain lives. */
  refreshTokenLifetimeSeconds?: number
  /** Only of the access token: scopes that nobody but an action gave, so that no right of application or user ends them. */
  addedScopes?: string[]
}

/**
 * The scopes a refresh token keeps after a refresh, when `requested` of them were asked for and the action turned them
 * into `issued`.
 *
 * RFC 6749, section 6: asking for fewer scopes narrows this access token, not the refresh token. What the action took away
 * or gave stays taken or given.
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
 * The scopes of a chain of tokens that were given by actions, when `granted` of the last token were turned into `issued`.
 *
 * @param earlier Those of before. One that was not asked for this time stays, one that was removed does not.
 */
export function addedScopes(
  earlier: readonly string[],
  granted: readonly string[],
  issued: readonly string[],
): string[] {
  const kept = earlier.filter(scope => !granted.includes(scope) || issued.includes(scope))
  return [...new Set([...kept, ...issued.filter(scope => !granted.includes(scope))])].sort()
}
