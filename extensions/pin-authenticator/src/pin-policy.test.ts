import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isPin, weaknessOf } from './pin-policy.ts'

const policy = { minLength: 6 }

test('a PIN without a pattern is good', () => {
  for (const pin of ['482915', '000482', '739204817356'])
    assert.equal(weaknessOf(pin, policy, ['ines']), undefined, pin)
})

const weak: [pin: string, why: RegExp][] = [
  ['48291', /6 to 12 digits/],
  ['4829153748291', /6 to 12 digits/],
  ['48291a', /6 to 12 digits/],
  ['４８２９１５', /6 to 12 digits/],
  [' 482915', /6 to 12 digits/],
  ['', /6 to 12 digits/],
  ['777777', /3 different digits/],
  ['787878', /3 different digits/],
  ['777787', /3 different digits/],
  ['234567', /count up or down/],
  ['890123', /count up or down/],
  ['765432', /count up or down/],
  ['210987', /count up or down/],
  ['826826', /repeat a part/],
  ['48274827', /repeat a part/],
  ['700482', /user name/],
]
for (const [pin, why] of weak) {
  test(`${JSON.stringify(pin)} is rejected as a new PIN`, () => {
    const weakness = weaknessOf(pin, policy, ['ines', '+46700482915'])
    assert.match(weakness ?? '', why)
    if (pin !== '') assert.ok(!weakness?.includes(pin), 'the PIN is not in the sentence')
  })
}

test('the page accepts every PIN that could ever have been enrolled, also with an older policy', () => {
  for (const pin of ['1', '1234', '111111', '123456789012']) assert.ok(isPin(pin), pin)
  for (const text of ['', '1234567890123', '12 34', '１２３４']) assert.ok(!isPin(text), text)
})
