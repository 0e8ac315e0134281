/** __name__ as a function on Vercel. If it cannot start, the log of the deployment states why. */
import { service } from './service.ts'

// biome-ignore lint/style/noDefaultExport: Vercel requires this form.
export default { fetch: service.fetch }
