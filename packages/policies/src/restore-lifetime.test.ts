import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allow, type Handler, shortenTo } from '@preflow/extension'
import { decide, sampleRequest } from '@preflow/extension/testing'
import { combine, restoreLifetime } from '@preflow/policies'

const restored = restoreLifetime({ applications: { web1: 3600 } })

async function lifetime(
  handler: Handler<'PRE_ISSUE_ACCESS_TOKEN'>,
  { grantType = 'refresh_token', clientId = 'web1', expiresIn = 300 } = {},
) {
  const { answer } = await decide(
    { preIssueAccessToken: handler },
    sampleRequest('PRE_ISSUE_ACCESS_TOKEN', {
      event: {
        request: { grantType, clientId },
        accessToken: { claims: [{ name: 'expires_in', value: expiresIn }] },
      },
    }),
  )
  return answer.actionStatus === 'SUCCESS' ? answer.operations?.[0]?.value : undefined
}

test("a refresh starts from the application's own lifetime again", async () => {
  assert.equal(await lifetime(restored), '3600')
  assert.equal(await lifetime(restored, { expiresIn: 3600 }), undefined)
})

test('other grants and unlisted applications do not change', async () => {
  assert.equal(await lifetime(restored, { grantType: 'authorization_code' }), undefined)
  assert.equal(await lifetime(restored, { clientId: 'web2' }), undefined)
  assert.equal(await lifetime(restored, { clientId: 'toString' }), undefined)
})

test('a policy that shortens still wins, in any order', async () => {
  const short: Handler<'PRE_ISSUE_ACCESS_TOKEN'> = () => allow([shortenTo(900)])
  assert.equal(await lifetime(combine(restored, short)), '900')
  assert.equal(await lifetime(combine(short, restored)), '900')
})
