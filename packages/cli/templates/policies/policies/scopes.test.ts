import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, sampleRequest } from '@preflow/extension/testing'
import { handlersWith, noon } from '../handlers.fixture.ts'

test('a machine keeps only the listed scopes', async () => {
  const request = sampleRequest('PRE_ISSUE_ACCESS_TOKEN', {
    event: {
      request: { grantType: 'client_credentials' },
      accessToken: { scopes: ['read:metrics', 'write:orders'] },
    },
  })
  const { record } = await decide(handlersWith(), request, { now: noon })
  assert.ok(record.operations.includes('remove /accessToken/scopes/1'))
})
