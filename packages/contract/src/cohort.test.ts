import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCohort } from '@preflow/contract/cohort'

test('steps of one turn run later, together and in order', () => {
  const scheduled: (() => void)[] = []
  const ran: string[] = []
  const together = createCohort(run => scheduled.push(run))
  together(() => ran.push('a'))
  together(() => ran.push('b'))
  assert.deepEqual([ran, scheduled.length], [[], 1])
  scheduled.shift()?.()
  assert.deepEqual(ran, ['a', 'b'])
})

test('a step that arrives while others run waits for the next turn', () => {
  const scheduled: (() => void)[] = []
  const ran: string[] = []
  const together = createCohort(run => scheduled.push(run))
  together(() => together(() => ran.push('later')))
  scheduled.shift()?.()
  assert.deepEqual([ran, scheduled.length], [[], 1])
  scheduled.shift()?.()
  assert.deepEqual(ran, ['later'])
})
