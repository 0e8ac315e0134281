import type { Handlers } from '@preflow/extension'
import { combine } from '@preflow/policies'
// sample of imports
import { hours } from './policies/hours.ts'
import { scopes } from './policies/scopes.ts'
// end of sample

/** The decisions. Policies are evaluated in this order, and the first that denies decides. */
export function createHandlers(): Handlers {
  return {
    // sample of handlers
    preIssueAccessToken: combine(hours(), scopes()),
    // end of sample
  }
}
