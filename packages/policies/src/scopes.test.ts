import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, sampleRequest } from '@preflow/extension/testing'
import { type ScopesOptions, scopes } from '@preflow/policies'

async function judge(
  options: ScopesOptions,
  granted: string[] | undefined,
  overrides: { grantType?: string; clientId?: string; offers?: string[] } = {},
) {
  const { grantType = 'client_credentials', clientId = 'm2m-7', offers = ['/accessToken/scopes/'] } = overrides
  const { answer, record } = await decide(
    { preIssueAccessToken: scopes(options) },
    sampleRequest('PRE_ISSUE_ACCESS_TOKEN', {
      event: { request: { grantType, clientId }, accessToken: { scopes: granted } },
      allowedOperations: [{ op: 'remove', paths: offers }],
    }),
  )
  return { answer, operations: record.operations, why: record.why }
}

const metrics: ScopesOptions = { allowed: ['read:metrics'] }

test('T240: machines keep only the allowed scopes', async () => {
  const { operations, why } = await judge(metrics, ['a', 'read:metrics', 'b'])
  assert.deepEqual(operations, ['remove /accessToken/scopes/0', 'remove /accessToken/scopes/2'])
  assert.equal(why, 'scopes: limited')
})

test('T241: other grants do not change', async () => {
  const { answer } = await judge(metrics, ['a'], { grantType: 'authorization_code' })
  assert.deepEqual(answer, { actionStatus: 'SUCCESS' })
})

test('a token without scopes, or with allowed ones only, does not change', async () => {
  for (const granted of [undefined, [], ['read:metrics']]) {
    assert.deepEqual((await judge(metrics, granted)).answer, { actionStatus: 'SUCCESS' })
  }
})

test('an application may have its own list, and the grants are a setting', async () => {
  const options: ScopesOptions = { ...metrics, applications: { batch: ['jobs.run'] }, grantTypes: ['password'] }
  const { operations } = await judge(options, ['jobs.run', 'read:metrics'], {
    clientId: 'batch',
    grantType: 'password',
  })
  assert.deepEqual(operations, ['remove /accessToken/scopes/1'])
})

test('if no scope remains a setting decides', async () => {
  assert.deepEqual((await judge(metrics, ['a'])).operations, ['remove /accessToken/scopes/0'])
  const { answer } = await judge({ ...metrics, noneLeft: 'deny' }, ['a'])
  assert.equal(answer.actionStatus === 'FAILED' && answer.failureReason, 'invalid_scope')
})

test('scopes that cannot be removed are not granted, unless a setting allows it', async () => {
  const offers = ['/accessToken/claims/aud/']
  assert.equal((await judge(metrics, ['a'], { offers })).answer.actionStatus, 'FAILED')
  assert.equal((await judge({ ...metrics, notOffered: 'allow' }, ['a'], { offers })).answer.actionStatus, 'SUCCESS')
})
