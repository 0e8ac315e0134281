/** __name__ as a function on Vercel. What it cannot start with is in the log of the deployment. */
import process from 'node:process'
import { openService } from '@preflow/extension/service'
import { service } from './service.ts'

const { extension } = await openService(service, process)
// biome-ignore lint/style/noDefaultExport: the form in which Vercel takes a function.
export default { fetch: extension.fetch }
