import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AnswersOptions, createAnswers } from '@preflow/policies'

/** A service that answers with the key and the number of calls for it. */
function start(options: Partial<AnswersOptions<string>> = {}) {
  const clock = { now: 1_000_000 }
  const asked: string[] = []
  const faults = new Set<string>()
  const answers = createAnswers<string>(
    async question => {
      asked.push(question)
      if (faults.has(question)) throw new Error('unavailable')
      return `${question}${asked.length}`
    },
    { keepMs: 60_000, maxSize: 2, now: () => clock.now, ...options },
  )
  return { answers, asked, clock, faults }
}

test('an answer is cached for its time, and returned without a promise', async () => {
  const { answers, clock } = start()
  assert.equal(answers.known('a'), undefined)
  assert.equal(await answers.ask('a'), 'a1')
  clock.now += 59_999
  assert.equal(answers.known('a'), 'a1')
  assert.equal(await answers.ask('a'), 'a1')
  clock.now += 1
  assert.equal(answers.known('a'), undefined)
  assert.equal(await answers.ask('a'), 'a2')
})

test('the least recently used answer is evicted first', async () => {
  const { answers } = start()
  await answers.ask('a')
  await answers.ask('b')
  answers.known('a')
  await answers.ask('c')
  assert.deepEqual(
    ['a', 'b', 'c'].map(question => answers.known(question)),
    ['a1', undefined, 'c3'],
  )
})

test('sizes are measured, and an answer that is too large evicts nothing', async () => {
  const { answers } = start({ maxSize: 5, sizeOf: answer => answer.length })
  await answers.ask('a')
  await answers.ask('b')
  await answers.ask('enormous')
  assert.equal(answers.known('enormous'), undefined)
  assert.equal(answers.known('a'), 'a1')
  await answers.ask('ccc')
  assert.deepEqual(
    ['a', 'b', 'ccc'].map(question => answers.known(question)),
    [undefined, undefined, 'ccc4'],
  )
})

test('a refreshed answer counts once', async () => {
  const { answers, clock } = start({ maxSize: 4, sizeOf: answer => answer.length })
  for (let round = 0; round < 5; round++) {
    await answers.ask('a')
    clock.now += 60_000
  }
  await answers.ask('b')
  assert.equal(answers.known('b'), 'b6')
})

test('the caching time may depend on the answer; a time of 0 caches nothing', async () => {
  const { answers, clock } = start({ keepMs: answer => (answer.startsWith('short') ? 1000 : 0) })
  await answers.ask('short')
  await answers.ask('never')
  assert.equal(answers.known('never'), undefined)
  clock.now += 999
  assert.equal(answers.known('short'), 'short1')
})

test('concurrent callers with the same key share one call and its failure, which is not cached', async () => {
  const { answers, asked, faults } = start()
  assert.deepEqual(await Promise.all([answers.ask('a'), answers.ask('a'), answers.ask('b')]), ['a1', 'a1', 'b2'])
  faults.add('c')
  const failed = await Promise.allSettled([answers.ask('c'), answers.ask('c')])
  assert.deepEqual(
    failed.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  faults.clear()
  assert.equal(await answers.ask('c'), 'c4')
  assert.equal(asked.length, 4)
})

test('a service that throws at once is called again', async () => {
  let calls = 0
  const answers = createAnswers<number>(
    () => {
      calls++
      throw new Error('broken')
    },
    { keepMs: 1000, maxSize: 1 },
  )
  await assert.rejects(answers.ask('a'), /broken/)
  await assert.rejects(answers.ask('a'), /broken/)
  assert.equal(calls, 2)
})
