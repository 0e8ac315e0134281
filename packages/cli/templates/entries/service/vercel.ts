/** __name__ as a function on Vercel. If it cannot start, the log of the deployment states why. */
import process from 'node:process'
import { openService } from '@preflow/extension/service'
import { service } from './service.ts'

const { extension } = await openService(service, process)
// biome-ignore lint/style/noDefaultExport: Vercel requires this form.
export default { fetch: extension.fetch }
