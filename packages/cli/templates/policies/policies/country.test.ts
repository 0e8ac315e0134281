import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, sampleRequest } from '@preflow/extension/testing'
import { handlersWith, noon } from '../handlers.fixture.ts'

test('a blocked country gets no token', async () => {
  const handlers = handlersWith({ country: () => ({ kind: 'country', code: 'KP' }) })
  const { answer } = await decide(handlers, sampleRequest('PRE_ISSUE_ACCESS_TOKEN'), { now: noon })
  assert.equal(answer.actionStatus, 'FAILED')
})
