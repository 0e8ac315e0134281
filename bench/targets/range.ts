/** The stand-in for the range API in a separate process, so that its work is not counted for the extension. */
import { startRangeStandIn } from '@preflow/password-guard/range-stand-in'

const standIn = await startRangeStandIn()
process.stdout.write(`${JSON.stringify({ url: standIn.url })}\n`)
process.once('SIGTERM', () => standIn.close())
