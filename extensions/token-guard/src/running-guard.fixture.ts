/** A token-guard on a real port with the stand-in behind it, for the tests beside this file. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type ActionResponse, platforms } from '@preflow/contract'
import type { DecisionRecord } from '@preflow/extension'
import { serve } from '@preflow/extension/node'
import { type Overrides, sampleRequest } from '@preflow/extension/testing'
import { openTokenGuard, readConfiguration } from '@preflow/token-guard'
import { type ReputationStandInOptions, startReputationStandIn } from '@preflow/token-guard/reputation-stand-in'

export const countryDatabase: string = fileURLToPath(
  import.meta.resolve('@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb'),
)
export const apiKey = 'the key of the platform'

export type AccessTokenRequest = ReturnType<typeof sampleRequest<'PRE_ISSUE_ACCESS_TOKEN'>>

/** The request of a platform for client credentials from an address; `null` omits the header. */
export function requestFrom(
  address: string | readonly string[] | null,
  overrides: Overrides<AccessTokenRequest> = {},
): AccessTokenRequest {
  const value = typeof address === 'string' ? [address] : [...(address ?? [])]
  const request = sampleRequest('PRE_ISSUE_ACCESS_TOKEN', overrides)
  request.event.request = {
    clientId: 'm2m-7',
    grantType: 'client_credentials',
    ...overrides.event?.request,
    additionalHeaders: address === null ? [] : [{ name: 'x-client-source-ip', value }],
  } as AccessTokenRequest['event']['request']
  return request
}

/** Starts one with these settings, an API key, the country database and the stand-in. */
export async function startGuard(
  t: TestContext,
  settings: Record<string, unknown> = {},
  { time = '2026-11-20T12:00:00Z', ...standInOptions }: { time?: string } & ReputationStandInOptions = {},
) {
  let nowMs = Date.parse(time)
  const now = () => nowMs
  const standIn = await startReputationStandIn({ now, ...standInOptions })
  t.after(() => standIn.close())
  const read = readConfiguration({
    environment: {},
    file: {
      caller: 'api-key',
      callerSecrets: [apiKey],
      countryDatabase,
      blockedCountries: ['KP', 'IR', 'RU', 'SY', 'CN'],
      abuseipdbApiKey: 'key of the service',
      abuseipdbUrl: standIn.url,
      reputationTimeoutMs: 150,
      ...settings,
    },
  })
  assert.ok(read.ok, JSON.stringify(read))
  const records: DecisionRecord[] = []
  const guard = await openTokenGuard(read.configuration, { now, log: record => records.push(record) })
  t.after(() => guard.close())
  const server = await serve(guard.extension, { graceMs: 100, log: false })
  t.after(() => server.close())

  async function post(body: unknown, headers: Record<string, string> = {}) {
    const response = await fetch(server.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': apiKey, ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    const answer = (await response.json()) as ActionResponse
    assertAcceptable(answer)
    return { status: response.status, answer, record: records.at(-1) as DecisionRecord }
  }

  /** The answer in one line: `deny <description>`, `error`, `allow`, `allow 900`. */
  async function decide(address: Parameters<typeof requestFrom>[0], overrides: Overrides<AccessTokenRequest> = {}) {
    // A new request each time: a repetition would get the earlier answer.
    const { answer } = await post({ ...requestFrom(address, overrides), requestId: randomUUID() })
    switch (answer.actionStatus) {
      case 'FAILED':
        assert.equal(answer.failureReason, 'access_denied')
        return `deny ${answer.failureDescription}`
      case 'ERROR':
        return 'error'
      case 'INCOMPLETE':
        return 'incomplete'
      case 'SUCCESS': {
        const lifetime = answer.operations?.find(({ path }) => path === '/accessToken/claims/expires_in')
        if (lifetime) assert.equal(lifetime.op, 'replace')
        return lifetime ? `allow ${lifetime.value}` : 'allow'
      }
      default:
        return answer satisfies never
    }
  }

  return {
    url: server.url,
    extension: guard.extension,
    standIn,
    records,
    post,
    decide,
    setTime: (text: string) => {
      nowMs = Date.parse(text)
    },
  }
}

/** A string outside the limits of a platform would turn a refusal into a server error. */
function assertAcceptable(answer: ActionResponse): void {
  const texts =
    answer.actionStatus === 'FAILED'
      ? [answer.failureReason, answer.failureDescription]
      : answer.actionStatus === 'ERROR'
        ? [answer.errorMessage, answer.errorDescription]
        : []
  for (const { text } of Object.values(platforms)) {
    texts.forEach((one = '', index) => {
      assert.match(one, text.alphabet)
      assert.ok(one.length > 0 && one.length <= (index === 0 ? text.maxReason : text.maxDescription))
    })
  }
}
