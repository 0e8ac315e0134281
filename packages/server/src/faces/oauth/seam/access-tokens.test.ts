/** What this take-over uses of oidc-provider. After a change of the pinned version these tests show what changed. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decodeJwt } from 'jose'
import { decided, stageSeam } from './seam.fixture.ts'

const stage = stageSeam()

describe('the decision overwrites the token', () => {
  test('scopes, audiences, lifetime and claims, also in the response', async () => {
    stage.decision = () => decided(['read', 'write'])
    const { body } = await stage.exchange()
    const { scope, aud, tier, exp = 0, iat = 0 } = decodeJwt(body.access_token)
    assert.deepEqual([scope, aud, tier, exp - iat], ['read write', ['one', 'two'], 'gold', 77])
    assert.deepEqual([body.scope, body.expires_in], ['read write', 77])
  })

  test('no audience', async () => {
    stage.decision = () => ({ ...decided(['read']), accessToken: { ...decided(['read']).accessToken, audiences: [] } })
    const { body } = await stage.exchange()
    assert.equal('aud' in decodeJwt(body.access_token), false)
  })

  test('client credentials', async () => {
    const { body } = await stage.post('/token', { grant_type: 'client_credentials', scope: 'read' })
    assert.equal(decodeJwt(body.access_token)['tier'], 'gold')
    assert.deepEqual(stage.events, ['decide'])
  })
})

describe('JWTs at endpoints where oidc-provider refuses them', () => {
  test('introspection shows their claims, until they or their grant are revoked', async () => {
    const { body } = await stage.exchange()
    const shown = await stage.post('/introspect', { token: body.access_token })
    assert.deepEqual([shown.body.active, shown.body.sub, shown.body.tier], [true, 'u-1', 'gold'])
    await stage.post('/revoke', { token: body.access_token })
    assert.deepEqual((await stage.post('/introspect', { token: body.access_token })).body, { active: false })

    const other = await stage.exchange()
    await stage.post('/revoke', { token: other.body.refresh_token })
    assert.deepEqual((await stage.post('/introspect', { token: other.body.access_token })).body, { active: false })
  })

  test('issuing a JWT writes no row, revoking it writes one', async () => {
    const { body } = await stage.post('/token', { grant_type: 'client_credentials', scope: 'read' })
    assert.deepEqual(stage.events, ['decide'])
    stage.decision = () => ({
      ...decided(['read']),
      accessToken: { ...decided(['read']).accessToken, subjectKind: 'APPLICATION' },
    })
    const machine = await stage.post('/token', { grant_type: 'client_credentials', scope: 'read' })
    await stage.post('/revoke', { token: machine.body.access_token })
    assert.deepEqual(stage.events, ['decide', 'decide', 'save RevokedAccessToken'])
    assert.equal(typeof body.access_token, 'string')
  })

  test('userinfo accepts a JWT with an audience', async () => {
    const { body } = await stage.exchange()
    const answer = await fetch(`${stage.base}/userinfo`, { headers: { authorization: `Bearer ${body.access_token}` } })
    assert.deepEqual(await answer.json(), { sub: 'u-1' })
  })
})
