import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { allow, checkReturnCode, createReturnProof, deny, redirectTo, withReturnCode } from './index.ts'
import { decide, sampleRequest } from './testing.ts'

const facts = { browserKey: 'k'.repeat(43), entry: 'handle-of-the-page', version: 3 }

test('the code of a browser is right for its step and its state, and for no other', async () => {
  const { code, codeHash } = await createReturnProof(facts)
  assert.match(code, /^[\w-]{43}$/)
  assert.ok(!codeHash.includes(code))
  assert.equal(await checkReturnCode(code, codeHash), 'right')
  for (const other of [
    { ...facts, browserKey: `${'k'.repeat(42)}x` },
    { ...facts, entry: 'handle-of-another-page' },
    { ...facts, version: 4 },
  ]) {
    assert.equal(await checkReturnCode((await createReturnProof(other)).code, codeHash), 'wrong')
  }
})

test('a page that is loaded again has the same code', async () => {
  assert.deepEqual(await createReturnProof(facts), await createReturnProof({ ...facts }))
})

test('a value that is not a code is wrong, and no value is missing', async () => {
  const { code, codeHash } = await createReturnProof(facts)
  for (const given of [undefined, '']) assert.equal(await checkReturnCode(given, codeHash), 'missing')
  for (const given of [codeHash, code.slice(1), `${code}x`, code.toUpperCase()]) {
    assert.equal(await checkReturnCode(given, codeHash), 'wrong')
  }
  await fc.assert(
    fc.asyncProperty(fc.string({ minLength: 1 }), async given => (await checkReturnCode(given, codeHash)) === 'wrong'),
  )
})

test('different facts never make the same code', async () => {
  const one = await createReturnProof({ ...facts, entry: 'a",1', version: 2 })
  const two = await createReturnProof({ ...facts, entry: 'a', version: 12 })
  assert.notEqual(one.code, two.code)
})

test('a key that is no secret is refused', async () => {
  for (const browserKey of ['', 'short']) {
    await assert.rejects(createReturnProof({ ...facts, browserKey }), /browserKey: must have 16 random bytes/)
  }
})

test('the address of the return keeps what it has, and has one code', () => {
  assert.equal(
    withReturnCode('https://id.example/t/heron/commonauth?flowId=f-1&returnCode=old', 'a-_b'),
    'https://id.example/t/heron/commonauth?flowId=f-1&returnCode=a-_b',
  )
})

test('AZ-07: a handler that follows the documentation succeeds for the right code alone, and only once', async () => {
  const { code, codeHash } = await createReturnProof(facts)
  let isTaken = false
  const call = async (...codes: string[]) => {
    const additionalParams = codes.length === 0 ? [] : [{ name: 'returnCode', value: codes }]
    const request = sampleRequest('AUTHENTICATION', { event: { request: { additionalParams } } })
    const { answer } = await decide(
      {
        async authentication(_, context) {
          const checked = isTaken ? 'wrong' : await checkReturnCode(context.returnCode, codeHash)
          if (checked === 'missing') return redirectTo('https://door.example/entry')
          isTaken = true
          return checked === 'right' ? allow() : deny('return_refused', 'Start the sign-in again.')
        },
      },
      request,
    )
    return answer.actionStatus
  }
  for (const codes of [[], [''], [code, code], [code, 'other']]) assert.equal(await call(...codes), 'INCOMPLETE')
  assert.equal(await call(code), 'SUCCESS')
  assert.equal(await call(code), 'FAILED')
  isTaken = false
  assert.equal(await call('guess'), 'FAILED')
  assert.equal(await call(code), 'FAILED', 'a wrong code used it up')
})
