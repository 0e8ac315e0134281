import type { Suite } from './row.ts'
import { audience } from './rows/token-audience.ts'
import { claims } from './rows/token-claims.ts'
import { event } from './rows/token-event.ts'
import { failures } from './rows/token-failure.ts'
import { idTokens } from './rows/token-id-token.ts'
import { lifetimes } from './rows/token-lifetime.ts'
import { refreshing } from './rows/token-refresh.ts'
import { scopes } from './rows/token-scopes.ts'
import { triggering } from './rows/token-triggering.ts'
import { useCase } from './rows/token-use-case.ts'

/** Every specification whose rows are run. */
export const suites: readonly Suite[] = [
  {
    title: 'Token actions',
    letter: 'T',
    count: 241,
    sections: [triggering, event, scopes, audience, claims, idTokens, lifetimes, refreshing, failures, useCase],
  },
]
