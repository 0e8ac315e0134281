import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lastHop, networkOf } from './address.ts'

for (const [address, network] of [
  ['203.0.113.7', '203.0.113.7'],
  ['203.0.113.7:4711', '203.0.113.7'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['[2001:db8:1:2::9]:443', '2001:db8:1:2::/64'],
  ['2001:DB8:1:2::', '2001:db8:1:2::/64'],
  ['', ''],
  ['unknown', ''],
  ['<script>', ''],
] as const) {
  test(`${JSON.stringify(address)} is in the network ${JSON.stringify(network)}`, () => {
    assert.equal(networkOf(address), network)
  })
}

test('of several addresses the last counts, which the nearest proxy wrote', () => {
  assert.equal(lastHop('203.0.113.99, 203.0.113.7'), '203.0.113.7')
  assert.equal(lastHop(undefined), '')
})
