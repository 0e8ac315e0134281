import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPaint, plain } from './paint.ts'

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

test('an empty NO_COLOR has no effect, as no-color.org defines', () => {
  assert.notEqual(createPaint({ ...terminal, env: { NO_COLOR: '' } }, isTerminal).good('yes'), 'yes')
})

test('a foreign string cannot colour, move the cursor or reverse the line', () => {
  assert.equal(plain('no\u001b[31m red\u0007\u009b2J'), 'no\\u001b[31m red\\u0007\\u009b2J')
  assert.equal(plain('one\r\ntwo\u2028three'), 'one  two three')
  assert.equal(plain('a\u202eb'), 'a\\u202eb')
  assert.equal(plain('Zo\u00eb \u6f22\u5b57 \u{1f600}'), 'Zo\u00eb \u6f22\u5b57 \u{1f600}')
})
