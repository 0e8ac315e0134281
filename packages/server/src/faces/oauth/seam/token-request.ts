import { writeDecidedAccessTokens } from './access-tokens.ts'
import { nameUnauthorizedClients } from './clients.ts'
import { decideBeforeConsumingCodes } from './codes.ts'
import { writeDecidedIdTokens } from './id-tokens.ts'
import { replaceRefreshTokens } from './refresh-tokens.ts'
import { challengeClients, nameCalls, shapeResponses } from './responses.ts'
import type { TakeOver } from './take-over.ts'

/** One step of a token request. */
export interface TokenRequestStep {
  step: string
  /** What the client gets when the request does not pass. Absent: the step only writes. */
  refusal?: string
  /** Absent: oidc-provider's own, unchanged. */
  takeOver?: TakeOver
}

/**
 * A token request from authentication to response: what is checked, in which order, and the error of a request that does not
 * pass. The first check that fails decides the answer.
 *
 * The seam is installed from this table, and `token-request.test.ts` sends requests with several mistakes to see that the order
 * is the one written here. Nothing is written before `consume`, so a refused request burns neither code nor refresh token.
 *
 * Grants of our own (`grants/`) do the sixth and seventh step themselves and go on in `issue-user-tokens.ts`.
 */
export const TOKEN_REQUEST: readonly TokenRequestStep[] = [
  { step: 'authenticate the client', refusal: 'invalid_client', takeOver: challengeClients },
  { step: 'find the grant type', refusal: 'unsupported_grant_type' },
  { step: 'may the client use the grant type', refusal: 'unauthorized_client', takeOver: nameUnauthorizedClients },
  { step: 'is every parameter there once', refusal: 'invalid_request' },
  // Only of grants that have the parameter: a code has its scope from the authorize endpoint.
  { step: 'is the scope well-formed', refusal: 'invalid_scope' },
  // Client, expiry, one use, callback and code verifier of a code; client, expiry and scope of a refresh token.
  { step: 'check the code, refresh token or password', refusal: 'invalid_grant' },
  { step: 'is the user active', refusal: 'invalid_grant' },
  // Refresh tokens: `decideBeforeRefresh`, which oidc-provider calls as `rotateRefreshToken`.
  { step: 'call the actions', refusal: 'the error of the action', takeOver: decideBeforeConsumingCodes },
  // Of two requests with the same code or refresh token one gets past here: `adapter.ts`, one conditional write.
  { step: 'consume', refusal: 'invalid_grant', takeOver: replaceRefreshTokens },
  { step: 'write the access token', takeOver: writeDecidedAccessTokens },
  { step: 'write the ID token', takeOver: writeDecidedIdTokens },
  { step: 'shape the response', takeOver: shapeResponses },
  { step: 'name the calls in an error', takeOver: nameCalls },
]
