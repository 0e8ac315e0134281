import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAttempts } from './attempts.ts'

const mira = { tenantId: '1', userName: 'mira', address: '198.51.100.7' }

function startCounting() {
  let time = 0
  const attempts = createAttempts(() => time)
  return {
    attempts,
    pass: (ms: number) => {
      time += ms
    },
    fail: (times: number) => {
      for (let round = 0; round < times; round++) attempts.failed(mira)
    },
  }
}

test('ten wrong passwords are free, then there is a minute of rest after the last', () => {
  const { attempts, fail, pass } = startCounting()
  fail(9)
  assert.equal(attempts.mayTry(mira), true)
  fail(1)
  assert.equal(attempts.mayTry(mira), false)
  pass(59_999)
  assert.equal(attempts.mayTry(mira), false)
  pass(1)
  assert.equal(attempts.mayTry(mira), true)
})

test('the right password forgets the wrong ones', () => {
  const { attempts, fail } = startCounting()
  fail(9)
  attempts.succeeded(mira)
  fail(9)
  assert.equal(attempts.mayTry(mira), true)
})

test('neither another user, nor another address, nor another tenant rests with them', () => {
  const { attempts, fail } = startCounting()
  fail(10)
  assert.equal(attempts.mayTry({ ...mira, userName: 'MIRA' }), false)
  assert.equal(attempts.mayTry({ ...mira, userName: 'ann' }), true)
  assert.equal(attempts.mayTry({ ...mira, address: '203.0.113.9' }), true)
  assert.equal(attempts.mayTry({ ...mira, tenantId: '2' }), true)
})
