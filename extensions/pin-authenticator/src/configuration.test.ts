import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { PREFIX, readConfiguration } from './configuration.ts'
import { englishTexts } from './texts.ts'

const needed = {
  PIN_AUTHENTICATOR_MODE: 'internal',
  PIN_AUTHENTICATOR_PUBLIC_URL: 'https://pin.example.com',
  PIN_AUTHENTICATOR_PLATFORM_URLS: 'https://id.example.com, heron.example=https://login.heron.example',
  PIN_AUTHENTICATOR_CALLER: 'api-key',
  PIN_AUTHENTICATOR_CALLER_SECRETS: 'k'.repeat(16),
  PIN_AUTHENTICATOR_PEPPER: 'p'.repeat(32),
}

function problemsOf(environment: Record<string, string>): string {
  const read = readConfiguration({ environment: { ...needed, ...environment } })
  return read.ok ? '' : read.problems.join('\n')
}

test('few settings are required; all others have a default', () => {
  const read = readConfiguration({ environment: needed })
  assert.ok(read.ok)
  const { entryAttempts, database, callerAuthentication } = read.configuration
  assert.equal(entryAttempts, 5)
  assert.equal(database, 'pin-authenticator.sqlite')
  assert.deepEqual(callerAuthentication, { type: 'apiKey', header: 'x-api-key', keys: ['k'.repeat(16)] })
})

test('without settings, every required one is listed', () => {
  const read = readConfiguration({ environment: {} })
  assert.ok(!read.ok)
  for (const name of Object.keys(needed)) assert.match(read.problems.join('\n'), new RegExp(`^${name}: missing`, 'm'))
})

for (const [variable, value, why] of [
  ['MODE', '2fa', /second_factor/],
  ['PUBLIC_URL', 'http://pin.example.com', /https/],
  ['PUBLIC_URL', 'pin.example.com', /URL/i],
  ['PUBLIC_URL', 'https://pin.example.com/?x=1', /query/],
  ['PLATFORM_URLS', 'http://id.example.com', /https/],
  ['PLATFORM_URLS', ',', /PLATFORM_URLS/],
  ['CALLER', 'none', /caller|basic/],
  ['CALLER_SECRETS', 'short-secret', /16 characters/],
  ['CALLER', 'basic', /CALLER_USERNAME: missing/],
  ['ADMIN_KEYS', 'short-secret', /32 characters/],
  ['PEPPER', 'short-secret', /32 characters/],
  ['PREVIOUS_PEPPER', needed.PIN_AUTHENTICATOR_PEPPER, /before it/],
  ['MIN_PIN_LENGTH', '3', /4/],
  ['HASH_COST_LOG2', '10', /14/],
  ['MAX_LOCK_SECONDS', '60', /LOCK_SECONDS/],
  ['RETURN', 'maybe', /code/],
  ['ADDRESS_HEADER', 'x forwarded for', /name of a header/],
  ['TEXTS', '{"enterTitel":"x"}', /enterTitel/],
  ['TEXTS', '{', /TEXTS/],
] as const) {
  test(`${PREFIX}_${variable}=${value.slice(0, 30)} is rejected with what to do`, () => {
    const problems = problemsOf({ [`${PREFIX}_${variable}`]: value })
    assert.match(problems, why)
    assert.ok(!problems.includes('short-secret'))
  })
}

for (const mode of ['internal', 'federated'] as const) {
  test(`AZ-11: in mode ${mode} it does not start without a check of who returns, and one sentence states what to do`, () => {
    const problems = problemsOf({ PIN_AUTHENTICATOR_MODE: mode, PIN_AUTHENTICATOR_RETURN: 'off' })
    assert.match(problems, /^PIN_AUTHENTICATOR_RETURN: off lets anyone .* Use code or confirm in mode \w+\.$/)
    for (const check of ['code', 'confirm', '']) {
      assert.equal(problemsOf({ PIN_AUTHENTICATOR_MODE: mode, PIN_AUTHENTICATOR_RETURN: check }), '')
    }
  })
}

test('a second factor may leave it to the platform', () => {
  assert.equal(problemsOf({ PIN_AUTHENTICATOR_MODE: 'second_factor', PIN_AUTHENTICATOR_RETURN: 'off' }), '')
})

test('a platform may authenticate by user name and password, token or signature', () => {
  const authenticationOf = (environment: Record<string, string>) => {
    const read = readConfiguration({ environment: { ...needed, ...environment } })
    assert.ok(read.ok, JSON.stringify(read))
    return read.configuration.callerAuthentication.type
  }
  assert.equal(
    authenticationOf({ PIN_AUTHENTICATOR_CALLER: 'basic', PIN_AUTHENTICATOR_CALLER_USERNAME: 'platform' }),
    'basic',
  )
  assert.equal(authenticationOf({ PIN_AUTHENTICATOR_CALLER: 'bearer' }), 'bearer')
  assert.equal(authenticationOf({ PIN_AUTHENTICATOR_CALLER: 'signature' }), 'signature')
})

const readme = await readFile(join(import.meta.dirname, '../README.md'), 'utf8')

test('the README lists every message', () => {
  const cells = readme.split('\n').map(line => line.replaceAll(/ +/g, ' '))
  for (const [name, text] of Object.entries(englishTexts)) assert.ok(cells.includes(`| \`${name}\` | ${text} |`), name)
})
