import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CORE_USER, ENTERPRISE_USER, WSO2_USER } from '../../ground/claims/local-claims.ts'
import { applyPatch } from './patch.ts'
import type { Json } from './read-value.ts'
import { ownUserType, userType } from './schema.ts'

const MANAGER = `${ENTERPRISE_USER}:manager`
const COUNTRY = `${ENTERPRISE_USER}:country`
const NUMBERS = `${WSO2_USER}:mobileNumbers`

const home = { type: 'home', value: 'kim@home.example' }
const work = { type: 'work', value: 'kim@work.example' }
const manager = { value: '71', displayName: 'Lee' }

interface Case {
  /** The case, as the documentation names it. */
  name: string
  before?: Json
  operations: object[]
  after: Json
}

const op = (name: string, path: string | undefined, value?: unknown) => ({
  op: name,
  ...(path === undefined ? {} : { path }),
  ...(value === undefined ? {} : { value }),
})

/** The forms of WSO2's documentation. Its multi-valued `devices` are the mobile numbers here. */
const WSO2_FORMS: Case[] = [
  { name: 'add a simple value', operations: [op('add', undefined, { nickName: 'K' })], after: { nickName: 'K' } },
  { name: 'add it by path', operations: [op('add', 'nickName', 'K')], after: { nickName: 'K' } },
  {
    name: 'add an attribute of an extension',
    operations: [op('add', undefined, { [ENTERPRISE_USER]: { country: 'LK' } })],
    after: { [ENTERPRISE_USER]: { country: 'LK' } },
  },
  {
    name: 'add an attribute of an extension by path',
    operations: [op('add', COUNTRY, 'LK')],
    after: { [ENTERPRISE_USER]: { country: 'LK' } },
  },
  {
    name: 'add a complex value',
    before: { name: { formatted: 'K J' } },
    operations: [op('add', undefined, { name: { givenName: 'K', familyName: 'J' } })],
    after: { name: { formatted: 'K J', givenName: 'K', familyName: 'J' } },
  },
  {
    name: 'add a complex value by path',
    operations: [op('add', 'name', { givenName: 'K', familyName: 'J' })],
    after: { name: { givenName: 'K', familyName: 'J' } },
  },
  {
    name: 'add two sub-attributes in one message',
    operations: [op('add', 'name.givenName', 'K'), op('add', 'name.familyName', 'J')],
    after: { name: { givenName: 'K', familyName: 'J' } },
  },
  {
    name: 'add a manager',
    operations: [op('add', undefined, { [ENTERPRISE_USER]: { manager } })],
    after: { [ENTERPRISE_USER]: { manager } },
  },
  {
    name: 'add the name of the manager by path',
    before: { [ENTERPRISE_USER]: { manager: { value: '71' } } },
    operations: [op('add', MANAGER, { displayName: 'Lee' })],
    after: { [ENTERPRISE_USER]: { manager } },
  },
  {
    name: 'add to a list of simple values',
    before: { [WSO2_USER]: { mobileNumbers: ['a'] } },
    operations: [op('add', undefined, { [WSO2_USER]: { mobileNumbers: ['b'] } })],
    after: { [WSO2_USER]: { mobileNumbers: ['a', 'b'] } },
  },
  {
    name: 'add to a list of simple values by path',
    before: { [WSO2_USER]: { mobileNumbers: ['a'] } },
    operations: [op('add', NUMBERS, ['b', 'c'])],
    after: { [WSO2_USER]: { mobileNumbers: ['a', 'b', 'c'] } },
  },
  {
    name: 'add e-mail addresses',
    operations: [op('add', undefined, { emails: [home, work] })],
    after: { emails: [home, work] },
  },
  {
    name: 'add e-mail addresses by path',
    operations: [op('add', 'emails', [home, work])],
    after: { emails: [home, work] },
  },
  {
    name: 'replace a simple value',
    before: { nickName: 'K' },
    operations: [op('replace', undefined, { nickName: 'L' })],
    after: { nickName: 'L' },
  },
  {
    name: 'replace a simple value by path',
    before: { nickName: 'K' },
    operations: [op('replace', 'nickName', 'L')],
    after: { nickName: 'L' },
  },
  {
    name: 'replace an attribute of an extension',
    before: { [ENTERPRISE_USER]: { country: 'LK', department: 'D' } },
    operations: [op('replace', undefined, { [ENTERPRISE_USER]: { country: 'IN' } })],
    after: { [ENTERPRISE_USER]: { country: 'IN', department: 'D' } },
  },
  {
    name: 'replace an attribute of an extension by path',
    before: { [ENTERPRISE_USER]: { country: 'LK' } },
    operations: [op('replace', COUNTRY, 'IN')],
    after: { [ENTERPRISE_USER]: { country: 'IN' } },
  },
  {
    name: 'replace part of a complex value',
    before: { name: { givenName: 'K', familyName: 'J' } },
    operations: [op('replace', undefined, { name: { givenName: 'L' } })],
    after: { name: { givenName: 'L', familyName: 'J' } },
  },
  {
    name: 'replace a complex value by path, then a sub-attribute',
    before: { name: { givenName: 'K', familyName: 'J' } },
    operations: [op('replace', 'name', { givenName: 'L' }), op('replace', 'name.familyName', 'M')],
    after: { name: { givenName: 'L', familyName: 'M' } },
  },
  {
    name: 'replace a manager',
    before: { [ENTERPRISE_USER]: { manager } },
    operations: [op('replace', undefined, { [ENTERPRISE_USER]: { manager: { value: '72', displayName: 'Max' } } })],
    after: { [ENTERPRISE_USER]: { manager: { value: '72', displayName: 'Max' } } },
  },
  {
    name: 'replace a manager by path, then its value',
    before: { [ENTERPRISE_USER]: { manager } },
    operations: [op('replace', MANAGER, { displayName: 'Max' }), op('replace', `${MANAGER}.value`, '72')],
    after: { [ENTERPRISE_USER]: { manager: { value: '72', displayName: 'Max' } } },
  },
  {
    name: 'replace a list of simple values',
    before: { [WSO2_USER]: { mobileNumbers: ['a', 'b'] } },
    operations: [op('replace', undefined, { [WSO2_USER]: { mobileNumbers: ['c'] } })],
    after: { [WSO2_USER]: { mobileNumbers: ['c'] } },
  },
  {
    name: 'replace a list of simple values by path',
    before: { [WSO2_USER]: { mobileNumbers: ['a', 'b'] } },
    operations: [op('replace', NUMBERS, ['c'])],
    after: { [WSO2_USER]: { mobileNumbers: ['c'] } },
  },
  {
    name: 'replace e-mail addresses',
    before: { emails: [home, work] },
    operations: [op('replace', undefined, { emails: [{ type: 'home', value: 'new' }] })],
    after: { emails: [{ type: 'home', value: 'new' }] },
  },
  {
    name: 'replace e-mail addresses by path',
    before: { emails: [home, work] },
    operations: [op('replace', 'emails', [{ type: 'home', value: 'new' }])],
    after: { emails: [{ type: 'home', value: 'new' }] },
  },
  { name: 'remove a simple value', before: { nickName: 'K' }, operations: [op('remove', 'nickName')], after: {} },
  {
    name: 'remove an attribute of an extension',
    before: { [ENTERPRISE_USER]: { country: 'LK' } },
    operations: [op('remove', COUNTRY)],
    after: {},
  },
  {
    name: 'remove a sub-attribute',
    before: { name: { givenName: 'K', familyName: 'J' } },
    operations: [op('remove', 'name.givenName')],
    after: { name: { familyName: 'J' } },
  },
  {
    name: 'remove the value of a manager',
    before: { [ENTERPRISE_USER]: { manager } },
    operations: [op('remove', `${MANAGER}.value`)],
    after: { [ENTERPRISE_USER]: { manager: { displayName: 'Lee' } } },
  },
  {
    name: 'remove a manager',
    before: { [ENTERPRISE_USER]: { manager } },
    operations: [op('remove', MANAGER)],
    after: {},
  },
  {
    name: 'remove an element of a list of simple values',
    before: { [WSO2_USER]: { mobileNumbers: ['a', 'b'] } },
    operations: [op('remove', `${NUMBERS}[value eq "b"]`)],
    after: { [WSO2_USER]: { mobileNumbers: ['a'] } },
  },
  {
    name: 'remove a list of simple values',
    before: { [WSO2_USER]: { mobileNumbers: ['a', 'b'] } },
    operations: [op('remove', NUMBERS)],
    after: {},
  },
  {
    name: 'remove an e-mail address by a filter without quotation marks',
    before: { emails: [home, work] },
    operations: [op('remove', 'emails[type eq home]')],
    after: { emails: [work] },
  },
  {
    name: 'remove all e-mail addresses',
    before: { emails: [home, work] },
    operations: [op('remove', 'emails')],
    after: {},
  },
]

/** Rules of RFC 7644, section 3.5.2. */
const STANDARD: Case[] = [
  {
    name: 'names of operations, members, paths and attributes are compared ignoring case',
    before: { nickName: 'K' },
    operations: [{ OP: 'Replace', PATH: 'NickName', Value: 'L' }, op('ADD', undefined, { DISPLAYNAME: 'Kim' })],
    after: { nickName: 'L', displayName: 'Kim' },
  },
  {
    name: 'the URI of the core schema before a path or as a key changes nothing',
    operations: [
      op('add', `${CORE_USER}:nickName`, 'K'),
      op('add', undefined, { [`${CORE_USER}:title`]: 'Dr', [CORE_USER]: { locale: 'sv' } }),
    ],
    after: { nickName: 'K', title: 'Dr', locale: 'sv' },
  },
  {
    name: 'adding to a list appends, and an equal element is merged instead of duplicated',
    before: { emails: [work, home] },
    operations: [
      op('add', 'emails', [
        { ...work, display: 'Work' },
        { ...work, value: 'second' },
      ]),
    ],
    after: { emails: [{ ...work, display: 'Work' }, home, { ...work, value: 'second' }] },
  },
  {
    name: 'an equal simple value is not duplicated',
    before: { [WSO2_USER]: { mobileNumbers: ['a'] } },
    operations: [op('add', NUMBERS, ['a', 'b', 'b'])],
    after: { [WSO2_USER]: { mobileNumbers: ['a', 'b'] } },
  },
  {
    name: 'an equal address is not duplicated',
    before: { addresses: [{ type: 'work', country: 'SE', primary: true }] },
    operations: [op('add', 'addresses', { type: 'work', country: 'SE' })],
    after: { addresses: [{ type: 'work', country: 'SE', primary: true }] },
  },
  {
    name: 'replacing an absent value adds it',
    operations: [op('replace', 'nickName', 'K'), op('replace', 'emails', [work])],
    after: { nickName: 'K', emails: [work] },
  },
  {
    name: 'replacing through a filter sets a sub-attribute of the matching elements',
    before: { emails: [home, work] },
    operations: [op('replace', 'emails[type eq "work"].value', 'new')],
    after: { emails: [home, { type: 'work', value: 'new' }] },
  },
  {
    name: 'replacing an element through a filter replaces all of it, and it still matches the filter',
    before: { emails: [home, { ...work, display: 'W', primary: true }] },
    operations: [op('replace', 'emails[type eq "work"]', { value: 'new' })],
    after: { emails: [home, { type: 'work', value: 'new' }] },
  },
  {
    name: 'adding to an element through a filter merges',
    before: { emails: [home, work] },
    operations: [op('add', 'emails[value eq "kim@work.example"]', { display: 'W' })],
    after: { emails: [home, { ...work, display: 'W' }] },
  },
  {
    name: 'a sub-attribute of a list without a filter is set on all elements',
    before: { emails: [home, work] },
    operations: [op('replace', 'emails.display', 'Kim')],
    after: {
      emails: [
        { ...home, display: 'Kim' },
        { ...work, display: 'Kim' },
      ],
    },
  },
  {
    name: 'a sub-attribute is removed from all elements, and elements that keep only a type are removed',
    before: { emails: [{ ...home, display: 'H' }, work] },
    operations: [op('remove', 'emails.value')],
    after: { emails: [{ type: 'home', display: 'H' }] },
  },
  {
    name: 'a sub-attribute of one element is removed',
    before: { emails: [{ ...home, display: 'H' }, work] },
    operations: [op('remove', 'emails[type eq "home"].display')],
    after: { emails: [home, work] },
  },
  {
    name: 'removing what does not match or does not exist succeeds',
    before: { emails: [home] },
    operations: [op('remove', 'emails[type eq "work"]'), op('remove', 'nickName'), op('remove', MANAGER)],
    after: { emails: [home] },
  },
  {
    name: 'a new primary value replaces the old one',
    before: { emails: [{ ...home, primary: true }, work] },
    operations: [op('add', 'emails', { value: 'new', primary: true })],
    after: { emails: [{ ...home, primary: false }, work, { value: 'new', primary: true }] },
  },
  {
    name: 'an element that becomes primary replaces the old primary one',
    before: { emails: [{ ...home, primary: true }, work] },
    operations: [op('replace', 'emails[type eq "work"].primary', true)],
    after: {
      emails: [
        { ...home, primary: false },
        { ...work, primary: true },
      ],
    },
  },
  {
    name: 'an extension gets attributes by its URI, by path and as a key, and schemas in it are ignored',
    operations: [
      op('add', ENTERPRISE_USER, { schemas: [ENTERPRISE_USER], department: 'D' }),
      op('replace', undefined, { [ENTERPRISE_USER]: { schemas: [], division: 'V' } }),
    ],
    after: { [ENTERPRISE_USER]: { department: 'D', division: 'V' } },
  },
  {
    name: 'an extension is removed by its URI, even if it is absent',
    before: { [ENTERPRISE_USER]: { department: 'D', manager }, nickName: 'K' },
    operations: [op('remove', ENTERPRISE_USER), op('remove', WSO2_USER)],
    after: { nickName: 'K' },
  },
  {
    name: 'null, an empty string and an empty list remove the value',
    before: { nickName: 'K', title: 'T', emails: [home], name: { givenName: 'K', familyName: 'J' } },
    operations: [
      op('replace', 'nickName', null),
      op('replace', undefined, { title: '', emails: [], name: { givenName: null } }),
    ],
    after: { name: { familyName: 'J' } },
  },
]

/** The messages of Entra ID, with and without its flag for conformance, with attribute names in its own case. */
const ENTRA: Case[] = [
  {
    name: 'booleans as strings',
    before: { active: true },
    operations: [op('Replace', 'active', 'False')],
    after: { active: false },
  },
  {
    name: 'a first e-mail address by its type',
    operations: [op('Add', 'emails[type eq "work"].value', 'k@work.example')],
    after: { emails: [{ type: 'work', value: 'k@work.example' }] },
  },
  {
    name: 'a first phone number by its type',
    operations: [op('Replace', 'phoneNumbers[type eq "mobile"].value', '+46')],
    after: { phoneNumbers: [{ type: 'mobile', value: '+46' }] },
  },
  {
    name: 'a first address by its type, part by part',
    operations: [
      op('Add', 'addresses[type eq "work"].country', 'SE'),
      op('Add', 'addresses[type eq "work"].locality', 'Umeå'),
    ],
    after: { addresses: [{ type: 'work', country: 'SE', locality: 'Umeå' }] },
  },
  {
    name: 'a manager as a string',
    before: { [ENTERPRISE_USER]: { manager } },
    operations: [op('Add', MANAGER, '72')],
    after: { [ENTERPRISE_USER]: { manager: { value: '72' } } },
  },
  {
    name: 'a manager as a string without a path',
    operations: [op('Replace', undefined, { [MANAGER]: '72' })],
    after: { [ENTERPRISE_USER]: { manager: { value: '72' } } },
  },
  {
    name: 'the removal of a manager',
    before: { [ENTERPRISE_USER]: { manager } },
    operations: [op('Remove', MANAGER)],
    after: {},
  },
  {
    name: 'keys with dots and URIs',
    before: { name: { givenName: 'K' } },
    operations: [
      op('replace', undefined, {
        'name.givenName': 'L',
        'name.familyName': 'J',
        [`${ENTERPRISE_USER}:department`]: 'D',
        'emails[type eq "work"].value': 'k@work.example',
      }),
    ],
    after: {
      name: { givenName: 'L', familyName: 'J' },
      [ENTERPRISE_USER]: { department: 'D' },
      emails: [{ type: 'work', value: 'k@work.example' }],
    },
  },
  {
    name: 'sub-attributes that begin with a capital letter',
    operations: [
      op('Add', 'emails[type eq "other"].Value', 'k@other.example'),
      op('Add', 'addresses[type eq "other"].Formatted', 'Here'),
    ],
    after: { emails: [{ type: 'other', value: 'k@other.example' }], addresses: [{ type: 'other', formatted: 'Here' }] },
  },
  {
    name: 'members with a primary value as a string',
    operations: [op('Add', 'emails', [{ Type: 'work', Value: 'k@work.example', Primary: 'True' }])],
    after: { emails: [{ type: 'work', value: 'k@work.example', primary: true }] },
  },
  {
    name: 'the removal of elements that the value lists',
    before: { emails: [home, work] },
    operations: [
      op(
        'Remove',
        'emails',
        [{ $ref: null, value: 'kim@work.example' }].map(({ value }) => ({ value })),
      ),
    ],
    after: { emails: [home] },
  },
]

const OKTA: Case[] = [
  {
    name: 'a deactivation',
    before: { active: true },
    operations: [op('replace', undefined, { active: false })],
    after: { active: false },
  },
  {
    name: 'a password',
    operations: [op('replace', undefined, { password: 'very secret' })],
    after: { password: 'very secret' },
  },
]

for (const [title, cases] of Object.entries({
  'a form of WSO2': WSO2_FORMS,
  'a rule of the standard': STANDARD,
  'a message of Entra ID': ENTRA,
  'a message of Okta': OKTA,
})) {
  describe(title, () => {
    for (const { after, before = {}, name, operations } of cases) {
      test(name, () => {
        const kept = structuredClone(before)
        assert.deepEqual(applyPatch({ Operations: operations }, before, userType).resource, after)
        assert.deepEqual(before, kept, 'the resource itself is not changed')
      })
    }
  })
}

test('there are 65 cases', () => {
  assert.equal([...WSO2_FORMS, ...STANDARD, ...ENTRA, ...OKTA].length, 65)
})

const REFUSED: [what: string, operation: object, scimType: string][] = [
  ['an unknown attribute', op('add', 'shoeSize', '42'), 'invalidPath'],
  ['an unknown attribute as a key', op('add', undefined, { shoeSize: '42' }), 'invalidPath'],
  ['an unknown sub-attribute in a path', op('add', 'name.shoe', 'x'), 'invalidPath'],
  ['an unknown sub-attribute in a value', op('add', 'name', { shoe: 'x' }), 'invalidValue'],
  ['an unknown member of an extension', op('add', ENTERPRISE_USER, { shoe: 'x' }), 'invalidPath'],
  ['a filter after an attribute that is not a list', op('add', 'name[type eq "x"]', 'x'), 'invalidFilter'],
  ['a value that is not an object, without a path', op('add', undefined, 'x'), 'invalidValue'],
  ['a list, without a path', op('add', undefined, ['x']), 'invalidValue'],
  ['a removal without a path', op('remove', undefined, { nickName: 'K' }), 'noTarget'],
  [
    'a filter that matches nothing and names no type',
    op('replace', 'emails[value eq "x"]', { value: 'y' }),
    'noTarget',
  ],
  ['a sub-attribute of what a filter does not find', op('add', 'emails[value eq "x"].display', 'y'), 'noTarget'],
  ['an element of a type that there cannot be', op('replace', 'emails[type eq "pager"].value', 'x'), 'noTarget'],
  ['an unreadable filter', op('replace', 'emails[type].value', 'x'), 'invalidFilter'],
  ['the groups', op('add', 'groups', [{ value: 'g' }]), 'mutability'],
  ['the groups as a key', op('add', undefined, { groups: [{ value: 'g' }] }), 'mutability'],
  ['the roles', op('add', 'roles', [{ value: 'r' }]), 'mutability'],
  ['the id', op('replace', 'id', 'x'), 'mutability'],
  ['another id as a key', op('replace', undefined, { id: 'x' }), 'mutability'],
  ['the time of the creation', op('replace', 'meta.created', '2026-01-01T00:00:00Z'), 'mutability'],
  ['the removal of the user name', op('remove', 'userName'), 'invalidValue'],
  ['an empty user name', op('replace', 'userName', ''), 'invalidValue'],
  ['the removal of active', op('remove', 'active'), 'invalidValue'],
  ['the removal of the password', op('remove', 'password'), 'mutability'],
  ['an empty password', op('replace', 'password', ''), 'invalidValue'],
  ['an invalid boolean', op('replace', 'active', 'maybe'), 'invalidValue'],
  ['a number for a string', op('replace', 'nickName', 5), 'invalidValue'],
  ['an object for a string', op('replace', 'nickName', { a: 1 }), 'invalidValue'],
  ['a string for a complex value without a value', op('replace', 'name', 'Kim'), 'invalidValue'],
  ['an unknown type', op('add', 'emails', [{ type: 'pager', value: 'x' }]), 'invalidValue'],
  [
    'two primary values',
    op('add', 'emails', [
      { value: 'x', primary: true },
      { value: 'y', primary: true },
    ]),
    'invalidValue',
  ],
  [
    '12,000 values',
    op(
      'add',
      'emails',
      Array.from({ length: 12_000 }, (_, index) => `${index}@x`),
    ),
    'invalidValue',
  ],
  ['a path that is not a string', op('add', 5 as never, 'x'), 'invalidSyntax'],
  ['an unknown operation', op('move', 'nickName', 'x'), 'invalidSyntax'],
]

describe('a bad operation refuses the whole message', () => {
  for (const [what, operation, scimType] of REFUSED) {
    test(`${what}: ${scimType}`, () => {
      const before = { nickName: 'K', id: 'u-1', emails: [home] }
      const message = { Operations: [op('replace', 'nickName', 'L'), operation] }
      assert.throws(() => applyPatch(message, before, userType), { name: 'Problem', status: 400, code: scimType })
      assert.deepEqual(before, { nickName: 'K', id: 'u-1', emails: [home] })
    })
  }

  test('65 operations, no operations, and a body that is not a message', () => {
    const many = Array.from({ length: 65 }, () => op('replace', 'nickName', 'L'))
    for (const [message, code] of [
      [{ Operations: many }, 'invalidValue'],
      [{ Operations: [] }, 'invalidValue'],
      [{ Operations: 'x' }, 'invalidSyntax'],
      [{ Operations: ['x'] }, 'invalidSyntax'],
      [null, 'invalidSyntax'],
      [[], 'invalidSyntax'],
    ] as const) {
      assert.throws(() => applyPatch(message, {}, userType), { name: 'Problem', code })
    }
    assert.doesNotThrow(() => applyPatch({ Operations: many.slice(1) }, {}, userType))
  })
})

describe('users cannot change their own protected attributes', () => {
  const before = { userName: 'kim', active: true, [WSO2_USER]: { emailVerified: true, gender: 'f' } }
  for (const operation of [
    op('replace', `${WSO2_USER}:emailVerified`, true),
    op('replace', `${WSO2_USER.toUpperCase()}:EMAILVERIFIED`, true),
    op('add', undefined, { [WSO2_USER]: { phoneVerified: true } }),
    op('add', undefined, { [`${WSO2_USER}:phoneVerified`]: 'true' }),
    op('add', WSO2_USER, { emailVerified: true }),
    op('remove', `${WSO2_USER}:emailVerified`),
    op('remove', WSO2_USER),
    op('replace', 'active', true),
    op('replace', 'userName', 'admin'),
    op('add', 'externalId', 'x'),
    op('remove', 'externalId'),
    op('add', undefined, { groups: [{ value: 'admins' }] }),
    op('add', 'roles', [{ value: 'admin' }]),
  ]) {
    test(JSON.stringify(operation), () => {
      const message = { Operations: [operation] }
      assert.throws(() => applyPatch(message, before, ownUserType), { name: 'Problem', code: 'mutability' })
    })
  }

  test('users can change their other attributes', () => {
    const message = { Operations: [op('remove', `${WSO2_USER}:gender`), op('add', 'nickName', 'K')] }
    assert.deepEqual(applyPatch(message, before, ownUserType).resource, {
      ...before,
      nickName: 'K',
      [WSO2_USER]: { emailVerified: true },
    })
  })
})
