import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRepeats } from './repeats.ts'

function underTest(windowMs = 1000) {
  let time = 0
  let found = 0
  const repeats = createRepeats<string>(
    windowMs,
    answer => !answer.startsWith('error'),
    () => time,
  )
  return {
    ask: (id: string, body: string, kind = 'answer') => repeats.answer(id, body, async () => `${kind} ${++found}`),
    repeats,
    pass(milliseconds: number) {
      time += milliseconds
    },
  }
}

test('the same request gets the same answer, which is found only once', async () => {
  const { ask } = underTest()
  assert.deepEqual(await ask('a', 'body'), { answer: 'answer 1', isRepeat: false })
  assert.deepEqual(await ask('a', 'body'), { answer: 'answer 1', isRepeat: true })
})

test('a request that is repeated while its answer is being found waits for it', async () => {
  const { repeats } = underTest()
  const { promise, resolve } = Promise.withResolvers<string>()
  const first = repeats.answer('a', 'body', () => promise)
  const second = repeats.answer('a', 'body', () => Promise.reject(new Error('asked twice')))
  resolve('answer')
  assert.deepEqual(await first, { answer: 'answer', isRepeat: false })
  assert.deepEqual(await second, { answer: 'answer', isRepeat: true })
})

test('another body with the same id is another request', async () => {
  const { ask } = underTest()
  await ask('a', 'body')
  assert.deepEqual(await ask('a', 'other'), { answer: 'answer 2', isRepeat: false })
})

test('after the window the handler is called again', async () => {
  const { ask, pass } = underTest(1000)
  await ask('a', 'body')
  pass(999)
  assert.equal((await ask('a', 'body')).isRepeat, true)
  pass(1)
  assert.equal((await ask('a', 'body')).isRepeat, false)
})

test('an error is not repeated', async () => {
  const { ask, repeats } = underTest()
  assert.deepEqual(await ask('a', 'body', 'error'), { answer: 'error 1', isRepeat: false })
  assert.deepEqual(await ask('a', 'body'), { answer: 'answer 2', isRepeat: false })
  await assert.rejects(
    repeats.answer('b', 'body', () => Promise.reject(new Error('broken'))),
    /broken/,
  )
  assert.equal((await ask('b', 'body')).isRepeat, false)
})

test('the oldest answers are forgotten if too much is stored', async () => {
  const { ask } = underTest()
  const big = 'x'.repeat(2_000_000)
  await ask('a', big)
  await ask('b', big)
  await ask('c', big)
  assert.equal((await ask('c', big)).isRepeat, true)
  assert.equal((await ask('a', big)).isRepeat, false)
})
