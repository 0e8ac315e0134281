import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WSO2_USER } from '../../ground/claims/local-claims.ts'
import { type ResourceType, string } from './attribute.ts'
import { matches, parseFilter } from './filter.ts'
import { userType, wso2User } from './schema.ts'

const resource = {
  userName: 'Mira',
  active: true,
  name: { givenName: 'Mira' },
  emails: [
    { value: 'mira@example.com', type: 'home' },
    { value: 'Mira@work.example', type: 'work', primary: true },
  ],
  meta: { created: '2026-01-02T03:04:05.000Z' },
  [WSO2_USER]: { age: 30, mobileNumbers: ['+1', '+2'] },
  externalId: 'Case-7',
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
  ['userName eq Mira and emails.value co work.example', true],
  ['emails[type eq "work"].value eq "mira@work.example"', true],
  ['emails[type eq "home"].value eq "mira@work.example"', false],
  ['emails[type eq work].value sw mira@', true],
  ['emails[type eq "work" and not (value co "example.com")]', true],
  ['emails.value co "a" or name.familyName sw "b"', true],
  ['userName eq "x" or active eq true and userName eq "y"', false],
  ['((userName eq "mira"))', true],
  ['not (userName eq "x" or userName eq "mira")', false],
  ['title eq null', true],
  ['title ne null', false],
  ['userName eq null', false],
  ['userName ne null', true],
  ['title co "sequence"', false],
  ['externalId eq "Case-7"', true],
  ['externalId eq "case-7"', false],
  [`${WSO2_USER}:mobileNumbers eq "+2"`, true],
  [`${WSO2_USER}:mobileNumbers eq "+3"`, false],
  ['meta.created gt 2026-01-02T03:04:04Z', true],
  ['userName eq "\\u004dira"', true],
  ['urn:ietf:params:scim:schemas:core:2.0:User:name.givenName eq "mira"', true],
  ['active eq True', true],
  ['Emails[Type Eq "work"] And Not (Title Pr)', true],
]

/** Users with a number. The schema of users has none. */
const type: ResourceType = {
  ...userType,
  extensions: [
    {
      ...wso2User,
      attributes: [...wso2User.attributes, { ...string('age', 'Years'), type: 'integer' }],
    },
  ],
}

for (const [filter, expected] of cases) {
  test(`${filter} ${expected ? 'holds' : 'does not hold'}`, () => {
    assert.equal(matches(parseFilter(filter, type), resource), expected)
  })
}

for (const [what, filter] of [
  ['a comparison without a value', 'userName eq'],
  ['an unknown operator', 'userName zz "x"'],
  ['an attribute alone', 'userName'],
  ['a value alone', '"mira"'],
  ['an unknown attribute', 'shoeSize eq 5'],
  ['an unknown sub-attribute', 'name.shoe eq "x"'],
  ['a password', 'password eq "x"'],
  ['brackets that do not close', 'emails[type eq "work"'],
  ['parentheses that do not close', '(userName eq "x"'],
  ['a parenthesis that was not opened', 'userName eq "x")'],
  ['an unknown sub-attribute after brackets', 'emails[type eq "work"].shoe eq "x"'],
  ['half a chain', 'userName eq "x" and'],
  ['a string that is not JSON', 'userName eq "\\q"'],
  ['a string that does not end', 'userName eq "x'],
  ['300 nested parentheses', `${'('.repeat(300)}userName eq "x"${')'.repeat(300)}`],
  ['a path of 10,000 names', `${'a.'.repeat(10_000)}a eq "x"`],
  ['a name of 1,000 parts', `${'a.'.repeat(1000)}a eq "x"`],
  ['10,000 brackets', 'emails['.repeat(10_000)],
] as const) {
  test(`${what} is refused with a SCIM error`, () => {
    assert.throws(
      () => parseFilter(filter, type),
      (error: Error & { code?: string }) => {
        assert.deepEqual([error.name, error.code], ['Problem', 'invalidFilter'])
        assert.match(error.message, /^The filter is invalid\. |cannot be used in a filter/)
        assert.ok(error.message.length < 200)
        return true
      },
    )
  })
}
