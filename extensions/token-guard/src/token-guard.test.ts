import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReputationFault } from '@preflow/token-guard/reputation-stand-in'
import { requestFrom, startGuard } from './running-guard.fixture.ts'

const HIGH_RISK = 'deny Access token issuance is blocked due to high IP risk.'
const noon = '2026-11-20T12:00:00Z'

test('175.45.176.0 is denied for its country and the reputation service is not called', async t => {
  const { decide, standIn } = await startGuard(t)
  assert.equal(await decide('175.45.176.0'), 'deny Access token issuance is blocked from your region KP.')
  assert.equal(standIn.checks.length, 0)
})

test('103.159.198.178 is denied for its score', async t => {
  const { decide, standIn } = await startGuard(t)
  assert.equal(await decide('103.159.198.178'), HIGH_RISK)
  assert.equal(standIn.checks.length, 1)
})

test("14.102.69.58 gets 900 seconds from 09:00 to 16:59 UTC, otherwise 300, and never more than the application's lifetime", async t => {
  const { decide, setTime } = await startGuard(t)
  for (const [time, lifetime] of [
    ['2026-11-20T08:59:59Z', '300'],
    ['2026-11-20T09:00:00Z', '900'],
    ['2026-11-21T16:59:59Z', '900'],
    ['2026-11-21T17:00:00Z', '300'],
  ] as const) {
    setTime(time)
    assert.equal(await decide('14.102.69.58'), `allow ${lifetime}`, time)
  }
  setTime(noon)
  const expiresIn = (value: number) => ({ event: { accessToken: { claims: [{ name: 'expires_in', value }] } } })
  assert.equal(await decide('14.102.69.58', expiresIn(240)), 'allow')
  assert.equal(await decide('14.102.69.58', expiresIn(600)), 'allow')
  assert.equal(await decide('14.102.69.58', expiresIn(901)), 'allow 900')
})

test('205.210.31.51 gets the lifetime of the application', async t => {
  const { decide } = await startGuard(t)
  assert.equal(await decide('205.210.31.51'), 'allow')
})

/** Each input class, its setting, and the result of the default. */
const classes: [name: string, address: string | null, setting: string, description: string][] = [
  ['a missing address', null, 'missingAddress', 'the client address is missing'],
  ['an empty address', '', 'missingAddress', 'the client address is missing'],
  ['a malformed address', '1.2.3.4&verbose', 'malformedAddress', 'the client address is malformed'],
  ['a private address', '192.168.1.10', 'privateAddress', 'the client address is private'],
  ['the loopback address', '127.0.0.1', 'privateAddress', 'the client address is private'],
  ['a private IPv6 address', 'fd12::1', 'privateAddress', 'the client address is private'],
  ['a private address mapped into IPv6', '::ffff:10.1.2.3', 'privateAddress', 'the client address is private'],
  ['a documentation address', '203.0.113.9', 'reservedAddress', 'the client address is reserved'],
  ['a documentation IPv6 address', '2001:db8::1', 'reservedAddress', 'the client address is reserved'],
  ['an address of unknown country', '4000::1', 'unknownCountry', 'your region is unknown'],
]

for (const [name, address, setting, description] of classes) {
  test(`${name} is decided by ${setting}`, async t => {
    const results: Record<string, string> = {}
    for (const value of [undefined, 'deny', 'shorten', 'allow', 'error']) {
      const { decide } = await startGuard(t, value === undefined ? {} : { [setting]: value })
      results[value ?? 'default'] = await decide(address)
    }
    const denied = `deny Access token issuance is blocked because ${description}.`
    assert.deepEqual(results, {
      default: denied,
      deny: denied,
      shorten: 'allow 300',
      allow: 'allow',
      error: 'error',
    })
  })
}

test('IPv6 and IPv4-mapped addresses are decided like any other', async t => {
  const { decide, standIn } = await startGuard(t, {}, { scores: { '2001:4860:4860::8888': 90, '14.102.69.58': 50 } })
  assert.equal(await decide('2001:4860:4860::8888'), HIGH_RISK)
  assert.equal(await decide('[2001:4860:4860:0:0:0:0:8888]:443'), HIGH_RISK)
  assert.equal(await decide('::ffff:14.102.69.58'), 'allow 900')
  assert.equal(await decide('::ffff:175.45.176.0'), 'deny Access token issuance is blocked from your region KP.')
  assert.deepEqual(standIn.checks, [
    '?ipAddress=2001%3A4860%3A4860%3A%3A8888&maxAgeInDays=30',
    '?ipAddress=14.102.69.58&maxAgeInDays=30',
  ])
})

const faults: ReputationFault[] = ['slow', 'drip', 'garbage', 'hangup', 401, 422, 429, 500, 503]

for (const fault of faults) {
  test(`the reputation service ${fault}: reputationUnavailable decides, and the default answer is an error`, async t => {
    const results: Record<string, string> = {}
    for (const value of [undefined, 'deny', 'shorten', 'allow', 'error']) {
      const guard = await startGuard(t, value === undefined ? {} : { reputationUnavailable: value })
      guard.standIn.setFault(fault)
      results[value ?? 'default'] = await guard.decide('205.210.31.51')
    }
    assert.deepEqual(results, {
      default: 'error',
      deny: 'deny The reputation of the client address could not be checked.',
      shorten: 'allow 900',
      allow: 'allow',
      error: 'error',
    })
  })
}

test('countries, thresholds, hours, lifetimes and headers are configuration', async t => {
  const { decide, setTime } = await startGuard(
    t,
    {
      blockedCountries: [],
      allowedCountries: ['US', 'IN'],
      denyAbove: 40,
      reduceFrom: 5,
      insideSeconds: 120,
      outsideSeconds: 60,
      timeZone: 'Asia/Kolkata',
      weekdays: ['Sat'],
      hoursFrom: '22:00',
      hoursTo: '02:00',
    },
    { scores: { '8.8.8.8': 5, '8.8.4.4': 41 } },
  )
  assert.equal(await decide('175.45.176.0'), 'deny Access token issuance is blocked from your region KP.')
  assert.equal(await decide('8.8.4.4'), HIGH_RISK)
  setTime('2026-11-21T20:29:00Z')
  assert.equal(await decide('8.8.8.8'), 'allow 120')
  setTime('2026-11-21T20:30:00Z')
  assert.equal(await decide('8.8.8.8'), 'allow 60')
})

test('for a setting with shorten the token has the lifetime outside the hours', async t => {
  const { decide } = await startGuard(t, { privateAddress: 'shorten', unknownCountry: 'shorten', outsideSeconds: 60 })
  assert.equal(await decide('10.0.0.1'), 'allow 60')
  assert.equal(await decide('4000::1'), 'allow 60')
})

test('without countries no database is needed, and without reputation no service', async t => {
  const { decide, standIn } = await startGuard(t, {
    blockedCountries: [],
    countryDatabase: undefined,
    reputation: 'off',
    abuseipdbApiKey: undefined,
  })
  assert.equal(await decide('175.45.176.0'), 'allow')
  assert.equal(await decide('10.0.0.1'), 'deny Access token issuance is blocked because the client address is private.')
  assert.equal(standIn.checks.length, 0)
})

test('the caller may authenticate in four ways', async t => {
  const secrets = ['first secret of the platform', 'second secret of the platform']
  const basic = (password: string) => ({ authorization: `Basic ${btoa(`idp:${password}`)}`, 'x-api-key': '' })
  for (const [settings, headersOf] of [
    [{ caller: 'api-key', callerHeader: 'X-Guard-Key' }, (secret: string) => ({ 'x-guard-key': secret })],
    [{ caller: 'bearer' }, (secret: string) => ({ authorization: `Bearer ${secret.replaceAll(' ', '-')}` })],
    [{ caller: 'basic', callerUsername: 'idp' }, basic],
  ] as [Record<string, unknown>, (secret: string) => Record<string, string>][]) {
    const callerSecrets = settings['caller'] === 'bearer' ? secrets.map(secret => secret.replaceAll(' ', '-')) : secrets
    const { post } = await startGuard(t, { ...settings, callerSecrets })
    for (const secret of secrets) {
      assert.equal((await post(requestFrom('205.210.31.51'), headersOf(secret))).status, 200)
    }
    const stranger = await post(requestFrom('205.210.31.51'), headersOf('no secret of the platform'))
    assert.equal(stranger.status, 401)
    assert.equal(stranger.answer.actionStatus, 'ERROR')
  }
})

test('a decision is explained by the check and the class of the input', async t => {
  const { post, records } = await startGuard(t)
  await post(requestFrom('175.45.176.0'))
  await post(requestFrom('14.102.69.58'))
  await post(requestFrom('fe80::1'))
  assert.deepEqual(
    records.map(({ why }) => why),
    [
      'lifetime: kept; source address: public IPv4; country: blocked',
      'lifetime: kept; source address: public IPv4; country: allowed; reputation: medium risk',
      'lifetime: kept; source address: private (linkLocal)',
    ],
  )
})
