import assert from 'node:assert/strict'
import { copyFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type CountryFileOptions, openCountryFile } from '@preflow/policies/country-file'

const folder = '@ip-location-db/geo-whois-asn-country-mmdb'
const whole = fileURLToPath(import.meta.resolve(`${folder}/geo-whois-asn-country.mmdb`))
const onlyIpv6 = fileURLToPath(import.meta.resolve(`${folder}/geo-whois-asn-country-ipv6.mmdb`))

async function opened(t: TestContext, path: string, options: CountryFileOptions = {}) {
  const file = await openCountryFile(path, { reloadEveryMs: 0, ...options })
  t.after(() => file.close())
  return file
}

async function temporaryFolder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'country-file-'))
  t.after(() => rm(path, { recursive: true }))
  return path
}

test('public addresses of both families have a country', async t => {
  const { lookup } = await opened(t, whole)
  for (const [address, code] of [
    ['175.45.176.0', 'KP'],
    ['8.8.8.8', 'US'],
    ['::ffff:175.45.176.0', 'KP'],
    ['2001:4860:4860::8888', 'US'],
  ] as const) {
    assert.deepEqual(lookup(address), { kind: 'country', code }, address)
  }
})

test('special addresses are not looked up, although the database has a country for some', async t => {
  const { lookup } = await opened(t, whole)
  for (const address of ['203.0.113.5', '198.51.100.7', '2001:db8::1', '10.0.0.1', '127.0.0.1', '::1']) {
    assert.equal(lookup(address).kind, 'special', address)
  }
})

test('an address without a country, and an invalid address, are unknown', async t => {
  const { lookup } = await opened(t, onlyIpv6)
  assert.deepEqual(lookup('4000::1'), { kind: 'unknown' })
  assert.deepEqual(lookup('garbage'), { kind: 'unknown' })
  assert.deepEqual(lookup(''), { kind: 'unknown' })
})

test('an old database is reported with what to do', async t => {
  const warnings: string[] = []
  const { builtAt } = await opened(t, whole)
  const warn = (message: string) => warnings.push(message)
  await opened(t, whole, { warn, now: () => builtAt.getTime() + 60 * 86_400_000 })
  assert.deepEqual(warnings, [])
  await opened(t, whole, { warn, now: () => builtAt.getTime() + 61 * 86_400_000 })
  assert.match(warnings[0] ?? '', /61 days old\. Replace .*no restart is needed/)
})

test('a replaced file is read; with a broken one the old data stays', async t => {
  const path = join(await temporaryFolder(t), 'country.mmdb')
  await copyFile(onlyIpv6, path)
  const warnings: string[] = []
  const file = await opened(t, path, { warn: message => warnings.push(message), warnAfterDays: 10_000 })
  const isKnown = () => file.lookup('175.45.176.0').kind === 'country'
  assert.equal(isKnown(), false)
  await copyFile(whole, `${path}.new`)
  await rename(`${path}.new`, path)
  await file.reload()
  assert.equal(isKnown(), true)
  await writeFile(path, 'half of a downlo')
  await file.reload()
  assert.equal(isKnown(), true)
  await rm(path)
  await file.reload()
  assert.equal(isKnown(), true)
  assert.equal(warnings.length, 2)
  assert.match(warnings[0] ?? '', /not a country database.* The earlier data stays in use\.$/)
  assert.match(warnings[1] ?? '', /cannot be read \(ENOENT\)/)
})

test('a replaced file is noticed without a call', async t => {
  const path = join(await temporaryFolder(t), 'country.mmdb')
  await copyFile(onlyIpv6, path)
  const { promise: warned, resolve: warn } = Promise.withResolvers<string>()
  await opened(t, path, { reloadEveryMs: 5, warn, warnAfterDays: 10_000 })
  // The poll does not keep the process alive, so something else must.
  const alive = setInterval(() => {}, 1000)
  t.after(() => clearInterval(alive))
  await writeFile(path, 'broken')
  assert.match(await warned, /not a country database/)
})

test('an unusable file is reported in a sentence with what to do', async t => {
  const path = join(await temporaryFolder(t), 'country.mmdb')
  await assert.rejects(openCountryFile(path), /cannot be read \(ENOENT\)\. Specify an existing \.mmdb file\./)
  await writeFile(path, 'not a database')
  await assert.rejects(openCountryFile(path), /is not a country database\. Specify a file in MaxMind's \.mmdb format\./)
})
