/**
 * `npm run bench` measures everything, `npm run bench -- token-guard` one comparison. Prints tables; nothing is
 * asserted. `--quick` uses short rounds, to check that it runs.
 */
import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { bundles } from './bundle.ts'
import { engineCall } from './engine-call.ts'
import { limits } from './limits.ts'
import { compare, type Load, table } from './measure.ts'
import { passwordRequest } from './password-request.ts'
import { scimSearch } from './scim-search.ts'
import { tokenRequest } from './token-request.ts'

const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const json: Load = {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(tokenRequest('205.210.31.51')),
  connections: 32,
  secondsPerRound: values.quick ? 1 : 3,
  rounds: values.quick ? 1 : 5,
  requestsPerSecond: 1500,
}

const comparisons: Record<string, () => Promise<string>> = {
  'token-guard': async () =>
    table(
      'token-guard against a bare node:http server doing JSON.parse',
      await compare(
        [
          { name: 'bare node:http', program: 'bare-http.ts' },
          { name: 'token-guard, reputation cached', program: 'token-guard.ts', argv: ['cached'] },
          { name: 'token-guard, reputation uncached', program: 'token-guard.ts', argv: ['uncached'] },
        ],
        json,
      ),
    ),
  'password-guard': async () =>
    table(
      'password-guard against a bare node:http server doing JSON.parse',
      await compare(
        [
          { name: 'bare node:http', program: 'bare-http.ts' },
          { name: 'password-guard, offline, a filter alone', program: 'password-guard.ts', argv: ['alone'] },
          { name: 'password-guard, offline, a filter', program: 'password-guard.ts', argv: ['filter'] },
          { name: 'password-guard, offline, a file', program: 'password-guard.ts', argv: ['file'] },
          { name: 'password-guard, range API cached', program: 'password-guard.ts', argv: ['cached'] },
          { name: 'password-guard, range API uncached', program: 'password-guard.ts', argv: ['uncached'] },
        ],
        { ...json, body: JSON.stringify(passwordRequest('Blue-Heron_42!')) },
      ),
    ),
  bundle: () => bundles(values.quick ? 1 : 7),
  engine: () => engineCall(json.rounds, values.quick ? 500 : 2000),
  scim: () => scimSearch(json.rounds, values.quick ? 3 : 10, values.quick ? 10_000 : 200_000),
  issuance: async () =>
    table(
      'client credentials to a JWT access token, embedded database',
      await compare(
        [
          { name: 'bare oidc-provider', program: 'bare-provider.ts' },
          { name: 'no action', program: 'issuance.ts', argv: ['plain'] },
          { name: 'with an action', program: 'issuance.ts', argv: ['action'] },
        ],
        {
          ...json,
          connections: 16,
          // A token request is too slow for a higher rate.
          requestsPerSecond: 500,
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: 'grant_type=client_credentials',
        },
      ),
    ),
  limits: () => limits(values.quick),
  pruning: async () =>
    table(
      'client credentials with an action, while a million old call records are deleted',
      await compare(
        [
          { name: 'no old records', program: 'issuance.ts', argv: ['action'] },
          { name: 'a million old records', program: 'issuance.ts', argv: ['action', 'old-records'] },
        ],
        {
          ...json,
          connections: 16,
          requestsPerSecond: 100,
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: 'grant_type=client_credentials',
        },
      ),
    ),
}

const wanted = positionals.length > 0 ? positionals : Object.keys(comparisons)
for (const name of wanted) {
  const comparison = comparisons[name]
  if (!comparison) throw new Error(`Unknown comparison ${name}. Use one of ${Object.keys(comparisons).join(', ')}.`)
  process.stdout.write(`${await comparison()}\n`)
}
process.stdout.write(
  `Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${process.arch}\n`,
)
