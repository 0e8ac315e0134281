import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { credentialOf, encryptCredential } from '@preflow/engine'
import { compactDecrypt } from 'jose'

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })

// PC-02 and PC-03, and two more.
const DIGESTS: [password: string, value: string][] = [
  ['Test@123', 'h3bxCOJHqx4rMjBCwEnCZkB8gfutQb3h6N/Bu2b9Jn4='],
  ['P@ssw0rd', 'sD3fPKLnFKZUjnSV4qA/XoJOqsmDfNfxWcZ7kPtLc0I='],
  ['Blue-Heron_42!', 'NJZfayoYr0FA+75z+/ZBx+6gi+pLKbOf4lQy4SFVj9w='],
  ['päss–wörd-9', 'Vo0sR317hxVPeJxbsf1tJgXVcn7KF9nq52YrcWpxBj8='],
]
for (const [password, value] of DIGESTS) {
  test(`the digest of ${password} is one round of SHA-256 over UTF-8, in padded base64`, () => {
    const expected = { type: 'PASSWORD', format: 'HASH', value, additionalData: { algorithm: 'SHA256' } }
    assert.deepEqual(credentialOf(password, 'SHA256_HASHED'), expected)
  })
}

for (const [valueAs, value] of [
  ['text', 'a<😀'],
  ['characters', ['a', '<', '?', '?']],
] as const) {
  test(`an encrypted password has its value as ${valueAs}`, async () => {
    const jwe = await encryptCredential(credentialOf('a<😀'), publicKey, valueAs)
    const { plaintext, protectedHeader } = await compactDecrypt(jwe, privateKey)
    assert.deepEqual(protectedHeader, { alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'application/json' })
    assert.deepEqual(JSON.parse(Buffer.from(plaintext).toString()), { ...credentialOf(''), value })
  })
}

test('a key that is too short, or not RSA, encrypts nothing', async () => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey
  const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey
  for (const key of [weak, curve]) await assert.rejects(encryptCredential(credentialOf('x'), key, 'text'))
})
