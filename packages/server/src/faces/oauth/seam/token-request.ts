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
  /** The client's error if the check fails. Absent: the step only writes. */
  refusal?: string
  /** Absent: oidc-provider's own step, unchanged. */
  takeOver?: TakeOver
}

/**
 * A token request from authentication to response: the checks, their order, and the error of each. The first failed check decides
 * the response.
 *
 * The seam is installed from this table. `token-request.test.ts` sends requests with several errors to verify the order.
 * Nothing is written before `consume`, so a refused request consumes neither a code nor a refresh token.
 *
 * This server's own grants (`grants/`) do the sixth and seventh step themselves and continue in `issue-user-tokens.ts`.
 */
export const TOKEN_REQUEST: readonly TokenRequestStep[] = [
  { step: 'authenticate the client', refusal: 'invalid_client', takeOver: challengeClients },
  { step: 'find the grant type', refusal: 'unsupported_grant_type' },
  {
    step: 'check that the client may use the grant type',
    refusal: 'unauthorized_client',
    takeOver: nameUnauthorizedClients,
  },
  { step: 'check that no parameter is repeated', refusal: 'invalid_request' },
  // Only for grants with this parameter. A code has its scope from the authorize endpoint.
  { step: 'check that the scope is well-formed', refusal: 'invalid_scope' },
  // Client, expiry, single use, callback and code verifier of a code. Client, expiry and scope of a refresh token.
  { step: 'check the code, refresh token or password', refusal: 'invalid_grant' },
  // In `seam.ts`, where every grant gets its decision. This server's own grants have already checked their user.
  { step: 'check the limits of client and tenant', refusal: 'temporarily_unavailable' },
  { step: 'check that the user is active', refusal: 'invalid_grant' },
  // Refresh tokens: `decideBeforeRefresh`, which oidc-provider calls as `rotateRefreshToken`.
  { step: 'call the actions', refusal: 'the error of the action', takeOver: decideBeforeConsumingCodes },
  // Of two requests with the same code or refresh token only one passes: `adapter.ts` makes one conditional write.
  { step: 'consume', refusal: 'invalid_grant', takeOver: replaceRefreshTokens },
  { step: 'write the access token', takeOver: writeDecidedAccessTokens },
  { step: 'write the ID token', takeOver: writeDecidedIdTokens },
  { step: 'shape the response', takeOver: shapeResponses },
  { step: 'add the ids of the calls to an error', takeOver: nameCalls },
]
