import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { type Extension, startExtension, startWorld, type World } from '../../world.fixture.ts'

let world: World
let extension: Extension

before(async () => {
  world = await startWorld()
  extension = await startExtension()
})
after(async () => {
  await extension.close()
  await world.close()
})

test('T4: client credentials call the action without a user, and the token has its changes', async () => {
  const application = await world.addApplication({}, ['jobs.read', 'jobs.run'])
  await world.addAction('PRE_ISSUE_ACCESS_TOKEN', extension.url)
  extension.succeed({ op: 'add', path: '/accessToken/claims/-', value: { name: 'tier', value: 'gold' } })

  const { status, body } = await world.token(application, {
    grant_type: 'client_credentials',
    scope: 'jobs.run unknown',
  })
  assert.equal(status, 200, JSON.stringify(body))
  const keys = createRemoteJWKSet(new URL(`${world.base}/oauth2/jwks`))
  const { payload, protectedHeader } = await jwtVerify(body.access_token, keys, {
    issuer: `${world.base}/oauth2/token`,
  })
  assert.equal(protectedHeader.typ, 'at+jwt')
  assert.equal(payload['tier'], 'gold')
  assert.equal(payload['aut'], 'APPLICATION')
  assert.equal(payload['scope'], 'jobs.run')
  assert.equal(decodeJwt(body.access_token).aud, application.clientId)
  assert.equal(extension.calls.length, 1)
})
