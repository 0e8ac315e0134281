import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, sampleRequest } from '@preflow/extension/testing'
import { handlersWith, noon } from '../handlers.fixture.ts'

test('an address with a bad reputation gets no token', async () => {
  const handlers = handlersWith({ reputation: () => ({ kind: 'score', score: 90 }) })
  const { answer } = await decide(handlers, sampleRequest('PRE_ISSUE_ACCESS_TOKEN'), { now: noon })
  assert.equal(answer.actionStatus, 'FAILED')
})
