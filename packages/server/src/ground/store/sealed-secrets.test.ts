import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSeal } from './sealed-secrets.ts'

const key = new Uint8Array(32).fill(1)
const otherKey = new Uint8Array(32).fill(2)

test('a sealed value can be decrypted and is not readable in between', () => {
  const seal = createSeal(key)
  const sealed = seal.seal('päßword', 'action/1/authentication')
  assert.doesNotMatch(sealed, /word/)
  assert.match(sealed, new RegExp(`^v1\\.${seal.keyId}\\.[\\w-]+$`))
  assert.equal(seal.open(sealed, 'action/1/authentication'), 'päßword')
  assert.equal(seal.open(seal.seal('', 'x'), 'x'), '')
})

test('sealing the same string twice gives different values', () => {
  const seal = createSeal(key)
  assert.notEqual(seal.seal('secret', 'x'), seal.seal('secret', 'x'))
})

test('a sealed value copied to another place cannot be decrypted there', () => {
  const seal = createSeal(key)
  const sealed = seal.seal('secret', 'action/1/authentication')
  assert.throws(() => seal.open(sealed, 'action/2/authentication'), {
    name: 'SealError',
    message: 'The sealed value of action/2/authentication was changed or belongs elsewhere.',
  })
})

test('a changed or truncated value cannot be decrypted', () => {
  const seal = createSeal(key)
  const sealed = seal.seal('secret', 'x')
  const at = sealed.length - 5
  const changed = `${sealed.slice(0, at)}${sealed[at] === 'A' ? 'B' : 'A'}${sealed.slice(at + 1)}`
  for (const broken of [changed, sealed.slice(0, -6), sealed.slice(0, 20), '', 'v0.x.y', `v1.${seal.keyId}`]) {
    assert.throws(() => seal.open(broken, 'x'), { name: 'SealError' })
  }
})

test('after a key change, values of the older key can still be decrypted and new ones use the new key', () => {
  const before = createSeal(key)
  const sealed = before.seal('secret', 'x')
  const after = createSeal(otherKey, [key])
  assert.equal(after.open(sealed, 'x'), 'secret')
  assert.throws(() => before.open(after.seal('secret', 'x'), 'x'), {
    message: `x was sealed with the key ${after.keyId}, which is not configured. Configure that key too.`,
  })
})

test('a key of another length is refused without revealing its content', () => {
  assert.throws(() => createSeal(new Uint8Array(16).fill(9)), {
    name: 'SealError',
    message: 'A sealing key must have 32 bytes, but this one has 16.',
  })
})

test('a derived secret belongs to one key and one purpose', () => {
  const secret = createSeal(key).deriveSecret('cookies')
  assert.match(secret, /^[\w-]{43}$/)
  assert.equal(createSeal(key, [otherKey]).deriveSecret('cookies'), secret)
  assert.notEqual(createSeal(key).deriveSecret('forms'), secret)
  assert.notEqual(createSeal(otherKey, [key]).deriveSecret('cookies'), secret)
})
