import { defineExtension } from '@preflow/extension'
import type { Service } from '@preflow/extension/service'
import type { Settings } from '@preflow/extension/settings'
import { createHandlers } from './decisions.ts'
import { openPorts, settings as portSettings } from './ports.ts'

/** The settings of __name__ in addition to those of every service. */
const settings = { ...portSettings } satisfies Settings

/** The deployed __name__. */
export const service: Service<typeof settings> = {
  name: '__name__',
  settings,
  async open(configuration, { log, report = () => undefined }) {
    const { callerAuthentication: caller, budgetMs, maxBodyBytes } = configuration
    const closing: (() => void)[] = []
    const ports = await openPorts(configuration, { report, onClose: step => closing.push(step) })
    const extension = defineExtension(createHandlers(ports), { caller, budgetMs, maxBodyBytes, ...(log && { log }) })
    return {
      extension,
      close: () => {
        for (const step of closing) step()
      },
    }
  },
}
