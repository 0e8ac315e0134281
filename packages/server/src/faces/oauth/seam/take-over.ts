import type { IncomingMessage } from 'node:http'
import type { JWTPayload } from 'jose'
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { ScopesOfToken } from '../../../domain/access/scopes-of-token.ts'
import type { Issuer } from '../../../domain/tenants/issuer.ts'
import type { Customisation } from '../../../domain/tokens/customisation.ts'
import type { TokenDecision } from '../../../domain/tokens/decide-tokens.ts'
import type { Actor } from '../../../domain/tokens/token-draft.ts'
import type { TokenPlan } from '../../../domain/tokens/token-plan.ts'
import type { ClientRequest } from '../../../ground/http/client-request.ts'
import type { Organization, User } from '../../../ground/store/model.ts'
import type { FindUser } from '../accounts.ts'
import type { ArtifactAdapter } from '../adapter.ts'

/** What the seam needs from the rest of the server, for one issuer. */
export interface SeamPorts {
  issuer: Issuer
  decide(plan: TokenPlan): Promise<TokenDecision>
  findUser: FindUser
  /** The ceiling of every token. */
  scopesOfToken: ScopesOfToken
  /** Whether a user belongs to an organization. */
  mayEnter(user: User, organization: Organization): Promise<boolean>
  /** What is known of the client behind a request of the HTTP server. */
  clientRequestOf(request: IncomingMessage): ClientRequest
  adapterOf(model: string): ArtifactAdapter
  /** The claims of an access token of this issuer, when its signature holds and it has not expired. */
  verify(jwt: string): Promise<JWTPayload | undefined>
  nowSeconds(): number
  maxRefreshLifetimeSeconds: number
}

/** Where a decision starts: what the stock handler has in its hands at that moment. */
export interface DecisionSource {
  accountId?: string
  scopes: string[]
  /** The grant of the token that is replaced. */
  previousGrant?: string
  stored?: Customisation
  willIssueRefreshToken?: boolean
  sessionDataKeyConsent?: string
  authentication?: TokenPlan['authentication']
  accessingOrganization?: Organization
  /** Scopes that limit these, where the tokens are made from another one. */
  input?: readonly string[]
  /** How the user once signed in, where the tokens do not say it. Default: as in `authentication`. */
  amr?: readonly string[]
  maxLifetimeSeconds?: number
  actor?: Actor
  tokens?: TokenPlan['tokens']
}

/** What is remembered of one request. */
export interface RequestState {
  decision?: Promise<TokenDecision>
  /** The same, once it is known: listeners of the provider cannot wait. */
  decided?: TokenDecision
  /** The access token as issued, for `at_hash`. */
  accessToken?: string
  /** The refresh token that its successor is about to replace. */
  replaces?: string
}

/** What every take-over works with. */
export interface SeamKit extends Omit<SeamPorts, 'decide'> {
  stateOf(ctx: KoaContextWithOIDC): RequestState
  /**
   * Decides the tokens of the request once; later calls get the same decision. Throws the OAuth error the client gets when
   * an action refuses.
   */
  decide(ctx: KoaContextWithOIDC, source: DecisionSource): Promise<TokenDecision>
}

/** Changes one thing in a provider. */
export type TakeOver = (provider: Provider, seam: SeamKit) => void
