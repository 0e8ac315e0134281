/** Asks for `/livez` every ten milliseconds on one connection, and prints how long the answers took, in milliseconds. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'

const [url = '', seconds = '1'] = process.argv.slice(2)
const pool = new Pool(url, { connections: 1 })
const ask = async () => {
  const startedAt = performance.now()
  const { body } = await pool.request({ path: '/livez', method: 'GET' })
  await body.dump()
  return performance.now() - startedAt
}
await ask()
const taken: number[] = []
const end = performance.now() + Number(seconds) * 1000
while (performance.now() < end) {
  taken.push(await ask())
  await sleep(10)
}
await pool.close()
taken.sort((a, b) => a - b)
const at = (share: number) => taken[Math.min(taken.length - 1, Math.floor(taken.length * share))] ?? 0
process.stdout.write(`${JSON.stringify({ p50: at(0.5), p99: at(0.99) })}\n`)
