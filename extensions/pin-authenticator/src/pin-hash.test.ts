import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { createPinHasher } from './pin-hash.ts'

const options = { pepper: 'a'.repeat(32), costLog2: 10, randomBytes }
const hasher = createPinHasher(options)

test('the stored value contains its parameters and nothing of the PIN', async () => {
  const stored = await hasher.hash('u1', '482915')
  assert.match(stored, /^\$scrypt\$ln=10,r=8,p=3,k=[\w-]{8}\$[\w-]{22}\$[\w-]{43}$/)
  assert.ok(!stored.includes('482915'))
  assert.notEqual(await hasher.hash('u1', '482915'), stored, 'each hash has its own salt')
})

test('the right PIN is right and every other is wrong', async () => {
  const stored = await hasher.hash('u1', '482915')
  assert.equal(await hasher.check('u1', '482915', stored), 'right')
  assert.equal(await hasher.check('u1', '482916', stored), 'wrong')
  assert.equal(await hasher.check('u1', '', stored), 'wrong')
})

test("a hash copied to another user's row matches no PIN", async () => {
  const stored = await hasher.hash('u1', '482915')
  assert.equal(await hasher.check('u2', '482915', stored), 'wrong')
  const other = await hasher.hash('u', '1482915')
  assert.equal(await hasher.check('u1', '482915', other), 'wrong', 'user and PIN are not merely concatenated')
})

test('without the pepper a stolen hash is useless', async () => {
  const stored = await hasher.hash('u1', '482915')
  const thief = createPinHasher({ ...options, pepper: 'b'.repeat(32) })
  assert.equal(await thief.check('u1', '482915', stored), 'unreadable')
})

test('after a change of pepper old PINs still work and need a new hash', async () => {
  const stored = await hasher.hash('u1', '482915')
  const changed = createPinHasher({ ...options, pepper: 'b'.repeat(32), previousPepper: options.pepper })
  assert.equal(await changed.check('u1', '482915', stored), 'outdated')
  assert.equal(await changed.check('u1', '482916', stored), 'wrong')
  assert.equal(await changed.check('u1', '482915', await changed.hash('u1', '482915')), 'right')
})

test('after a change of cost old PINs still work and need a new hash', async () => {
  const stored = await hasher.hash('u1', '482915')
  const dearer = createPinHasher({ ...options, costLog2: 11 })
  assert.equal(await dearer.check('u1', '482915', stored), 'outdated')
})

test('a user without a PIN costs the same work as a wrong PIN', async () => {
  // Compared as a ratio in one process, with enough work to hide the overhead.
  const heavy = createPinHasher({ ...options, costLog2: 14 })
  const stored = await heavy.hash('u1', '482915')
  const time = async (hash: string | undefined): Promise<number> => {
    const runs: number[] = []
    for (let run = 0; run < 5; run++) {
      const start = process.hrtime.bigint()
      assert.equal(await heavy.check('u1', '000000', hash), 'wrong')
      runs.push(Number(process.hrtime.bigint() - start))
    }
    return Math.min(...runs)
  }
  const ratio = (await time(undefined)) / (await time(stored))
  assert.ok(ratio > 0.3 && ratio < 3, `took ${ratio.toFixed(2)} times as long`)
})

test('a damaged hash matches no PIN', async () => {
  for (const damaged of ['', '$scrypt$', '482915', '$scrypt$ln=10,r=8,p=3,k=aaaaaaaa$$']) {
    assert.equal(await hasher.check('u1', '482915', damaged), 'unreadable')
  }
})

test('a pseudonym is stable and does not contain the name', () => {
  assert.equal(hasher.disguise('ines'), hasher.disguise('ines'))
  assert.notEqual(hasher.disguise('ines'), hasher.disguise('inez'))
  assert.ok(!hasher.disguise('ines').includes('ines'))
})
