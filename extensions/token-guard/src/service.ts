import { present } from '@preflow/contract'
import { readService, type Service } from '@preflow/extension/service'
import { type Configuration, contradictions, settings } from './configuration.ts'
import { openTokenGuard } from './open-token-guard.ts'

/** token-guard as it is deployed: with its country file and its reputation service. */
export const tokenGuard: Service<typeof settings> = {
  name: 'token-guard',
  settings,
  contradictions,
  open: (configuration, { log, report = () => undefined }) =>
    openTokenGuard(configuration, {
      ...present({ log }),
      warn: message => report('warn', { event: 'warning', message }),
    }),
}

/**
 * Reads the configuration from the environment and a JSON document. The environment takes precedence. See
 * `readService`.
 */
export function readConfiguration(source: {
  environment: Record<string, string | undefined>
  file?: unknown
}): { ok: true; configuration: Configuration } | { ok: false; problems: string[] } {
  return readService(tokenGuard, source)
}
