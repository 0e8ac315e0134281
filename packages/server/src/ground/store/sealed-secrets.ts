import { createCipheriv, createDecipheriv, createHash, createSecretKey, hkdfSync, randomBytes } from 'node:crypto'

/** Keeps secrets readable only with the key: what is stored, copied or backed up is worthless without it. */
export interface Seal {
  /** Names the key without revealing it: eight hexadecimal digits. */
  keyId: string
  /**
   * Encrypts `text`. `context` says where the result belongs, for example `application/<id>/client-secret`; it is not
   * secret and not stored, and the same one must be given to {@link Seal.open}, so that a sealed value copied into
   * another row does not open there.
   */
  seal(text: string, context: string): string
  /** Decrypts what {@link Seal.seal} made. Throws a {@link SealError} for another key, another context or a changed text. */
  open(sealed: string, context: string): string
  /** A secret for one purpose, the same wherever the same key is: HKDF (RFC 5869), 32 bytes in base64url. */
  deriveSecret(purpose: string): string
}

/** A sealed value that cannot be opened. Its message never contains any part of the value. */
export class SealError extends Error {
  override name = 'SealError'
}

/** What a sealing key must have: AES-256. */
export const SEALING_KEY_BYTES = 32

const VERSION = 'v1'
const NONCE_BYTES = 12
const TAG_BYTES = 16
const DERIVED_BYTES = 32

/**
 * Makes a seal: AES-256-GCM with a random nonce for each value, written as `v1.<key id>.<base64url>`.
 *
 * @param key 32 bytes; new values are sealed with it.
 * @param olderKeys Keys that values sealed earlier may still need; they only open.
 */
export function createSeal(key: Uint8Array, olderKeys: readonly Uint8Array[] = []): Seal {
  // As key objects: preparing the bytes for each use would cost five times the cipher itself.
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
      if (version !== VERSION) throw new SealError(`The sealed value of ${context} has an unknown form.`)
      const opener = keys.get(id)
      if (!opener) {
        throw new SealError(`${context} was sealed with the key ${id}, which is not configured. Give that key as well.`)
      }
      const body = Buffer.from(encoded, 'base64url')
      if (body.length < NONCE_BYTES + TAG_BYTES) throw new SealError(`The sealed value of ${context} is cut short.`)
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
    deriveSecret: purpose => Buffer.from(hkdfSync('sha256', sealer, '', purpose, DERIVED_BYTES)).toString('base64url'),
  }
}

function keyIdOf(key: Uint8Array): string {
  if (key.byteLength !== SEALING_KEY_BYTES) {
    throw new SealError(`A sealing key has ${SEALING_KEY_BYTES} bytes, this one has ${key.byteLength}.`)
  }
  return createHash('sha256').update('preflow sealing key').update(key).digest('hex').slice(0, 8)
}
