/** The stand-in of the range API in a process of its own, so that its work is not counted as the extension's. */
import { startRangeStandIn } from '@preflow/password-guard/range-stand-in'

const standIn = await startRangeStandIn()
process.stdout.write(`${JSON.stringify({ url: standIn.url })}\n`)
process.once('SIGTERM', () => standIn.close())
