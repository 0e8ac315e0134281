import type { Service } from '@preflow/extension/service'
import { contradictions, settings } from './configuration.ts'
import { createScopeLimiter } from './scope-limiter.ts'

/** scope-limiter as it is deployed. */
export const scopeLimiter: Service<typeof settings> = {
  name: 'scope-limiter',
  settings,
  contradictions,
  open: async (configuration, { log }) => ({ extension: createScopeLimiter(configuration, log ? { log } : {}) }),
}
