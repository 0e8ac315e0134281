import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, sampleRequest } from '@preflow/extension/testing'
import { handlersWith, noon } from '../handlers.fixture.ts'

test('a password that is known from breaches is refused', async () => {
  const handlers = handlersWith({ breachCount: () => ({ kind: 'count', count: 7 }) })
  const { answer } = await decide(handlers, sampleRequest('PRE_UPDATE_PASSWORD'), { now: noon })
  assert.equal(answer.actionStatus, 'FAILED')
})
