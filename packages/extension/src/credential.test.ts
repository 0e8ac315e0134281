import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { describeIssues, present } from '@preflow/contract'
import fc from 'fast-check'
import { CompactEncrypt, exportJWK, exportPKCS8, exportSPKI, generateKeyPair } from 'jose'
import {
  CredentialKeyError,
  type CredentialReading,
  createCredentialReader,
  importCredentialKeys,
  readCredential,
} from './credential.ts'

const password = 'Blue-Heron_42!'
const sha256OfPassword = 'NJZfayoYr0FA+75z+/ZBx+6gi+pLKbOf4lQy4SFVj9w='

const current = await generateKeyPair('RSA-OAEP-256', { extractable: true })
const previous = await generateKeyPair('RSA-OAEP-256', { extractable: true })
const stranger = await generateKeyPair('RSA-OAEP-256', { extractable: true })

function encrypt(
  document: unknown,
  { publicKey = current.publicKey, alg = 'RSA-OAEP-256', enc = 'A256GCM' } = {},
): Promise<string> {
  return new CompactEncrypt(new TextEncoder().encode(JSON.stringify(document)))
    .setProtectedHeader({ alg, enc, cty: 'application/json' })
    .encrypt(publicKey)
}

/**
 * How the reference's encryption writes a credential: one string per UTF-16 unit, with each half of a surrogate pair
 * replaced by `?`.
 */
function inCharacters(value: string): string[] {
  return Array.from({ length: value.length }, (_, index) => value.charAt(index).replace(/[\ud800-\udfff]/, '?'))
}

const plain = (value: unknown) => ({ type: 'PASSWORD', format: 'PLAIN_TEXT', value })
const hashed = (value: unknown, additionalData: unknown = { algorithm: 'SHA256' }) => ({
  type: 'PASSWORD',
  format: 'HASH',
  value,
  additionalData,
})

function textOf(reading: CredentialReading): string {
  assert.ok(reading.ok && reading.credential.kind === 'plain')
  return reading.credential.text
}

function digestOf(reading: CredentialReading): string {
  assert.ok(reading.ok && reading.credential.kind === 'sha256')
  return Buffer.from(reading.credential.digest).toString('base64')
}

function refusal(reading: CredentialReading): { fault: string; text: string } {
  assert.ok(!reading.ok)
  return { fault: reading.fault, text: describeIssues(reading.issues) }
}

test('PC-01: a plain password is read as it was sent', async () => {
  assert.equal(textOf(await readCredential(plain(password))), password)
})

test('PC-02, PC-03: a hashed password becomes the 32 bytes of its SHA-256', async () => {
  for (const [text, base64] of [
    [password, sha256OfPassword],
    ['Test@123', 'h3bxCOJHqx4rMjBCwEnCZkB8gfutQb3h6N/Bu2b9Jn4='],
  ] as const) {
    assert.equal(createHash('sha256').update(text).digest('base64'), base64)
    assert.equal(digestOf(await readCredential(hashed(base64))), base64)
  }
})

test('PC-05: a digest that is not 32 bytes of padded standard base64 is an issue that does not quote it', async () => {
  const urlSafe = sha256OfPassword.replaceAll('+', '-').replaceAll('/', '_')
  const hex = Buffer.from(sha256OfPassword, 'base64').toString('hex')
  const wrong = [
    urlSafe,
    hex,
    sha256OfPassword.slice(0, -1),
    `${sha256OfPassword} `,
    'c2hvcnQ=',
    '',
    `${sha256OfPassword.slice(0, 42)}x=`,
  ]
  for (const value of wrong) {
    const { fault, text } = refusal(await readCredential(hashed(value)))
    assert.equal(fault, 'malformed')
    assert.equal(text, 'event.user.updatingCredential.value: must be the 32 bytes of a SHA-256 in padded base64')
  }
})

test('a digest with another algorithm, or with none, is rejected', async () => {
  for (const additionalData of [{ algorithm: 'SHA512' }, {}, undefined]) {
    const document = {
      type: 'PASSWORD',
      format: 'HASH',
      value: sha256OfPassword,
      ...present({ additionalData }),
    }
    assert.match(refusal(await readCredential(document)).text, /additionalData\.algorithm: must be SHA256/)
  }
})

test('PC-06 to PC-10: an encrypted password is read from the string and from the array of characters', async () => {
  const keys = await importCredentialKeys([await exportPKCS8(current.privateKey)])
  for (const value of [password, inCharacters(password)]) {
    const jwe = await encrypt(plain(value))
    assert.equal(jwe.split('.').length, 5)
    assert.equal(textOf(await readCredential(jwe, { keys })), password)
  }
})

test('PC-11: the array of characters keeps every character of the Basic Multilingual Plane', async () => {
  const keys = [current.privateKey]
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: fc.integer({ min: 0, max: 0xd7ff }).map(unit => String.fromCharCode(unit)), maxLength: 40 }),
      async text => {
        const jwe = await encrypt(plain(inCharacters(text)))
        assert.equal(textOf(await readCredential(jwe, { keys })), text)
      },
    ),
    { numRuns: 20 },
  )
  const jwe = await encrypt(plain(inCharacters(`<&='"`)))
  assert.equal(textOf(await readCredential(jwe, { keys })), `<&='"`)
})

test('PC-12: a character that the reference destroys arrives as it was sent, and one in a string arrives intact', async () => {
  const keys = [current.privateKey]
  assert.equal(textOf(await readCredential(await encrypt(plain(inCharacters('a😀b'))), { keys })), 'a??b')
  assert.equal(textOf(await readCredential(await encrypt(plain('a😀b')), { keys })), 'a😀b')
  assert.equal(textOf(await readCredential(plain([...'a😀b']))), 'a😀b')
})

test('PC-13: a hashed password is read from its encryption, as a string and as characters', async () => {
  for (const value of [sha256OfPassword, inCharacters(sha256OfPassword)]) {
    const jwe = await encrypt(hashed(value))
    assert.equal(digestOf(await readCredential(jwe, { keys: [current.privateKey] })), sha256OfPassword)
  }
})

test('while the certificate changes, passwords for the old and the new one are both read', async () => {
  const keys = await importCredentialKeys([
    await exportPKCS8(current.privateKey),
    JSON.stringify(await exportJWK(previous.privateKey)),
  ])
  for (const { publicKey } of [current, previous]) {
    assert.equal(textOf(await readCredential(await encrypt(plain(password), { publicKey }), { keys })), password)
  }
  const foreign = await encrypt(plain(password), { publicKey: stranger.publicKey })
  const { fault, text } = refusal(await readCredential(foreign, { keys }))
  assert.equal(fault, 'not_decryptable')
  assert.match(text, /any of the 2 configured keys/)
})

test('an encrypted password without a key reports that the key is missing', async () => {
  const { fault, text } = refusal(await readCredential(await encrypt(plain(password))))
  assert.equal(fault, 'no_key')
  assert.match(text, /private key of the action's certificate/)
})

test('other algorithms, damaged parts and invalid plaintexts are rejected without quoting them', async () => {
  const keys = [current.privateKey]
  const jwe = await encrypt(plain(password))
  const damaged = jwe.split('.').with(3, 'AAAA').join('.')
  const other = await encrypt(plain(password), { enc: 'A128CBC-HS256' })
  for (const value of [damaged, other]) {
    assert.equal(refusal(await readCredential(value, { keys })).fault, 'not_decryptable')
  }
  const noJson = await new CompactEncrypt(new TextEncoder().encode(password))
    .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM' })
    .encrypt(current.publicKey)
  for (const value of [
    noJson,
    await encrypt(password),
    await encrypt([password]),
    await encrypt(plain({ password })),
  ]) {
    const { fault, text } = refusal(await readCredential(value, { keys }))
    assert.equal(fault, 'malformed')
    assert.doesNotMatch(text, /Heron/)
  }
})

test('an invalid credential is an issue, never an exception, and is never quoted', async () => {
  const keys = [current.privateKey]
  const strange = [
    null,
    undefined,
    7,
    [],
    {},
    '',
    'secret-word',
    'a.b.c.d',
    'a.b.c.d.e',
    plain(7),
    plain(['ab', 'secret-word']),
    { ...plain('secret-word'), format: 'ROT13' },
    { ...plain('secret-word'), type: 'PIN' },
  ]
  for (const value of strange) {
    assert.doesNotMatch(refusal(await readCredential(value, { keys })).text, /secret|ROT13|PIN/)
  }
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), async value => {
      await readCredential(value, { keys })
    }),
  )
})

test('an unusable key is reported by its position, with what to do, and is never quoted', async () => {
  const small = await generateKeyPair('RSA-OAEP-256', { modulusLength: 2048, extractable: true })
  const good = await exportPKCS8(small.privateKey)
  const ec = await generateKeyPair('ECDH-ES', { extractable: true })
  const cases: [string, RegExp][] = [
    [
      '-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----',
      /^Decryption key 2 is in the old PKCS #1.*openssl pkcs8/,
    ],
    ['-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----', /certificate\. Specify the private key/],
    ['-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIE\n-----END ENCRYPTED PRIVATE KEY-----', /passphrase/],
    [await exportSPKI(current.publicKey), /public key/],
    [JSON.stringify(await exportJWK(current.publicKey)), /public key/],
    [await exportPKCS8(ec.privateKey), /cannot be read/],
    [JSON.stringify(await exportJWK(ec.privateKey)), /cannot be read|RSA/],
    [JSON.stringify({ kty: 'oct', k: 'c2VjcmV0LXdvcmQ' }), /cannot be read/],
    ['secret-word', /cannot be read/],
  ]
  for (const [text, message] of cases) {
    await assert.rejects(importCredentialKeys([good, text]), (error: unknown) => {
      assert.ok(error instanceof CredentialKeyError)
      assert.match(error.message, message)
      assert.doesNotMatch(error.message, /secret-word|MIIE/)
      return true
    })
  }
})

test('a key shorter than 2048 bits is rejected with its length', async () => {
  const { privateKey } = await crypto.subtle.generateKey(
    { name: 'RSA-OAEP', modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
    true,
    ['decrypt', 'encrypt'],
  )
  const pem = await exportPKCS8(privateKey)
  await assert.rejects(importCredentialKeys([pem]), { message: /^Decryption key 1 has 1024 bits/ })
})

test('a PEM whose line breaks are written as \\n is read', async () => {
  const pem = (await exportPKCS8(current.privateKey)).replaceAll('\n', '\\n')
  const keys = await importCredentialKeys([pem])
  assert.equal(textOf(await readCredential(await encrypt(plain(password)), { keys })), password)
})

test('a reader for several policies decrypts each event once', async () => {
  const read = createCredentialReader({ keys: [current.privateKey] })
  const event = { user: { updatingCredential: await encrypt(plain(password)) } }
  assert.equal(textOf(await read(event)), password)
  assert.equal(await read(event), await read(event))
  assert.notEqual(await read({ ...event }), await read(event))
})
