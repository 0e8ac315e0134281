import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, sampleRequest } from '@preflow/extension/testing'
import { handlersWith, noon } from '../handlers.fixture.ts'

test('a refresh starts from the lifetime of the application', async () => {
  const request = sampleRequest('PRE_ISSUE_ACCESS_TOKEN', {
    event: {
      request: { clientId: 'web1', grantType: 'refresh_token' },
      accessToken: { claims: [{ name: 'expires_in', value: 300 }] },
    },
  })
  const { record } = await decide(handlersWith(), request, { now: noon })
  assert.ok(record.operations.includes('replace /accessToken/claims/expires_in'))
})
