import type { ServiceHooks } from '@preflow/extension/service'

/** What a port may use while it is opened. */
export interface Opening {
  report: NonNullable<ServiceHooks['report']>
  /** Registers what to do when the service ends. */
  onClose(step: () => void): void
}
