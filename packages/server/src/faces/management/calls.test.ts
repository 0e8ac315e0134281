import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { insertCalls } from '../../ground/store/calls.ts'
import type { Database } from '../../ground/store/database.ts'
import { onEachDatabase } from '../../ground/store/databases.fixture.ts'
import { assertRefused, createApiUnderTest, tokens } from './api-under-test.fixture.ts'

onEachDatabase('the calls and audit APIs', open => {
  let db: Database
  let newTenant: ReturnType<typeof createApiUnderTest>
  before(async () => {
    db = await open()
    newTenant = createApiUnderTest(db)
  })

  test('calls are listed newest first, filtered, paged, and can be read completely', async () => {
    const { call, tenant } = await newTenant()
    const ids = [1, 2, 3].map(number => `${tenant.id}-call-${number}`)
    await insertCalls(
      db,
      ids.map((id, index) => ({
        id,
        tenantId: tenant.id,
        actionId: 'a',
        actionType: 'PRE_ISSUE_ACCESS_TOKEN',
        actionName: 'Guard',
        startedAt: 1_790_000_000_000 + index,
        durationMs: 7,
        status: index === 0 ? 'failed' : 'success',
        reason: 'SUCCESS without changes.',
        clientId: 'shop',
        flowResult: 'continued',
        details: { attempts: [] },
      })),
    )
    const listed = async (query = '') =>
      (await call('GET', `/actions/calls${query}`)).body.map(({ id }: { id: string }) => id)
    assert.deepEqual(await listed(), [...ids].reverse())
    assert.deepEqual(await listed('?limit=1'), [ids[2]])
    assert.deepEqual(await listed(`?before=${ids[2]}`), [ids[1], ids[0]])
    assert.deepEqual(await listed('?status=failed&actionType=PRE_ISSUE_ACCESS_TOKEN&clientId=shop'), [ids[0]])
    assert.deepEqual(await listed('?clientId=other'), [])
    assert.deepEqual((await call('GET', `/actions/calls/${ids[0]}`)).body, {
      id: ids[0],
      actionId: 'a',
      actionType: 'PRE_ISSUE_ACCESS_TOKEN',
      actionName: 'Guard',
      startedAt: '2026-09-21T14:13:20.000Z',
      durationMs: 7,
      status: 'failed',
      reason: 'SUCCESS without changes.',
      clientId: 'shop',
      flowResult: 'continued',
      details: { attempts: [] },
    })
    assert.deepEqual((await call('GET', '/actions/call-counts')).body, [
      { actionType: 'PRE_ISSUE_ACCESS_TOKEN', status: 'failed', count: 1, lastAt: '2026-09-21T14:13:20.000Z' },
      { actionType: 'PRE_ISSUE_ACCESS_TOKEN', status: 'success', count: 2, lastAt: '2026-09-21T14:13:20.002Z' },
    ])
    assert.deepEqual(
      (await call('GET', '/actions/call-counts?since=2026-09-21T14:13:20.001Z')).body.map(
        ({ count }: { count: number }) => count,
      ),
      [2],
    )
    assertRefused(await call('GET', '/actions/call-counts?since=yesterday'), 400, 'UE-10000')
    assertRefused(await call('GET', '/actions/calls/x'), 404, 'PREFLOW-404')
    for (const query of ['?limit=0', '?limit=201', '?actionType=OTHER']) {
      assertRefused(await call('GET', `/actions/calls${query}`), 400, 'UE-10000')
    }
    const { call: elsewhere } = await newTenant()
    assert.deepEqual((await elsewhere('GET', '/actions/calls')).body, [])
    assertRefused(await elsewhere('GET', `/actions/calls/${ids[0]}`), 404, 'PREFLOW-404')
  })

  test('only real changes are audited, without secrets', async () => {
    const { call, administrator } = await newTenant()
    const path = '/actions/preIssueAccessToken'
    const body = {
      name: 'Guard',
      endpoint: {
        uri: 'https://guard.example/',
        authentication: { type: 'BASIC', properties: { username: 'u', password: 'extremely-secret' } },
      },
    }
    const { id } = (await call('POST', path, { body })).body
    await call('POST', path, { body })
    tokens.set('editor', { scopes: ['internal_action_mgt_update'], subject: 'deploy-tool' })
    await call('PATCH', `${path}/${id}`, {
      as: { bearer: 'editor' },
      body: { name: 'Other', endpoint: { authentication: body.endpoint.authentication } },
    })
    await call('POST', `${path}/${id}/activate`)
    await call('DELETE', `${path}/${id}`)
    await call('DELETE', `${path}/${id}`)
    const records = (await call('GET', `/audit-logs?targetType=ACTION&targetId=${id}`)).body
    const shown = records.map(({ id: _, recordedAt: __, ...record }: { id: string; recordedAt: string }) => record)
    const kind = { event: 'administration.changed', outcome: 'success' }
    const common = { ...kind, targetType: 'ACTION', targetId: id }
    const type = 'PRE_ISSUE_ACCESS_TOKEN'
    assert.deepEqual(new Set(shown.map((record: object) => JSON.stringify(record, Object.keys(record).sort()))).size, 4)
    const byAction = Object.fromEntries(shown.map((record: { action: string }) => [record.action, record]))
    assert.deepEqual(byAction, {
      ADD: { ...common, action: 'ADD', initiator: administrator.id, details: { type } },
      UPDATE: {
        ...common,
        action: 'UPDATE',
        initiator: 'deploy-tool',
        details: { type, fields: ['name', 'endpoint.authentication'] },
      },
      ACTIVATE: { ...common, action: 'ACTIVATE', initiator: administrator.id, details: { type } },
      DELETE: { ...common, action: 'DELETE', initiator: administrator.id, details: { type } },
    })
    assert.doesNotMatch(JSON.stringify(records), /extremely-secret/)
    assert.equal((await call('GET', '/audit-logs?limit=1')).body.length, 1)
  })
})
