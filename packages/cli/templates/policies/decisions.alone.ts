import type { Handlers } from '@preflow/extension'
import { combine } from '@preflow/policies'
// sample of imports
import { hours } from './policies/hours.ts'
import { scopes } from './policies/scopes.ts'
// end of sample

/** Who gets what. Policies are evaluated in their order, and the first that objects decides. */
export function createHandlers(): Handlers {
  return {
    // sample of handlers
    preIssueAccessToken: combine(hours(), scopes()),
    // end of sample
  }
}
