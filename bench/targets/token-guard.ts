/**
 * token-guard as deployed: checks the caller, looks up the country and the reputation, and logs one line per decision.
 * The reputation is `cached`, or `uncached` with a request to a stand-in for the service each time.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createLineLog, serve } from '@preflow/extension/node'
import { openTokenGuard, readConfiguration } from '@preflow/token-guard'
import { tokenRequest } from '../token-request.ts'

const isCached = process.argv[2] === 'cached'
const standIn = spawn(process.execPath, ['--conditions=@preflow/source', `${import.meta.dirname}/reputation.ts`], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
const [first] = (await once(createInterface({ input: standIn.stdout as NodeJS.ReadableStream }), 'line')) as [string]
const read = readConfiguration({
  environment: {},
  file: {
    caller: 'api-key',
    callerSecrets: ['bench-key-bench-key'],
    countryDatabase: fileURLToPath(
      import.meta.resolve('@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb'),
    ),
    blockedCountries: ['KP', 'IR', 'RU', 'SY', 'CN'],
    abuseipdbApiKey: 'bench',
    abuseipdbUrl: JSON.parse(first).url,
    reputationCacheSeconds: isCached ? 3600 : 0,
  },
})
if (!read.ok) throw new Error(read.problems.join('\n'))
const sink = openSync('/dev/null', 'w')
const { log } = createLineLog(lines => writeSync(sink, lines))
const guard = await openTokenGuard(read.configuration, { log })
const server = await serve(guard.extension, { log: false })
// Different addresses, so that lookups are not merged into one.
const addresses = Array.from({ length: isCached ? 1 : 500 }, (_, n) => `205.210.${(n >> 8) + 30}.${n & 255}`)
process.stdout.write(
  `${JSON.stringify({
    url: server.url,
    headers: { 'x-api-key': 'bench-key-bench-key' },
    bodies: addresses.map(address => JSON.stringify(tokenRequest(address))),
  })}\n`,
)
process.once('SIGTERM', async () => {
  standIn.kill('SIGTERM')
  await server.close()
  guard.close()
})
