import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, sampleRequest } from '@preflow/extension/testing'
import { handlersWith, noon } from '../handlers.fixture.ts'

test('a department cannot be removed', async () => {
  const claim = { uri: 'http://wso2.org/claims/department', value: '' }
  const request = sampleRequest('PRE_UPDATE_PROFILE', { event: { request: { claims: [claim] } } })
  const { answer } = await decide(handlersWith(), request, { now: noon })
  assert.equal(answer.actionStatus, 'FAILED')
})
