/** What this take-over uses of oidc-provider. After a change of the pinned version these tests show what changed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { extensionProblems } from '../../../domain/actions/extension-problems.ts'
import { decided, stageSeam } from './seam.fixture.ts'

const stage = stageSeam()

test('members of the response are added and hidden', async () => {
  stage.decision = plan =>
    decided(plan.grantedScopes, {
      response: { added: [{ name: 'plan', value: { seats: 3 } }], hidden: ['refresh_token'], scopes: [] },
    })
  const { body } = await stage.exchange()
  assert.deepEqual([body.plan, body.refresh_token], [{ seats: 3 }, undefined])
})

test('a server error keeps its own description', async () => {
  stage.decision = () => {
    throw extensionProblems.notCalled({})
  }
  const { status, body } = await stage.exchange()
  assert.deepEqual([status, body], [500, { error: 'server_error', error_description: 'Internal Server Error.' }])
})

test('a client that does not authenticate gets 401 with a challenge', async () => {
  for (const path of ['/token', '/introspect', '/revoke']) {
    const response = await fetch(stage.base + path, { method: 'POST', body: new URLSearchParams({ token: 't' }) })
    const { error } = (await response.json()) as { error: string }
    assert.deepEqual([response.status, error], [401, 'invalid_client'], path)
    assert.match(response.headers.get('www-authenticate') ?? '', /^Basic realm=/)
  }
})
