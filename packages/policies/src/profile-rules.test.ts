import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeIssues, present, readDocument } from '@preflow/contract'
import {
  type AttributeValue,
  createProfileCheck,
  type ProfileRule,
  type ProfileUpdate,
  profileChanges,
  profileRuleSchema,
  profileRules,
} from './profile-rules.ts'

const DEPARTMENT = 'http://wso2.org/claims/department'
const MOBILES = 'http://wso2.org/claims/mobileNumbers'
const NICKNAME = 'http://wso2.org/claims/nickname'

/** The event of a platform when `requested` is requested and `stored` is stored, both disclosed to the action. */
function update(
  requested: Record<string, AttributeValue>,
  stored: Record<string, AttributeValue> = {},
  initiatorType: ProfileUpdate['initiatorType'] = 'USER',
): ProfileUpdate {
  const claims = Object.entries(stored).map(([uri, value]) => {
    const updatingValue = requested[uri]
    return { uri, value, ...present({ updatingValue }) }
  })
  return {
    initiatorType,
    request: { claims: Object.entries(requested).map(([uri, value]) => ({ uri, value })) },
    user: claims.length > 0 ? { claims } : {},
  }
}

const broken = (rule: Omit<ProfileRule, 'claim'> & { claim?: string }, event: ProfileUpdate) =>
  createProfileCheck([profileRuleSchema.parse({ claim: DEPARTMENT, ...rule })])(event).map(({ check }) => check)

test('PF-01: a first value is a change without a previous value, although user.claims is absent', () => {
  assert.deepEqual(profileChanges(update({ [NICKNAME]: 'Heron' })), [{ uri: NICKNAME, after: 'Heron' }])
})

test('PF-02: a replacement has the stored and the new value', () => {
  assert.deepEqual(profileChanges(update({ [NICKNAME]: 'Bittern' }, { [NICKNAME]: 'Heron' })), [
    { uri: NICKNAME, before: 'Heron', after: 'Bittern' },
  ])
})

test('PF-03, PF-08, PF-09: an empty string and an empty list are changes', () => {
  assert.deepEqual(
    profileChanges(update({ [NICKNAME]: '', [MOBILES]: [] }, { [NICKNAME]: 'Heron', [MOBILES]: ['+4670000001'] })),
    [
      { uri: NICKNAME, before: 'Heron', after: '' },
      { uri: MOBILES, before: ['+4670000001'], after: [] },
    ],
  )
})

test('PF-06, PF-07: a list is the complete resulting list', () => {
  assert.deepEqual(profileChanges(update({ [MOBILES]: ['a', 'b'] }, { [MOBILES]: ['a'] })), [
    { uri: MOBILES, before: ['a'], after: ['a', 'b'] },
  ])
})

test('PF-10: a string with a comma stays one value', () => {
  assert.deepEqual(broken({ values: ['Geology, Hydrology'] }, update({ [DEPARTMENT]: 'Geology, Hydrology' })), [])
  assert.deepEqual(broken({ values: ['Geology', 'Hydrology'] }, update({ [DEPARTMENT]: 'Geology,Hydrology' })), [
    'values',
  ])
})

test('PF-14: an attribute that the action does not receive is still checked', () => {
  assert.deepEqual(broken({ values: ['Geology'] }, update({ [DEPARTMENT]: 'Fraud' })), ['values'])
})

test('PF-15: an unchanged attribute is no change', () => {
  const event = update({ [NICKNAME]: 'Bittern' }, { [DEPARTMENT]: 'Fraud' })
  assert.deepEqual(
    profileChanges(event).map(({ uri }) => uri),
    [NICKNAME],
  )
  assert.deepEqual(broken({ values: ['Geology'], mayChange: false }, event), [])
})

test('the stored value is no change, in any form', () => {
  assert.deepEqual(
    profileChanges(update({ [DEPARTMENT]: 'Geology', [MOBILES]: ['a'] }, { [DEPARTMENT]: 'Geology', [MOBILES]: 'a' })),
    [],
  )
})

test('request.claims takes precedence over updatingValue, which counts only on its own', () => {
  const event: ProfileUpdate = {
    initiatorType: 'USER',
    request: { claims: [{ uri: DEPARTMENT, value: 'stored next' }] },
    user: {
      claims: [
        { uri: DEPARTMENT, value: 'Geology', updatingValue: 'something else' },
        { uri: NICKNAME, value: 'Heron', updatingValue: '' },
      ],
    },
  }
  assert.deepEqual(profileChanges(event), [
    { uri: DEPARTMENT, before: 'Geology', after: 'stored next' },
    { uri: NICKNAME, before: 'Heron', after: '' },
  ])
})

test('an update without claims breaks no rule', () => {
  assert.deepEqual(broken({ values: ['Geology'] }, { initiatorType: 'ADMIN', user: {} }), [])
})

test('a removal is checked by its own rule and does not pass as an empty value', () => {
  for (const removed of ['', []] as AttributeValue[]) {
    const event = update({ [DEPARTMENT]: removed }, { [DEPARTMENT]: 'Geology' })
    assert.deepEqual(broken({ mayBeRemoved: false }, event), ['removal'])
    assert.deepEqual(broken({ isRequired: true }, event), ['required'])
    assert.deepEqual(broken({ mayChange: false }, event), ['change'])
    assert.deepEqual(broken({ values: ['Geology'], pattern: '.+' }, event), [])
  }
})

test('UC-12: case and the composition of letters are ignored, unless configured', () => {
  const event = update({ [DEPARTMENT]: 'géologie' })
  assert.deepEqual(broken({ values: ['GE\u0301OLOGIE'] }, event), [])
  assert.deepEqual(broken({ values: ['GÉOLOGIE'], isCaseSensitive: true }, event), ['values'])
  assert.deepEqual(broken({ values: ['ge\u0301ologie'], isCaseSensitive: true }, event), [])
})

test('UC-12: every value of a list must be allowed, and a list of allowed ones is', () => {
  const values = ['Engineering', 'HR']
  assert.deepEqual(broken({ values }, update({ [DEPARTMENT]: ['hr', 'ENGINEERING'] })), [])
  assert.deepEqual(broken({ values }, update({ [DEPARTMENT]: ['HR', 'Fraud'] })), ['values'])
  assert.deepEqual(broken({ values }, update({ [DEPARTMENT]: ['HR', ''] })), ['values'])
})

test('a pattern applies to the whole value', () => {
  const pattern = String.raw`\+[0-9]{6,15}`
  assert.deepEqual(broken({ claim: MOBILES, pattern }, update({ [MOBILES]: ['+4670000001'] })), [])
  assert.deepEqual(broken({ claim: MOBILES, pattern }, update({ [MOBILES]: ['+4670000001', 'x+4670000001'] })), [
    'pattern',
  ])
  assert.deepEqual(broken({ claim: MOBILES, pattern }, update({ [MOBILES]: '+4670000001\n' })), ['pattern'])
})

test('a pattern that is catastrophic elsewhere takes linear time', () => {
  // A backtracking engine needs 2^1000 steps. With one, this test would not end.
  const value = `${'a'.repeat(1000)}!`
  assert.deepEqual(broken({ pattern: '(a+)+' }, update({ [DEPARTMENT]: value })), ['pattern'])
})

test('a value longer than its limit is rejected before matching', () => {
  assert.deepEqual(broken({ pattern: 'a*' }, update({ [DEPARTMENT]: 'a'.repeat(1025) })), ['length'])
  assert.deepEqual(broken({ pattern: 'a*' }, update({ [DEPARTMENT]: 'a'.repeat(1024) })), [])
  assert.deepEqual(broken({ maxLength: 3 }, update({ [DEPARTMENT]: ['abc', 'abcd'] })), ['length'])
  assert.deepEqual(broken({ values: ['b'] }, update({ [DEPARTMENT]: 'a'.repeat(5000) })), ['values'])
})

test('a required attribute must exist after any update', () => {
  const isRequired = true
  assert.deepEqual(broken({ isRequired }, update({ [NICKNAME]: 'Heron' }, { [DEPARTMENT]: 'Geology' })), [])
  assert.deepEqual(broken({ isRequired }, update({ [NICKNAME]: 'Heron' })), ['required'])
  assert.deepEqual(broken({ isRequired }, update({ [DEPARTMENT]: ' \t' })), ['required'])
  assert.deepEqual(broken({ isRequired }, update({ [DEPARTMENT]: ['', 'Geology'] })), [])
})

test('PF-04, PF-05: a rule may apply to some initiators only', () => {
  const rule = { mayChange: false, initiators: ['USER' as const] }
  assert.deepEqual(broken(rule, update({ [DEPARTMENT]: 'HR' }, {}, 'USER')), ['change'])
  assert.deepEqual(broken(rule, update({ [DEPARTMENT]: 'HR' }, {}, 'ADMIN')), [])
  assert.deepEqual(broken(rule, update({ [DEPARTMENT]: 'HR' }, {}, 'APPLICATION')), [])
})

test('every broken rule is reported once, in order, in words without a value', () => {
  const check = createProfileCheck([
    { claim: DEPARTMENT, values: ['Geology'] },
    { claim: NICKNAME, mayBeRemoved: false, reason: 'nickname_stays', description: 'Keep your nickname.' },
    { claim: 'urn:heron:badge', isRequired: true },
  ])
  assert.deepEqual(check(update({ [NICKNAME]: '', [DEPARTMENT]: 'Secret' }, { [NICKNAME]: 'Heron' })), [
    {
      uri: DEPARTMENT,
      check: 'values',
      reason: 'attribute_value_not_allowed',
      description: 'The value of department is not one of the allowed values.',
    },
    { uri: NICKNAME, check: 'removal', reason: 'nickname_stays', description: 'Keep your nickname.' },
    {
      uri: 'urn:heron:badge',
      check: 'required',
      reason: 'attribute_required',
      description: 'The attribute badge is required.',
    },
  ])
})

test('the policy refuses with the first reason, shows people every problem, and shows the operator only names', async () => {
  const policy = profileRules({
    rules: [
      { claim: DEPARTMENT, values: ['Geology'], reason: 'invalid_department_input' },
      { claim: NICKNAME, mayBeRemoved: false },
    ],
  })
  const decide = (event: ProfileUpdate) =>
    policy({ action: 'UPDATE', tenant: { id: '417', name: 'heron.example' }, ...event }, {} as never)
  assert.deepEqual(await decide(update({ [DEPARTMENT]: 'Secret', [NICKNAME]: '' }, { [NICKNAME]: 'Heron' })), {
    decision: 'deny',
    reason: 'invalid_department_input',
    description: 'The value of department is not one of the allowed values. The attribute nickname cannot be removed.',
    why: 'profile rules: department values, nickname removal',
  })
  assert.deepEqual(await decide(update({ [DEPARTMENT]: 'Geology' })), {
    decision: 'allow',
    edits: [],
    why: 'profile rules: kept',
  })
  assert.throws(
    () => profileRules({ rules: [{ claim: DEPARTMENT }] }),
    /^TypeError: profileRules: rules\.0: checks nothing/,
  )
})

test('invalid rules are rejected with what to change', () => {
  const messageOf = (rule: unknown) => {
    const read = readDocument(profileRuleSchema, rule)
    return read.ok ? 'accepted' : describeIssues(read.issues)
  }
  assert.match(messageOf({ claim: DEPARTMENT }), /checks nothing: give values, pattern/)
  assert.match(messageOf({ claim: DEPARTMENT, mayChange: true }), /checks nothing/)
  assert.match(messageOf({ claim: DEPARTMENT, pattern: '(' }), /RE2 pattern/)
  assert.match(messageOf({ claim: DEPARTMENT, pattern: '(?=a)a' }), /no look-around/)
  assert.match(messageOf({ claim: DEPARTMENT, pattern: String.raw`(a)\1` }), /no back-references/)
  assert.match(messageOf({ claim: DEPARTMENT, valeus: ['x'] }), /valeus/)
})
