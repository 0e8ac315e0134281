import { defineExtension } from '@preflow/extension'
import type { Service } from '@preflow/extension/service'
import type { Settings } from '@preflow/extension/settings'
import { createHandlers } from './decisions.alone.ts'

/** The settings of __name__ in addition to those of every service. */
const settings = {} satisfies Settings

/** The deployed __name__. */
export const service: Service<typeof settings> = {
  name: '__name__',
  settings,
  async open(configuration, { log }) {
    const { callerAuthentication: caller, budgetMs, maxBodyBytes } = configuration
    const extension = defineExtension(createHandlers(), { caller, budgetMs, maxBodyBytes, ...(log && { log }) })
    return { extension }
  },
}
