import { type KeyObject, X509Certificate } from 'node:crypto'

/** RSA 2048, self-signed, long expired: only its form matters. */
export const RSA_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIDATCCAemgAwIBAgIUV4Vw5dWeAB8asVn2YU+frvZoPJkwDQYJKoZIhvcNAQEL
BQAwEDEOMAwGA1UEAwwFZ3VhcmQwHhcNMjYxMTIxMTA1MTA2WhcNMjYxMTIyMTA1
MTA2WjAQMQ4wDAYDVQQDDAVndWFyZDCCASIwDQYJKoZIhvcNAQEBBQADggEPADCC
AQoCggEBAIiakX9pMTYRBWF2iTD1vcaEAPD7J6QVxBJabCPCvoaJVo/h+acOQb3R
hzm3cnnaEhAVnZzjHw4kqjbdRSFYY2TAny7iKsHQRvBMeypmFNU3Tiha0aNQ5sT8
6A47PJ8zNjFCtve2QGJaLo6JuruQlZiFvpu/gvbtzW6QODHhLN70L2r+uANZUgnN
M1/+wJXzPmt1C4qKp9mJZd7DIHDFFwX8q40Ir8N94sR0vQrQFX4gYVE9EQ1Jpn49
Be15KnT4cb3+xGKYOLviIzfcWdzkAwlTh/Q+4mGBiVciJ9CazKq/94p0L85zfQyV
oCHOCZYwd1NO9i5kjG4zVvl4612KAJ8CAwEAAaNTMFEwHQYDVR0OBBYEFIHNs/hz
mhPpuxAoXfT4EynQUUWvMB8GA1UdIwQYMBaAFIHNs/hzmhPpuxAoXfT4EynQUUWv
MA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADggEBAGKYlRIVOHJSzeoW
rmwGysJzhuWntciZbwbrz1OHrVd8HDsJjn4bTF04oxD0m3nxwrIkd+AyYdm29SeG
qLZGkkJiwVytI2YD7iMxh2LL9XENp28DbCx0csNRwix0tPoDiC6jAB8nz7yfypKs
NGCBpSxLztOb4npdUOLFZmSpbzZQHE/yYZtUfijgCZK4F+TH4BPE9pto4RiQbNqa
NzyD3OChOSF9mLpeDj4RO8zhBKd1J782dYXA6IQZkYBWnr+u+KdCKp/qNd4IzEPj
4AE0j1whhxvXs5hFs2IYS74L2L7bUaOrYt/kflgpqiezjiA0yPPVrqGIgMfU0DnP
g7nuqw0=
-----END CERTIFICATE-----
`
export const EC_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBdjCCARugAwIBAgIUE6GioVUQ8PD5/Rz3DNhmmgbqyOswCgYIKoZIzj0EAwIw
EDEOMAwGA1UEAwwFZ3VhcmQwHhcNMjYxMTIxMTA1MTA2WhcNMjYxMTIyMTA1MTA2
WjAQMQ4wDAYDVQQDDAVndWFyZDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABOv7
h2Uf+oZpvXtpxsyacp+kWNwY1DFL5sx4XJyYOi4YvHFNPuj2tc3kmMb3rjpI3xsE
zXDh6IrOfaQf5C0yVS6jUzBRMB0GA1UdDgQWBBSVmRGGTE1YnUhGT771S3L2EgcA
PzAfBgNVHSMEGDAWgBSVmRGGTE1YnUhGT771S3L2EgcAPzAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0kAMEYCIQDFf1CuuLKVFLVIiNwu1lpBwE7nI0QD1W5c
VasIaykUgAIhAMoVDmffr6DPy4egKPGxgxy2hvBjvX+/0AGs7kM+lN8M
-----END CERTIFICATE-----
`

/** An X.509 certificate in PEM of another RSA key of 2048 bits. Its signature is wrong, which whoever encrypts to it never asks. */
export function certificateOf(publicKey: KeyObject): string {
  const old = new X509Certificate(RSA_CERTIFICATE)
  const spkiOf = (key: KeyObject) => key.export({ type: 'spki', format: 'der' })
  const before = spkiOf(old.publicKey)
  const at = old.raw.indexOf(before)
  const der = Buffer.concat([old.raw.subarray(0, at), spkiOf(publicKey), old.raw.subarray(at + before.byteLength)])
  return `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`
}
