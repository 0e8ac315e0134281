import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, sampleRequest } from '@preflow/extension/testing'
import { type Reputation, type ReputationLookup, type ReputationOptions, reputation } from '@preflow/policies'

const requestWith = (overrides: { address?: string; expiresIn?: number; offers?: string[] } = {}) =>
  sampleRequest('PRE_ISSUE_ACCESS_TOKEN', {
    event: {
      request: {
        additionalHeaders: [{ name: 'x-client-source-ip', value: [overrides.address ?? '8.8.8.8'] }],
      },
      accessToken: { claims: [{ name: 'expires_in', value: overrides.expiresIn ?? 3600 }] },
    },
    ...(overrides.offers && { allowedOperations: [{ op: 'replace', paths: overrides.offers }] }),
  })

async function judge(
  answer: number | Reputation | ReputationLookup,
  time: string,
  options: ReputationOptions = {},
  request = requestWith(),
) {
  const lookup: ReputationLookup =
    typeof answer === 'function'
      ? answer
      : () => (typeof answer === 'number' ? { kind: 'score', score: answer } : answer)
  const now = () => Date.parse(`2026-11-20T${time}Z`)
  const result = await decide({ preIssueAccessToken: reputation(options, { lookup }) }, request, { now })
  const { answer: said } = result
  const lifetimes =
    said.actionStatus === 'SUCCESS' ? (said.operations ?? []).map(({ path, value }) => [path, value]) : []
  return { ...result, lifetimes }
}

const ACCESS = '/accessToken/claims/expires_in'
const REFRESH = '/refreshToken/claims/expires_in'

for (const [row, score, time, lifetime] of [
  ['T230', 75, '16:59', '900'],
  ['T231', 75, '17:00', '300'],
  ['T232', 25, '09:00', '900'],
  ['T232', 25, '08:59', '300'],
  ['T233', 24, '12:00', undefined],
] as const) {
  test(`${row}: a score of ${score} at ${time} UTC gives a lifetime of ${lifetime ?? 'the application'}`, async () => {
    const { answer, lifetimes } = await judge(score, `${time}:00`)
    assert.equal(answer.actionStatus, 'SUCCESS')
    assert.deepEqual(lifetimes, lifetime ? [[ACCESS, lifetime]] : [])
  })
}

test('T229: a score above 75 is denied', async () => {
  for (const score of [76, 75.5, 100]) {
    const { answer } = await judge(score, '12:00:00')
    assert.deepEqual(answer, {
      actionStatus: 'FAILED',
      failureReason: 'access_denied',
      failureDescription: 'Access token issuance is blocked due to high IP risk.',
    })
  }
})

test('thresholds, lifetimes and hours are settings', async () => {
  const options: ReputationOptions = {
    denyAbove: 50,
    reduceFrom: 10,
    insideSeconds: 120,
    outsideSeconds: 60,
    hours: { timeZone: 'America/New_York' },
  }
  assert.equal((await judge(51, '12:00:00', options)).answer.actionStatus, 'FAILED')
  assert.deepEqual((await judge(10, '21:59:00', options)).lifetimes, [[ACCESS, '120']])
  assert.deepEqual((await judge(10, '12:00:00', options)).lifetimes, [[ACCESS, '60']])
  assert.deepEqual((await judge(9, '12:00:00', options)).lifetimes, [])
})

test('T238: a shorter lifetime does not change', async () => {
  for (const time of ['12:00:00', '20:00:00']) {
    assert.deepEqual((await judge(50, time, {}, requestWith({ expiresIn: 240 }))).lifetimes, [])
  }
})

test('T239: if no lifetime is offered none is sent, and a setting may deny', async () => {
  const request = requestWith({ offers: ['/accessToken/scopes/'] })
  const allowed = await judge(50, '12:00:00', {}, request)
  assert.deepEqual(allowed.answer, { actionStatus: 'SUCCESS' })
  assert.match(allowed.record.reports[0] ?? '', /shortenTo: .* is not among the allowedOperations/)
  assert.equal((await judge(50, '12:00:00', { notOffered: 'deny' }, request)).answer.actionStatus, 'FAILED')
  assert.equal((await judge(50, '12:00:00', { notOffered: 'error' }, request)).answer.actionStatus, 'ERROR')
})

test('the refresh token may be shortened too, if there is one', async () => {
  const options = { refreshSeconds: 1800 }
  const full = sampleRequest('PRE_ISSUE_ACCESS_TOKEN')
  assert.deepEqual((await judge(50, '12:00:00', options, full)).lifetimes, [
    [ACCESS, '900'],
    [REFRESH, '1800'],
  ])
  const none = await judge(50, '12:00:00', options, requestWith({ offers: [ACCESS] }))
  assert.deepEqual(none.lifetimes, [[ACCESS, '900']])
  assert.deepEqual(none.record.reports, [])
})

test('T234: without a score a setting decides, and the default is an error', async () => {
  const unavailable: Reputation = { kind: 'unavailable', why: 'quota' }
  const { status, answer, record } = await judge(unavailable, '12:00:00')
  assert.equal(status, 500)
  assert.equal(answer.actionStatus, 'ERROR')
  assert.equal(record.why, 'reputation: unavailable (quota)')
  assert.equal((await judge(unavailable, '12:00:00', { unavailable: 'deny' })).answer.actionStatus, 'FAILED')
  assert.deepEqual((await judge(unavailable, '12:00:00', { unavailable: 'allow' })).answer, { actionStatus: 'SUCCESS' })
  assert.deepEqual((await judge(unavailable, '12:00:00', { unavailable: 'shorten' })).lifetimes, [[ACCESS, '900']])
  assert.deepEqual((await judge(unavailable, '20:00:00', { unavailable: 'shorten' })).lifetimes, [[ACCESS, '300']])
})

test('the service gets the normalized address and the remaining time, and is not called without a public address', async () => {
  const asked: [string, number][] = []
  const lookup: ReputationLookup = async (address, { remainingMs }) => {
    asked.push([address, remainingMs])
    return { kind: 'score', score: 0 }
  }
  await judge(lookup, '12:00:00', {}, requestWith({ address: '[2001:4860:4860:0::8888]:1' }))
  assert.equal(asked[0]?.[0], '2001:4860:4860::8888')
  assert.ok((asked[0]?.[1] ?? 0) > 0 && (asked[0]?.[1] ?? 0) <= 2700)
  const { answer, record } = await judge(lookup, '12:00:00', {}, requestWith({ address: '10.0.0.1' }))
  assert.equal(answer.actionStatus, 'SUCCESS')
  assert.equal(record.why, 'reputation: no public address')
  assert.equal(asked.length, 1)
})

test('the explanation contains the band, but neither score nor address', async () => {
  for (const [score, why] of [
    [80, 'reputation: high risk'],
    [50, 'reputation: medium risk'],
    [0, 'reputation: low risk'],
  ] as const) {
    assert.equal((await judge(score, '12:00:00')).record.why, why)
  }
})

test('thresholds that contradict each other are found when the policy is created', () => {
  const lookup = () => ({ kind: 'score', score: 0 }) as const
  assert.throws(
    () => reputation({ denyAbove: 20, reduceFrom: 30 }, { lookup }),
    /reduceFrom: must not be above denyAbove/,
  )
  assert.throws(() => reputation({ denyAbove: 101 }, { lookup }), /denyAbove/)
})
