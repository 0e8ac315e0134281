/** The stand-in for the reputation service in a separate process, so that its work is not counted. */
import { startReputationStandIn } from '@preflow/token-guard/reputation-stand-in'

const standIn = await startReputationStandIn({ quota: Number.MAX_SAFE_INTEGER })
process.stdout.write(`${JSON.stringify({ url: standIn.url })}\n`)
process.once('SIGTERM', () => standIn.close())
