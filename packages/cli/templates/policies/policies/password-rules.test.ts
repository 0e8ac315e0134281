import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, sampleRequest } from '@preflow/extension/testing'
import { handlersWith, noon } from '../handlers.fixture.ts'

test('a short password is refused', async () => {
  const updatingCredential = { type: 'PASSWORD', format: 'PLAIN_TEXT', value: 'Heron-42' } as const
  const request = sampleRequest('PRE_UPDATE_PASSWORD', { event: { user: { updatingCredential } } })
  const { answer } = await decide(handlersWith(), request, { now: noon })
  assert.equal(answer.actionStatus, 'FAILED')
})
