import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'

/** Encrypts secrets. Without the key, stored values and copies of them are useless. */
export interface Seal {
  /** Identifies the key without revealing it: eight hexadecimal digits. */
  keyId: string
  /**
   * Encrypts `text`. `context` names the place of the result, for example `application/<id>/client-secret`. It is neither secret
   * nor stored. {@link Seal.open} needs the same context, so a sealed value that is copied to another row cannot be decrypted
   * there.
   */
  seal(text: string, context: string): string
  /** Decrypts a value of {@link Seal.seal}. Throws a {@link SealError} for another key, another context or a changed value. */
  open(sealed: string, context: string): string
  /** Derives a secret for one purpose from the key: HKDF (RFC 5869), 32 bytes in base64url. */
  deriveSecret(purpose: string): string
  /** The same from every key, the current one first: what an older key made stays valid while it is configured. */
  deriveSecrets(purpose: string): string[]
}

/** A sealed value cannot be decrypted. The message never contains any part of the value. */
export class SealError extends Error {
  override name = 'SealError'
}

/** The id of the key that a value was sealed with. */
export function sealedWith(sealed: string): string {
  return sealed.split('.')[1] ?? ''
}

/** The length of a sealing key, for AES-256. */
export const SEALING_KEY_BYTES = 32

const VERSION = 'v1'
const NONCE_BYTES = 12
const TAG_BYTES = 16
const DERIVED_BYTES = 32

/**
 * Creates a seal: AES-256-GCM with a random nonce for each value, written as `v1.<key id>.<base64url>`.
 *
 * @param key 32 bytes. It seals new values.
 * @param olderKeys Keys of values that were sealed earlier. They only decrypt.
 */
export function createSeal(key: Uint8Array, olderKeys: readonly Uint8Array[] = []): Seal {
  // Key objects: preparing the bytes for each use would cost five times as much as the cipher itself.
  const keys = new Map([key, ...olderKeys].map(bytes => [keyIdOf(bytes), createSecretKey(bytes)]))
  const keyId = keyIdOf(key)
  const sealer = createSecretKey(key)

  return {
    keyId,
    seal(text, context) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', sealer, nonce, { authTagLength: TAG_BYTES })
      cipher.setAAD(Buffer.from(`${VERSION}.${keyId}.${context}`))
      const body = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
      return `${VERSION}.${keyId}.${body.toString('base64url')}`
    },
    open(sealed, context) {
      const [version, id = '', encoded = ''] = sealed.split('.')
      if (version !== VERSION) throw new SealError(`The sealed value of ${context} has an unknown format.`)
      const opener = keys.get(id)
      if (!opener) {
        throw new SealError(
          `${context} was sealed with the key ${id}, which is not configured. Configure that key too.`,
        )
      }
      const body = Buffer.from(encoded, 'base64url')
      if (body.length < NONCE_BYTES + TAG_BYTES) throw new SealError(`The sealed value of ${context} is truncated.`)
      const decipher = createDecipheriv('aes-256-gcm', opener, body.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      })
      decipher.setAAD(Buffer.from(`${VERSION}.${id}.${context}`))
      decipher.setAuthTag(body.subarray(-TAG_BYTES))
      try {
        const opened = decipher.update(body.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8')
        return opened + decipher.final('utf8')
      } catch (cause) {
        throw new SealError(`The sealed value of ${context} was changed or belongs elsewhere.`, { cause })
      }
    },
    deriveSecret: purpose => deriveFrom(sealer, purpose),
    deriveSecrets: purpose => [...keys.values()].map(derived => deriveFrom(derived, purpose)),
  }
}

function deriveFrom(key: KeyObject, purpose: string): string {
  return Buffer.from(hkdfSync('sha256', key, '', purpose, DERIVED_BYTES)).toString('base64url')
}

function keyIdOf(key: Uint8Array): string {
  if (key.byteLength !== SEALING_KEY_BYTES) {
    throw new SealError(`A sealing key must have ${SEALING_KEY_BYTES} bytes, but this one has ${key.byteLength}.`)
  }
  return createHash('sha256').update('preflow sealing key').update(key).digest('hex').slice(0, 8)
}
