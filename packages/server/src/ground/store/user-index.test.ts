import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect, migrate, readLocation } from '@preflow/database'
import { onEachEngine } from '@preflow/database/testing'
import { APPLICATION_ID, type Database, openDatabase } from './database.ts'
import { testSeal } from './databases.fixture.ts'
import { migrations } from './migrations.ts'
import { searchUsers, type UserCondition } from './user-search.ts'
import { findUsersByNumber, insertUser } from './users.ts'

const before = Object.fromEntries(Object.entries(migrations).filter(([name]) => name < '0009'))

onEachEngine(
  'the index of users',
  newLocation => {
    async function openOld() {
      const location = readLocation(await newLocation())
      const old = connect<Record<string, Record<string, unknown>>>({ location, applicationId: APPLICATION_ID })
      await migrate(old, before)
      const { queries } = old
      await queries
        .insertInto('tenants')
        .values({ id: '7', domain: 'old', root_organization_id: 'r', created_at: 1 })
        .execute()
      const organization = { tenant_id: '7', parent_id: null, depth: 0, created_at: 1 }
      for (const id of ['r', 'b']) {
        await queries
          .insertInto('organizations')
          .values({ ...organization, id, name: id, handle: id })
          .execute()
      }
      // Three batches of the builder, created in the reverse order of their ids.
      const rows = Array.from({ length: 1100 }, (_, index) => {
        const id = `u${String(index).padStart(4, '0')}`
        const document = JSON.stringify({ title: `T${index % 3}`, emails: [{ value: `${id}@X`, type: 'work' }] })
        return {
          ...{ id, tenant_id: '7', organization_id: index % 100 === 0 ? 'b' : 'r', user_name: id, user_name_key: id },
          ...{ document, is_active: 1, created_at: 2000 - index, updated_at: 1 },
        }
      })
      for (let from = 0; from < rows.length; from += 550) {
        await queries
          .insertInto('users')
          .values(rows.slice(from, from + 550))
          .execute()
      }
      await old.close()
      return location
    }

    const find = async (db: Database, condition: UserCondition, organizationId = 'r') => {
      const search = await searchUsers(db.lanes.search, organizationId, condition)
      const numbers = await search.page({ limit: 2000 })
      const users = await findUsersByNumber(db, numbers.slice(0, 3))
      return { total: await search.count(), first: numbers.slice(0, 3).map(number => users.get(number)?.id) }
    }
    const equals = (name: string, operand: string): UserCondition => ({
      ...{ kind: 'some', name },
      test: { kind: 'compare', column: 'key', operator: 'eq', operand },
    })

    test('an older database gets every user in its index, in the order of creation', async () => {
      const location = await openOld()
      const db = await openDatabase({ ...location, seal: testSeal, now: Date.now })
      assert.deepEqual(await find(db, equals('emails', 'u0501@x')), { total: 1, first: ['u0501'] })
      assert.deepEqual(await find(db, equals('emails', 'u0500@x')), { total: 0, first: [] })
      assert.deepEqual(await find(db, equals('emails', 'u0500@x'), 'b'), { total: 1, first: ['u0500'] })
      assert.deepEqual(await find(db, equals('title', 't1')), { total: 363, first: ['u1099', 'u1096', 'u1093'] })
      const added = { id: 'new', tenantId: '7', organizationId: 'r', userName: 'new', document: { title: 'T1' } }
      const state = { groups: [], roles: [], isActive: true, isAdministrator: false, createdAt: 1, updatedAt: 1 }
      assert.ok(await insertUser(db, { ...added, ...state }))
      assert.equal((await find(db, equals('title', 't1'))).total, 364)
      await db.close()
    })

    test('an index of another table of attributes is built again', async () => {
      const location = await openOld()
      const first = await openDatabase({ ...location, seal: testSeal, now: Date.now })
      await first.queries.deleteFrom('user_values').execute()
      await first.close()
      const same = await openDatabase({ ...location, seal: testSeal, now: Date.now })
      assert.equal((await find(same, equals('title', 't1'))).total, 0)
      await same.queries.updateTable('store_facts').set({ value: 'older' }).where('name', '=', 'user-index').execute()
      await same.close()
      const again = await openDatabase({ ...location, seal: testSeal, now: Date.now })
      assert.equal((await find(again, equals('title', 't1'))).total, 363)
      await again.close()
    })
  },
  'database',
)
