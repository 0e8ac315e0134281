import assert from 'node:assert/strict'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type ActionType, platforms } from '@preflow/contract'
import { serve } from '@preflow/extension/node'
import { type OpenService, readService, type Service } from '@preflow/extension/service'
import type { Settings } from '@preflow/extension/settings'
import { passwordGuard } from '@preflow/password-guard'
import { profileGuard } from '@preflow/profile-guard'
import { scopeLimiter } from '@preflow/scope-limiter'
import { tokenGuard } from '@preflow/token-guard'
import { startReputationStandIn } from '@preflow/token-guard/reputation-stand-in'
import { type VerificationResult, verify } from './verify.ts'

const KEY = 'a-key-of-the-platform-under-test'

const countryDatabase = join(
  dirname(fileURLToPath(import.meta.resolve('@ip-location-db/geo-whois-asn-country-mmdb/package.json'))),
  'geo-whois-asn-country.mmdb',
)

/** Runs a service as deployed and verifies it for the types that it decides. */
async function verified<S extends Settings>(
  t: TestContext,
  service: Service<S>,
  file: object,
): Promise<VerificationResult> {
  const read = readService(service, { environment: {}, file: { caller: 'api-key', callerSecrets: [KEY], ...file } })
  assert.ok(read.ok, read.ok ? '' : read.problems.join('\n'))
  const open: OpenService = await service.open(read.configuration, {})
  const server = await serve(open.extension, { log: false })
  t.after(async () => {
    await server.close()
    await open.close?.()
  })
  return verify({
    target: {
      url: server.url,
      authentication: { type: 'API_KEY', properties: { header: 'x-api-key', value: KEY } },
      signingSecrets: [],
    },
    platforms: Object.values(platforms),
    signal: new AbortController().signal,
  })
}

function assertKeepsContract({ results, cells, types }: VerificationResult, decides: ActionType): void {
  const failed = results.filter(({ finding }) => finding.result === 'failed')
  assert.deepEqual(
    failed.map(({ check, finding }) => ({ check: check.id, finding })),
    [],
  )
  assert.deepEqual(types, [decides])
  assert.deepEqual(
    cells.filter(({ state }) => state === 'breaks' || state === 'not checked'),
    [],
  )
}

test('token-guard follows the contract on every platform', async t => {
  const standIn = await startReputationStandIn()
  t.after(() => standIn.close())
  const result = await verified(t, tokenGuard, {
    countryDatabase,
    blockedCountries: ['KP'],
    countryClaim: 'country',
    abuseipdbApiKey: 'stand-in',
    abuseipdbUrl: standIn.url,
  })
  assertKeepsContract(result, 'PRE_ISSUE_ACCESS_TOKEN')
})

test('password-guard follows the contract on every platform', async t => {
  assertKeepsContract(await verified(t, passwordGuard, { asksRangeApi: false }), 'PRE_UPDATE_PASSWORD')
})

test('profile-guard follows the contract on every platform', async t => {
  const rules = [{ claim: 'http://wso2.org/claims/department', values: ['Engineering', 'Sales'] }]
  assertKeepsContract(await verified(t, profileGuard, { rules, alerts: 'off' }), 'PRE_UPDATE_PROFILE')
})

test('scope-limiter follows the contract on every platform', async t => {
  const result = await verified(t, scopeLimiter, { allowedScopes: ['gauge:read'] })
  assertKeepsContract(result, 'PRE_ISSUE_ACCESS_TOKEN')
})
