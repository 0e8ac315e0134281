import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  accept,
  askConfirmation,
  bindBrowser,
  confirm,
  type Entry,
  openEntry,
  type ResumingCall,
  refuse,
  refuseReturn,
  resume as resumeFor,
  spendAttempt,
} from './entry.ts'

const limits = { entryMs: 300_000, resultMs: 60_000, attempts: 5 }
const now = 1_000_000
const pending: Entry = openEntry(
  { flowId: 'flow-0001', step: 2, handle: 'h', tenant: 'heron.example', application: 'Gauge Board' },
  now,
  limits,
)
const accepted = { userId: 'u1', codeHash: 'hash of the code' }
const right = accept(spendAttempt(bindBrowser(pending, 'b')), accepted, now + 10_000, limits)

/** A call of a browser that returned with the right code. */
const resume = (entry: Entry, id: string, at: number, more: Partial<ResumingCall> = {}) =>
  resumeFor(entry, { id, check: 'code', code: 'right', ...more }, at, limits)

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
    assert.throws(() => accept(decided, { userId: 'u2' }, now, limits))
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
    ...accepted,
    expiresAt: now + 70_000,
  })
})

test('AZ-07: after the right PIN only the right code is a success; none leads to the page, and a wrong one is final', () => {
  assert.deepEqual(resume(right, 'r2', now, { code: 'missing' }), { tell: 'enter' })
  const wrong = resume(right, 'r2', now, { code: 'wrong' })
  assert.ok(wrong.tell === 'refusal' && wrong.swap)
  assert.deepEqual([wrong.refusal, wrong.swap.status], ['return_refused', 'FAILED'])
  assert.deepEqual(resume(wrong.swap, 'r3', now), { tell: 'refusal', refusal: 'return_refused' })
  const first = resume(right, 'r2', now)
  assert.ok(first.tell === 'success' && first.swap)
  for (const code of ['missing', 'wrong'] as const) {
    assert.deepEqual(resume(first.swap, 'r2', now, { code }), { tell: 'refusal', refusal: 'flow_expired' })
  }
  // A code before the PIN proves nothing and costs nothing.
  for (const code of ['right', 'wrong'] as const)
    assert.deepEqual(resume(pending, 'r', now, { code }), { tell: 'enter' })
})

test('AZ-10: a sign-in that is to be confirmed waits for that, and can still be refused', () => {
  const call = { check: 'confirm', code: 'missing' } as const
  assert.deepEqual(resume(right, 'r2', now, call), { tell: 'confirm' })
  const asking = askConfirmation(right, 'c')
  assert.deepEqual(resume(asking, 'r3', now, call), { tell: 'confirm' })
  const confirmed = confirm(asking, now, limits)
  assert.throws(() => askConfirmation(confirmed, 'd'))
  assert.throws(() => refuseReturn(confirmed, 'return_refused', now, limits))
  const taken = resume(confirmed, 'r4', now, call)
  assert.ok(taken.tell === 'success' && taken.swap)
  assert.deepEqual(resume(taken.swap, 'r5', now, call), { tell: 'refusal', refusal: 'flow_expired' })
  const refused = refuseReturn(asking, 'return_refused', now, limits)
  assert.deepEqual(resume(refused, 'r4', now, call), { tell: 'refusal', refusal: 'return_refused' })
  assert.throws(() => confirm(refused, now, limits))
})
