/** oidc-provider alone, in memory, issuing ES256 JWTs for client credentials: what any server built on it costs at least. */
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider } from 'oidc-provider'

const RESOURCE = 'https://api.example'
const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })

const http = createServer().listen(0, '127.0.0.1')
await once(http, 'listening')
const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
const provider = new Provider(url, {
  clients: [
    {
      client_id: 'bench',
      client_secret: 'bench-secret-that-is-long-enough',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      id_token_signed_response_alg: 'ES256',
    },
  ],
  jwks: { keys: [{ ...jwk, alg: 'ES256', use: 'sig' }] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => RESOURCE,
      getResourceServerInfo: () => ({ scope: 'read', accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } }),
    },
  },
})
http.on('request', provider.callback())
const credentials = Buffer.from('bench:bench-secret-that-is-long-enough').toString('base64')
process.stdout.write(`${JSON.stringify({ url: `${url}/token`, headers: { authorization: `Basic ${credentials}` } })}\n`)
process.once('SIGTERM', () => http.close())
