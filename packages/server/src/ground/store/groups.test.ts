import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Database, inTransaction, openDatabase } from './database.ts'
import { onEachDatabase, openOlder, testSeal } from './databases.fixture.ts'
import { deleteGroup, findGroup, insertGroup, listGroups, updateGroup } from './groups.ts'
import { addMembers, listMembers, listStrangers, removeMembers } from './memberships.ts'
import type { Group, Role, User } from './model.ts'
import { addOrganization } from './organizations.ts'
import { insertRole, listRolesOf, listRolesOfGroup } from './roles.ts'
import { FIRST_TENANT } from './tenants.ts'
import { deleteUser, findUserById, insertUser, listAdministrators } from './users.ts'

const tenantId = FIRST_TENANT.id
const root = { id: 'root', tenantId }

const group = (id: string, more: Partial<Group> = {}): Group => ({
  ...{ id, tenantId, organizationId: 'root', name: id, createdAt: 1, updatedAt: 1 },
  ...more,
})

const user = (id: string, more: Partial<User> = {}): User => ({
  ...{ id, tenantId, organizationId: 'root', userName: id, document: {}, groups: [], roles: [] },
  ...{ isActive: true, isAdministrator: false, createdAt: 1, updatedAt: 1 },
  ...more,
})

async function plant(db: Database, groups: string[], users: string[]): Promise<void> {
  for (const id of groups) assert.ok(await insertGroup(db, group(id)))
  for (const id of users) assert.ok(await insertUser(db, user(id)))
}

onEachDatabase('groups in the store', open => {
  test('a group is found, renamed and deleted, and its name is unique in its organization regardless of case', async () => {
    const db = await open()
    await plant(db, ['staff', 'eu'], [])
    assert.equal(await insertGroup(db, group('other', { name: 'STAFF' })), false)
    await addOrganization(db, { id: 'b', tenantId, parentId: 'root', name: 'B', handle: 'b', depth: 1 })
    assert.equal(await insertGroup(db, group('below', { name: 'staff', organizationId: 'b' })), true)
    assert.equal(await updateGroup(db, group('eu', { name: 'Staff' })), false)
    assert.equal(await updateGroup(db, group('eu', { name: 'EU', externalId: 'x1', updatedAt: 2 })), true)
    assert.deepEqual(await findGroup(db, tenantId, 'eu'), group('eu', { name: 'EU', externalId: 'x1', updatedAt: 2 }))
    assert.equal(await findGroup(db, 'other', 'eu'), undefined)
    assert.equal(await deleteGroup(db, 'other', 'eu'), false)
    assert.equal(await deleteGroup(db, tenantId, 'eu'), true)
    assert.equal(await findGroup(db, tenantId, 'eu'), undefined)
  })

  test('groups are listed in the order of their creation, by name, id, member and the id of the client', async () => {
    const db = await open()
    await plant(db, ['staff', 'eu', 'Staff_x', 'staff%'], ['ann'])
    await updateGroup(db, group('eu', { externalId: 'E', updatedAt: 9 }))
    await addMembers(db, 'members of a group', 'eu', ['ann'])
    const idsOf = async (search: Parameters<typeof listGroups>[2]) =>
      (await listGroups(db, root, search)).groups.map(({ id }) => id)
    assert.deepEqual(await idsOf({}), ['staff', 'eu', 'Staff_x', 'staff%'])
    assert.deepEqual(await idsOf({ name: { comparison: 'equals', value: 'STAFF' } }), ['staff'])
    assert.deepEqual(await idsOf({ name: { comparison: 'startsWith', value: 'staff_' } }), ['Staff_x'])
    assert.deepEqual(await idsOf({ name: { comparison: 'contains', value: 'TAFF%' } }), ['staff%'])
    assert.deepEqual(await idsOf({ memberId: 'ann' }), ['eu'])
    assert.deepEqual(await idsOf({ memberId: 'ann', id: 'staff' }), [])
    assert.deepEqual(await idsOf({ externalId: 'E' }), ['eu'])
    assert.deepEqual(await idsOf({ orderBy: { column: 'name', isDescending: true } }), [
      'Staff_x',
      'staff%',
      'staff',
      'eu',
    ])
    assert.deepEqual(await idsOf({ orderBy: { column: 'updatedAt', isDescending: true }, limit: 1 }), ['eu'])
    const page = await listGroups(db, root, { offset: 1, limit: 2 })
    assert.deepEqual([page.total, page.groups.map(({ id }) => id)], [4, ['eu', 'Staff_x']])
    assert.equal((await listGroups(db, { id: 'root', tenantId: 'other' })).total, 0)
  })

  test('members are added once and removed, also when the user or the group is deleted', async () => {
    const db = await open()
    await plant(db, ['staff', 'eu'], ['ann', 'bob'])
    const names = async (id: string) => (await listMembers(db, 'members of a group', id)).map(({ name }) => name)
    const added = await addMembers(db, 'members of a group', 'staff', ['bob', 'ann', 'bob'])
    assert.deepEqual(added.sort(), ['ann', 'bob'])
    assert.deepEqual(await addMembers(db, 'members of a group', 'staff', ['ann']), [])
    await addMembers(db, 'members of a group', 'eu', ['ann'])
    assert.deepEqual(await names('staff'), ['ann', 'bob'])
    assert.deepEqual((await findUserById(db, tenantId, 'ann'))?.groups, [
      { id: 'staff', name: 'staff' },
      { id: 'eu', name: 'eu' },
    ])
    assert.deepEqual(await removeMembers(db, 'members of a group', 'staff', ['bob', 'nobody']), ['bob'])
    assert.deepEqual(await names('staff'), ['ann'])
    await deleteGroup(db, tenantId, 'eu')
    assert.deepEqual((await findUserById(db, tenantId, 'ann'))?.groups, [{ id: 'staff', name: 'staff' }])
    await deleteUser(db, tenantId, 'ann')
    assert.deepEqual(await names('staff'), [])
  })

  test('a new user is a member of their groups and direct roles', async () => {
    const db = await open()
    await plant(db, ['staff'], [])
    const clerk: Role = {
      ...{ id: 'clerk', tenantId, name: 'Clerk', permissions: ['orders.read'], createdAt: 2, updatedAt: 2 },
      audience: { type: 'organization', id: 'root' },
    }
    await insertRole(db, clerk)
    const groups = [{ id: 'staff', name: 'staff' }]
    const audience = { ...clerk.audience, name: 'Super' }
    const ann = user('ann', { groups, roles: [{ id: 'clerk', name: 'Clerk', audience, isDirect: true }] })
    await insertUser(db, ann)
    const stored = await findUserById(db, tenantId, 'ann')
    assert.ok(stored?.generation)
    assert.deepEqual(stored, { ...ann, generation: stored.generation })
  })

  test('more members than one statement allows are added and removed, and unknown ids are found', async () => {
    const db = await open()
    await plant(db, ['everybody', 'staff'], ['ann'])
    await addOrganization(db, { id: 'b', tenantId, parentId: 'root', name: 'B', handle: 'b', depth: 1 })
    await insertUser(db, user('below', { organizationId: 'b' }))
    const ids = Array.from({ length: 1000 }, (_, index) => `nobody-${index}`)
    const strangers = await listStrangers(db, 'members of a group', root, [...ids, 'ann', 'below', 'a\0b'])
    assert.deepEqual(strangers, [...ids, 'below', 'a\0b'])
    assert.deepEqual(await listStrangers(db, 'groups of a role', root, ['staff', 'ann']), ['ann'])
    const users = Array.from({ length: 1200 }, (_, index) => `u${index}`)
    await inTransaction(db, async tx => {
      for (const id of users) await insertUser(tx, user(id))
    })
    assert.equal((await addMembers(db, 'members of a group', 'everybody', users)).length, 1200)
    assert.deepEqual(await addMembers(db, 'members of a group', 'everybody', [...users, 'ann']), ['ann'])
    assert.equal((await removeMembers(db, 'members of a group', 'everybody', users)).length, 1200)
  })

  test('a role of a group applies to its members, also the role Administrator', async () => {
    const db = await open()
    await plant(db, ['staff'], ['ann', 'bob'])
    await addMembers(db, 'members of a group', 'staff', ['ann'])
    await addMembers(db, 'groups of a role', 'administrator-root', ['staff'])
    await addMembers(db, 'users of a role', 'administrator-root', ['bob'])
    const audience = { type: 'organization', id: 'root', name: 'Super' }
    const role = { id: 'administrator-root', name: 'Administrator', kind: 'administrator', audience }
    assert.deepEqual((await findUserById(db, tenantId, 'ann'))?.roles, [{ ...role, isDirect: false }])
    assert.deepEqual((await findUserById(db, tenantId, 'bob'))?.roles, [{ ...role, isDirect: true }])
    await addMembers(db, 'members of a group', 'staff', ['bob'])
    assert.deepEqual((await findUserById(db, tenantId, 'bob'))?.roles, [{ ...role, isDirect: true }])
    assert.deepEqual(
      (await listAdministrators(db, tenantId)).map(({ id, isAdministrator }) => [id, isAdministrator]),
      [
        ['ann', true],
        ['bob', true],
      ],
    )
    assert.deepEqual(
      (await listRolesOfGroup(db, tenantId, 'staff')).map(({ id }) => id),
      ['administrator-root'],
    )
    await removeMembers(db, 'groups of a role', 'administrator-root', ['staff'])
    assert.deepEqual(await listRolesOf(db, tenantId, 'ann'), [])
    assert.equal((await findUserById(db, tenantId, 'ann'))?.isAdministrator, false)
    assert.deepEqual((await listMembers(db, 'groups of a role', 'administrator-root')).length, 0)
  })
})

test('group names in users of an older database become groups with members', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-groups-'))
  const file = join(folder, 'old.db')
  const older = await openOlder<Record<string, Record<string, unknown>>>(file, '0006-user-documents')
  const old = older.queries
  await old.insertInto('tenants').values({ id: '7', domain: 'old', root_organization_id: 'r', created_at: 1 }).execute()
  for (const id of ['r', 'b']) {
    const organization = { id, tenant_id: '7', parent_id: null, name: id, handle: id, depth: 0, created_at: 1 }
    await old.insertInto('organizations').values(organization).execute()
  }
  for (const [id, organization_id, groups] of [
    ['ann', 'r', ['staff', 'eu']],
    ['bob', 'r', ['EU', 'eu']],
    ['carl', 'b', ['eu']],
    ['dora', 'r', []],
  ] as const) {
    await old
      .insertInto('users')
      .values({
        ...{ id, tenant_id: '7', organization_id, user_name: id, user_name_key: id, password: null, document: '{}' },
        ...{ groups: JSON.stringify(groups), is_active: 1, created_at: 1, updated_at: 1 },
      })
      .execute()
  }
  await older.close()

  const db = await openDatabase({ file, seal: testSeal, now: Date.now })
  const namesOf = async (id: string) => (await findUserById(db, '7', id))?.groups.map(({ name }) => name)
  assert.deepEqual(
    [await namesOf('ann'), await namesOf('bob'), await namesOf('carl'), await namesOf('dora')],
    [['staff', 'eu'], ['eu'], ['eu'], []],
  )
  assert.equal((await listGroups(db, { id: 'r', tenantId: '7' })).total, 2)
  assert.equal((await listGroups(db, { id: 'b', tenantId: '7' })).total, 1)
  await db.close()
  await rm(folder, { recursive: true })
})
