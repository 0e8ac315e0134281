import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Expression, Rule } from '@preflow/contract'
import { evaluateRule } from './evaluate-rule.ts'

const facts = { application: 'app-1', grantType: 'password' }

/** Groups of `field operator value`. */
function rule(...groups: string[][]): Rule {
  return {
    condition: 'OR',
    rules: groups.map(group => ({
      condition: 'AND',
      expressions: group.map(text => {
        const [field = '', operator, value = ''] = text.split(' ')
        return { field, operator: operator as Expression['operator'], value }
      }),
    })),
  }
}

const rows: [
  row: string,
  rule: Rule,
  outcome: boolean,
  decidedBy: string,
  facts?: Record<string, string | string[]>,
][] = [
  ['E107 the grant equals', rule(['grantType equals password']), true, 'grantType equals password'],
  ['E108 T20 the application equals', rule(['application equals app-1']), true, 'application equals app-1'],
  [
    'E109 T21 both of a group hold',
    rule(['application equals app-1', 'grantType equals password']),
    true,
    'application equals app-1 and grantType equals password',
  ],
  [
    'E110 T22 one of two groups holds',
    rule(['application equals app-1'], ['grantType equals client_credentials']),
    true,
    'application equals app-1',
  ],
  [
    'E111 T23 the grant differs from itself',
    rule(['grantType notEquals password']),
    false,
    'grantType notEquals password',
  ],
  [
    'E112 T24 the application differs from itself',
    rule(['application notEquals app-1']),
    false,
    'application notEquals app-1',
  ],
  [
    'E113 T25 the first of two fails and the second is not evaluated',
    rule(['application notEquals app-1', 'grantType notEquals password']),
    false,
    'application notEquals app-1',
  ],
  [
    'E114 T26 neither group holds',
    rule(['application equals other'], ['grantType equals authorization_code']),
    false,
    'application equals other; grantType equals authorization_code',
  ],
  [
    'T19 another grant',
    rule(['grantType equals password']),
    false,
    'grantType equals password',
    { grantType: 'authorization_code' },
  ],
  ['T27 the client id is not the application', rule(['application equals web1']), false, 'application equals web1'],
  [
    'E115 T29 at the authorize endpoint there is no grant',
    rule(['grantType equals authorization_code']),
    false,
    'grantType equals authorization_code',
    { grantType: 'N/A' },
  ],
  ['names are case-sensitive', rule(['grantType equals Password']), false, 'grantType equals Password'],
  [
    'a field with several values equals each value that it contains',
    rule(['claim equals urn:department']),
    true,
    'claim equals urn:department',
    { claim: ['urn:mobile', 'urn:department'] },
  ],
  [
    'a field with several values differs from values that it lacks',
    rule(['claim notEquals urn:email']),
    true,
    'claim notEquals urn:email',
    { claim: ['urn:mobile'] },
  ],
]

for (const [row, given, outcome, decidedBy, asked = facts] of rows) {
  test(row, () => {
    assert.deepEqual(evaluateRule(given, asked), { ok: true, value: { outcome, decidedBy } })
  })
}

test('T28: a missing fact is an error if it is needed', () => {
  assert.deepEqual(evaluateRule(rule(['email equals x']), facts), {
    ok: false,
    error: { code: 'rule', message: 'Field value not found for the field: email' },
  })
})

test('a field with the name of a member of every object is missing too', () => {
  assert.equal(evaluateRule(rule(['toString equals x']), facts).ok, false)
})

test('a missing fact that is never reached has no effect', () => {
  const lazy = rule(['grantType equals password'], ['email equals x'])
  assert.equal(evaluateRule(lazy, facts).ok, true)
})

test('an unknown operator is an error', () => {
  assert.equal(evaluateRule(rule(['grantType contains pass']), facts).ok, false)
})
