import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, sampleRequest } from '@preflow/extension/testing'
import { handlersWith } from '../handlers.fixture.ts'

test('outside working hours a token is valid for five minutes', async () => {
  const night = () => Date.parse('2026-03-02T03:00:00Z')
  const { record } = await decide(handlersWith(), sampleRequest('PRE_ISSUE_ACCESS_TOKEN'), { now: night })
  assert.ok(record.operations.includes('replace /accessToken/claims/expires_in'))
})
