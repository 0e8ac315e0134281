import assert from 'node:assert/strict'
import { test } from 'node:test'
import { present } from './present.ts'

test('members without a value are omitted, and null, false, zero and the empty string are kept', () => {
  const absent: string | undefined = undefined
  const made: { a?: string; b: null; c: boolean; d: number; e: string } = present({
    a: absent,
    b: null,
    c: false,
    d: 0,
    e: '',
  })
  assert.deepEqual(Object.keys(made), ['b', 'c', 'd', 'e'])
  assert.deepEqual(made, { b: null, c: false, d: 0, e: '' })
})

test('a member that may be undefined becomes optional in the type', () => {
  const description = ['known'].find(word => word === 'known')
  const target: { id: string; description?: string } = { id: '1', ...present({ description }) }
  assert.deepEqual(target, { id: '1', description: 'known' })
})
