import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, sampleRequest } from '@preflow/extension/testing'
import { handlersWith, noon } from '../handlers.fixture.ts'

test('a request without a client address gets no token', async () => {
  const request = sampleRequest('PRE_ISSUE_ACCESS_TOKEN', { event: { request: { additionalHeaders: [] } } })
  const { answer } = await decide(handlersWith(), request, { now: noon })
  assert.equal(answer.actionStatus, 'FAILED')
})
