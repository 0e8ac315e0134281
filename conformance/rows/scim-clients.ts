/** What real provisioning clients send. The title of each row names the client that needs it. */
import assert from 'node:assert/strict'
import type { Json } from '../extension-under-test.ts'
import { request } from '../requests.ts'
import { type Check, type NotApplicable, notApplicable, type Row, type RowId, row, type Section } from '../row.ts'
import { onlyEvent, PASSWORD_ACTION } from './account-changes.ts'
import { ENTERPRISE, find, idsOf, makeGroup, makeUser, newName, patch, patched, read } from './scim-under-test.ts'

const ADSCIM = 'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group'
const REPLACE = 'Replace'

const membersOf = ({ members }: Json): string[] => (members ?? []).map(({ value }: Json) => value)

/** One behaviour of a client that the standard does not require servers to accept. */
interface Quirk {
  id: RowId
  client: 'Entra ID' | 'Microsoft’s test collection' | 'Okta'
  sends: string
  check: Check | NotApplicable
}

const QUIRKS: readonly Quirk[] = [
  {
    id: 'SE-01',
    client: 'Entra ID',
    sends: 'booleans as strings: Replace `active` "False", POST `active:"True"`, `Primary:"true"`',
    async check(stage) {
      const user = await makeUser(stage, { active: 'True', emails: [{ value: 'a@x', Primary: 'true' }] })
      assert.deepEqual([user.active, user.emails], [true, [{ value: 'a@x', primary: true }]])
      const { body } = await patch(stage, user, { op: REPLACE, path: 'active', value: 'False' })
      assert.equal(body.active, false)
    },
  },
  {
    id: 'SE-02',
    client: 'Entra ID',
    sends: 'Add and Replace of a sub-attribute through `[type eq …]` without such an element: the element is created',
    async check(stage) {
      for (const op of ['Add', REPLACE]) {
        const user = await patched(
          stage,
          {},
          { op, path: 'emails[type eq "work"].value', value: 'w@x' },
          { op, path: 'phoneNumbers[type eq "mobile"].value', value: '1' },
          { op, path: 'addresses[type eq "work"].country', value: 'SE' },
        )
        assert.deepEqual(
          [user.emails, user.phoneNumbers, user.addresses],
          [[{ type: 'work', value: 'w@x' }], [{ type: 'mobile', value: '1' }], [{ type: 'work', country: 'SE' }]],
        )
      }
    },
  },
  {
    id: 'SE-03',
    client: 'Entra ID',
    sends: '`manager` as a string, by path, without path and in POST; Add of `manager.value`; Remove',
    async check(stage) {
      const path = `${ENTERPRISE}:manager`
      for (const operation of [
        { op: REPLACE, path, value: '7' },
        { op: 'Add', path: `${path}.value`, value: '7' },
        { op: REPLACE, value: { [path]: '7' } },
      ]) {
        assert.deepEqual((await patched(stage, {}, operation))[ENTERPRISE].manager, { value: '7' })
      }
      const user = await makeUser(stage, { [ENTERPRISE]: { manager: '7' } })
      assert.deepEqual(user[ENTERPRISE].manager, { value: '7' })
      assert.equal((await patch(stage, user, { op: 'Remove', path })).body[ENTERPRISE], undefined)
    },
  },
  {
    id: 'SE-04',
    client: 'Entra ID',
    sends: 'Replace without path, with dotted keys and URNs as keys',
    async check(stage) {
      const value = { 'name.givenName': 'A', [`${ENTERPRISE}:department`]: 'D', displayName: 'X' }
      const user = await patched(stage, {}, { op: REPLACE, value })
      assert.deepEqual([user.name, user[ENTERPRISE], user.displayName], [{ givenName: 'A' }, { department: 'D' }, 'X'])
    },
  },
  {
    id: 'SE-05',
    client: 'Microsoft’s test collection',
    sends: 'sub-attributes with a capital letter: `….Value`, `….Formatted`',
    async check(stage) {
      const user = await patched(
        stage,
        {},
        { op: 'Add', path: 'emails[type eq "other"].Value', value: 'o@x' },
        { op: 'Add', path: 'addresses[type eq "other"].Formatted', value: 'Street 1' },
      )
      assert.deepEqual([user.emails[0].value, user.addresses[0].formatted], ['o@x', 'Street 1'])
    },
  },
  {
    id: 'SE-06',
    client: 'Entra ID',
    sends: '`null` as the value: 200, and the attribute is removed',
    async check(stage) {
      const user = await patched(stage, { nickName: 'N' }, { op: REPLACE, path: 'nickName', value: null })
      assert.equal(user.nickName, undefined)
    },
  },
  {
    id: 'SE-07',
    client: 'Entra ID',
    sends: 'lookups of disabled users: found by filter and by id, with `active:false`',
    async check(stage) {
      const user = await makeUser(stage, { active: false })
      const { Resources } = await find(stage, `userName eq "${user.userName}"`)
      assert.deepEqual([Resources[0].active, (await read(stage, user)).body.active], [false, false])
      assert.equal((await find(stage, `userName eq "${newName()}"`)).totalResults, 0)
    },
  },
  {
    id: 'SE-08',
    client: 'Entra ID',
    sends: 'groups with its own schema and `externalId`, without members: 201',
    async check(stage) {
      const group = {
        schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group', ADSCIM],
        externalId: newName(),
        displayName: newName(),
      }
      const { body, status } = await stage.call('POST', '/scim2/Groups', group)
      assert.deepEqual([status, body.externalId, membersOf(body)], [201, group.externalId, []])
    },
  },
  {
    id: 'SE-09',
    client: 'Entra ID',
    sends: 'Add of members with `"$ref": null`, ten at once, or as strings',
    async check(stage) {
      const users: Json[] = []
      for (let index = 0; index < 11; index++) users.push(await makeUser(stage))
      const group = await makeGroup(stage)
      const value = users.slice(0, 10).map(({ id }) => ({ $ref: null, value: id }))
      assert.equal((await patch(stage, group, { op: 'Add', path: 'members', value })).status, 200)
      assert.equal((await patch(stage, group, { op: 'Add', path: 'members', value: [users[10]?.id] })).status, 200)
      assert.equal(membersOf((await read(stage, group)).body).length, 11)
    },
  },
  {
    id: 'SE-10',
    client: 'Entra ID',
    sends: 'Remove of members with a list as the value: only these leave',
    async check(stage) {
      const [one, other] = [await makeUser(stage), await makeUser(stage)]
      const group = await makeGroup(stage, [one, other])
      await patch(stage, group, { op: 'Remove', path: 'members', value: [{ $ref: null, value: one.id }] })
      assert.deepEqual(membersOf((await read(stage, group)).body), [other.id])
    },
  },
  {
    id: 'SE-11',
    client: 'Entra ID',
    sends: 'lookups of groups by displayName with `excludedAttributes=members`',
    async check(stage) {
      const group = await makeGroup(stage, [await makeUser(stage)])
      const query = new URLSearchParams({
        filter: `displayName eq "${group.displayName}"`,
        excludedAttributes: 'members',
      })
      const { body } = await stage.must('GET', `/scim2/Groups?${query}`)
      assert.deepEqual([body.totalResults, 'members' in body.Resources[0]], [1, false])
    },
  },
  {
    id: 'SE-12',
    client: 'Entra ID',
    sends: 'the pagination test of its validator: 11 users, count 5',
    async check(stage) {
      const title = newName('eleven')
      for (let index = 0; index < 11; index++) await makeUser(stage, { title })
      const seen = new Set<string>()
      for (const startIndex of ['1', '6', '11']) {
        const page = await find(stage, `title eq "${title}"`, { startIndex, count: '5' })
        assert.equal(page.totalResults, 11)
        for (const { id } of page.Resources) seen.add(id)
      }
      assert.equal(seen.size, 11)
    },
  },
  {
    id: 'SE-13',
    client: 'Entra ID',
    sends: 'the 22 tests of its validator and Microsoft’s collection as a whole',
    check: notApplicable('they need accounts at Microsoft; the rows above have their requests'),
  },
  {
    id: 'SK-01',
    client: 'Okta',
    sends: 'its SPEC suite: list, read, unknown name and id, create, again, another case, groups, no credentials',
    async check(stage) {
      const list = (await stage.must('GET', '/scim2/Users?count=1&startIndex=1')).body
      assert.deepEqual([list.Resources.length, list.itemsPerPage, list.startIndex], [1, 1, 1])
      assert.ok(list.totalResults > 1)
      const unknown = await stage.call('GET', '/scim2/Users/nobody')
      assert.deepEqual([unknown.status, typeof unknown.body.detail], [404, 'string'])
      const userName = `${newName()}@example.com`
      const wanted = {
        userName,
        name: { givenName: 'A', familyName: 'B' },
        emails: [{ primary: true, value: userName, type: 'work' }],
        active: true,
      }
      const created = await stage.call('POST', '/scim2/Users', wanted)
      assert.deepEqual([created.status, created.body.userName, created.body.active], [201, userName, true])
      assert.equal((await stage.call('POST', '/scim2/Users', wanted)).status, 409)
      assert.deepEqual(await idsOf(stage, `userName eq "${userName.toUpperCase()}"`), [created.body.id])
      assert.equal((await stage.call('GET', '/scim2/Groups')).status, 200)
      const anonymous = await request(`${stage.base}/scim2/Users`, {})
      assert.deepEqual([anonymous.status, anonymous.body.status], [401, '401'])
    },
  },
  {
    id: 'SK-02',
    client: 'Okta',
    sends: 'PUT of the whole user with `groups: []`, `meta` and a password: 200, the password action is called once',
    async check(stage) {
      const user = await makeUser(stage)
      await stage.configure(PASSWORD_ACTION, { passwordSharing: { format: 'PLAIN_TEXT' } })
      const body = { ...user, groups: [], password: 'Blue-Heron_42!', nickName: 'N' }
      assert.equal((await stage.must('PUT', `/scim2/Users/${user.id}`, body)).body.nickName, 'N')
      assert.equal(onlyEvent(stage, PASSWORD_ACTION).action, 'UPDATE')
    },
  },
  {
    id: 'SK-03',
    client: 'Okta',
    sends: 'deactivation and reactivation without path: `{active:false}`, `{active:true}`',
    async check(stage) {
      const user = await makeUser(stage)
      for (const active of [false, true]) {
        assert.equal((await patch(stage, user, { op: 'replace', value: { active } })).body.active, active)
      }
    },
  },
  {
    id: 'SK-04',
    client: 'Okta',
    sends: 'group push: POST, PATCH of members, Replace of `{id, displayName}` without path, PUT, DELETE',
    async check(stage) {
      const [one, other] = [await makeUser(stage), await makeUser(stage)]
      const group = await makeGroup(stage, [one])
      await patch(stage, group, { op: 'add', path: 'members', value: [{ value: other.id, display: 'x' }] })
      await patch(stage, group, { op: 'remove', path: `members[value eq "${one.id}"]` })
      const displayName = newName()
      await patch(stage, group, { op: 'replace', value: { id: group.id, displayName } })
      const { body } = await read(stage, group)
      assert.deepEqual([body.displayName, membersOf(body)], [displayName, [other.id]])
      const put = await stage.must('PUT', `/scim2/Groups/${group.id}`, { displayName, members: [{ value: one.id }] })
      assert.deepEqual(membersOf(put.body), [one.id])
      assert.equal((await stage.call('DELETE', `/scim2/Groups/${group.id}`)).status, 204)
    },
  },
  {
    id: 'SK-05',
    client: 'Okta',
    sends: 'password synchronization that the action refuses: 400 with its words',
    async check(stage) {
      const user = await makeUser(stage)
      await stage.configure(PASSWORD_ACTION, { passwordSharing: { format: 'PLAIN_TEXT' } })
      const answer = { actionStatus: 'FAILED', failureReason: 'known', failureDescription: 'This password is known.' }
      stage.extension(PASSWORD_ACTION).answer(() => ({ body: answer }))
      const { body, status } = await patch(stage, user, { op: 'replace', value: { password: 'Blue-Heron_42!' } })
      assert.deepEqual([status, body.scimType, body.detail], [400, 'known', 'This password is known.'])
    },
  },
]

export const scimClients: Section = {
  title: 'Entra ID and Okta',
  rows: QUIRKS.map(({ check, client, id, sends }): Row => row(id, `${client}: ${sends}`, check)),
}
