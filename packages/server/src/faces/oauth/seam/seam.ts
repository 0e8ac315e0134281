/**
 * The only folder that depends on oidc-provider's internals. Everything beyond the documented interface is here, one take-over
 * per file, each with its contract tests. The package is pinned exactly: run these tests before you change the pin.
 *
 * The top of each file describes what is taken over and why there is no other way: codes, refresh tokens, access tokens, ID
 * tokens, grants, sessions, clients, responses. `plan.ts` turns the stock handlers' knowledge into the plan, `internals.ts`
 * has the shapes that the types lack. `token-request.ts` is the order of checks of a token request.
 */
import type { Configuration, KoaContextWithOIDC, Provider } from 'oidc-provider'
import { CALL_ID_HEADER } from '../../../domain/actions/call-record.ts'
import { Problem } from '../../../ground/problem.ts'
import { tooMuch } from '../too-much.ts'
import {
  decidedClaims,
  findStructuredTokens,
  hideStructuredTokens,
  readUserinfoByToken,
  writeJwt,
} from './access-tokens.ts'
import { acceptRegisteredCallbacks, requireClientAuthMethod } from './clients.ts'
import { decideBeforeNewCodes } from './codes.ts'
import { endDerivedGrants, stampWithApplication } from './grants.ts'
import { limitCodeGuesses, limitSecretGuesses } from './guesses.ts'
import { idTokenLifetime } from './id-tokens.ts'
import { planOf } from './plan.ts'
import { decideBeforeRefresh } from './refresh-tokens.ts'
import { asProviderError } from './responses.ts'
import { stampSessions } from './sessions.ts'
import type { RequestState, SeamKit, SeamPorts, TakeOver } from './take-over.ts'
import { TOKEN_REQUEST } from './token-request.ts'

export interface Seam {
  /** Parts of the provider's configuration that belong to the seam. */
  configuration: Pick<Configuration, 'rotateRefreshToken' | 'extraTokenClaims' | 'formats' | 'ttl'>
  install(provider: Provider): void
  decide: SeamKit['decide']
}

/** The take-overs of the other endpoints. Their order does not matter. */
const OTHER_TAKE_OVERS: readonly TakeOver[] = [
  decideBeforeNewCodes,
  findStructuredTokens,
  hideStructuredTokens,
  readUserinfoByToken,
  acceptRegisteredCallbacks,
  endDerivedGrants,
  stampWithApplication,
  stampSessions,
  requireClientAuthMethod,
  limitSecretGuesses,
  limitCodeGuesses,
]

/** Creates the seam of one issuer. Pass its `configuration` to the provider, then install it there. */
export function createSeam(ports: SeamPorts): Seam {
  const seam: SeamKit = { ...ports, ...createDecisions(ports) }
  return {
    decide: seam.decide,
    install(provider) {
      for (const { takeOver } of TOKEN_REQUEST) takeOver?.(provider, seam)
      for (const takeOver of OTHER_TAKE_OVERS) takeOver(provider, seam)
    },
    configuration: {
      rotateRefreshToken: ctx => decideBeforeRefresh(ctx, seam),
      extraTokenClaims: decidedClaims,
      formats: { customizers: { jwt: (_ctx, token, jwt) => writeJwt(token, jwt, ports.issuer) } },
      ttl: { IdToken: (_ctx, token) => idTokenLifetime(token) },
    },
  }
}

/** Makes one decision per request. */
function createDecisions(ports: SeamPorts): Pick<SeamKit, 'decide' | 'stateOf'> {
  const states = new WeakMap<object, RequestState>()
  const stateOf = (ctx: KoaContextWithOIDC): RequestState => {
    const state = states.get(ctx) ?? {}
    states.set(ctx, state)
    return state
  }
  return {
    stateOf,
    decide(ctx, source) {
      const state = stateOf(ctx)
      // Store the promise, because the hybrid flow issues the code and the tokens concurrently.
      state.decision ??= (async () => {
        try {
          if (ctx.oidc.route === 'token') await countTokenRequest(ctx, ports)
          const decision = await ports.decide(await planOf(ctx, source, ports))
          if (decision.callIds.length > 0) ctx.set(CALL_ID_HEADER, decision.callIds.join(', '))
          state.decided = decision
          return decision
        } catch (error) {
          throw error instanceof Problem ? asProviderError(ctx, error) : error
        }
      })()
      return state.decision
    },
  }
}

/** One application cannot use up the limit of its tenant, and one tenant not that of the server. */
async function countTokenRequest(ctx: KoaContextWithOIDC, { issuer, limits }: SeamPorts): Promise<void> {
  const ofTenant = [issuer.tenant.id]
  const seconds =
    (await limits.count({ bucket: 'token-client', of: [...ofTenant, String(ctx.oidc.client?.clientId)] })) ??
    (await limits.count({ bucket: 'token-tenant', of: ofTenant }))
  if (seconds !== undefined) throw tooMuch(ctx, 429, seconds)
}
