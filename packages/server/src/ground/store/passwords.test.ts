import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { hashPassword, matchesPassword } from './passwords.ts'

const cost = { cost: 16_384, blockSize: 8, parallelization: 1 }

test('many concurrent sign-ins leave threads for name lookups and file reads', async () => {
  const ended: string[] = []
  const hashes = Array.from({ length: 12 }, () => hashPassword('secret', cost).then(() => ended.push('hash')))
  const read = readFile(import.meta.filename).then(() => ended.push('read'))
  await Promise.all([...hashes, read])
  assert.equal(ended.length, 13)
  assert.ok(ended.indexOf('read') < 6, `the read ended after ${ended.indexOf('read')} of 12 hashes`)
})

test('a failed hash passes its turn to the next one', async () => {
  const impossible = { cost: 3, blockSize: 8, parallelization: 1 }
  await Promise.all(Array.from({ length: 5 }, () => assert.rejects(hashPassword('secret', impossible))))
  const kept = await hashPassword('secret', cost)
  assert.equal(await matchesPassword(kept, 'secret', cost), true)
  assert.equal(await matchesPassword(kept, 'Secret', cost), false)
})
