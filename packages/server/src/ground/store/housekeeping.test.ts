import assert from 'node:assert/strict'
import { test } from 'node:test'
import { insertAuditRecord, listAuditRecords } from './audit.ts'
import { insertCalls, listCalls } from './calls.ts'
import type { Database } from './database.ts'
import { onEachDatabase } from './databases.fixture.ts'
import { createHousekeeping, type HousekeepingPorts } from './housekeeping.ts'
import { holdLease } from './leases.ts'
import type { CallRecord } from './model.ts'
import { upsertArtifact } from './oidc-artifacts.ts'
import { FIRST_TENANT } from './tenants.ts'

const { id: tenantId } = FIRST_TENANT
const DAY_MS = 86_400_000
const retention = { callsPerTenant: 10, callRetentionDays: 10, auditRetentionDays: 10 }
const log = { warn: (facts: object) => assert.fail(JSON.stringify(facts)) }

const call = (id: string, startedAt: number): CallRecord =>
  ({
    ...{ id, tenantId, startedAt, actionId: 'a', actionType: 'PRE_ISSUE_ACCESS_TOKEN', actionName: 'check' },
    ...{ durationMs: 1, status: 'success', reason: 'SUCCESS', flowResult: 'continued', details: {} },
  }) as CallRecord

onEachDatabase('housekeeping', open => {
  const started = async (nowMs = { is: 20 * DAY_MS }) => ({ nowMs, db: await open({ now: () => nowMs.is }) })
  const keeper = (db: Database, holder: string, ports: Partial<HousekeepingPorts> = {}) =>
    createHousekeeping(db, { log, holder, retention, takeRecorded: () => [], ...ports })
  const addCalls = (db: Database, count: number, prefix = 'c') =>
    insertCalls(
      db,
      Array.from({ length: count }, (_, index) =>
        call(`${prefix}${String(index).padStart(4, '0')}`, 15 * DAY_MS + index),
      ),
    )
  const expired = async (db: Database) => {
    for (let index = 0; index < 150; index++) await upsertArtifact(db, tenantId, 'Session', `s${index}`, {}, -1)
  }
  const artifacts = async (db: Database) =>
    (await db.queries.selectFrom('oidc_artifacts').select('id').execute()).length

  test('the first run deletes everything that is due, regardless of its amount', async () => {
    const { db } = await started()
    await expired(db)
    await addCalls(db, 250)
    await insertCalls(db, [call('old', 10)])
    const audit = { tenantId, initiator: 'admin', action: 'ADD', targetType: 'USER', targetId: 'u', details: {} }
    await insertAuditRecord(db, { ...audit, id: 'old', recordedAt: 10 * DAY_MS - 1 })
    await insertAuditRecord(db, { ...audit, id: 'new', recordedAt: 10 * DAY_MS + 1 })
    await keeper(db, 'one').run()
    assert.equal(await artifacts(db), 0)
    assert.equal((await listCalls(db, tenantId, { limit: 500 })).length, 10)
    assert.deepEqual(
      (await listAuditRecords(db, tenantId)).map(({ id }) => id),
      ['new'],
    )
  })

  test('of several processes one works, and another one continues after it ends', async () => {
    const { db, nowMs } = await started()
    assert.ok(await holdLease(db, { name: 'housekeeping', holder: 'one', lifetimeMs: 120_000 }))
    await expired(db)
    const other = keeper(db, 'two')
    await other.run()
    assert.equal(await artifacts(db), 150)
    nowMs.is += 120_000
    await other.run()
    assert.equal(await artifacts(db), 0)
    await other.stop()
    assert.ok(await holdLease(db, { name: 'housekeeping', holder: 'three', lifetimeMs: 120_000 }))
  })

  test('each process keeps the calls it records within the limit, without waiting for the lease', async () => {
    const { db } = await started()
    assert.ok(await holdLease(db, { name: 'housekeeping', holder: 'one', lifetimeMs: 120_000 }))
    await addCalls(db, 120)
    await keeper(db, 'two', { takeRecorded: () => [tenantId] }).run()
    assert.equal((await listCalls(db, tenantId, { limit: 500 })).length, 10)
  })

  test('two processes that start together do not both get the lease', async () => {
    const { db } = await started()
    const holders = ['one', 'two', 'three', 'four']
    const held = await Promise.all(holders.map(holder => holdLease(db, { name: 'x', holder, lifetimeMs: 1000 })))
    assert.equal(held.filter(Boolean).length, 1)
  })

  test('stopping ends a run with remaining work', async () => {
    const { db } = await started()
    await addCalls(db, 450)
    const housekeeping = keeper(db, 'one')
    const running = housekeeping.run()
    await housekeeping.stop()
    await running
    assert.ok((await listCalls(db, tenantId, { limit: 500 })).length > 10)
  })
})
