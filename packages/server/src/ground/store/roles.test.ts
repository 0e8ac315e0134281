import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openDatabase } from './database.ts'
import { openOlder, testSeal } from './databases.fixture.ts'
import { addOrganization } from './organizations.ts'
import { listRolesOf } from './roles.ts'
import { findUserById, listAdministrators } from './users.ts'

test('administrators of a database without roles become members of the role Administrator', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-roles-'))
  const file = join(folder, 'old.db')
  const older = await openOlder<Record<string, Record<string, unknown>>>(file, '0003-authenticators')
  const old = older.queries
  await old.insertInto('tenants').values({ id: '7', domain: 'old', root_organization_id: 'r', created_at: 1 }).execute()
  for (const [id, depth] of [
    ['r', 0],
    ['b', 1],
  ] as const) {
    await old
      .insertInto('organizations')
      .values({ id, tenant_id: '7', parent_id: null, name: id, handle: id, depth, created_at: 1 })
      .execute()
  }
  for (const [id, isAdministrator] of [
    ['boss', 1],
    ['ann', 0],
  ] as const) {
    await old
      .insertInto('users')
      .values({
        ...{ id, tenant_id: '7', organization_id: 'r', user_name: id, user_name_key: id, password: null },
        ...{
          claims: '{}',
          groups: '[]',
          is_active: 1,
          is_administrator: isAdministrator,
          created_at: 1,
          updated_at: 1,
        },
      })
      .execute()
  }
  await older.close()

  const db = await openDatabase({ file, seal: testSeal, now: Date.now })
  assert.deepEqual(
    (await listAdministrators(db, '7')).map(({ id }) => id),
    ['boss'],
  )
  assert.equal((await findUserById(db, '7', 'boss'))?.isAdministrator, true)
  assert.equal((await findUserById(db, '7', 'ann'))?.isAdministrator, false)
  const [role, ...others] = await listRolesOf(db, '7', 'boss')
  assert.deepEqual(others, [])
  assert.equal(role?.name, 'Administrator')
  assert.deepEqual(role?.audience, { type: 'organization', id: 'r' })
  // New organizations have a role like existing ones.
  assert.ok(await addOrganization(db, { id: 'c', tenantId: '7', parentId: 'r', name: 'C', handle: 'c', depth: 1 }))
  const roles = await db.queries.selectFrom('roles').select(['name', 'audience_id']).orderBy('audience_id').execute()
  assert.deepEqual(
    roles.map(({ name, audience_id }) => `${audience_id}: ${name}`),
    ['b: Organization Administrator', 'c: Organization Administrator', 'r: Administrator'],
  )
  await db.close()
  await rm(folder, { recursive: true })
})
