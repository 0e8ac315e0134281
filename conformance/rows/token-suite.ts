import { numbered, type Suite } from '../row.ts'
import { audience } from './token-audience.ts'
import { claims } from './token-claims.ts'
import { event } from './token-event.ts'
import { failures } from './token-failure.ts'
import { idTokens } from './token-id-token.ts'
import { lifetimes } from './token-lifetime.ts'
import { refreshing } from './token-refresh.ts'
import { scopes } from './token-scopes.ts'
import { triggering } from './token-triggering.ts'
import { useCase } from './token-use-case.ts'

/** The rows of the token actions. */
export const tokenSuite: Suite = {
  title: 'Token actions',
  ids: numbered('T', 241),
  sections: [triggering, event, scopes, audience, claims, idTokens, lifetimes, refreshing, failures, useCase],
}
