import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfiguration } from '@preflow/pin-authenticator'

test('without settings it does not start, and lists what is missing', () => {
  const read = readConfiguration({ environment: {} })
  assert.ok(!read.ok && read.problems.some(problem => problem.startsWith('PIN_AUTHENTICATOR_PEPPER: missing')))
})
