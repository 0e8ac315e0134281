import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Types } from 'scimmy'
import { checkComparisons, matchesFilter } from './match-filter.ts'

const resource = {
  userName: 'Mira',
  active: true,
  name: { givenName: 'Mira' },
  emails: [
    { value: 'mira@example.com', type: 'home' },
    { value: 'Mira@work.example', type: 'work', primary: true },
  ],
  meta: { created: '2026-01-02T03:04:05.000Z' },
  'urn:scim:wso2:schema:age': 30,
}

const cases: [filter: string, holds: boolean][] = [
  ['userName eq "mira"', true],
  ['USERNAME EQ "MIRA"', true],
  ['userName ne "mira"', false],
  ['userName sw "mi" and userName ew "ra"', true],
  ['userName sw "mi" and userName ew "x"', false],
  ['userName eq "x" or active eq true', true],
  ['active eq "true"', true],
  ['not (userName eq "x")', true],
  ['not (userName eq "mira")', false],
  ['name.givenName co "IR"', true],
  ['name.familyName pr', false],
  ['name pr', true],
  ['title pr', false],
  ['not (title pr)', true],
  ['title ne "boss"', true],
  ['title eq "boss"', false],
  ['title co ""', false],
  ['emails co "@WORK"', true],
  ['emails.value sw "mira@"', true],
  ['emails[type eq "work" and value co "example.com"]', false],
  ['emails[type eq "home" and value co "example.com"]', true],
  ['emails.type eq "pager"', false],
  ['phoneNumbers.value eq "1"', false],
  ['phoneNumbers[type eq "work"]', false],
  ['meta.created gt "2026-01-02T03:04:04Z"', true],
  ['meta.created le "2026-01-02T04:04:05+01:00"', true],
  ['meta.created lt "2026-01-01T00:00:00Z"', false],
  ['userName gt "jonas"', true],
  ['active gt "x"', false],
  ['urn:scim:wso2:schema:age ge 30', true],
  ['urn:scim:wso2:schema:age lt 30', false],
]

for (const [filter, expected] of cases) {
  test(`${filter} ${expected ? 'holds' : 'does not hold'}`, () => {
    const parsed = new Types.Filter(filter)
    for (const branch of parsed) checkComparisons(branch)
    assert.equal(matchesFilter(parsed, resource), expected)
  })
}

test('a comparison with too little or an unknown operator is refused', () => {
  for (const expression of [{ userName: ['eq'] }, { userName: ['zz', 'x'] }, { name: { givenName: ['not', 'eq'] } }]) {
    assert.throws(() => checkComparisons(expression), { name: 'Problem', code: 'invalidFilter' })
  }
})
