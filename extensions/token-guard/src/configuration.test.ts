import assert from 'node:assert/strict'
import { test } from 'node:test'
import { present } from '@preflow/contract'
import { readConfiguration } from '@preflow/token-guard'

const secret = 'a-secret-of-the-platform'
const good = { TOKEN_GUARD_CALLER: 'api-key', TOKEN_GUARD_CALLER_SECRETS: secret, ABUSEIPDB_API_KEY: 'key' }

function problems(environment: Record<string, string>, file?: unknown): string[] {
  const read = readConfiguration({ environment, ...present({ file }) })
  return read.ok ? [] : read.problems
}

test('a caller, its secret and a key for the service are enough', () => {
  const read = readConfiguration({ environment: good })
  assert.ok(read.ok)
  const { configuration } = read
  assert.deepEqual(configuration.callerAuthentication, { type: 'apiKey', header: 'x-api-key', keys: [secret] })
  assert.equal(configuration.port, 8080)
  assert.equal(configuration.reputationUnavailable, 'error')
})

test('the environment is parsed by type, and takes precedence over the file', () => {
  const read = readConfiguration({
    environment: {
      ...good,
      TOKEN_GUARD_PORT: '9000',
      TOKEN_GUARD_BLOCKED_COUNTRIES: 'KP, IR',
      TOKEN_GUARD_COUNTRY_DATABASE: '/data/country.mmdb',
      TOKEN_GUARD_APPLICATION_LIFETIMES: '{"web1":3600}',
      TOKEN_GUARD_WEEKDAYS: 'Mon,Tue',
      ABUSEIPDB_URL: 'http://127.0.0.1:9402',
    },
    file: { port: 1, denyAbove: 60 },
  })
  assert.ok(read.ok)
  const { port, blockedCountries, applicationLifetimes, weekdays, abuseipdbUrl, denyAbove } = read.configuration
  assert.deepEqual(
    { port, blockedCountries, applicationLifetimes, weekdays, abuseipdbUrl, denyAbove },
    {
      port: 9000,
      blockedCountries: ['KP', 'IR'],
      applicationLifetimes: { web1: 3600 },
      weekdays: ['Mon', 'Tue'],
      abuseipdbUrl: 'http://127.0.0.1:9402',
      denyAbove: 60,
    },
  )
})

test('a missing setting is reported with the variable to set', () => {
  assert.deepEqual(problems({ ABUSEIPDB_API_KEY: 'k' }), [
    'TOKEN_GUARD_CALLER: missing. How the platform authenticates: `basic`, `bearer`, `api-key`, `signature`, or `none` to accept every caller.',
  ])
  assert.deepEqual(problems({ ...good, ABUSEIPDB_API_KEY: '' }), [
    'ABUSEIPDB_API_KEY: missing. Set the key, or set TOKEN_GUARD_REPUTATION=off.',
  ])
  assert.match(problems({ ...good, TOKEN_GUARD_CALLER_SECRETS: '' })[0] ?? '', /^TOKEN_GUARD_CALLER_SECRETS: missing/)
  assert.match(problems({ ...good, TOKEN_GUARD_CALLER: 'basic' })[0] ?? '', /^TOKEN_GUARD_CALLER_USERNAME: missing/)
})

test('countries need a database', () => {
  for (const [name, value] of [
    ['TOKEN_GUARD_BLOCKED_COUNTRIES', 'KP'],
    ['TOKEN_GUARD_ALLOWED_COUNTRIES', 'DE'],
    ['TOKEN_GUARD_COUNTRY_CLAIM', 'country'],
  ] as const) {
    assert.deepEqual(problems({ ...good, [name]: value }), [
      'TOKEN_GUARD_COUNTRY_DATABASE: missing. Countries are configured, so set a .mmdb file for their lookup.',
    ])
  }
})

test('an invalid value is reported with what it must be, and is not repeated', () => {
  for (const [name, value, sentence] of [
    ['TOKEN_GUARD_PORT', '80808', /^TOKEN_GUARD_PORT: /],
    ['TOKEN_GUARD_PORT', '8080x', /^TOKEN_GUARD_PORT: /],
    ['TOKEN_GUARD_CALLER', 'anyone', /^TOKEN_GUARD_CALLER: /],
    ['TOKEN_GUARD_CALLER_SECRETS', 'tooshort', /at least 16 characters/],
    ['TOKEN_GUARD_BLOCKED_COUNTRIES', 'kp', /two capital letters/],
    ['TOKEN_GUARD_TIME_ZONE', 'Mars/Olympus', /must be a time zone/],
    ['TOKEN_GUARD_HOURS_FROM', '9am', /must be a time like 09:00/],
    ['TOKEN_GUARD_WEEKDAYS', 'Monday', /TOKEN_GUARD_WEEKDAYS: /],
    ['TOKEN_GUARD_UNKNOWN_COUNTRY', 'maybe', /`deny`, `shorten`, `allow` or `error`/],
    ['TOKEN_GUARD_DENY_ABOVE', '150', /TOKEN_GUARD_DENY_ABOVE: /],
    ['TOKEN_GUARD_REDUCE_FROM', '90', /must not be above TOKEN_GUARD_DENY_ABOVE/],
    ['TOKEN_GUARD_REPUTATION_TIMEOUT_MS', '2800', /must be below TOKEN_GUARD_BUDGET_MS/],
    ['TOKEN_GUARD_HOURS_TO', '09:00', /must differ from TOKEN_GUARD_HOURS_FROM/],
    ['TOKEN_GUARD_APPLICATION_LIFETIMES', '{"web1":0}', /TOKEN_GUARD_APPLICATION_LIFETIMES: /],
    ['TOKEN_GUARD_APPLICATION_LIFETIMES', 'everything', /TOKEN_GUARD_APPLICATION_LIFETIMES: /],
    ['ABUSEIPDB_URL', 'ftp://x', /^ABUSEIPDB_URL: must be an http or https URL/],
    ['TOKEN_GUARD_BLOCKD_COUNTRIES', 'KP', /^TOKEN_GUARD_BLOCKD_COUNTRIES: not a setting/],
  ] as const) {
    const found = problems({ ...good, [name]: value })
    assert.equal(found.length, 1, `${name}=${value}`)
    assert.match(found[0] ?? '', sentence)
    if (!['kp', '9am', '09:00', '90', '150'].includes(value)) assert.ok(!found[0]?.includes(value), found[0])
  }
})

test('all problems are reported at once, with unknown keys of the file', () => {
  const found = problems({ TOKEN_GUARD_PORT: 'x', TOKEN_GUARD_CALLER: 'y' }, { denyAbov: 1, hostname: 7 })
  assert.equal(found.length, 4)
  assert.match(found[0] ?? '', /^denyAbov: not a setting\. Did you mean denyAbove\?/)
})

test('a signing secret is base64', () => {
  const signature = { ...good, TOKEN_GUARD_CALLER: 'signature' }
  assert.match(problems({ ...signature, TOKEN_GUARD_CALLER_SECRETS: 'not base64 at all!' })[0] ?? '', /are base64/)
  assert.deepEqual(problems({ ...signature, TOKEN_GUARD_CALLER_SECRETS: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' }), [])
})
