import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addClaim, allow, deny, fail, type Handler, setExpiresIn, shortenTo } from '@preflow/extension'
import { decide, sampleRequest } from '@preflow/extension/testing'
import { combine } from '@preflow/policies'

type Policy = Handler<'PRE_ISSUE_ACCESS_TOKEN'>
const judge = (policies: Policy[], budgetMs = 2800) =>
  decide({ preIssueAccessToken: combine(...policies) }, sampleRequest('PRE_ISSUE_ACCESS_TOKEN'), { budgetMs })

const later =
  (policy: Policy): Policy =>
  async (event, context) =>
    policy(event, context)

for (const [name, wait] of [
  ['at once', (policy: Policy) => policy],
  ['later', later],
] as const) {
  test(`the first refusal decides and later policies are not called; decided ${name}`, async () => {
    let asked = 0
    const { answer, record } = await judge([
      wait(() => allow([addClaim('a', 1)], { why: 'a: fine' })),
      wait(() => deny('access_denied', 'No.', { why: 'b: blocked' })),
      wait(() => {
        asked++
        return allow()
      }),
    ])
    assert.equal(answer.actionStatus, 'FAILED')
    assert.equal(record.why, 'a: fine; b: blocked')
    assert.equal(asked, 0)
  })

  test(`an error decides like a refusal; decided ${name}`, async () => {
    const { status } = await judge([wait(() => fail('server_error', 'Down.')), wait(() => allow())])
    assert.equal(status, 500)
  })

  test(`all edits are made and the shortest lifetime wins; decided ${name}`, async () => {
    const { answer, record } = await judge([
      wait(() => allow([shortenTo(900)], { why: 'x' })),
      wait(() => allow([addClaim('a', 1), setExpiresIn(1800)])),
      wait(() => allow([shortenTo(300), setExpiresIn(7200)], { why: 'y' })),
    ])
    assert.deepEqual(answer.actionStatus === 'SUCCESS' && answer.operations, [
      { op: 'add', path: '/accessToken/claims/-', value: { name: 'a', value: 1 } },
      { op: 'replace', path: '/accessToken/claims/expires_in', value: '300' },
    ])
    assert.equal(record.why, 'x; y')
  })
}

test('no policies allow', async () => {
  assert.deepEqual((await judge([])).answer, { actionStatus: 'SUCCESS' })
})

test('all share one budget: when it is used up, the next policy is not called', async () => {
  const { promise: spent, resolve: spend } = Promise.withResolvers<void>()
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  let asked = 0
  const { status, record } = await judge(
    [
      async (_event, context) => {
        context.signal.addEventListener('abort', () => spend())
        await spent
        setImmediate(end)
        return allow()
      },
      () => {
        asked++
        return allow()
      },
    ],
    20,
  )
  assert.equal(status, 500)
  assert.equal(record.why, 'budget spent')
  await ended
  assert.equal(asked, 0)
})
