import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DatabaseError } from '@preflow/database'
import { isForOperator, OperatorError } from './operator-error.ts'
import { Problem, problemOf } from './problem.ts'

const lines: [level: string, facts: object, sentence: string][] = []
const ports = {
  newId: () => 'trace-1',
  log: {
    error: (facts: object, sentence: string) => void lines.push(['error', facts, sentence]),
    info: (facts: object, sentence: string) => void lines.push(['info', facts, sentence]),
  },
}
const defect = {
  line: 'a request failed',
  facts: { method: 'GET' },
  problem: (traceId: string) => new Problem(500, 'server_error', `Look for ${traceId}.`),
}

test('a problem is returned unchanged, and only its detail is logged', () => {
  const without = new Problem(404, 'X-1', 'Nothing here.')
  assert.deepEqual(problemOf(without, ports, defect), { problem: without, traceId: 'trace-1' })
  assert.deepEqual(lines.splice(0), [])

  const detailed = new Problem(413, 'X-2', 'Too large.', { detail: '9 bytes were received' })
  assert.equal(problemOf(detailed, ports, defect).problem, detailed)
  const facts = { traceId: 'trace-1', code: 'X-2', status: 413, detail: '9 bytes were received' }
  assert.deepEqual(lines.splice(0), [['info', facts, 'a request was refused']])
})

test('a defect is logged under an id, and the response has only that id', () => {
  const error = new Error('a secret')
  const { problem } = problemOf(error, ports, defect)
  assert.equal(problem.sentence, 'Look for trace-1.')
  assert.deepEqual(lines.splice(0), [['error', { traceId: 'trace-1', method: 'GET', err: error }, 'a request failed']])
})

test('errors for the operator are recognized by a member, across packages, and others are defects', () => {
  assert(isForOperator(new OperatorError('Set PREFLOW_PORT to another port.')))
  assert(isForOperator(new DatabaseError('The database cannot be reached.')))
  assert(isForOperator(Object.assign(new Error('Of another package.'), { isForOperator: true })))
  assert(!isForOperator(new TypeError('x is undefined')))
  assert(!isForOperator({ isForOperator: true, message: 'no error at all' }))
})
