import type { Suite } from './row.ts'
import { audience } from './rows/token-audience.ts'
import { claims } from './rows/token-claims.ts'
import { event } from './rows/token-event.ts'
import { idTokens } from './rows/token-id-token.ts'
import { lifetimes } from './rows/token-lifetime.ts'
import { scopes } from './rows/token-scopes.ts'
import { triggering } from './rows/token-triggering.ts'

/** Every specification whose rows are run. */
export const suites: readonly Suite[] = [
  {
    title: 'Token actions',
    letter: 'T',
    count: 190,
    sections: [triggering, event, scopes, audience, claims, idTokens, lifetimes],
  },
]
