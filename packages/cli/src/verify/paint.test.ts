import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPaint } from './paint.ts'

const isTerminal = () => true
const terminal = { isTTY: true, env: {} }

test('a terminal gets colours', () => {
  assert.equal(createPaint(terminal, isTerminal).bad('no'), '\u001b[31mno\u001b[39m')
})

test('a pipe, NO_COLOR and a dumb terminal get none', () => {
  const plain = [
    createPaint({ ...terminal, isTTY: false }, isTerminal),
    createPaint(terminal, () => false),
    createPaint({ ...terminal, env: { NO_COLOR: '1' } }, isTerminal),
    createPaint({ ...terminal, env: { TERM: 'dumb' } }, isTerminal),
  ]
  for (const paint of plain) {
    for (const style of Object.values(paint)) assert.equal(style('text'), 'text')
  }
})

test('an empty NO_COLOR does not count, as no-color.org has it', () => {
  assert.notEqual(createPaint({ ...terminal, env: { NO_COLOR: '' } }, isTerminal).good('yes'), 'yes')
})
