/** __name__ as a function on Vercel. What it cannot start with is in the log of the deployment. */
import { service } from './service.ts'

// biome-ignore lint/style/noDefaultExport: the form in which Vercel takes a function.
export default { fetch: service.fetch }
