import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, sampleRequest } from '@preflow/extension/testing'
import { handlersWith, noon } from './handlers.fixture.ts'

// sample of actionTypes
const actionTypes = ['PRE_ISSUE_ACCESS_TOKEN', 'PRE_UPDATE_PASSWORD', 'PRE_UPDATE_PROFILE'] as const
// end of sample

for (const type of actionTypes) {
  test(`a typical ${type} event is allowed`, async () => {
    const { answer } = await decide(handlersWith(), sampleRequest(type), { now: noon })
    assert.equal(answer.actionStatus, 'SUCCESS')
  })
}
