/** What this take-over uses of oidc-provider. After a change of the pinned version these tests show what changed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt } from 'jose'
import { decided, stageSeam } from './seam.fixture.ts'

const stage = stageSeam()

const ID_TOKEN = { fixed: [{ name: 'sub', value: 'u-1' }], claims: [], audiences: ['one', 'two'], lifetimeSeconds: 55 }

test('an ID token has the decided audiences and lifetime, and the hash of the access token', async () => {
  stage.decision = plan => decided(plan.grantedScopes, { idToken: ID_TOKEN })
  const { body } = await stage.exchange()
  const { aud, exp = 0, iat = 0, at_hash } = decodeJwt(body.id_token)
  assert.deepEqual([aud, exp - iat, typeof at_hash], [['one', 'two'], 55, 'string'])
})

test('no ID token if the decision has none, and one if openid was added', async () => {
  assert.equal((await stage.exchange()).body.id_token, undefined)
  stage.decision = () => decided(['openid', 'read'], { idToken: ID_TOKEN })
  assert.equal(typeof (await stage.exchange('read')).body.id_token, 'string')
})
