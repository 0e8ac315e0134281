/** What this take-over relies on in oidc-provider: when the pinned version moves, this shows what moved with it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decodeJwt } from 'jose'
import { decided, stageSeam } from './seam.fixture.ts'

const stage = stageSeam()

describe('the decision is written over the token', () => {
  test('scopes, audiences, lifetime and claims, and the response follows', async () => {
    stage.decision = () => decided(['read', 'write'])
    const { body } = await stage.exchange()
    const { scope, aud, tier, exp = 0, iat = 0 } = decodeJwt(body.access_token)
    assert.deepEqual([scope, aud, tier, exp - iat], ['read write', ['one', 'two'], 'gold', 77])
    assert.deepEqual([body.scope, body.expires_in], ['read write', 77])
  })

  test('no audience at all', async () => {
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

describe('JWTs where oidc-provider refuses them', () => {
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

  test('issuing one writes no row, revoking it writes one', async () => {
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

  test('userinfo answers for one with an audience', async () => {
    const { body } = await stage.exchange()
    const answer = await fetch(`${stage.base}/userinfo`, { headers: { authorization: `Bearer ${body.access_token}` } })
    assert.deepEqual(await answer.json(), { sub: 'u-1' })
  })
})
