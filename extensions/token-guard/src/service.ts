import type { Service } from '@preflow/extension/service'
import { contradictions, settings } from './configuration.ts'
import { openTokenGuard } from './open-token-guard.ts'

/** token-guard as it is deployed: with its country file and its reputation service. */
export const tokenGuard: Service<typeof settings> = {
  name: 'token-guard',
  settings,
  contradictions,
  open: (configuration, { log, report = () => undefined }) =>
    openTokenGuard(configuration, {
      ...(log && { log }),
      warn: message => report('warn', { event: 'warning', message }),
    }),
}
