import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { startWorld, type World } from '../../world.fixture.ts'

let world: World
let keys: { privateKey: CryptoKey; publicKey: CryptoKey }
let published: object[]
const keySet = createServer((_request, response) => {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ keys: published }))
})
before(async () => {
  world = await startWorld()
  keys = await generateKeyPair('PS256')
  published = [{ ...(await exportJWK(keys.publicKey)), kid: 'first', use: 'sig' }]
  await new Promise<void>(resolve => keySet.listen(0, '127.0.0.1', resolve))
})
after(async () => {
  await world.close()
  keySet.close()
})

const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

async function authenticate(
  clientId: string,
  {
    privateKey,
    kid = 'first',
    audience = `${world.base}/oauth2/token`,
  }: { privateKey: CryptoKey; kid?: string; audience?: string },
  base = world.base,
) {
  const assertion = await new SignJWT({ jti: randomUUID() })
    .setProtectedHeader({ alg: 'PS256', kid })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(audience)
    .setExpirationTime('1m')
    .sign(privateKey)
  const form = { grant_type: 'client_credentials', client_assertion: assertion, client_assertion_type: ASSERTION }
  const response = await fetch(`${base}/oauth2/token`, { method: 'POST', body: new URLSearchParams(form) })
  return response.status
}

function addSigner(jwksUri = `http://127.0.0.1:${(keySet.address() as AddressInfo).port}/keys`) {
  return world.addApplication({ clientAuthMethod: 'private_key_jwt', publicKeys: { jwksUri } })
}

test('assertions are checked with the keys that the application publishes, including new ones', async () => {
  const { clientId } = await addSigner()
  assert.equal(await authenticate(clientId, keys), 200)
  assert.equal(await authenticate(clientId, { ...keys, audience: 'https://elsewhere.example' }), 401)
  const next = await generateKeyPair('PS256')
  assert.equal(await authenticate(clientId, { ...next, kid: 'second' }), 401)
  published.push({ ...(await exportJWK(next.publicKey)), kid: 'second', use: 'sig' })
  const other = await addSigner()
  assert.equal(await authenticate(other.clientId, { ...next, kid: 'second' }), 200)
})

test('its secret is refused', async () => {
  const application = await addSigner()
  const { status, body } = await world.token(application, { grant_type: 'client_credentials' })
  assert.deepEqual([status, body.error], [401, 'invalid_client'])
})

test('keys at a private address are not fetched unless the operator allows the network', async () => {
  const strict = await startWorld({ privateEndpoints: [] })
  try {
    const jwksUri = `http://127.0.0.1:${(keySet.address() as AddressInfo).port}/keys`
    const { clientId } = await strict.addApplication({ clientAuthMethod: 'private_key_jwt', publicKeys: { jwksUri } })
    const audience = `${strict.base}/oauth2/token`
    assert.notEqual(await authenticate(clientId, { ...keys, audience }, strict.base), 200)
  } finally {
    await strict.close()
  }
})
