import { createHash, type KeyObject } from 'node:crypto'
import type { PasswordCredential, Platform } from '@preflow/contract'
import { CompactEncrypt } from 'jose'

/** How an action receives a password: `passwordSharing.format` of its configuration. */
export type PasswordFormat = 'PLAIN_TEXT' | 'SHA256_HASHED'

/**
 * The password of a password event, not encrypted.
 *
 * A digest is one unsalted round of SHA-256, as in the reference. It protects against a glance into a log, not against
 * guessing.
 */
export function credentialOf(password: string, format: PasswordFormat = 'PLAIN_TEXT'): PasswordCredential {
  if (format === 'PLAIN_TEXT') return { type: 'PASSWORD', format, value: password }
  return {
    type: 'PASSWORD',
    format: 'HASH',
    value: createHash('sha256').update(password, 'utf8').digest('base64'),
    additionalData: { algorithm: 'SHA256' },
  }
}

/**
 * Encrypts a credential for the extension: a compact JWE, RSA-OAEP-256 with A256GCM.
 *
 * @param publicKey RSA of 2048 bits or more. Otherwise it rejects.
 * @param valueAs The JSON type of `value` on the platform.
 */
export function encryptCredential(
  credential: PasswordCredential,
  publicKey: KeyObject,
  valueAs: Platform['disclosing']['encryptedValueAs'],
): Promise<string> {
  const content = valueAs === 'text' ? credential : { ...credential, value: characters(String(credential.value)) }
  return new CompactEncrypt(Buffer.from(JSON.stringify(content)))
    .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'application/json' })
    .encrypt(publicKey)
}

/** The reference writes an array of characters. Half a surrogate pair becomes `?` in UTF-8. */
function characters(text: string): string[] {
  return text.split('').map(unit => (/[\ud800-\udfff]/.test(unit) ? '?' : unit))
}
