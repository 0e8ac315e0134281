import { type Issue, readDocument } from '@preflow/contract'
import { type CryptoKey, compactDecrypt, importJWK, importPKCS8 } from 'jose'
import * as z from 'zod/mini'

/** A password as the platform shared it: the string, or the SHA-256 digest of its UTF-8 bytes without a salt. */
export type Credential = { kind: 'plain'; text: string } | { kind: 'sha256'; digest: Uint8Array }

/** The result of {@link readCredential} for `event.user.updatingCredential`. */
export type CredentialReading =
  | { ok: true; credential: Credential }
  | {
      ok: false
      /**
       * `malformed`: the platform sent no valid credential; `no_key`: it is encrypted and this extension has no key;
       * `not_decryptable`: none of the keys decrypts it.
       */
      fault: 'malformed' | 'no_key' | 'not_decryptable'
      /** Where the problem is and what to do. Never contains anything of the credential. */
      issues: Issue[]
    }

const ALGORITHM = 'RSA-OAEP-256'
const ENCRYPTION = 'A256GCM'
const MINIMUM_KEY_BITS = 2048
const ROOT = ['event', 'user', 'updatingCredential']

/** Five base64url parts. With an encrypted key and a JSON plaintext none of them is empty. */
const COMPACT_JWE = /^[\w-]+\.[\w-]+\.[\w-]+\.[\w-]+\.[\w-]+$/

/** 32 bytes in the padded standard alphabet: 43 characters and one `=`. The last character carries four bits. */
const SHA256_BASE64 = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/

/**
 * The reference turns the password into an array of one-character strings if it encrypts it, and into a string
 * otherwise. Both are the same password.
 */
const valueSchema = z.union(
  [
    z.string(),
    z.pipe(
      z.array(z.string().check(z.regex(/^.$/su, 'must be one character'))),
      z.transform(characters => characters.join('')),
    ),
  ],
  'must be a string or an array of single characters',
)

const credentialSchema = z.looseObject({
  type: z.literal('PASSWORD', 'must be PASSWORD'),
  format: z.enum(['PLAIN_TEXT', 'HASH'], 'must be PLAIN_TEXT or HASH'),
  value: valueSchema,
  additionalData: z.exactOptional(z.looseObject({ algorithm: z.exactOptional(z.string('must be a string')) })),
})

/**
 * Reads the password of a PRE_UPDATE_PASSWORD event in every form that a platform shares: plain, as SHA-256, and either
 * of them encrypted for the certificate of the action (a compact JWE, RSA-OAEP-256 with A256GCM).
 *
 * Never throws because of the platform's data. The string is returned unchanged, without trimming or Unicode
 * normalisation, because the platform will store exactly these characters. The reference has one defect: a character
 * outside the Basic Multilingual Plane arrives from its encryption as `??`.
 *
 * @param updatingCredential `event.user.updatingCredential`.
 * @param options.keys Private keys from {@link importCredentialKeys}, the current one first. While the certificate
 *   changes, pass the old and the new one. Default: none, so an encrypted password is an issue.
 * @example
 * const keys = await importCredentialKeys([privateKeyPem])
 * const reading = await readCredential(event.user.updatingCredential, { keys })
 * if (reading.ok && reading.credential.kind === 'plain') check(reading.credential.text)
 */
export async function readCredential(
  updatingCredential: unknown,
  options: { keys?: readonly CryptoKey[] } = {},
): Promise<CredentialReading> {
  return await read(updatingCredential, options.keys ?? [])
}

/** Reads a credential that is not encrypted, synchronously. */
function read(updatingCredential: unknown, keys: readonly CryptoKey[]): CredentialReading | Promise<CredentialReading> {
  if (typeof updatingCredential !== 'string') return readObject(updatingCredential)
  if (!COMPACT_JWE.test(updatingCredential)) {
    return refuse('malformed', 'must be a credential object or a compact JWE')
  }
  if (keys.length === 0) {
    return refuse('no_key', "is encrypted. Configure this extension with the private key of the action's certificate")
  }
  return readEncrypted(updatingCredential, keys)
}

async function readEncrypted(jwe: string, keys: readonly CryptoKey[]): Promise<CredentialReading> {
  for (const key of keys) {
    const plaintext = await decrypt(jwe, key)
    if (!plaintext) continue
    try {
      return readObject(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(plaintext)))
    } catch {
      return refuse('malformed', 'decrypts to something that is not JSON')
    } finally {
      plaintext.fill(0)
    }
  }
  return refuse(
    'not_decryptable',
    `cannot be decrypted with ${keys.length === 1 ? 'the configured key' : `any of the ${keys.length} configured keys`}. ` +
      `It must be ${ALGORITHM} with ${ENCRYPTION}, for the certificate of one of these keys`,
  )
}

/** Reads the password of an event, synchronously if it is not encrypted. See {@link createCredentialReader}. */
export type CredentialReader = (event: {
  user: { updatingCredential: unknown }
}) => CredentialReading | Promise<CredentialReading>

/**
 * A reader for several policies. An encrypted password is decrypted once for all of them, because that costs more than
 * all the policies.
 *
 * @param options.keys As for {@link readCredential}.
 */
export function createCredentialReader(options: { keys?: readonly CryptoKey[] } = {}): CredentialReader {
  const { keys = [] } = options
  const opened = new WeakMap<object, Promise<CredentialReading>>()
  return event => {
    const known = opened.get(event)
    if (known) return known
    const reading = read(event.user.updatingCredential, keys)
    if (reading instanceof Promise) opened.set(event, reading)
    return reading
  }
}

/**
 * Imports the private keys that decrypt passwords: PEM (PKCS #8) or JWK, RSA of at least 2048 bits.
 *
 * @param texts One key each, the current one first. A line break in a PEM may be written as `\n`, as in an environment
 *   variable.
 * @throws {CredentialKeyError} If a key cannot be used. The message states its position and what to do.
 */
export async function importCredentialKeys(texts: readonly string[]): Promise<CryptoKey[]> {
  return await Promise.all(texts.map((text, index) => importKey(text, `Decryption key ${index + 1}`)))
}

/** A key that {@link importCredentialKeys} cannot use. The message never contains the key. */
export class CredentialKeyError extends Error {
  override name = 'CredentialKeyError'
}

function readObject(value: unknown): CredentialReading {
  // The most frequent form is recognised without the schema, which would cost more than everything else.
  const usual = value as { type?: unknown; format?: unknown; value?: unknown } | null | undefined
  if (usual?.type === 'PASSWORD' && usual.format === 'PLAIN_TEXT' && typeof usual.value === 'string') {
    return { ok: true, credential: { kind: 'plain', text: usual.value } }
  }
  const read = readDocument(credentialSchema, value, ROOT)
  if (!read.ok) return { ok: false, fault: 'malformed', issues: read.issues }
  const { format, value: text, additionalData } = read.value
  if (format === 'PLAIN_TEXT') return { ok: true, credential: { kind: 'plain', text } }
  if (additionalData?.algorithm !== 'SHA256') {
    return refuse('malformed', 'must be SHA256: no other digest is part of the contract', 'additionalData', 'algorithm')
  }
  if (!SHA256_BASE64.test(text))
    return refuse('malformed', 'must be the 32 bytes of a SHA-256 in padded base64', 'value')
  return { ok: true, credential: { kind: 'sha256', digest: Uint8Array.from(atob(text), byte => byte.charCodeAt(0)) } }
}

/** Returns nothing if this key does not fit. Neither the caller nor the message of an error shows the reason. */
async function decrypt(jwe: string, key: CryptoKey): Promise<Uint8Array | undefined> {
  try {
    const { plaintext } = await compactDecrypt(jwe, key, {
      keyManagementAlgorithms: [ALGORITHM],
      contentEncryptionAlgorithms: [ENCRYPTION],
      // A credential is never compressed, and decompression could turn a small body into a large one.
      maxDecompressedLength: 0,
    })
    return plaintext
  } catch {
    return undefined
  }
}

async function importKey(text: string, name: string): Promise<CryptoKey> {
  const key = await importText(text.trim(), name)
  if (key.type !== 'private') {
    throw new CredentialKeyError(`${name} is a public key. Specify the private key that belongs to the certificate.`)
  }
  const { modulusLength } = key.algorithm as { modulusLength?: number }
  if (modulusLength === undefined || modulusLength < MINIMUM_KEY_BITS) {
    throw new CredentialKeyError(
      `${name} has ${modulusLength ?? 0} bits. Use an RSA key of at least ${MINIMUM_KEY_BITS}.`,
    )
  }
  return key
}

async function importText(text: string, name: string): Promise<CryptoKey> {
  const pem = text.replaceAll('\\n', '\n')
  const label = /^-----BEGIN ([A-Z ]+)-----/.exec(pem)?.[1]
  const advice = pemAdvice[label ?? '']
  if (advice) throw new CredentialKeyError(`${name} ${advice}`)
  try {
    if (label) return await importPKCS8(pem, ALGORITHM)
    const imported = await importJWK(JSON.parse(text), ALGORITHM)
    if (!(imported instanceof Uint8Array)) return imported
  } catch {
    // The cause is dropped, because a parser's message may quote the unreadable input.
  }
  throw new CredentialKeyError(
    `${name} cannot be read. Specify an RSA private key as PEM ("-----BEGIN PRIVATE KEY-----") or as a JWK.`,
  )
}

/** What to do with common PEM blocks that are not PKCS #8. */
const pemAdvice: Record<string, string> = {
  'RSA PRIVATE KEY': 'is in the old PKCS #1 form. Convert it: openssl pkcs8 -topk8 -nocrypt -in old.pem -out new.pem',
  'EC PRIVATE KEY': 'is an EC key. The platform encrypts only with RSA: create an RSA key and a certificate for it.',
  'ENCRYPTED PRIVATE KEY': 'needs a passphrase. Write it without one: openssl pkcs8 -in key.pem -out plain.pem',
  'PUBLIC KEY': 'is a public key. Specify the private key that belongs to the certificate.',
  CERTIFICATE: 'is a certificate. Specify the private key that belongs to it.',
}

function refuse(
  fault: 'malformed' | 'no_key' | 'not_decryptable',
  message: string,
  ...path: string[]
): CredentialReading {
  return { ok: false, fault, issues: [{ path: [...ROOT, ...path], message }] }
}
