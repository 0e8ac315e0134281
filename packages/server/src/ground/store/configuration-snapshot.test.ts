import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { readLocation } from '@preflow/database'
import { onEachEngine } from '@preflow/database/testing'
import { sql } from 'kysely'
import { findActiveAction, insertAction, setActionStatus } from './actions.ts'
import { authorizeApi, insertApiResource, listAuthorizedScopes, withdrawApi } from './api-resources.ts'
import { findApplicationByClientId, insertApplication, updateApplication } from './applications.ts'
import { CONFIGURATION_TABLES } from './configuration-clock.ts'
import { createConfigurationSnapshot } from './configuration-snapshot.ts'
import { type Database, inTransaction, openDatabase } from './database.ts'
import { testSeal } from './databases.fixture.ts'
import type { Action, Application } from './model.ts'
import { FIRST_TENANT, insertTenant } from './tenants.ts'

const { id: tenantId } = FIRST_TENANT
/** Time after which a change by another process must apply on PostgreSQL while the network works. */
const BOUND_MS = 2000
const CHANGES = 30

const application: Application = {
  id: 'a1',
  tenantId,
  name: 'Shop',
  clientId: 'shop',
  clientSecret: 'shop-secret',
  isPublicClient: false,
  grantTypes: ['client_credentials'],
  callbackUrls: [],
  createdAt: 1,
  updatedAt: 1,
} as unknown as Application

const action: Action = {
  id: 'c1',
  tenantId,
  organizationId: 'root',
  type: 'PRE_ISSUE_ACCESS_TOKEN',
  name: 'check',
  status: 'ACTIVE',
  version: 'v1',
  endpoint: {
    uri: 'https://extension.example',
    authentication: { type: 'NONE' },
    allowedHeaders: [],
    allowedParameters: [],
    signingSecrets: [],
  },
  createdAt: 1,
  updatedAt: 1,
} as unknown as Action

onEachEngine(
  'the cached configuration',
  (newLocation, engine) => {
    const opened: Database[] = []
    let location: string
    let db: Database

    const open = async () => {
      const one = await openDatabase({ ...readLocation(location), seal: testSeal, now: Date.now })
      opened.push(one)
      return one
    }
    /** Resolves when entries are cached: on PostgreSQL after notifications arrive. */
    const remembers = async (one: Database) => {
      for (let loads = 2; loads > 1; await sleep(5)) {
        loads = 0
        const load = async () => ({ loads: ++loads })
        for (let round = 0; round < 2; round++) await one.configuration?.remember('nobody', 'probe', load)
        if (loads === 0) return
      }
    }
    const isActive = async (one = db) =>
      (await findActiveAction(one, tenantId, 'root', 'PRE_ISSUE_ACCESS_TOKEN')) !== undefined
    const eventually = async (check: () => Promise<boolean>) => {
      const endsAt = Date.now() + BOUND_MS
      for (; !(await check()); await sleep(1))
        assert.ok(Date.now() < endsAt, 'the change was not seen within the bound')
    }

    before(async () => {
      location = await newLocation()
      db = await open()
      await insertTenant(
        db,
        { ...FIRST_TENANT, rootOrganizationId: 'root' },
        { id: 'root', tenantId, name: 'Super', handle: 'carbon.super', depth: 0 },
      )
      assert.ok(await insertApplication(db, application))
      assert.ok(await insertAction(db, action, 1))
      await remembers(db)
    })
    after(async () => {
      for (const one of opened) await one.close()
    })

    test('a change by this process applies to the next read', async () => {
      for (let change = 0; change < CHANGES; change++) {
        const status = change % 2 === 0 ? 'INACTIVE' : 'ACTIVE'
        await setActionStatus(change % 3 === 0 ? db.lanes.administration : db, tenantId, 'c1', status)
        assert.equal(await isActive(), status === 'ACTIVE', `change ${change}`)
      }
    })

    test('a change by another process applies at once on SQLite, and within the limit on PostgreSQL', async () => {
      const other = fork(join(import.meta.dirname, 'configuration-changer.fixture.ts'), [location, tenantId, 'c1'])
      await once(other, 'message')
      for (let change = 0; change < CHANGES; change++) {
        const status = change % 2 === 0 ? 'INACTIVE' : 'ACTIVE'
        other.send(status)
        await once(other, 'message')
        if (engine === 'SQLite') assert.equal(await isActive(), status === 'ACTIVE', `change ${change}`)
        else await eventually(async () => (await isActive()) === (status === 'ACTIVE'))
      }
      other.disconnect()
      await once(other, 'exit')
    })

    test('uncommitted changes of a transaction are not cached', async () => {
      const rename = (one: Database, name: string) => updateApplication(one, { ...application, name })
      await assert.rejects(
        inTransaction(db, async tx => {
          await rename(tx, 'Never')
          assert.equal((await findApplicationByClientId(tx, tenantId, 'shop'))?.name, 'Never')
          throw new Error('roll back')
        }),
        /roll back/,
      )
      assert.equal((await findApplicationByClientId(db, tenantId, 'shop'))?.name, 'Shop')
      await inTransaction(db, tx => rename(tx, 'Renamed'))
      assert.equal((await findApplicationByClientId(db, tenantId, 'shop'))?.name, 'Renamed')
    })

    test('a withdrawn authorization ends at once, and so does a deleted application', async () => {
      const resource = { id: 'r1', tenantId, name: 'Orders', identifier: 'orders', requiresAuthorization: true }
      const scopes = [{ id: 's1', name: 'orders.read' }]
      assert.ok(await insertApiResource(db, { ...resource, scopes, createdAt: 1 } as never))
      await authorizeApi(db, tenantId, 'a1', { resourceId: 'r1', policy: 'RBAC', scopes: ['orders.read'] })
      assert.equal((await listAuthorizedScopes(db, tenantId, 'a1')).length, 1)
      await withdrawApi(db, tenantId, 'a1', 'r1')
      assert.equal((await listAuthorizedScopes(db, tenantId, 'a1')).length, 0)
    })

    test('an entry is read once, shared and frozen', async () => {
      const read = () => findApplicationByClientId(db, tenantId, 'shop')
      // Notifications of earlier changes may still arrive.
      await eventually(async () => {
        const once = await read()
        return once === (await read())
      })
      const first = await read()
      assert.ok(first)
      assert.throws(() => first.grantTypes.push('password'), TypeError)
      assert.notEqual(await findApplicationByClientId(db.lanes.administration, tenantId, 'shop'), first)
    })

    test('an unknown client is not cached, so that no one can fill the memory with names', async () => {
      assert.equal(await findApplicationByClientId(db, tenantId, 'later'), undefined)
      let loads = 0
      const load = async () => void loads++
      await db.configuration?.remember(tenantId, 'application nobody', load)
      await db.configuration?.remember(tenantId, 'application nobody', load)
      assert.equal(loads, 2)
    })

    for (const table of CONFIGURATION_TABLES) {
      test(`a change of ${table} by another process drops the tenant from the cache`, async () => {
        const column =
          { authenticators: 'action_id', authorized_scopes: 'scope_id' }[table] ??
          (table === 'authorized_apis' ? 'resource_id' : 'id')
        const other = opened[1] ?? (await open())
        await fill(other)
        let loads = 0
        const load = async () => ({ loads: ++loads })
        await db.configuration?.remember(tenantId, `probe ${table}`, load)
        await sql`update ${sql.table(table)} set ${sql.ref(column)} = ${sql.ref(column)}`.execute(other.queries)
        await eventually(async () => {
          await db.configuration?.remember(tenantId, `probe ${table}`, load)
          return loads > 1
        })
      })
    }

    /** Gives the tenant a row in every table. */
    async function fill(one: Database): Promise<void> {
      const row = (table: string, values: Record<string, unknown>) =>
        one.queries
          .insertInto(table as never)
          .values(values as never)
          .onConflict(conflict => conflict.doNothing())
          .execute()
      await row('api_resources', {
        id: 'r1',
        tenant_id: tenantId,
        name: 'Orders',
        identifier: 'orders',
        requires_authorization: 1,
        created_at: 1,
      })
      await row('api_scopes', { id: 's1', tenant_id: tenantId, resource_id: 'r1', name: 'orders.read', position: 0 })
      await row('authorized_apis', { application_id: 'a1', resource_id: 'r1', tenant_id: tenantId, policy: 'RBAC' })
      await row('authorized_scopes', { application_id: 'a1', scope_id: 's1', resource_id: 'r1' })
      await row('authenticators', {
        action_id: 'c1',
        tenant_id: tenantId,
        organization_id: 'root',
        name: 'custom-pin',
        display_name: 'PIN',
        authentication_type: 'IDENTIFICATION',
      })
    }
  },
  'database',
)

describe('the cached configuration without notifications', () => {
  const count = () => {
    let loads = 0
    return { load: async () => ({ loads: ++loads }), loads: () => loads }
  }

  test('caches nothing while no notifications arrive, and drops everything when they arrive again', async () => {
    let report: (isListening: boolean) => void = () => undefined
    const snapshot = createConfigurationSnapshot({
      listen: (_, { onState }) => {
        report = onState
        return async () => undefined
      },
    })
    const { load, loads } = count()
    const read = () => snapshot?.remember('t', 'key', load)
    await read()
    await read()
    assert.equal(loads(), 2)
    report(true)
    await read()
    await read()
    assert.equal(loads(), 3)
    report(false)
    await read()
    assert.equal(loads(), 4)
    report(true)
    await read()
    assert.equal(loads(), 5)
  })

  test('caches nothing while the counter cannot be read', async () => {
    let isBroken = true
    const readNow = <Row>() => {
      if (isBroken) throw new Error('disk I/O error')
      return [{ revision: 1 }] as Row[]
    }
    const snapshot = createConfigurationSnapshot({ readNow })
    const { load, loads } = count()
    await snapshot?.remember('t', 'key', load)
    await snapshot?.remember('t', 'key', load)
    isBroken = false
    await snapshot?.remember('t', 'key', load)
    await snapshot?.remember('t', 'key', load)
    assert.equal(loads(), 3)
  })

  test('a failed read is not cached', async () => {
    const snapshot = createConfigurationSnapshot({ readNow: <Row>() => [{ revision: 1 }] as Row[] })
    await assert.rejects(
      () => snapshot?.remember('t', 'key', () => Promise.reject(new Error('lost'))) ?? Promise.resolve(),
    )
    assert.equal(await snapshot?.remember('t', 'key', async () => 'found'), 'found')
  })
})
