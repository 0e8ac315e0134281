import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { TEST_PASSWORD_COST } from './password-cost.fixture.ts'
import { Busy, createPasswords } from './passwords.ts'

const cost = { cost: 16_384, blockSize: 8, parallelization: 1 }
const acme = { owner: 'acme' }

test('many concurrent sign-ins leave threads for name lookups and file reads', async () => {
  const passwords = createPasswords(cost)
  const ended: string[] = []
  const hashes = Array.from({ length: 12 }, () => passwords.hash('secret', acme).then(() => ended.push('hash')))
  const read = readFile(import.meta.filename).then(() => ended.push('read'))
  await Promise.all([...hashes, read])
  assert.equal(ended.length, 13)
  assert.ok(ended.indexOf('read') < 6, `the read ended after ${ended.indexOf('read')} of 12 hashes`)
})

test('a failed hash passes its turn to the next one', async () => {
  const passwords = createPasswords({ cost: 3, blockSize: 8, parallelization: 1 })
  await Promise.all(Array.from({ length: 5 }, () => assert.rejects(passwords.hash('secret', acme), /Invalid scrypt/)))
  const kept = await createPasswords(cost).hash('secret', acme)
  assert.equal(await passwords.matches(kept, 'secret', acme), true)
  assert.equal(await passwords.matches(kept, 'Secret', acme), false)
})

test('AZ-36: of two hundred concurrent checks a limited number waits, and the others are refused at once', async () => {
  const passwords = createPasswords(TEST_PASSWORD_COST)
  const check = (owner: string, guest: string) =>
    passwords.matches(undefined, 'secret', { owner, guest }).catch((error: unknown) => error)
  const verdicts = async (names: [owner: string, guest: string][]) => {
    const all = await Promise.all(names.map(([owner, guest]) => check(owner, guest)))
    return all.filter(verdict => verdict === false).length
  }
  const many = (name: (i: number) => [string, string]) => Array.from({ length: 200 }, (_, i) => name(i))
  // Two at once, and the queue: an eighth for one network, half for one tenant.
  assert.equal(await verdicts(many(() => ['acme', 'one network'])), 2 + 8)
  assert.equal(await verdicts(many(i => ['acme', `network ${i}`])), 2 + 32)
  assert.equal(await verdicts(many(i => [`tenant ${i}`, `network ${i}`])), 2 + 64)
  const refused = await Promise.all(many(() => ['acme', 'one network']).map(names => check(...names)))
  const error = refused.find(verdict => verdict instanceof Busy)
  assert.equal(error?.status, 503)
  assert.equal(error?.headers['retry-after'], '5')
})

test('AZ-36: a tenant that fills its part of the queue delays another one by at most one password', async () => {
  const passwords = createPasswords(TEST_PASSWORD_COST, { atOnce: 1, waiting: 64 })
  const order: string[] = []
  const hash = (owner: string, guest: string) =>
    passwords.hash('secret', { owner, guest }).then(() => order.push(owner))
  const crowd = Array.from({ length: 20 }, (_, i) => hash('crowd', `network ${i}`))
  await Promise.all([...crowd, hash('quiet', 'home')])
  assert.ok(order.indexOf('quiet') <= 2, order.join(' '))
})
