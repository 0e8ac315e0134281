import assert from 'node:assert/strict'
import { test } from 'node:test'
import { actionTypes } from './action-types.ts'
import { type Expression, type Rule, validateRule } from './rule.ts'

const byGrant: Expression = { field: 'grantType', operator: 'equals', value: 'password' }

function ruleOf(...groups: Expression[][]): Rule {
  return { condition: 'OR', rules: groups.map(expressions => ({ condition: 'AND', expressions })) }
}

const rows: [row: string, rule: Rule, message: string | undefined, path?: (string | number)[]][] = [
  ['a grant among the options', ruleOf([byGrant]), undefined],
  ['E114 an unknown application', ruleOf([{ field: 'application', operator: 'notEquals', value: 'other' }]), undefined],
  [
    'E116 an unknown field',
    ruleOf([{ ...byGrant, field: 'invalid' }]),
    'Rule validation failed: Field invalid is not supported',
    ['rules', 0, 'expressions', 0, 'field'],
  ],
  [
    'E117 an unknown operator',
    ruleOf([{ field: 'application', operator: 'invalid' as Expression['operator'], value: 'x' }]),
    'Rule validation failed: Operator invalid is not supported for field application',
    ['rules', 0, 'expressions', 0, 'operator'],
  ],
  [
    'an operator with the name of an object member',
    ruleOf([{ field: 'application', operator: 'toString' as Expression['operator'], value: 'x' }]),
    'Rule validation failed: Operator toString is not supported for field application',
  ],
  [
    'a value that is not among the options',
    ruleOf([byGrant], [{ ...byGrant, value: 'implicit' }]),
    'Rule validation failed: Value implicit is not supported for field grantType',
    ['rules', 1, 'expressions', 0, 'value'],
  ],
  ['five expressions in a group', ruleOf(Array(5).fill(byGrant)), undefined],
  [
    'E118 six expressions in a group',
    ruleOf(Array(6).fill(byGrant)),
    'Rule validation failed: Maximum number of expressions combined with AND exceeded. Maximum allowed: 5 Provided: 6',
    ['rules', 0, 'expressions'],
  ],
  ['E119 eleven groups', ruleOf(...Array(11).fill([byGrant])), undefined],
  [
    'E119 twelve groups',
    ruleOf(...Array(12).fill([byGrant])),
    'Rule validation failed: Maximum number of rules combined with OR exceeded. Maximum allowed: 10 Provided: 11',
    ['rules'],
  ],
  [
    'two errors, of which the first is reported',
    ruleOf([{ ...byGrant, field: 'first' }], [{ ...byGrant, field: 'second' }]),
    'Rule validation failed: Field first is not supported',
  ],
]

for (const [row, rule, message, path] of rows) {
  test(`${row}: ${message ?? 'accepted'}`, () => {
    const issue = validateRule(rule, actionTypes.PRE_ISSUE_ACCESS_TOKEN)
    assert.equal(issue?.message, message)
    if (path) assert.deepEqual(issue?.path, path)
  })
}

test('each action type has its own fields', () => {
  const byFlow = ruleOf([{ field: 'flow', operator: 'equals', value: 'userInitiatedPasswordUpdate' }])
  assert.equal(validateRule(byFlow, actionTypes.PRE_UPDATE_PASSWORD), undefined)
  assert.match(validateRule(byFlow, actionTypes.PRE_UPDATE_PROFILE)?.message ?? '', /Value userInitiatedPasswordUpdate/)
  assert.match(validateRule(byFlow, actionTypes.PRE_ISSUE_ID_TOKEN)?.message ?? '', /Field flow is not supported/)
  assert.match(validateRule(byFlow, actionTypes.AUTHENTICATION)?.message ?? '', /Field flow is not supported/)
})
