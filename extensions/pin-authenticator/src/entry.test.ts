import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accept, bindBrowser, type Entry, openEntry, refuse, resume, spendAttempt } from './entry.ts'

const limits = { entryMs: 300_000, resultMs: 60_000, attempts: 5 }
const now = 1_000_000
const pending: Entry = openEntry(
  { flowId: 'flow-0001', step: 2, handle: 'h', tenant: 'heron.example', application: 'Gauge Board' },
  now,
  limits,
)
const right = accept(spendAttempt(bindBrowser(pending, 'b')), 'u1', now + 10_000, limits)

test('UC-19: a platform that calls before the PIN is entered gets INCOMPLETE, any number of times', () => {
  for (const call of ['r1', 'r2', '']) assert.deepEqual(resume(pending, call, now), { tell: 'enter' })
})

test('a success is returned once', () => {
  const first = resume(right, 'r2', now + 11_000)
  assert.ok(first.tell === 'success' && first.swap)
  assert.equal(first.swap.status, 'CONSUMED')
  assert.deepEqual(resume(first.swap, 'r3', now + 11_001), { tell: 'refusal', refusal: 'flow_expired' })
})

test('UC-21: the same call repeated gets the success again for ten seconds, and not later', () => {
  const first = resume(right, 'r2', now + 11_000)
  assert.ok(first.tell === 'success' && first.swap)
  assert.deepEqual(resume(first.swap, 'r2', now + 20_999), { tell: 'success' })
  assert.deepEqual(resume(first.swap, 'r2', now + 21_000), { tell: 'refusal', refusal: 'flow_expired' })
})

test('a platform without request ids may repeat its call too', () => {
  const first = resume(right, '', now + 11_000)
  assert.ok(first.tell === 'success' && first.swap)
  assert.deepEqual(resume(first.swap, '', now + 12_000), { tell: 'success' })
})

test('an entry ends: pending after five minutes, decided after one', () => {
  assert.deepEqual(resume(pending, 'r', now + 299_999), { tell: 'enter' })
  assert.deepEqual(resume(pending, 'r', now + 300_000), { tell: 'refusal', refusal: 'flow_expired' })
  assert.equal(resume(right, 'r', now + 69_999).tell, 'success')
  assert.deepEqual(resume(right, 'r', now + 70_000), { tell: 'refusal', refusal: 'flow_expired' })
})

test('a decision is final', () => {
  const failed = refuse(pending, 'pin_attempts_exceeded', now, limits)
  assert.deepEqual(resume(failed, 'r', now), { tell: 'refusal', refusal: 'pin_attempts_exceeded' })
  assert.deepEqual(
    resume(failed, 'r', now),
    { tell: 'refusal', refusal: 'pin_attempts_exceeded' },
    'a refusal can be read again',
  )
  const first = resume(right, 'r', now + 11_000)
  assert.ok(first.tell === 'success' && first.swap)
  for (const decided of [failed, right, first.swap]) {
    assert.throws(() => accept(decided, 'u2', now, limits))
    assert.throws(() => refuse(decided, 'pin_locked', now, limits))
    assert.throws(() => spendAttempt(decided))
    assert.throws(() => bindBrowser(decided, 'c'))
  }
})

test('a decision keeps the tenant and everything else of the entry', () => {
  assert.deepEqual(right, {
    ...pending,
    version: 3,
    attempts: 1,
    browserHash: 'b',
    status: 'SUCCESS',
    userId: 'u1',
    expiresAt: now + 70_000,
  })
})
