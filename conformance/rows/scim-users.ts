import assert from 'node:assert/strict'
import type { Json } from '../extension-under-test.ts'
import { basic, request } from '../requests.ts'
import { notApplicable, row, type Section } from '../row.ts'
import { ADMINISTRATOR } from '../server-under-test.ts'
import { assertNotCalled, onlyEvent, PROFILE_ACTION } from './account-changes.ts'
import {
  assertRefused,
  CORE,
  CUSTOM,
  ENTERPRISE,
  find,
  makeUser,
  newName,
  patch,
  patched,
  read,
  WSO2,
} from './scim-under-test.ts'

const add = (path: string | undefined, value: unknown) => ({ op: 'add', ...(path && { path }), value })
const replace = (path: string | undefined, value: unknown) => ({ op: 'replace', ...(path && { path }), value })
const remove = (path: string) => ({ op: 'remove', path })

const HOME = { type: 'home', value: 'h@example.com' }
const WORK = { type: 'work', value: 'w@example.com' }
const NEW = { type: 'work', value: 'new@example.com' }
const MANAGER = { displayName: 'Ada', value: '1' }
const LIST = `${WSO2}:mobileNumbers`
const list = (...values: string[]) => ({ [WSO2]: { mobileNumbers: values } })
const enterprise = (values: object) => ({ [ENTERPRISE]: values })

/** The forms of WSO2's documentation: the user before, the operations, and what the user has afterwards. */
const FORMS: [id: string, before: object, operations: object[], after: Json][] = [
  ['W1', {}, [add(undefined, { nickName: 'N' })], { nickName: 'N' }],
  ['W2', {}, [add('nickName', 'N')], { nickName: 'N' }],
  ['W3', {}, [add(undefined, enterprise({ country: 'SE' }))], enterprise({ country: 'SE' })],
  ['W4', {}, [add(`${ENTERPRISE}:country`, 'SE')], enterprise({ country: 'SE' })],
  [
    'W5',
    {},
    [add(undefined, { name: { givenName: 'A', familyName: 'B' } })],
    { name: { givenName: 'A', familyName: 'B' } },
  ],
  ['W6', {}, [add('name', { givenName: 'A', familyName: 'B' })], { name: { givenName: 'A', familyName: 'B' } }],
  ['W7', {}, [add('name.givenName', 'A'), add('name.familyName', 'B')], { name: { givenName: 'A', familyName: 'B' } }],
  ['W8', {}, [add(undefined, enterprise({ manager: MANAGER }))], enterprise({ manager: MANAGER })],
  ['W9', {}, [add(`${ENTERPRISE}:manager`, { displayName: 'Ada' })], enterprise({ manager: { displayName: 'Ada' } })],
  ['W10', list('a'), [add(undefined, list('b'))], list('a', 'b')],
  ['W11', list('a'), [add(LIST, ['b'])], list('a', 'b')],
  ['W12', {}, [add(undefined, { emails: [HOME, WORK] })], { emails: [HOME, WORK] }],
  ['W13', {}, [add('emails', [HOME, WORK])], { emails: [HOME, WORK] }],
  ['W14', { nickName: 'O' }, [replace(undefined, { nickName: 'N' })], { nickName: 'N' }],
  ['W15', { nickName: 'O' }, [replace('nickName', 'N')], { nickName: 'N' }],
  [
    'W16',
    enterprise({ country: 'SE' }),
    [replace(undefined, enterprise({ country: 'NO' }))],
    enterprise({ country: 'NO' }),
  ],
  ['W17', enterprise({ country: 'SE' }), [replace(`${ENTERPRISE}:country`, 'NO')], enterprise({ country: 'NO' })],
  [
    'W18',
    { name: { givenName: 'A', familyName: 'B' } },
    [replace(undefined, { name: { givenName: 'C' } })],
    { name: { givenName: 'C', familyName: 'B' } },
  ],
  [
    'W19',
    { name: { givenName: 'A' } },
    [replace('name', { givenName: 'C' }), replace('name.familyName', 'D')],
    { name: { givenName: 'C', familyName: 'D' } },
  ],
  [
    'W20',
    enterprise({ manager: MANAGER }),
    [replace(`${ENTERPRISE}:manager`, { displayName: 'Eve', value: '2' })],
    enterprise({ manager: { displayName: 'Eve', value: '2' } }),
  ],
  [
    'W21',
    enterprise({ manager: MANAGER }),
    [replace(`${ENTERPRISE}:manager`, { displayName: 'Eve' }), replace(`${ENTERPRISE}:manager.value`, '2')],
    enterprise({ manager: { displayName: 'Eve', value: '2' } }),
  ],
  ['W22', list('a'), [replace(undefined, list('b', 'c'))], list('b', 'c')],
  ['W23', list('a'), [replace(LIST, ['b', 'c'])], list('b', 'c')],
  ['W24', { emails: [HOME, WORK] }, [replace(undefined, { emails: [NEW] })], { emails: [NEW] }],
  ['W25', { emails: [HOME, WORK] }, [replace('emails', [NEW])], { emails: [NEW] }],
  ['W26', { nickName: 'N' }, [remove('nickName')], { nickName: undefined }],
  [
    'W27',
    enterprise({ country: 'SE', department: 'D' }),
    [remove(`${ENTERPRISE}:country`)],
    enterprise({ department: 'D' }),
  ],
  ['W28', { name: { givenName: 'A', familyName: 'B' } }, [remove('name.givenName')], { name: { familyName: 'B' } }],
  [
    'W29',
    enterprise({ manager: MANAGER }),
    [remove(`${ENTERPRISE}:manager.value`)],
    enterprise({ manager: { displayName: 'Ada' } }),
  ],
  ['W30', enterprise({ manager: MANAGER }), [remove(`${ENTERPRISE}:manager`)], { [ENTERPRISE]: undefined }],
  ['W31', list('a', 'b'), [remove(`${LIST}[value eq "a"]`)], list('b')],
  ['W32', list('a', 'b'), [remove(LIST)], { [WSO2]: undefined }],
  ['W33', { emails: [HOME, WORK] }, [remove('emails[type eq home]')], { emails: [WORK] }],
  ['W34', { emails: [HOME, WORK] }, [remove('emails')], { emails: undefined }],
]

export const scimUsers: Section = {
  title: 'Users and PATCH',
  rows: [
    row('SU-01', 'the 34 PATCH forms of the documentation: the documented result each', async stage => {
      for (const [id, before, operations, after] of FORMS) {
        const user = await patched(stage, before, ...operations)
        for (const [name, value] of Object.entries(after)) assert.deepEqual(user[name], value, id)
      }
    }),
    row('SU-02', 'replace without path of emails: the list is replaced, the profile action is called', async stage => {
      const user = await makeUser(stage, { emails: [HOME] })
      await stage.configure(PROFILE_ACTION, { attributes: [] })
      assert.equal((await patch(stage, user, replace(undefined, { emails: [WORK] }))).status, 200)
      assert.deepEqual((await read(stage, user)).body.emails, [WORK])
      assert.ok(onlyEvent(stage, PROFILE_ACTION).request.claims.length > 0)
    }),
    row('SU-03', 'add without path to a list: appended, the event has the whole list', async stage => {
      const user = await makeUser(stage, list('1', '2'))
      await stage.configure(PROFILE_ACTION, { attributes: [] })
      assert.equal((await patch(stage, user, add(undefined, list('3')))).status, 200)
      assert.deepEqual(onlyEvent(stage, PROFILE_ACTION).request.claims[0].value, ['1', '2', '3'])
    }),
    row('SU-04', 'remove of `list[value eq "b"]` from [a, b]: [a]', async stage => {
      assert.deepEqual((await patched(stage, list('a', 'b'), remove(`${LIST}[value eq "b"]`)))[WSO2].mobileNumbers, [
        'a',
      ])
    }),
    row('SU-05', 'POST, PUT and PATCH with `manager`: stored and returned', async stage => {
      const user = await makeUser(stage, enterprise({ manager: MANAGER }))
      assert.deepEqual(user[ENTERPRISE].manager, MANAGER)
      const path = `/scim2/Users/${user.id}`
      const put = await stage.must('PUT', path, { userName: user.userName, ...enterprise({ manager: { value: '7' } }) })
      assert.deepEqual(put.body[ENTERPRISE].manager, { value: '7' })
      const changed = await patch(stage, user, replace(`${ENTERPRISE}:manager.displayName`, 'Eve'))
      assert.deepEqual(changed.body[ENTERPRISE].manager, { value: '7', displayName: 'Eve' })
    }),
    row('SU-06', 'two addresses, two work numbers, `display`, ims and photos with type: all kept', async stage => {
      const attributes = {
        addresses: [
          { type: 'work', locality: 'Oslo', country: 'NO' },
          { type: 'home', locality: 'Bergen' },
        ],
        phoneNumbers: [
          { type: 'work', value: '1', display: 'desk' },
          { type: 'work', value: '2' },
        ],
        ims: [{ type: 'xmpp', value: 'x@example.com' }],
        photos: [{ type: 'thumbnail', value: 'https://photos.example/1' }],
      }
      const user = (await read(stage, await makeUser(stage, attributes))).body
      for (const [name, value] of Object.entries(attributes)) assert.deepEqual(user[name], value)
    }),
    row('SU-07', 'add of a primary value beside a primary one: both kept, only the new one is primary', async stage => {
      const { emails } = await patched(
        stage,
        { emails: [{ ...HOME, primary: true }] },
        add('emails', [{ ...WORK, primary: true }]),
      )
      assert.deepEqual(emails, [
        { ...HOME, primary: false },
        { ...WORK, primary: true },
      ])
    }),
    row('SU-08', '`emails[type eq "home"].primary` true: switched', async stage => {
      const before = { emails: [{ ...WORK, primary: true }, HOME] }
      const { emails } = await patched(stage, before, replace('emails[type eq "home"].primary', true))
      assert.deepEqual(
        emails.map(({ primary }: Json) => primary),
        [false, true],
      )
    }),
    row('SU-09', 'replace of `emails[value eq "x"]` that nobody has: 400 noTarget', stage =>
      assertRefused(stage, { emails: [HOME] }, 'noTarget', replace('emails[value eq "x"].value', 'y@example.com')),
    ),
    row('SU-10', 'add of an equal element: no double, same version, no call of the action', async stage => {
      const user = await makeUser(stage, { emails: [WORK] })
      await stage.configure(PROFILE_ACTION, { attributes: [] })
      const { body } = await patch(stage, user, add('emails', [WORK]))
      assert.deepEqual([body.emails, body.meta.version], [[WORK], user.meta.version])
      assertNotCalled(stage, PROFILE_ACTION)
    }),
    row('SU-11', 'one bad of three operations: 400, nothing stored, no call of the action', async stage => {
      await stage.configure(PROFILE_ACTION, { attributes: [] })
      await assertRefused(stage, {}, 'invalidPath', add('nickName', 'N'), add('shoeSize', 1), add('title', 'T'))
      assertNotCalled(stage, PROFILE_ACTION)
    }),
    row(
      'SU-12',
      'remove without path 400 noTarget; `groups` 400 mutability; removal of `userName` 400',
      async stage => {
        await assertRefused(stage, {}, 'noTarget', { op: 'remove' })
        await assertRefused(stage, {}, 'mutability', add('groups', [{ value: 'x' }]))
        await assertRefused(stage, {}, 'invalidValue', remove('userName'))
      },
    ),
    row('SU-13', 'paths and keys with the URN of the core schema: the same attributes', async stage => {
      const user = await patched(stage, {}, add(`${CORE}:nickName`, 'N'), add(undefined, { [`${CORE}:title`]: 'T' }))
      assert.deepEqual([user.nickName, user.title], ['N', 'T'])
    }),
    row('SU-14', '`Active`, `DisplayName` and `OPERATIONS` in other cases: accepted', async stage => {
      const user = await makeUser(stage)
      const OPERATIONS = [{ OP: 'Replace', PATH: 'Active', VALUE: false }, replace(undefined, { DisplayName: 'D' })]
      const { body } = await stage.must('PATCH', `/scim2/Users/${user.id}`, { OPERATIONS })
      assert.deepEqual([body.active, body.displayName], [false, 'D'])
    }),
    row('SU-15', 'add, replace and remove with the bare URN of an extension, with `schemas` inside', async stage => {
      const value = { schemas: [ENTERPRISE], department: 'D' }
      assert.equal((await patched(stage, {}, add(ENTERPRISE, value)))[ENTERPRISE].department, 'D')
      assert.equal((await patched(stage, {}, replace(ENTERPRISE, value)))[ENTERPRISE].department, 'D')
      assert.equal((await patched(stage, enterprise({ department: 'D' }), remove(ENTERPRISE)))[ENTERPRISE], undefined)
    }),
    row('SU-16', '`country` of the enterprise extension in POST, PUT and PATCH', async stage => {
      const user = await makeUser(stage, enterprise({ country: 'SE' }))
      const put = await stage.must('PUT', `/scim2/Users/${user.id}`, {
        userName: user.userName,
        ...enterprise({ country: 'NO' }),
      })
      assert.deepEqual([user[ENTERPRISE].country, put.body[ENTERPRISE].country], ['SE', 'NO'])
    }),
    row('SU-17', '`null` for a list in POST and `""` for `profileUrl`: absent', async stage => {
      const user = await makeUser(stage, { emails: null, profileUrl: '' })
      assert.deepEqual([user.emails, user.profileUrl], [undefined, undefined])
    }),
    row('SU-18', 'PUT of what GET returned: no change, no call of the action', async stage => {
      const user = await makeUser(stage, { emails: [WORK, HOME], ...enterprise({ manager: MANAGER }) })
      await stage.configure(PROFILE_ACTION, { attributes: [] })
      assert.deepEqual((await stage.must('PUT', `/scim2/Users/${user.id}`, user)).body, user)
      assertNotCalled(stage, PROFILE_ACTION)
    }),
    row(
      'SU-19',
      'PUT without `accountLocked`: stays; without `nickName`: removed, and the event has `""`',
      async stage => {
        const user = await makeUser(stage, { nickName: 'N', [WSO2]: { accountLocked: true } })
        await stage.configure(PROFILE_ACTION, { attributes: [] })
        const { body } = await stage.must('PUT', `/scim2/Users/${user.id}`, { userName: user.userName })
        assert.deepEqual([body.nickName, body[WSO2].accountLocked], [undefined, true])
        assert.deepEqual(
          onlyEvent(stage, PROFILE_ACTION).request.claims.map(({ value }: Json) => value),
          [''],
        )
      },
    ),
    row('SU-20', 'rename by PATCH: 200; a user name of another user in another case: 409 uniqueness', async stage => {
      const [user, other] = [await makeUser(stage), await makeUser(stage)]
      const name = newName()
      assert.equal((await patch(stage, user, replace('userName', name))).body.userName, name)
      const taken = await patch(stage, other, replace('userName', name.toUpperCase()))
      assert.deepEqual([taken.status, taken.body.scimType], [409, 'uniqueness'])
    }),
    row(
      'SU-21',
      '`DEFAULT/kim` and `primary/kim` mean kim, `OTHER/kim` is 400, and a filter with the store finds kim',
      async stage => {
        for (const store of ['DEFAULT', 'primary']) {
          const name = newName()
          assert.equal((await makeUser(stage, { userName: `${store}/${name}` })).userName, name)
          assert.equal((await find(stage, `userName eq "${store}/${name}"`)).totalResults, 1)
        }
        assert.equal((await stage.call('POST', '/scim2/Users', { userName: `OTHER/${newName()}` })).status, 400)
      },
    ),
    row('SU-22', 'POST with unknown members and `schemas: []`: 201', async stage => {
      const body = {
        schemas: [],
        userName: newName(),
        name: { firstName: 'F' },
        EnterpriseUser: {},
        [CUSTOM]: { x: 1 },
      }
      assert.equal((await stage.call('POST', '/scim2/Users', body)).status, 201)
    }),
    row('SU-23', '`If-Match` with an old version: 412; `If-None-Match` with the current one: 304', async stage => {
      const user = await makeUser(stage)
      await patch(stage, user, replace('nickName', 'N'))
      const { body } = await read(stage, user)
      const authorization = basic(ADMINISTRATOR.userName, ADMINISTRATOR.password)
      const url = `${stage.base}/scim2/Users/${user.id}`
      const headers = { authorization, 'content-type': 'application/scim+json', 'if-match': user.meta.version }
      const put = await request(url, { method: 'PUT', headers, body: JSON.stringify({ userName: user.userName }) })
      assert.equal(put.status, 412)
      const known = await request(url, { headers: { authorization, 'if-none-match': body.meta.version } })
      assert.equal(known.status, 304)
    }),
    row('SU-24', 'attributes of more than 16 KiB: 400, never cut', async stage => {
      const big = { userName: newName(), title: 'x'.repeat(17_000) }
      assert.equal((await stage.call('POST', '/scim2/Users', big)).status, 400)
    }),
    row('SU-25', 'POST with `emails: ["a@example.com"]`: stored as an object', async stage => {
      assert.deepEqual((await makeUser(stage, { emails: ['a@example.com'] })).emails, [{ value: 'a@example.com' }])
    }),
    row('SU-26', 'a value of a list with a comma: one value', async stage => {
      assert.deepEqual((await makeUser(stage, list('a,b')))[WSO2].mobileNumbers, ['a,b'])
    }),
    row(
      'SU-27',
      'scim2-tester: every check for users and groups succeeds',
      notApplicable('the tester is a Python program and is run by hand'),
    ),
  ],
}
