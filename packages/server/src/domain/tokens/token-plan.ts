import type { Customisation } from './customisation.ts'
import type { Actor, TokenContext } from './token-draft.ts'

/** Everything that is known about a request before its tokens are issued. */
export interface TokenPlan extends TokenContext {
  /** The scopes that the client would get: granted, and within the limits of application, user and input token. */
  grantedScopes: string[]
  /** Maximum lifetime: the remaining lifetime of the token that these are derived from. */
  maxLifetimeSeconds?: number
  /** Only for an exchanged token. */
  actor?: Actor
  /** Only for a refresh: the grant of the replaced token, which is `refresh_token` from the second refresh on. */
  previousGrant?: string
  /** Only for a refresh: the customisation of earlier actions. */
  stored?: Customisation
  /** Whether a refresh token is issued with the access token. */
  willIssueRefreshToken: boolean
  sessionDataKeyConsent?: string
  /** The sign-in of the user, for the ID token. */
  authentication?: { authTimeSeconds?: number; nonce?: string; acr?: string; amr?: string[]; sessionId?: string }
  /** The authorize endpoint requests only one of the two. */
  tokens: readonly ('access' | 'id')[]
}
