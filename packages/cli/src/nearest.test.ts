import assert from 'node:assert/strict'
import { test } from 'node:test'
import { didYouMean } from './nearest.ts'

const platforms = ['preflow', 'asgardeo', 'wso2-is-next', 'wso2-is-7.2', 'wso2-is-7.1']

for (const [word, meant] of [
  ['verfy', 'verify'],
  ['tirgger', 'trigger'],
  ['Verify', 'verify'],
  ['pasword', 'passwords'],
  ['asgadeo', 'asgardeo'],
  ['wso2-is-71', 'wso2-is-7.1'],
] as const) {
  test(`${word} suggests ${meant}`, () => {
    assert.equal(didYouMean(word, ['verify', 'trigger', 'passwords', ...platforms]), ` Did you mean ${meant}?`)
  })
}

test('a word that resembles no known name gets no suggestion', () => {
  assert.equal(didYouMean('okta', platforms), '')
  assert.equal(didYouMean('x', ['verify']), '')
  assert.equal(didYouMean('anything', []), '')
})
