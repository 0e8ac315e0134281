import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { row, type Section } from '../row.ts'
import type { Stage } from '../stage.ts'
import { patchOf, replacing } from '../users.ts'
import {
  assertNotCalled,
  CLAIMS,
  configurePassword,
  onlyEvent,
  PASSWORD_ACTION,
  PROFILE_ACTION,
  patchUser,
  setPassword,
} from './account-changes.ts'
import { addOrganization } from './organizations.ts'
import { addGroup, addRole, assertScimFault, references, unique, valuesOf } from './scim-roles.ts'

const GROUPS = '/scim2/Groups'

const readGroup = async (stage: Stage, id: string) => (await stage.must('GET', `${GROUPS}/${id}`)).body

/** The forms of WSO2's documentation, each with who is left. */
async function checkDocumentedForms(stage: Stage): Promise<void> {
  const [alex, kim] = [await stage.addUser({ groups: [] }), await stage.addUser({ groups: [] })]
  const { id } = await addGroup(stage)
  const leaves = async (expected: string[], operation: object) => {
    await stage.must('PATCH', `${GROUPS}/${id}`, patchOf(operation))
    assert.deepEqual(valuesOf((await readGroup(stage, id)).members), expected.toSorted(), JSON.stringify(operation))
  }
  await leaves([alex.id], { op: 'add', value: { members: references(alex.id) } })
  await leaves([alex.id, kim.id], { op: 'add', path: 'members', value: references(kim.id) })
  await leaves([kim.id], { op: 'replace', value: { members: references(kim.id) } })
  await leaves([alex.id, kim.id], { op: 'replace', path: 'members', value: references(alex.id, kim.id) })
  await leaves([kim.id], { op: 'remove', path: `members[value eq ${alex.id}]` })
  await leaves([], { op: 'remove', path: `members[display eq ${kim.userName}]` })
  for (const rename of [
    (displayName: string) => ({ op: 'replace', value: { displayName } }),
    (displayName: string) => ({ op: 'replace', path: 'displayName', value: displayName }),
  ]) {
    const displayName = unique('Renamed')
    await stage.must('PATCH', `${GROUPS}/${id}`, patchOf(rename(displayName)))
    assert.equal((await readGroup(stage, id)).displayName, displayName)
  }
}

/** Groups through SCIM. */
export const scimGroups: Section = {
  title: 'Groups',
  rows: [
    row('SG-01', "the eight PATCH forms of WSO2's documentation", checkDocumentedForms),
    row('SG-02', 'double name in other case: 409', async stage => {
      const { displayName } = await addGroup(stage)
      const again = await stage.call('POST', GROUPS, { displayName: displayName.toUpperCase() })
      assertScimFault(again, 409, 'uniqueness')
    }),
    row('SG-03', 'unknown member: 400, group not made', async stage => {
      const displayName = unique('Never')
      const members = references(stage.user.id, randomUUID())
      assertScimFault(await stage.call('POST', GROUPS, { displayName, members }), 400, 'invalidValue')
      await stage.must('POST', GROUPS, { displayName })
    }),
    row('SG-04', 'member twice, remove of a non-member: 200', async stage => {
      const [alex, kim] = [await stage.addUser({ groups: [] }), await stage.addUser({ groups: [] })]
      const { id, meta } = await addGroup(stage, [alex])
      const { body } = await stage.must(
        'PATCH',
        `${GROUPS}/${id}`,
        patchOf(
          { op: 'add', path: 'members', value: references(alex.id, alex.id) },
          { op: 'remove', path: `members[value eq "${kim.id}"]` },
        ),
      )
      assert.deepEqual([valuesOf(body.members), body.meta.version], [[alex.id], meta.version])
    }),
    {
      ...row('SG-05', 'large group: one member is added, and it is read without its members', async stage => {
        const users = await Promise.all(Array.from({ length: 40 }, () => stage.addUser({ groups: [] })))
        const { id } = await addGroup(stage, users)
        const late = await stage.addUser({ groups: [] })
        const add = patchOf({ op: 'add', path: 'members', value: references(late.id) })
        const short = '?excludedAttributes=members'
        const { body } = await stage.must('PATCH', `${GROUPS}/${id}${short}`, add)
        assert.equal('members' in body, false)
        assert.equal('members' in (await stage.must('GET', `${GROUPS}/${id}${short}`)).body, false)
        assert.equal((await readGroup(stage, id)).members.length, 41)
      }),
      how: 'with 41 members here; the times for 20,000 were measured once',
    },
    row(
      'SG-06',
      "user's `groups` and token `groups` follow at once; events of both account actions have `user.groups`",
      async stage => {
        const user = await stage.addUser({ groups: [] })
        const group = await addGroup(stage)
        const form = {
          grant_type: 'password',
          username: user.userName,
          password: user.password,
          scope: 'openid groups',
        }
        const groups = async () => (await stage.token(stage.web, form)).idToken?.['groups']
        assert.equal(await groups(), undefined)
        await stage.must(
          'PATCH',
          `${GROUPS}/${group.id}`,
          patchOf({ op: 'add', path: 'members', value: references(user.id) }),
        )
        assert.deepEqual(await groups(), [group.displayName])
        const { body } = await stage.must('GET', `/scim2/Users/${user.id}`)
        assert.deepEqual(valuesOf(body.groups), [group.id])
        await stage.configure(PROFILE_ACTION, { attributes: [CLAIMS.groups] })
        await configurePassword(stage, { attributes: [CLAIMS.groups] })
        await patchUser(stage, user, [replacing('nickName', 'Heron')])
        await setPassword(stage, user)
        for (const type of [PROFILE_ACTION, PASSWORD_ACTION] as const) {
          assert.deepEqual(onlyEvent(stage, type).user.groups, [group.displayName], type)
        }
      },
    ),
    row('SG-07', 'no profile action', async stage => {
      await stage.configure(PROFILE_ACTION, { attributes: [CLAIMS.groups] })
      const { id } = await addGroup(stage, [stage.user])
      await stage.must('PATCH', `${GROUPS}/${id}`, patchOf({ op: 'remove', path: 'members' }))
      await stage.must('DELETE', `${GROUPS}/${id}`)
      assertNotCalled(stage, PROFILE_ACTION)
    }),
    row('SG-08', 'delete user: leaves groups; delete group: roles through it end', async stage => {
      const [alex, kim] = [await stage.addUser({ groups: [] }), await stage.addUser({ groups: [] })]
      const group = await addGroup(stage, [alex, kim])
      const permissions = references('internal_user_mgt_list')
      const role = await addRole(stage, { permissions, groups: references(group.id) })
      await stage.must('DELETE', `/scim2/Users/${alex.id}`)
      assert.deepEqual(valuesOf((await readGroup(stage, group.id)).members), [kim.id])
      const rolesOf = async () => valuesOf((await stage.must('GET', `/scim2/Users/${kim.id}`)).body.roles)
      assert.deepEqual(await rolesOf(), [role.id])
      await stage.must('DELETE', `${GROUPS}/${group.id}`)
      assert.deepEqual(await rolesOf(), [])
    }),
    row('SG-09', 'two PATCHes at once adding different members: both in', async stage => {
      const users = [await stage.addUser({ groups: [] }), await stage.addUser({ groups: [] })]
      const { id } = await addGroup(stage)
      await Promise.all(
        users.map(user =>
          stage.must('PATCH', `${GROUPS}/${id}`, patchOf({ op: 'add', path: 'members', value: references(user.id) })),
        ),
      )
      assert.deepEqual(valuesOf((await readGroup(stage, id)).members), users.map(user => user.id).sort())
    }),
    row('SG-10', 'group of organization A invisible in B', async stage => {
      const [a, b] = [await addOrganization(stage), await addOrganization(stage, { name: 'Pond' })]
      const { body } = await stage.must('POST', `${a.below}${GROUPS}`, { displayName: 'Heron' })
      for (const below of ['', b.below]) {
        assertScimFault(await stage.call('GET', `${below}${GROUPS}/${body.id}`), 404)
        const filter = encodeURIComponent(`id eq "${body.id}"`)
        assert.equal((await stage.must('GET', `${below}${GROUPS}?filter=${filter}`)).body.totalResults, 0)
      }
    }),
  ],
}
