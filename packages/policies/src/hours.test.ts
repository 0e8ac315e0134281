import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, sampleRequest } from '@preflow/extension/testing'
import { createHours, type Hours, hours } from '@preflow/policies'

const within = (options: Hours, time: string) => createHours(options)(Date.parse(time))

test('from nine until one minute before five, UTC, every day, by default', () => {
  assert.equal(within({}, '2026-11-21T08:59:59Z'), false)
  assert.equal(within({}, '2026-11-21T09:00:00Z'), true)
  assert.equal(within({}, '2026-11-21T16:59:59Z'), true)
  assert.equal(within({}, '2026-11-21T17:00:00Z'), false)
})

test('a time zone has its daylight saving time', () => {
  const berlin = { timeZone: 'Europe/Berlin' }
  assert.equal(within(berlin, '2026-01-15T08:00:00Z'), true)
  assert.equal(within(berlin, '2026-07-15T07:00:00Z'), true)
  assert.equal(within(berlin, '2026-07-15T15:00:00Z'), false)
  assert.equal(within({ timeZone: 'Asia/Kathmandu' }, '2026-07-15T03:14:00Z'), false)
  assert.equal(within({ timeZone: 'Asia/Kathmandu' }, '2026-07-15T03:15:00Z'), true)
})

test('weekdays are those of the time zone', () => {
  const workdays: Hours = { weekdays: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'], from: '00:00', to: '23:59' }
  assert.equal(within(workdays, '2026-11-20T12:00:00Z'), true)
  assert.equal(within(workdays, '2026-11-21T12:00:00Z'), false)
  assert.equal(within({ ...workdays, timeZone: 'Pacific/Auckland' }, '2026-11-20T12:00:00Z'), false)
})

test('hours over midnight belong to the day on which they begin', () => {
  const night: Hours = { weekdays: ['Fri'], from: '22:00', to: '06:00' }
  assert.equal(within(night, '2026-11-20T21:59:00Z'), false)
  assert.equal(within(night, '2026-11-20T22:00:00Z'), true)
  assert.equal(within(night, '2026-11-21T05:59:00Z'), true)
  assert.equal(within(night, '2026-11-21T06:00:00Z'), false)
  assert.equal(within(night, '2026-11-20T05:00:00Z'), false)
  assert.equal(within(night, '2026-11-21T22:30:00Z'), false)
})

test('the result of a minute is not used for the next', () => {
  const isWithin = createHours()
  assert.deepEqual(
    ['16:59:59', '17:00:00', '16:59:00', '08:59:00'].map(time => isWithin(Date.parse(`2026-11-21T${time}Z`))),
    [true, false, true, false],
  )
})

test('outside the hours a setting decides', async () => {
  const judge = async (options: Parameters<typeof hours>[0], time: string) => {
    const now = () => Date.parse(time)
    const { answer, record } = await decide(
      { preIssueAccessToken: hours(options) },
      sampleRequest('PRE_ISSUE_ACCESS_TOKEN'),
      { now },
    )
    return [answer.actionStatus, record.why, record.operations.length]
  }
  const night = '2026-11-21T02:00:00Z'
  assert.deepEqual(await judge({}, '2026-11-21T12:00:00Z'), ['SUCCESS', 'hours: inside', 0])
  assert.deepEqual(await judge({}, night), ['FAILED', 'hours: outside', 0])
  assert.deepEqual(await judge({ outside: 'shorten' }, night), ['SUCCESS', 'hours: outside', 1])
  assert.deepEqual(await judge({ outside: 'allow' }, night), ['SUCCESS', 'hours: outside', 0])
})

test('invalid hours are found when the policy is created', () => {
  assert.throws(() => createHours({ timeZone: 'Mars/Olympus' }), /timeZone: must be a time zone/)
  assert.throws(() => createHours({ from: '9:00' }), /from: must be a time like 09:00/)
  assert.throws(() => createHours({ to: '24:00' }), /to: must be a time/)
  assert.throws(() => createHours({ weekdays: [] }), /weekdays/)
  assert.throws(() => createHours({ from: '09:00', to: '09:00' }), /to: must differ from from/)
})
