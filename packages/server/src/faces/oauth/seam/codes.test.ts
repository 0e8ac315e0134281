/** What this take-over uses of oidc-provider. After a change of the pinned version these tests show what changed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { extensionProblems } from '../../../domain/actions/extension-problems.ts'
import { stageSeam } from './seam.fixture.ts'

const stage = stageSeam()

test('for a code the order is decision, code, refresh token', async () => {
  assert.equal((await stage.exchange()).status, 200)
  assert.deepEqual(stage.events, ['decide', 'consume AuthorizationCode', 'save RefreshToken'])
})

test('an invalid request is refused before the decision', async () => {
  await stage.refresh('unknown')
  await stage.post('/token', {
    grant_type: 'authorization_code',
    code: await stage.makeCode(),
    redirect_uri: 'http://127.0.0.1/other',
  })
  assert.deepEqual(stage.events, [])
})

test('a refusal consumes and stores nothing, and reaches the client unchanged', async () => {
  stage.decision = () => {
    throw extensionProblems.refused({ reason: 'policy deny', description: 'Not today', callId: 'c-1' })
  }
  const { status, headers, body } = await stage.exchange()
  assert.deepEqual([status, body], [400, { error: 'policy deny', error_description: 'Not today', call_id: 'c-1' }])
  assert.equal(headers.get('x-preflow-call-id'), 'c-1')
  assert.deepEqual(stage.events, ['decide'])
})
