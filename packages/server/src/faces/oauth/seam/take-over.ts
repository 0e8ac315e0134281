import type { IncomingMessage } from 'node:http'
import type { JWTPayload } from 'jose'
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { ScopesOfToken } from '../../../domain/access/scopes-of-token.ts'
import type { Limits } from '../../../domain/limits/limits.ts'
import type { Issuer } from '../../../domain/tenants/issuer.ts'
import type { Customisation } from '../../../domain/tokens/customisation.ts'
import type { TokenDecision } from '../../../domain/tokens/decide-tokens.ts'
import type { Actor } from '../../../domain/tokens/token-draft.ts'
import type { TokenPlan } from '../../../domain/tokens/token-plan.ts'
import type { ClientRequest } from '../../../ground/http/client-request.ts'
import type { Organization, User } from '../../../ground/store/model.ts'
import type { FindUser } from '../accounts.ts'
import type { ArtifactAdapter } from '../adapter.ts'

/** The ports of the seam, for one issuer. */
export interface SeamPorts {
  issuer: Issuer
  decide(plan: TokenPlan): Promise<TokenDecision>
  findUser: FindUser
  /** Limits the scopes of every token. */
  scopesOfToken: ScopesOfToken
  /** Whether a user belongs to an organization. */
  mayEnter(user: User, organization: Organization): Promise<boolean>
  /** Returns the client behind a request of the HTTP server. */
  clientRequestOf(request: IncomingMessage): ClientRequest
  adapterOf(model: string): ArtifactAdapter
  /** Returns the claims of an access token of this issuer, if its signature is valid and it has not expired. */
  verify(jwt: string): Promise<JWTPayload | undefined>
  /** Whether an access token without a row is neither revoked nor ended with the tokens of its application. */
  isApplicationTokenLive(token: { clientId: string; jti: string; generation: string }): Promise<boolean>
  nowSeconds(): number
  maxRefreshLifetimeSeconds: number
  limits: Limits
}

/** The source of a decision: the data that the stock handler has at that moment. */
export interface DecisionSource {
  accountId?: string
  scopes: string[]
  /** The grant of the replaced token. */
  previousGrant?: string
  stored?: Customisation
  willIssueRefreshToken?: boolean
  sessionDataKeyConsent?: string
  authentication?: TokenPlan['authentication']
  accessingOrganization?: Organization
  /** The scopes of the input token, which limit these. */
  input?: readonly string[]
  /** The authentication methods of the sign-in, if the tokens do not have them. Default: those of `authentication`. */
  amr?: readonly string[]
  maxLifetimeSeconds?: number
  actor?: Actor
  tokens?: TokenPlan['tokens']
}

/** The state of one request. */
export interface RequestState {
  decision?: Promise<TokenDecision>
  /** The same after it is resolved, for listeners of the provider, which cannot wait. */
  decided?: TokenDecision
  /** The access token as issued, for `at_hash`. */
  accessToken?: string
  /** The refresh token that will be replaced. */
  replaces?: string
}

/** The functions for every take-over. */
export interface SeamKit extends Omit<SeamPorts, 'decide'> {
  stateOf(ctx: KoaContextWithOIDC): RequestState
  /**
   * Decides the tokens of the request once. Later calls get the same decision. Throws the client's OAuth error if an action
   * refuses.
   */
  decide(ctx: KoaContextWithOIDC, source: DecisionSource): Promise<TokenDecision>
}

/** Changes one thing in a provider. */
export type TakeOver = (provider: Provider, seam: SeamKit) => void
