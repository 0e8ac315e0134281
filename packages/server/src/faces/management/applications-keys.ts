/** The public keys of applications. */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { requestProblems } from '../../ground/http/request-problems.ts'
import type { Application, PublicKeys } from '../../ground/store/model.ts'
import type { AdvancedInput } from './routes/applications.ts'

const FIELD = 'advancedConfigurations.certificate'
const MIN_RSA_BITS = 2048
const CURVES = ['prime256v1', 'secp384r1']

/** Reads the keys. Returns nothing for an empty value: the application has no keys. Throws a problem for unusable keys. */
export function readPublicKeys(certificate: AdvancedInput['certificate']): PublicKeys | undefined {
  const { type = 'PEM', value = '' } = certificate ?? {}
  if (value.trim() === '') return undefined
  if (type === 'JWKS') return { jwksUri: readAddress(value) }
  const key = readPem(value)
  const { asymmetricKeyType, asymmetricKeyDetails = {} } = key ?? {}
  const isRsa = asymmetricKeyType === 'rsa' && (asymmetricKeyDetails.modulusLength ?? 0) >= MIN_RSA_BITS
  const isEc = asymmetricKeyType === 'ec' && CURVES.includes(asymmetricKeyDetails.namedCurve ?? '')
  if (key && (isRsa || isEc)) return { jwk: { ...key.export({ format: 'jwk' }), use: 'sig' } }
  throw requestProblems.invalid(
    `${FIELD}.value: must be a certificate in PEM, optionally encoded in Base64, with an RSA key of at least ${MIN_RSA_BITS} bits or a P-256 or P-384 key.`,
  )
}

/** Throws a problem if an application could not authenticate with its configuration. */
export function checkClientAuthentication({ clientAuthMethod, publicKeys }: Application): void {
  if (clientAuthMethod !== 'private_key_jwt' || publicKeys) return
  throw requestProblems.invalid(
    `clientAuthentication.tokenEndpointAuthMethod: private_key_jwt requires a key in ${FIELD} of the application.`,
  )
}

function readPem(value: string): KeyObject | undefined {
  try {
    return createPublicKey(value.includes('-----BEGIN') ? value : Buffer.from(value, 'base64').toString('utf8'))
  } catch {
    return undefined
  }
}

/** Keys sent unencrypted could be replaced on their way. */
function readAddress(value: string): string {
  const url = URL.parse(value)
  const isLocal = url?.protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname)
  if (url?.protocol === 'https:' || isLocal) return value
  throw requestProblems.invalid(`${FIELD}.value: must be the https address of a JSON Web Key Set.`)
}
