import type { Customisation } from './customisation.ts'
import type { Actor, TokenContext } from './token-draft.ts'

/** Everything that is known of a request when its tokens are about to be issued. */
export interface TokenPlan extends TokenContext {
  /** What the client would get: granted, and within what application, user and input token may have. */
  grantedScopes: string[]
  /** No token lives longer: the rest of the life of the token these are made from. */
  maxLifetimeSeconds?: number
  /** Only of an exchanged token. */
  actor?: Actor
  /** Only on refresh: the grant of the token that is replaced, `refresh_token` from the second refresh on. */
  previousGrant?: string
  /** Only on refresh: what earlier actions left. */
  stored?: Customisation
  /** Whether a refresh token comes with the access token. */
  willIssueRefreshToken: boolean
  sessionDataKeyConsent?: string
  /** How the user signed in: for the ID token. */
  authentication?: { authTimeSeconds?: number; nonce?: string; acr?: string; amr?: string[]; sessionId?: string }
  /** The authorize endpoint asks for one of the two only. */
  tokens: readonly ('access' | 'id')[]
}
