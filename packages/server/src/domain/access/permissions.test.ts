import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Database } from '../../ground/store/database.ts'
import { onEachDatabase } from '../../ground/store/databases.fixture.ts'
import { addMembers, removeMembers } from '../../ground/store/memberships.ts'
import type { Organization, User } from '../../ground/store/model.ts'
import { addOrganization, findOrganizationById } from '../../ground/store/organizations.ts'
import { insertRole } from '../../ground/store/roles.ts'
import { FIRST_TENANT } from '../../ground/store/tenants.ts'
import { findUserById, insertUser } from '../../ground/store/users.ts'
import {
  isServerScope,
  ORGANIZATION_PERMISSIONS,
  SELF_SERVICE_PERMISSIONS,
  SERVER_PERMISSIONS,
  TENANT_PERMISSIONS,
} from './permission-names.ts'
import { isMember, permissionsOf } from './permissions.ts'

const tenantId = FIRST_TENANT.id

/** A tree: the root, `branch` with `leaf` below it, and `sibling` next to `branch`. */
const organizations = {
  branch: { id: 'branch', tenantId, parentId: 'root', name: 'Branch', handle: 'branch', depth: 1 },
  leaf: { id: 'leaf', tenantId, parentId: 'branch', name: 'Leaf', handle: 'leaf', depth: 2 },
  sibling: { id: 'sibling', tenantId, parentId: 'root', name: 'Sibling', handle: 'sibling', depth: 1 },
} satisfies Record<string, Organization>

async function plantTree(db: Database): Promise<Organization> {
  for (const organization of Object.values(organizations)) await addOrganization(db, organization)
  return (await findOrganizationById(db, tenantId, 'root')) as Organization
}

async function plantUser(db: Database, id: string, organizationId = 'root', isAdministrator = false): Promise<User> {
  const user: User = {
    ...{ id, tenantId, organizationId, userName: id, document: {}, groups: [], roles: [] },
    ...{ isActive: true, isAdministrator, createdAt: 1, updatedAt: 1 },
  }
  assert.ok(await insertUser(db, user))
  return user
}

onEachDatabase('permissions', open => {
  test('an ordinary user may manage their own account in their organization, and nothing elsewhere', async () => {
    const db = await open()
    const root = await plantTree(db)
    const ann = await plantUser(db, 'ann')
    assert.deepEqual([...(await permissionsOf(db, ann, { organization: root }))], [...SELF_SERVICE_PERMISSIONS])
    for (const organization of Object.values(organizations)) {
      assert.deepEqual([...(await permissionsOf(db, ann, { organization }))], [], organization.id)
      assert.equal(await isMember(db, ann, organization), false)
    }
  })

  test('an administrator of the tenant has all its permissions, and those of organizations below it', async () => {
    const db = await open()
    const root = await plantTree(db)
    const boss = await plantUser(db, 'boss', 'root', true)
    assert.equal((await findUserById(db, tenantId, 'boss'))?.isAdministrator, true)
    const expected = [...SELF_SERVICE_PERMISSIONS, ...TENANT_PERMISSIONS, ...SERVER_PERMISSIONS]
    assert.deepEqual([...(await permissionsOf(db, boss, { organization: root }))].sort(), expected.sort())
    const below = await permissionsOf(db, boss, { organization: organizations.leaf })
    assert.deepEqual([...below].sort(), [...SELF_SERVICE_PERMISSIONS, ...ORGANIZATION_PERMISSIONS].sort())
  })

  test('an administrator of an organization has its permissions there and below, not above and not in siblings', async () => {
    const db = await open()
    const root = await plantTree(db)
    const carla = await plantUser(db, 'carla', 'branch')
    await addMembers(db, 'users of a role', 'administrator-branch', ['carla'])
    assert.equal((await findUserById(db, tenantId, 'carla'))?.isAdministrator, false)
    for (const organization of [organizations.branch, organizations.leaf]) {
      const permissions = await permissionsOf(db, carla, { organization })
      for (const name of ORGANIZATION_PERMISSIONS) assert.ok(permissions.has(name), `${organization.id} ${name}`)
    }
    for (const organization of [root, organizations.sibling]) {
      assert.deepEqual([...(await permissionsOf(db, carla, { organization }))], [], organization.id)
    }
    assert.ok(await removeMembers(db, 'users of a role', 'administrator-branch', ['carla']))
    const left = await permissionsOf(db, carla, { organization: organizations.branch })
    assert.deepEqual([...left], [...SELF_SERVICE_PERMISSIONS])
  })

  test('a role for an application applies only to tokens for that application', async () => {
    const db = await open()
    const root = await plantTree(db)
    const ann = await plantUser(db, 'ann')
    const role = { id: 'r', tenantId, name: 'Clerk', permissions: ['orders.read'], createdAt: 1, updatedAt: 1 }
    assert.ok(await insertRole(db, { ...role, audience: { type: 'application', id: 'shop' } }))
    assert.equal(await insertRole(db, { ...role, id: 's', audience: { type: 'application', id: 'shop' } }), false)
    await addMembers(db, 'users of a role', 'r', ['ann'])
    const here = await permissionsOf(db, ann, {
      organization: root,
      application: { id: 'shop', roleAudience: 'application' },
    })
    assert.ok(here.has('orders.read'))
    const elsewhere = await permissionsOf(db, ann, {
      organization: root,
      application: { id: 'other', roleAudience: 'application' },
    })
    assert.ok(!elsewhere.has('orders.read'))
    // An application that accepts the roles of the organization does not accept its own.
    assert.ok(!(await permissionsOf(db, ann, { organization: root, application: { id: 'shop' } })).has('orders.read'))
  })

  test('a role gives no root permission below the root and no organization permission at the root', async () => {
    const db = await open()
    const root = await plantTree(db)
    const names = [...TENANT_PERMISSIONS, ...ORGANIZATION_PERMISSIONS, 'orders.read']
    let count = 0
    await fc.assert(
      fc.asyncProperty(
        fc.subarray(names),
        fc.constantFrom('root', 'branch', 'leaf', 'sibling'),
        async (permissions, audienceId) => {
          count += 1
          const user = await plantUser(db, `user-${count}`)
          const role = { id: `role-${count}`, tenantId, name: `Role ${count}`, createdAt: 1, updatedAt: 1 }
          await insertRole(db, { ...role, permissions, audience: { type: 'organization', id: audienceId } })
          await addMembers(db, 'users of a role', role.id, [user.id])
          for (const organization of [root, ...Object.values(organizations)]) {
            const held = [...(await permissionsOf(db, user, { organization }))].filter(isServerScope)
            const counted = held.filter(name => !(SELF_SERVICE_PERMISSIONS as readonly string[]).includes(name))
            assert.ok(counted.every(name => name.startsWith('internal_org_') === organization.depth > 0))
            assert.ok(counted.every(name => permissions.includes(name)))
            if (audienceId === 'sibling' && organization.id !== 'sibling') assert.deepEqual(counted, [])
          }
        },
      ),
      { numRuns: 25 },
    )
  })
})
