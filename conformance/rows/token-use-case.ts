import assert from 'node:assert/strict'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ActionResponse, AllowedOperation } from '@preflow/contract'
import { serve } from '@preflow/extension/node'
import { readService } from '@preflow/extension/service'
import { createScopeLimiter, scopeLimiter } from '@preflow/scope-limiter'
import { openTokenGuard, readConfiguration } from '@preflow/token-guard'
import { type ReputationStandIn, startReputationStandIn } from '@preflow/token-guard/reputation-stand-in'
import type { Json } from '../extension-under-test.ts'
import type { Issued } from '../requests.ts'
import { type Check, differs, row, type Section } from '../row.ts'
import type { Client, Stage } from '../stage.ts'
import { AT, issued, lastEvent, MACHINE_FORM, named, op } from './tokens.ts'

const KEY = 'the key of the platform'
const BLOCKED_COUNTRIES = ['KP', 'IR', 'RU', 'SY', 'CN']
const HIGH_RISK = 'Access token issuance is blocked due to high IP risk.'
/** An address in a country that is not blocked. */
const ADDRESS = '14.102.69.58'
const KOREAN = '175.45.176.0'

const countryDatabase = join(
  dirname(fileURLToPath(import.meta.resolve('@ip-location-db/geo-whois-asn-country-mmdb/package.json'))),
  'geo-whois-asn-country.mmdb',
)

/** The initial state of a row. */
interface Circumstances {
  /** Settings of the guard, besides those of every row. */
  settings?: Record<string, unknown>
  /** Score of {@link ADDRESS}. */
  score?: number
  /** `HH:MM` UTC. */
  time?: string
  /** Changes the request on its way to the guard, for requests that no platform sends. */
  alter?(request: Json): Json
}

interface Guarded {
  standIn: ReputationStandIn
  /** The last answer of token-guard, with its status. */
  answers: { status: number; body: ActionResponse }[]
  /** Requests a token from an address, as F-CC unless another client is given. */
  ask(address: string, client?: Client): Promise<Issued>
}

/**
 * Puts token-guard behind the access token action and the stand-in of AbuseIPDB behind token-guard, and records the
 * traffic.
 */
function guarded(
  { settings = {}, score = 0, time = '12:00', alter = request => request }: Circumstances,
  act: (guard: Guarded, stage: Stage) => Promise<void>,
): Check {
  return async stage => {
    const now = () => Date.parse(`2026-11-20T${time}:00Z`)
    const standIn = await startReputationStandIn({ now, scores: { [ADDRESS]: score } })
    const read = readConfiguration({
      environment: {},
      file: {
        caller: 'api-key',
        callerSecrets: [KEY],
        countryDatabase,
        blockedCountries: BLOCKED_COUNTRIES,
        abuseipdbApiKey: 'key of the service',
        abuseipdbUrl: standIn.url,
        ...settings,
      },
    })
    assert(read.ok, JSON.stringify(read))
    const guard = await openTokenGuard(read.configuration, { now })
    const server = await serve(guard.extension, { graceMs: 0, log: false })
    const answers: Guarded['answers'] = []
    stage.extension(AT).answer(async ({ body, headers }) => {
      const answer = await postTo(server.url, alter(body), String(headers['x-api-key']))
      answers.push(answer)
      return answer
    })
    try {
      await stage.configure(AT, {
        authentication: { type: 'API_KEY', properties: { header: 'x-api-key', value: KEY } },
      })
      const ask: Guarded['ask'] = (address, client = stage.machine) =>
        stage.token(client, MACHINE_FORM, { 'x-client-source-ip': address })
      await act({ standIn, answers, ask }, stage)
    } finally {
      await server.close()
      guard.close()
      await standIn.close()
    }
  }
}

async function postTo(url: string, body: unknown, key: string) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': key },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as ActionResponse }
}

/** The client is refused with the message of the extension. */
function denied({ answers }: Guarded, { status, body }: Issued, description: string): void {
  assert.deepEqual(answers.at(-1), {
    status: 200,
    body: { actionStatus: 'FAILED', failureReason: 'access_denied', failureDescription: description },
  })
  assert.deepEqual([status, body.error, body.error_description], [400, 'access_denied', description])
}

/** The client gets a token; a shortened one if the extension requested it. */
function allowed({ answers }: Guarded, answer: Issued, lifetimeSeconds: number, value?: string): void {
  const body = answers.at(-1)?.body
  assert(body?.actionStatus === 'SUCCESS', JSON.stringify(body))
  assert.deepEqual(body.operations ?? [], value === undefined ? [] : [op('~C/expires_in', value)])
  assert.equal(issued(answer).lifetimeSeconds, lifetimeSeconds)
}

/** From {@link ADDRESS}: a token for an hour, or a shorter one. */
function grants(circumstances: Circumstances, lifetimeSeconds: number, value?: string): Check {
  return guarded(circumstances, async guard => allowed(guard, await guard.ask(ADDRESS), lifetimeSeconds, value))
}

function both(...checks: Check[]): Check {
  return async stage => {
    for (const check of checks) await check(stage)
  }
}

/** Another value in the header with the client's address. */
function withAddress(value: string): (request: Json) => Json {
  return request => {
    const changed = structuredClone(request)
    for (const header of changed.event.request.additionalHeaders) {
      if (header.name === 'x-client-source-ip') header.value = [value]
    }
    return changed
  }
}

const withHeaderNamed = (name: string) => (request: Json) => ({
  ...request,
  event: { ...request.event, request: { ...request.event.request, additionalHeaders: [named(name, [KOREAN])] } },
})

const withoutOffer = (path: string) => (request: Json) => ({
  ...request,
  allowedOperations: request.allowedOperations.map((entry: AllowedOperation) => ({
    ...entry,
    paths: entry.paths?.filter(offered => offered !== path),
  })),
})

/**
 * The answer of scope-limiter, set to `read:metrics`, for this grant and these scopes. The request is based on the
 * platform's last one.
 */
async function limited(stage: Stage, grantType: string, scopes: string[]): Promise<ActionResponse> {
  const { event, ...others } = stage.extension(AT).calls.at(-1)?.body ?? {}
  const request = {
    ...others,
    event: { ...event, request: { ...event.request, grantType }, accessToken: { ...event.accessToken, scopes } },
  }
  return withScopeLimiter(async url => (await postTo(url, request, KEY)).body)
}

async function withScopeLimiter<Result>(act: (url: string) => Promise<Result>): Promise<Result> {
  const read = readService(scopeLimiter, {
    environment: {},
    file: { caller: 'api-key', callerSecrets: [KEY], allowedScopes: ['read:metrics'] },
  })
  assert(read.ok, JSON.stringify(read))
  const server = await serve(createScopeLimiter(read.configuration), { graceMs: 0, log: false })
  try {
    return await act(server.url)
  } finally {
    await server.close()
  }
}

/** The access token action calls scope-limiter. */
async function behindScopeLimiter<Result>(stage: Stage, act: () => Promise<Result>): Promise<Result> {
  return withScopeLimiter(url => {
    stage.extension(AT).answer(({ body }) => postTo(url, body, KEY))
    return act()
  })
}

export const useCase: Section = {
  title: 'The use case: country, reputation, hours, scopes',
  rows: [
    row(
      'T226',
      'header name `X-Client-Source-IP`: found',
      guarded({ alter: withHeaderNamed('X-Client-Source-IP') }, async guard =>
        denied(guard, await guard.ask(ADDRESS), 'Access token issuance is blocked from your region KP.'),
      ),
    ),

    row(
      'T227',
      'no header: FAILED `access_denied` with a description',
      guarded({}, async (guard, stage) => {
        await stage.configure(AT, {
          authentication: { type: 'API_KEY', properties: { header: 'x-api-key', value: KEY } },
          allowedHeaders: ['user-agent'],
        })
        const answer = await guard.ask(ADDRESS)
        denied(guard, answer, 'Access token issuance is blocked because the client address is missing.')
      }),
    ),

    row(
      'T228',
      'country KP: FAILED "…from your region (KP).", AbuseIPDB not called',
      differs(
        'token-guard writes "from your region KP.", like the published description of the use case; only its code samples have parentheses',
        guarded({}, async guard => {
          denied(guard, await guard.ask(KOREAN), 'Access token issuance is blocked from your region KP.')
          assert.deepEqual(guard.standIn.checks, [])
        }),
      ),
    ),

    row(
      'T229',
      'score 76: FAILED for high risk',
      guarded({ score: 76 }, async guard => denied(guard, await guard.ask(ADDRESS), HIGH_RISK)),
    ),
    row('T230', 'score 75 at 16:59 UTC: replace "900"', grants({ score: 75, time: '16:59' }, 900, '900')),
    row('T231', 'score 75 at 17:00 UTC: replace "300"', grants({ score: 75, time: '17:00' }, 300, '300')),
    row(
      'T232',
      'score 25 at 09:00 and 08:59 UTC: "900" and "300"',
      both(grants({ score: 25, time: '09:00' }, 900, '900'), grants({ score: 25, time: '08:59' }, 300, '300')),
    ),
    row('T233', 'score 24: SUCCESS without operations', grants({ score: 24 }, 3600)),

    row(
      'T234',
      'AbuseIPDB 429: allowed',
      differs(
        'the official sample treats an error of the service as score 0; token-guard answers ERROR, or what `reputationUnavailable` sets',
        both(
          guarded({}, async guard => {
            guard.standIn.setFault(429)
            const { status, body } = await guard.ask(ADDRESS)
            assert.deepEqual([status, body.error], [500, 'server_error'])
            assert.deepEqual([guard.answers[0]?.status, guard.answers[0]?.body.actionStatus], [500, 'ERROR'])
          }),
          guarded({ settings: { reputationUnavailable: 'shorten' } }, async guard => {
            guard.standIn.setFault(429)
            allowed(guard, await guard.ask(ADDRESS), 900, '900')
          }),
        ),
      ),
    ),

    row(
      'T235',
      'AbuseIPDB hangs: hangs until the platform gives up',
      differs(
        'the official sample has no timeout; token-guard answers within its budget',
        guarded({ settings: { reputationTimeoutMs: 150 } }, async guard => {
          guard.standIn.setFault('slow')
          const startedAt = performance.now()
          const { status } = await guard.ask(ADDRESS)
          assert.equal(status, 500)
          assert.equal(guard.answers[0]?.body.actionStatus, 'ERROR')
          assert(performance.now() - startedAt < 2800)
        }),
      ),
    ),

    row(
      'T236',
      'IPv6: encoded in the query',
      // 2001:db8::1 of the specification is a reserved address, so it is never looked up. This one is public.
      guarded({}, async guard => {
        allowed(guard, await guard.ask('2001:4860:4860::8888'), 3600)
        assert.deepEqual(guard.standIn.checks, ['?ipAddress=2001%3A4860%3A4860%3A%3A8888&maxAgeInDays=30'])
      }),
    ),

    row(
      'T237',
      'value `1.2.3.4&verbose`: rejected, not an address',
      // The server rejects such a value, so the test writes it into the request to the extension.
      guarded({ alter: withAddress('1.2.3.4&verbose') }, async guard => {
        const answer = await guard.ask('1.2.3.4')
        denied(guard, answer, 'Access token issuance is blocked because the client address is malformed.')
        assert.deepEqual(guard.standIn.checks, [])
      }),
    ),

    row(
      'T238',
      'application lifetime 240, medium risk: not raised',
      guarded({ score: 50 }, async (guard, stage) => {
        const client = await stage.addApplication({
          grantTypes: ['client_credentials'],
          accessToken: { applicationAccessTokenExpiryInSeconds: 240 },
        })
        allowed(guard, await guard.ask(ADDRESS, client), 240)
      }),
    ),

    row(
      'T239',
      '`expires_in` not offered: no operation, or denied by configuration',
      both(
        grants({ score: 50, alter: withoutOffer('/accessToken/claims/expires_in') }, 3600),
        guarded(
          {
            score: 50,
            settings: { reductionNotOffered: 'deny' },
            alter: withoutOffer('/accessToken/claims/expires_in'),
          },
          async guard => assert.equal((await guard.ask(ADDRESS)).body.error, 'access_denied'),
        ),
      ),
    ),

    row('T240', 'scopes ["a","read:metrics","b"], client credentials: removes S/0 and S/2', async stage => {
      const client = await stage.addApplication(
        { grantTypes: ['client_credentials'] },
        { scopes: ['a', 'b', 'read:metrics'] },
      )
      const form = { ...MACHINE_FORM, scope: 'a read:metrics b' }
      const { accessToken } = issued(await behindScopeLimiter(stage, () => stage.token(client, form)))
      assert.equal(accessToken?.['scope'], 'read:metrics')
      assert.deepEqual(await limited(stage, 'client_credentials', ['a', 'read:metrics', 'b']), {
        actionStatus: 'SUCCESS',
        operations: [op('-S/0'), op('-S/2')],
      })
    }),

    row('T241', 'code grant: SUCCESS without operations', async stage => {
      const { accessToken } = issued(await behindScopeLimiter(stage, () => stage.redeem(stage.web, 'openid cart.read')))
      assert.equal(accessToken?.['scope'], 'cart.read openid')
      assert.equal(lastEvent(stage).request.grantType, 'authorization_code')
      assert.deepEqual(await limited(stage, 'authorization_code', ['a', 'read:metrics', 'b']), {
        actionStatus: 'SUCCESS',
      })
    }),
  ],
}
