/** What this take-over uses of oidc-provider. After a change of the pinned version these tests show what changed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applicationOf } from '../adapter.ts'
import { stageSeam } from './seam.fixture.ts'

const stage = stageSeam()

test('for a refresh the order is decision, then old and new refresh token in one step', async () => {
  const { body } = await stage.exchange()
  stage.events = []
  assert.equal((await stage.refresh(body.refresh_token)).status, 200)
  assert.deepEqual(stage.events, ['decide', 'replace RefreshToken'])
})

test('without rotation the decision also comes first', async () => {
  const { body } = await stage.exchange()
  stage.events = []
  const client = await stage.provider.Client.find('web')
  assert(client)
  applicationOf(client).renewsRefreshToken = false
  const second = await stage.refresh(body.refresh_token)
  applicationOf(client).renewsRefreshToken = true
  assert.equal(second.body.refresh_token, body.refresh_token)
  assert.deepEqual(stage.events, ['decide', 'save RefreshToken'])
})

test('the row has the customisation and the lifetime, and the grant lives longer than both', async () => {
  const { body } = await stage.exchange()
  const row = stage.rows.get(`RefreshToken ${body.refresh_token}`)
  assert.deepEqual(row?.['customisation'], { accessToken: { claims: [], audiences: [], lifetimeSeconds: 77 } })
  assert.equal((row?.exp ?? 0) - (row?.iat ?? 0), 500)
  assert((stage.rows.get(`Grant ${row?.grantId}`)?.exp ?? 0) >= (row?.exp ?? 0))
  await stage.refresh(body.refresh_token)
  assert.deepEqual(stage.plans.at(-1)?.stored, row?.['customisation'])
  assert.equal(stage.plans.at(-1)?.previousGrant, 'authorization_code')
})

test('a narrowed request narrows the access token only', async () => {
  const { body } = await stage.exchange()
  const narrowed = await stage.refresh(body.refresh_token, { scope: 'read' })
  assert.equal(narrowed.body.scope, 'read')
  assert.deepEqual(stage.plans.at(-1)?.grantedScopes, ['read'])
  assert.equal(stage.rows.get(`RefreshToken ${narrowed.body.refresh_token}`)?.scope, 'openid read')
})

test('a chain ends at a fixed time after its first token, regardless of refreshes', async () => {
  const { body } = await stage.exchange()
  const row = stage.rows.get(`RefreshToken ${body.refresh_token}`)
  assert(row)
  const now = Math.floor(Date.now() / 1000)
  row['iiat'] = now - 90 * 24 * 3600 + 100
  const { body: last } = await stage.refresh(body.refresh_token)
  const { exp = 0, iiat } = stage.rows.get(`RefreshToken ${last.refresh_token}`) ?? {}
  assert.equal(iiat, row['iiat'])
  assert(exp <= now + 101, `${exp - now} seconds are left`)
})
