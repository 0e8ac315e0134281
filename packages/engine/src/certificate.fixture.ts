import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

/** A self-signed certificate for one DNS name, created in the test. So no fixture expires and no tool is needed. */
export function selfSigned(dnsName: string): { certificate: string; privateKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const certificate = encodeCertificate(dnsName, privateKey, publicKey)
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64')}\n-----END CERTIFICATE-----\n`,
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

// X.509 v3 in DER, as far as a test needs it (RFC 5280, section 4.1).

const SEQUENCE = 0x30
const ecdsaWithSha256 = element(SEQUENCE, element(0x06, Buffer.from('2a8648ce3d040302', 'hex')))

function encodeCertificate(dnsName: string, privateKey: KeyObject, publicKey: KeyObject): Buffer {
  const commonName = element(
    SEQUENCE,
    element(0x31, element(SEQUENCE, element(0x06, Buffer.from('550403', 'hex')), element(0x0c, Buffer.from(dnsName)))),
  )
  const year = (offset: number) =>
    element(0x17, Buffer.from(`${String((new Date().getUTCFullYear() + offset) % 100).padStart(2, '0')}0101000000Z`))
  const alternativeNames = element(
    SEQUENCE,
    element(0x06, Buffer.from('551d11', 'hex')),
    element(0x04, element(SEQUENCE, element(0x82, Buffer.from(dnsName)))),
  )
  const toBeSigned = element(
    SEQUENCE,
    element(0xa0, element(0x02, Buffer.from([2]))),
    element(0x02, Buffer.from([1])),
    ecdsaWithSha256,
    commonName,
    element(SEQUENCE, year(-1), year(2)),
    commonName,
    publicKey.export({ type: 'spki', format: 'der' }),
    element(0xa3, element(SEQUENCE, alternativeNames)),
  )
  const signature = sign('sha256', toBeSigned, privateKey)
  return element(SEQUENCE, toBeSigned, ecdsaWithSha256, element(0x03, Buffer.concat([Buffer.from([0]), signature])))
}

function element(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents)
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}
