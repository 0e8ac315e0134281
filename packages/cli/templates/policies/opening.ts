import type { ServiceHooks } from '@preflow/extension/service'

/** What a port may use while it is opened. */
export interface Opening {
  report: NonNullable<ServiceHooks['report']>
  /** Registers a step to run when the service stops. */
  onClose(step: () => void): void
}
