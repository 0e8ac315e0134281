/** What this take-over uses of oidc-provider. After a change of the pinned version these tests show what changed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applicationOf } from '../adapter.ts'
import { stageSeam } from './seam.fixture.ts'

const stage = stageSeam()

test('the plan of a code has the user, the scopes, the parameters and the application', async () => {
  await stage.exchange('openid read')
  const [plan] = stage.plans
  assert(plan)
  assert.equal(plan.application, applicationOf(await stage.provider.Client.find('web')))
  assert.deepEqual(
    [plan.user?.id, plan.grantType, plan.responseType, plan.grantedScopes, plan.willIssueRefreshToken, plan.tokens],
    ['u-1', 'authorization_code', undefined, ['openid', 'read'], true, ['access', 'id']],
  )
  assert.deepEqual(
    plan.parameters.map(({ name }) => name),
    ['grant_type', 'code', 'redirect_uri'],
  )
  assert.equal(plan.requestedScopes, undefined)
})

test('the plan of an application has no user and only an access token', async () => {
  await stage.post('/token', { grant_type: 'client_credentials', scope: 'read unknown' })
  const [plan] = stage.plans
  assert.deepEqual(
    [plan?.user, plan?.grantedScopes, plan?.requestedScopes, plan?.tokens],
    [undefined, ['read'], ['read', 'unknown'], ['access']],
  )
})

test('a user who is no longer active has no plan', async () => {
  stage.isUserActive = false
  const { status, body } = await stage.exchange()
  assert.deepEqual([status, body.error, stage.events], [400, 'invalid_grant', []])
})
