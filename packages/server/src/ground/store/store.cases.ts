import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  countActions,
  deleteAction,
  findActionById,
  findActiveAction,
  insertAction,
  listActionStates,
  listActions,
  setActionStatus,
  updateAction,
} from './actions.ts'
import {
  authorizeApi,
  deleteApiResource,
  findApiResource,
  insertApiResource,
  listAuthorizedApis,
  listAuthorizedScopes,
  updateApiResource,
  withdrawApi,
} from './api-resources.ts'
import {
  deleteApplication,
  findApplicationByClientId,
  findApplicationById,
  insertApplication,
  listApplications,
  updateApplication,
} from './applications.ts'
import { insertAuditRecord, insertAuditRecords, listAuditRecords } from './audit.ts'
import { findCall, insertCalls, listCalls } from './calls.ts'
import { type Database, inTransaction } from './database.ts'
import type { OpenTestDatabase } from './databases.fixture.ts'
import type { Action, ApiResource, Application, CallRecord, User } from './model.ts'
import {
  consumeArtifact,
  destroyArtifact,
  findArtifact,
  findArtifactByUid,
  findArtifactByUserCode,
  isApplicationTokenLive,
  revokeByGrantId,
  upsertArtifact,
} from './oidc-artifacts.ts'
import { addOrganization, findOrganization, findOrganizationById, listOrganizations } from './organizations.ts'
import { createRecordPurge, purgeExpired } from './purge.ts'
import { expireSigningKey, insertSigningKey, listSigningKeys } from './signing-keys.ts'
import { FIRST_TENANT, findTenantByDomain, findTenantById, insertTenant, listTenants } from './tenants.ts'
import {
  deleteUser,
  findUserById,
  findUserByUserName,
  insertUser,
  listUsers,
  updateUser,
  verifyPassword,
} from './users.ts'

const tenantId = FIRST_TENANT.id

const alice: User = {
  id: 'u1',
  tenantId,
  organizationId: 'root',
  userName: 'Alice',
  document: { name: { givenName: 'Alice' }, emails: [{ value: 'a@example.com' }, { value: 'b', primary: true }] },
  groups: [],
  roles: [],
  isActive: true,
  isAdministrator: false,
  createdAt: 1000,
  updatedAt: 1000,
}

const application: Application = {
  id: 'a1',
  tenantId,
  name: 'Shop',
  clientId: 'shop',
  clientSecret: 'shop-secret',
  isPublicClient: false,
  mustUsePkce: true,
  grantTypes: ['authorization_code', 'refresh_token'],
  callbackUrls: ['https://shop.example/cb'],
  allowedOrigins: [],
  accessTokenType: 'JWT',
  userTokenLifetimeSeconds: 3600,
  applicationTokenLifetimeSeconds: 600,
  accessTokenClaims: ['email'],
  refreshTokenLifetimeSeconds: 86_400,
  renewsRefreshToken: true,
  idTokenLifetimeSeconds: 3600,
  audiences: [],
  skipsConsent: false,
  isSystem: false,
  createdAt: 1_790_000_000_000,
  updatedAt: 1_790_000_000_000,
}

const action: Action = {
  id: 'act1',
  tenantId,
  organizationId: 'root',
  type: 'PRE_ISSUE_ACCESS_TOKEN',
  name: 'Guard',
  status: 'ACTIVE',
  version: 'v1',
  endpoint: {
    uri: 'https://guard.example/',
    authentication: { type: 'BASIC', properties: { username: 'u', password: 'extremely-secret' } },
    allowedHeaders: ['x-one'],
    allowedParameters: [],
    signingSecrets: ['whsec_c2VjcmV0'],
  },
  rule: { condition: 'OR', rules: [] },
  attributes: [],
  onFailure: 'error',
  createdAt: 5,
  updatedAt: 5,
}

const resource: ApiResource = {
  id: 'r1',
  tenantId,
  name: 'Orders',
  identifier: 'https://api.example/orders',
  requiresAuthorization: true,
  scopes: [
    { id: 's1', name: 'orders:read', displayName: 'Read orders' },
    { id: 's2', name: 'orders:write', description: 'Change orders' },
  ],
}

function call(id: string, startedAt: number, more: Partial<CallRecord> = {}): CallRecord {
  return {
    id,
    tenantId,
    actionId: 'act1',
    actionType: 'PRE_ISSUE_ACCESS_TOKEN',
    actionName: 'Guard',
    startedAt,
    durationMs: 12,
    status: 'success',
    reason: 'Two operations applied.',
    flowResult: 'continued',
    details: { attempts: [{ status: 200 }] },
    ...more,
  }
}

/** The stored value, without the member that the store adds. */
function ofAnyGeneration<Kept extends { generation?: string }>(kept: Kept | undefined): Omit<Kept, 'generation'> {
  assert.ok(kept?.generation)
  const { generation: _, ...others } = kept
  return others
}

/** Every string in the store, in which a test searches for secrets. */
async function everythingAtRest(db: Database): Promise<string> {
  const tables = ['applications', 'actions', 'users', 'oidc_artifacts', 'signing_keys', 'store_facts'] as const
  const rows = await Promise.all(tables.map(table => db.queries.selectFrom(table).selectAll().execute()))
  return JSON.stringify(rows)
}

export function storeCases(open: OpenTestDatabase): void {
  test('a tenant is found with its root organization, by its id and by its domain in any case', async () => {
    const db = await open({ now: () => 1_700_000_000_000 })
    const tenant = { id: '7', domain: 'demo', rootOrganizationId: 'o7' }
    const root = { id: 'o7', tenantId: '7', name: 'Demo', handle: 'demo', depth: 0 }
    assert.equal(await insertTenant(db, tenant, root), true)
    assert.deepEqual(await findTenantByDomain(db, 'DEMO'), tenant)
    assert.deepEqual(await findTenantById(db, '7'), tenant)
    assert.deepEqual(await findOrganizationById(db, '7', 'o7'), { ...root, createdAt: 1_700_000_000_000 })
    assert.deepEqual(
      (await listTenants(db)).map(({ domain }) => domain),
      ['carbon.super', 'demo'],
    )
    assert.equal(await findTenantByDomain(db, 'nobody'), undefined)
  })

  test('a tenant with an existing domain stores nothing', async () => {
    const db = await open()
    const again = { id: '8', domain: 'carbon.super', rootOrganizationId: 'o8' }
    assert.equal(await insertTenant(db, again, { id: 'o8', tenantId: '8', name: 'x', handle: 'x', depth: 0 }), false)
    assert.equal(await findTenantById(db, '8'), undefined)
    assert.equal(await findOrganizationById(db, '8', 'o8'), undefined)
  })

  test('an organization is found by id or handle, only in its tenant', async () => {
    const db = await open({ now: () => 1_700_000_000_000 })
    const branch = { id: 'b', tenantId, parentId: 'root', name: 'Branch', handle: 'branch', depth: 1 }
    const kept = { ...branch, createdAt: 1_700_000_000_000 }
    assert.equal(await addOrganization(db, branch), true)
    assert.equal(await addOrganization(db, { ...branch, id: 'b2' }), false)
    assert.deepEqual(await findOrganization(db, tenantId, 'branch'), kept)
    assert.deepEqual(await findOrganization(db, tenantId, 'b'), kept)
    assert.equal(await findOrganization(db, 'other', 'b'), undefined)
    assert.deepEqual(
      (await listOrganizations(db, tenantId)).map(({ handle }) => handle),
      ['carbon.super', 'branch'],
    )
  })

  test('a user is returned as stored and found by name in any case', async () => {
    const db = await open()
    assert.equal(await insertUser(db, alice, 'wonderland'), true)
    assert.deepEqual(ofAnyGeneration(await findUserById(db, tenantId, 'u1')), alice)
    assert.deepEqual(ofAnyGeneration(await findUserByUserName(db, tenantId, 'aLiCe')), alice)
    assert.equal(await findUserByUserName(db, 'other', 'alice'), undefined)
    assert.equal(await insertUser(db, { ...alice, id: 'u2', userName: 'ALICE' }), false)
  })

  test('a name with a NUL is handled like any other unknown name', async () => {
    const db = await open()
    await insertUser(db, alice)
    await insertApplication(db, application)
    assert.equal(await findUserByUserName(db, tenantId, 'alice\0'), undefined)
    assert.equal(await findApplicationByClientId(db, tenantId, 'shop\0'), undefined)
    assert.equal(await findTenantByDomain(db, '\0'), undefined)
    const userName = { comparison: 'contains', value: '\0' } as const
    assert.equal((await listUsers(db, tenantId, { userName })).total, 0)
  })

  test('each organization can have the same user name once', async () => {
    const db = await open()
    await insertUser(db, alice)
    await addOrganization(db, { id: 'b', tenantId, parentId: 'root', name: 'B', handle: 'b', depth: 1 })
    assert.equal(await insertUser(db, { ...alice, id: 'u2', organizationId: 'b' }, 'branch'), true)
    assert.equal((await findUserByUserName(db, tenantId, 'alice'))?.id, 'u1')
    assert.equal((await findUserByUserName(db, tenantId, 'alice', 'b'))?.id, 'u2')
    assert.equal((await verifyPassword(db, tenantId, 'alice', 'branch', 'b'))?.id, 'u2')
  })

  test('a password authenticates only its own active user', async () => {
    const db = await open()
    await insertUser(db, alice, 'wonderland')
    await insertUser(db, { ...alice, id: 'u2', userName: 'nopassword' })
    assert.deepEqual(ofAnyGeneration(await verifyPassword(db, tenantId, 'alice', 'wonderland')), alice)
    assert.equal(await verifyPassword(db, tenantId, 'alice', 'Wonderland'), undefined)
    assert.equal(await verifyPassword(db, tenantId, 'alice', ''), undefined)
    assert.equal(await verifyPassword(db, tenantId, 'nobody', 'wonderland'), undefined)
    assert.equal(await verifyPassword(db, tenantId, 'nopassword', ''), undefined)
    await updateUser(db, { ...alice, isActive: false })
    assert.equal(await verifyPassword(db, tenantId, 'alice', 'wonderland'), undefined)
  })

  test('a changed password replaces the old one, and only hashes of passwords are stored', async () => {
    const db = await open()
    await insertUser(db, alice, 'wonderland')
    await updateUser(db, alice, { password: 'looking-glass' })
    assert.equal(await verifyPassword(db, tenantId, 'alice', 'wonderland'), undefined)
    assert.equal((await verifyPassword(db, tenantId, 'alice', 'looking-glass'))?.id, 'u1')
    assert.doesNotMatch(await everythingAtRest(db), /looking-glass|wonderland/)
  })

  test('changing a user keeps the password, and an existing name changes nothing', async () => {
    const db = await open()
    await insertUser(db, alice, 'wonderland')
    await insertUser(db, { ...alice, id: 'u2', userName: 'bob' })
    assert.equal(await updateUser(db, { ...alice, userName: 'alicia', updatedAt: 2 }), 'updated')
    assert.equal((await verifyPassword(db, tenantId, 'alicia', 'wonderland'))?.updatedAt, 2)
    assert.equal(await updateUser(db, { ...alice, userName: 'BOB' }), 'user_name_taken')
    assert.equal((await findUserById(db, tenantId, 'u1'))?.userName, 'alicia')
    assert.equal(await deleteUser(db, tenantId, 'u1'), true)
    assert.equal(await deleteUser(db, tenantId, 'u1'), false)
  })

  test('a change based on an outdated read replaces nothing, not even the password', async () => {
    const db = await open()
    await insertUser(db, alice, 'wonderland')
    const readAt = alice.updatedAt
    assert.equal(await updateUser(db, { ...alice, document: { title: '1' }, updatedAt: 7 }, { readAt }), 'updated')
    const late = await updateUser(
      db,
      { ...alice, document: { title: '2' }, updatedAt: 8 },
      { readAt, password: 'late' },
    )
    assert.equal(late, 'changed_meanwhile')
    assert.deepEqual((await verifyPassword(db, tenantId, 'alice', 'wonderland'))?.document, { title: '1' })
    await deleteUser(db, tenantId, alice.id)
    assert.equal(await updateUser(db, alice, { readAt: 7 }), 'changed_meanwhile')
  })

  test('users are searched by name and paged, and wildcards are plain characters', async () => {
    const db = await open()
    for (const [index, userName] of ['Ann', 'anna', 'bob', 'a%b', 'joanna'].entries()) {
      await insertUser(db, { ...alice, id: `u${index}`, userName, createdAt: index })
    }
    const names = async (search: Parameters<typeof listUsers>[2]) =>
      (await listUsers(db, tenantId, search)).users.map(({ userName }) => userName)
    assert.deepEqual(await names({ userName: { comparison: 'equals', value: 'ANN' } }), ['Ann'])
    assert.deepEqual(await names({ userName: { comparison: 'startsWith', value: 'ann' } }), ['Ann', 'anna'])
    assert.deepEqual(await names({ userName: { comparison: 'contains', value: 'ann' } }), ['Ann', 'anna', 'joanna'])
    assert.deepEqual(await names({ userName: { comparison: 'startsWith', value: 'a%' } }), ['a%b'])
    assert.deepEqual(await names({ organizationId: 'elsewhere' }), [])
    const page = await listUsers(db, tenantId, { offset: 1, limit: 2 })
    assert.equal(page.total, 5)
    assert.deepEqual(
      page.users.map(({ userName }) => userName),
      ['anna', 'bob'],
    )
  })

  test('an application is returned as stored, and its secret is sealed at rest', async () => {
    const db = await open()
    assert.equal(await insertApplication(db, application), true)
    assert.deepEqual(ofAnyGeneration(await findApplicationById(db, tenantId, 'a1')), application)
    assert.deepEqual(ofAnyGeneration(await findApplicationByClientId(db, tenantId, 'shop')), application)
    assert.equal(await findApplicationByClientId(db, 'other', 'shop'), undefined)
    assert.doesNotMatch(await everythingAtRest(db), /shop-secret/)
  })

  test('names and client ids of applications are unique in a tenant', async () => {
    const db = await open()
    await insertApplication(db, application)
    assert.equal(await insertApplication(db, { ...application, id: 'a2', clientId: 'other' }), false)
    assert.equal(await insertApplication(db, { ...application, id: 'a2', name: 'Other' }), false)
    const { clientSecret: _, ...publicClient } = application
    const other = { ...publicClient, id: 'a2', name: 'Other', clientId: 'other', isPublicClient: true }
    assert.equal(await insertApplication(db, other), true)
    assert.deepEqual(ofAnyGeneration(await findApplicationById(db, tenantId, 'a2')), other)
    assert.equal(await updateApplication(db, { ...other, name: 'Shop' }), false)
    assert.equal(await updateApplication(db, { ...other, name: 'Another', description: 'x' }), true)
    assert.deepEqual(
      (await listApplications(db, tenantId)).map(({ name }) => name),
      ['Another', 'Shop'],
    )
    assert.equal(await deleteApplication(db, tenantId, 'a2'), true)
    assert.equal(await findApplicationById(db, tenantId, 'a2'), undefined)
  })

  test('an application has its authorized scopes until they are deleted', async () => {
    const db = await open()
    await insertApplication(db, application)
    assert.equal(await insertApiResource(db, resource), true)
    assert.deepEqual(await findApiResource(db, tenantId, 'r1'), resource)
    assert.deepEqual(
      (await listAuthorizedScopes(db, tenantId, 'a1')).map(({ name }) => name),
      [],
    )
    const api = { resourceId: 'r1', policy: 'RBAC', scopes: ['orders:write', 'orders:read', 'unknown'] }
    await authorizeApi(db, tenantId, 'a1', api)
    assert.deepEqual(
      (await listAuthorizedScopes(db, tenantId, 'a1')).map(({ name }) => name),
      ['orders:read', 'orders:write'],
    )
    assert.deepEqual(await listAuthorizedApis(db, tenantId, 'a1'), [
      { resourceId: 'r1', policy: 'RBAC', scopes: ['orders:read', 'orders:write'] },
    ])
    await updateApiResource(db, { ...resource, scopes: resource.scopes.slice(1) })
    assert.deepEqual(
      (await listAuthorizedScopes(db, tenantId, 'a1')).map(({ name }) => name),
      ['orders:write'],
    )
    assert.deepEqual(await listAuthorizedScopes(db, tenantId, 'a1'), [{ name: 'orders:write', isByRole: true }])
    await authorizeApi(db, tenantId, 'a1', { ...api, policy: 'NO POLICY', scopes: ['orders:write'] })
    assert.deepEqual(await listAuthorizedScopes(db, tenantId, 'a1'), [{ name: 'orders:write', isByRole: false }])
    await authorizeApi(db, tenantId, 'a1', { ...api, scopes: [] })
    assert.deepEqual(
      (await listAuthorizedScopes(db, tenantId, 'a1')).map(({ name }) => name),
      [],
    )
    assert.equal(await withdrawApi(db, tenantId, 'a1', 'r1'), true)
    assert.equal(await withdrawApi(db, tenantId, 'a1', 'r1'), false)
    assert.deepEqual(await listAuthorizedApis(db, tenantId, 'a1'), [])
    assert.equal(await deleteApiResource(db, tenantId, 'r1'), true)
    assert.equal(await findApiResource(db, tenantId, 'r1'), undefined)
  })

  test('identifiers of API resources and names of scopes are unique in a tenant', async () => {
    const db = await open()
    await insertApiResource(db, resource)
    assert.equal(await insertApiResource(db, { ...resource, id: 'r2', scopes: [] }), false)
    const other = { ...resource, id: 'r2', identifier: 'other', scopes: [{ id: 's9', name: 'orders:read' }] }
    assert.equal(await insertApiResource(db, other), false)
    assert.equal(await findApiResource(db, tenantId, 'r2'), undefined)
  })

  test('an action is returned as stored, and its secrets are sealed at rest', async () => {
    const db = await open()
    assert.equal(await insertAction(db, action, 1), true)
    assert.deepEqual(await findActionById(db, tenantId, 'act1'), action)
    assert.deepEqual(await findActiveAction(db, tenantId, 'root', 'PRE_ISSUE_ACCESS_TOKEN'), action)
    assert.equal(await findActiveAction(db, tenantId, 'root', 'PRE_ISSUE_ID_TOKEN'), undefined)
    assert.doesNotMatch(await everythingAtRest(db), /extremely-secret|whsec_/)
  })

  test('two concurrent requests cannot both create the last action of a type', async () => {
    const db = await open()
    const created = await Promise.all(
      ['1', '2', '3', '4'].map(id => insertAction(db, { ...action, id, createdAt: Number(id) }, 2)),
    )
    assert.deepEqual(created.filter(Boolean).length, 2)
    assert.equal((await listActions(db, tenantId, 'root', action.type)).length, 2)
    assert.deepEqual(await countActions(db, tenantId, 'root'), { PRE_ISSUE_ACCESS_TOKEN: 2 })
    const [first] = await listActions(db, tenantId, 'root')
    assert.ok(first)
    assert.equal(await deleteAction(db, tenantId, first.id), true)
    assert.equal(await insertAction(db, { ...action, id: '5' }, 2), true)
  })

  test('changing an action keeps its status, and an inactive action is not found for the flow', async () => {
    const db = await open()
    await insertAction(db, action, 1)
    const { rule: _, ...withoutRule } = action
    const changed: Action = { ...withoutRule, status: 'INACTIVE', description: 'new', platform: 'asgardeo' }
    assert.equal(await updateAction(db, changed), true)
    assert.deepEqual(await findActionById(db, tenantId, 'act1'), { ...changed, status: 'ACTIVE' })
    assert.equal(await setActionStatus(db, tenantId, 'act1', 'INACTIVE'), true)
    assert.equal(await findActiveAction(db, tenantId, 'root', action.type), undefined)
    assert.equal(await setActionStatus(db, tenantId, 'gone', 'ACTIVE'), false)
    await setActionStatus(db, tenantId, 'act1', 'ACTIVE')
    assert.deepEqual(
      (await listActionStates(db)).map(({ id, status }) => [id, status]),
      [['act1', 'ACTIVE']],
    )
  })

  test('calls are listed newest first, filtered and paged', async () => {
    const db = await open()
    await insertCalls(db, [
      call('a', 1),
      call('b', 2, { status: 'failed', clientId: 'shop' }),
      call('c', 2),
      call('d', 3),
    ])
    const ids = async (search?: Parameters<typeof listCalls>[2]) =>
      (await listCalls(db, tenantId, search)).map(({ id }) => id)
    assert.deepEqual(await ids(), ['d', 'c', 'b', 'a'])
    assert.deepEqual(await ids({ limit: 2 }), ['d', 'c'])
    assert.deepEqual(await ids({ before: 'c' }), ['b', 'a'])
    assert.deepEqual(await ids({ before: 'gone' }), [])
    assert.deepEqual(await ids({ status: 'failed' }), ['b'])
    assert.deepEqual(await ids({ clientId: 'shop', actionType: 'PRE_ISSUE_ID_TOKEN' }), [])
    assert.deepEqual(await findCall(db, tenantId, 'd'), call('d', 3))
    assert.equal(await findCall(db, 'other', 'd'), undefined)
  })

  test('old calls are deleted, and so are all except the newest of a tenant, some at a time', async () => {
    const db = await open()
    await insertCalls(
      db,
      [1, 2, 3, 4, 5].map(startedAt => call(`c${startedAt}`, startedAt)),
    )
    const left = async () => (await listCalls(db, tenantId)).map(({ id }) => id)
    const purge = await createRecordPurge(db, 'calls', tenantId, { startedBefore: 2, keep: 3, limit: 1 })
    assert.equal(await purge(), 1)
    assert.deepEqual(await left(), ['c5', 'c4', 'c3', 'c2'])
    assert.equal(await purge(), 1)
    assert.equal(await purge(), 0)
    assert.deepEqual(await left(), ['c5', 'c4', 'c3'])
    const purgeOthers = await createRecordPurge(db, 'calls', 'other', { startedBefore: 5, keep: 0 })
    assert.equal(await purgeOthers(), 0)
    const purgeOld = await createRecordPurge(db, 'calls', tenantId, { startedBefore: 5, keep: 3 })
    assert.equal(await purgeOld(), 2)
    assert.deepEqual(await left(), ['c5'])
  })

  test('audit records are deleted when they are old, some at a time', async () => {
    const db = await open()
    const record = { tenantId, initiator: 'u1', action: 'ADD', targetType: 'ACTION', targetId: 'a', details: null }
    const records = Array.from({ length: 1201 }, (_, at) => ({ ...record, id: `old-${at}`, recordedAt: at }))
    for (let start = 0; start < records.length; start += 400) {
      await insertAuditRecords(db, records.slice(start, start + 400))
    }
    const limit = 1000
    const purge = await createRecordPurge(db, 'audit_records', tenantId, { startedBefore: 1200, limit })
    assert.equal(await purge(), limit)
    assert.equal(await purge(), 200)
    assert.deepEqual(
      (await listAuditRecords(db, tenantId)).map(({ id }) => id),
      ['old-1200'],
    )
    assert.equal(await purge(), 0)
  })

  test('audit records are listed newest first', async () => {
    const db = await open()
    const record = { tenantId, initiator: 'u1', action: 'ADD', targetType: 'ACTION', details: { fields: ['name'] } }
    await insertAuditRecord(db, { ...record, id: 'x', recordedAt: 1, targetId: 'a' })
    await insertAuditRecord(db, { ...record, id: 'y', recordedAt: 2, targetId: 'b' })
    assert.deepEqual(await listAuditRecords(db, tenantId, { limit: 1 }), [
      { ...record, id: 'y', recordedAt: 2, targetId: 'b', event: 'administration.changed', outcome: 'success' },
    ])
    assert.deepEqual(
      (await listAuditRecords(db, tenantId, { before: 'y' })).map(({ id }) => id),
      ['x'],
    )
    await insertAuditRecord(db, { ...record, id: 'w', recordedAt: 2, targetId: 'b' })
    assert.deepEqual(
      (await listAuditRecords(db, tenantId, { before: 'y' })).map(({ id }) => id),
      ['w', 'x'],
    )
    assert.deepEqual(await listAuditRecords(db, tenantId, { before: 'gone' }), [])
    assert.deepEqual(await listAuditRecords(db, 'other', { before: 'y' }), [])
    assert.deepEqual(await listAuditRecords(db, tenantId, { targetType: 'USER' }), [])
  })

  test('an artifact is found until it expires, and its id and payload are unreadable at rest', async () => {
    let nowMs = 1_000_000
    const db = await open({ now: () => nowMs })
    const payload = { jti: 'opaque-token', grantId: 'g', uid: 'uid-1', userCode: 'AAAA-BBBB', extra: { deep: [1] } }
    await upsertArtifact(db, tenantId, 'RefreshToken', 'opaque-token', payload, 60)
    assert.deepEqual(await findArtifact(db, tenantId, 'RefreshToken', 'opaque-token'), payload)
    assert.deepEqual(await findArtifactByUid(db, tenantId, 'RefreshToken', 'uid-1'), payload)
    assert.deepEqual(await findArtifactByUserCode(db, tenantId, 'RefreshToken', 'AAAA-BBBB'), payload)
    assert.equal(await findArtifact(db, tenantId, 'AccessToken', 'opaque-token'), undefined)
    assert.equal(await findArtifact(db, 'other', 'RefreshToken', 'opaque-token'), undefined)
    assert.doesNotMatch(await everythingAtRest(db), /opaque-token|AAAA-BBBB|uid-1/)
    nowMs += 60_000
    assert.equal(await findArtifact(db, tenantId, 'RefreshToken', 'opaque-token'), undefined)
    await upsertArtifact(db, tenantId, 'Grant', 'forever', {})
    assert.equal(await purgeExpired(db, 'oidc_artifacts'), 1)
    assert.deepEqual(await findArtifact(db, tenantId, 'Grant', 'forever'), {})
  })

  const user = async (db: Database) => (await findUserById(db, tenantId, alice.id)) as User
  const keepFor = async (db: Database, ids: string[]) => {
    const { generation: userGeneration = '', id: accountId } = await user(db)
    const { clientId, generation = '' } = (await findApplicationByClientId(db, tenantId, 'shop')) as Application
    for (const id of ids) {
      const client = id.startsWith('Grant') ? { clientId, clientGeneration: generation } : {}
      const payload = { jti: id, uid: `uid-of-${id}`, accountId, userGeneration, ...client }
      await upsertArtifact(db, tenantId, id.split('-')[0] ?? '', id, payload, 60)
    }
    return ids
  }
  const found = async (db: Database, ids: string[]) => {
    const all = await Promise.all(ids.map(id => findArtifact(db, tenantId, id.split('-')[0] ?? '', id)))
    return ids.filter((_, index) => all[index])
  }

  const USER_ENDS: Record<string, (db: Database) => Promise<unknown>> = {
    'a new password': async db => updateUser(db, await user(db), { password: 'looking-glass' }),
    'switching the user off': async db => updateUser(db, { ...(await user(db)), isActive: false }),
    'deleting the user': db => deleteUser(db, tenantId, alice.id),
  }
  for (const [what, end] of Object.entries(USER_ENDS)) {
    test(`AZ-38, AZ-39: ${what} ends all artifacts of the user, and nothing restores them`, async () => {
      const db = await open()
      await insertUser(db, alice, 'wonderland')
      await insertApplication(db, application)
      const kept = await keepFor(db, ['Session-1', 'Grant-1'])
      await updateUser(db, { ...(await user(db)), document: { title: 'Queen' } })
      assert.deepEqual(await found(db, kept), kept, 'another change ends nothing')
      await end(db)
      assert.deepEqual(await found(db, kept), [])
      assert.equal(await findArtifactByUid(db, tenantId, 'Session', 'uid-of-Session-1'), undefined)
      if (!(await updateUser(db, alice).then(stored => stored === 'updated'))) await insertUser(db, alice)
      assert.deepEqual(await found(db, kept), [])
      const later = await keepFor(db, ['Session-2', 'Grant-2'])
      assert.deepEqual(await found(db, later), later)
    })
  }

  const { clientSecret: _secret, ...publicApplication } = { ...application, isPublicClient: true }
  const APPLICATION_ENDS: Record<string, (db: Database) => Promise<unknown>> = {
    'another secret': db => updateApplication(db, { ...application, clientSecret: 'another' }),
    'making the application public': db => updateApplication(db, publicApplication),
    'other public keys': db => updateApplication(db, { ...application, publicKeys: { jwksUri: 'https://a.example' } }),
    'switching the application off': db => updateApplication(db, { ...application, isEnabled: false }),
    'deleting the application': db => deleteApplication(db, tenantId, application.id),
  }
  for (const [what, end] of Object.entries(APPLICATION_ENDS)) {
    test(`AZ-40: ${what} ends its grants and tokens, and nothing restores them`, async () => {
      const db = await open()
      await insertUser(db, alice, 'wonderland')
      await insertApplication(db, application)
      const isTokenLive = (generation: string) =>
        isApplicationTokenLive(db, tenantId, {
          clientId: 'shop',
          generation,
          revocation: { model: 'Revoked', id: 'token' },
        })
      const { generation = '' } = (await findApplicationById(db, tenantId, 'a1')) as Application
      const kept = await keepFor(db, ['Session-1', 'Grant-1'])
      await updateApplication(db, { ...application, description: 'Shoes' })
      assert.deepEqual(await found(db, kept), kept, 'another change ends nothing')
      assert.equal(await isTokenLive(generation), true)
      await end(db)
      assert.deepEqual(await found(db, kept), ['Session-1'])
      assert.equal(await isTokenLive(generation), false)
      await updateApplication(db, application)
      await insertApplication(db, application)
      assert.deepEqual(await found(db, kept), ['Session-1'])
      assert.equal(await isTokenLive(generation), false)
      const now = (await findApplicationByClientId(db, tenantId, 'shop'))?.generation ?? ''
      assert.equal(await isTokenLive(now), true)
      await upsertArtifact(db, tenantId, 'Revoked', 'token', {}, 60)
      assert.equal(await isTokenLive(now), false)
    })
  }

  test('AZ-38: a grant survives a new password together with its session and the grants it was made from', async () => {
    const db = await open()
    await insertUser(db, alice, 'wonderland')
    const before = await user(db)
    const { generation: userGeneration = '', id: accountId } = before
    const of = { accountId, userGeneration }
    await upsertArtifact(db, tenantId, 'Session', 's', { ...of, uid: 'session' }, 60)
    await upsertArtifact(db, tenantId, 'Session', 't', { ...of, uid: 'other' }, 60)
    await upsertArtifact(db, tenantId, 'Grant', 'parent', { ...of, sessionUid: 'session' }, 60)
    await upsertArtifact(db, tenantId, 'Grant@branch', 'child', { ...of, parentGrantId: 'parent' }, 60)
    await upsertArtifact(db, tenantId, 'Grant', 'stranger', { ...of, sessionUid: 'other' }, 60)
    assert.equal(await updateUser(db, before, { password: 'looking-glass', keptGrantId: 'child' }), 'updated')
    const now = (await user(db)).generation
    assert.notEqual(now, userGeneration)
    assert.equal((await findArtifact(db, tenantId, 'Grant@branch', 'child'))?.userGeneration, now)
    assert.equal((await findArtifact(db, tenantId, 'Grant', 'parent'))?.userGeneration, now)
    assert.equal((await findArtifactByUid(db, tenantId, 'Session', 'session'))?.userGeneration, now)
    assert.equal(await findArtifact(db, tenantId, 'Grant', 'stranger'), undefined)
    assert.equal(await findArtifactByUid(db, tenantId, 'Session', 'other'), undefined)
    // Artifacts that ended before are not restored.
    await updateUser(db, await user(db), { password: 'mad-hatter', keptGrantId: 'stranger' })
    assert.equal(await findArtifact(db, tenantId, 'Grant', 'stranger'), undefined)
  })

  test('artifacts that end with a session are found as long as the session is', async () => {
    let nowMs = 1_000_000
    const db = await open({ now: () => nowMs })
    await insertUser(db, alice, 'wonderland')
    await insertApplication(db, application)
    const [session = '', other = ''] = await keepFor(db, ['Session-1', 'Session-2'])
    const bound = (id: string) => ({ sessionUid: `uid-of-${id}`, endsWithSession: true })
    await upsertArtifact(db, tenantId, 'Grant', 'bound', bound(session), 600)
    await upsertArtifact(db, tenantId, 'Grant', 'late', bound(other), 600)
    await upsertArtifact(db, tenantId, 'Grant', 'free', { ...bound(session), endsWithSession: false }, 600)
    assert.ok(await findArtifact(db, tenantId, 'Grant', 'bound'))
    await destroyArtifact(db, tenantId, 'Session', session)
    assert.equal(await findArtifact(db, tenantId, 'Grant', 'bound'), undefined)
    assert.ok(await findArtifact(db, tenantId, 'Grant', 'late'))
    nowMs += 60_000
    assert.equal(await findArtifact(db, tenantId, 'Grant', 'late'), undefined)
    assert.ok(await findArtifact(db, tenantId, 'Grant', 'free'))
  })

  test('an artifact stored again is replaced, and a deleted one is not found', async () => {
    const db = await open()
    await upsertArtifact(db, tenantId, 'Session', 's', { uid: 'one' }, 60)
    await upsertArtifact(db, tenantId, 'Session', 's', { uid: 'two' }, 60)
    assert.equal(await findArtifactByUid(db, tenantId, 'Session', 'one'), undefined)
    assert.deepEqual(await findArtifactByUid(db, tenantId, 'Session', 'two'), { uid: 'two' })
    await destroyArtifact(db, tenantId, 'Session', 's')
    assert.equal(await findArtifact(db, tenantId, 'Session', 's'), undefined)
  })

  test('exactly one of many concurrent calls consumes an artifact', async () => {
    const db = await open({ now: () => 1_790_000_000_999 })
    await upsertArtifact(db, tenantId, 'RefreshToken', 'r', {}, 60)
    const consumed = await Promise.all(
      Array.from({ length: 8 }, () => consumeArtifact(db, tenantId, 'RefreshToken', 'r')),
    )
    assert.equal(consumed.filter(Boolean).length, 1)
    assert.deepEqual(await findArtifact(db, tenantId, 'RefreshToken', 'r'), { consumed: 1_790_000_000 })
    assert.equal(await consumeArtifact(db, tenantId, 'RefreshToken', 'gone'), false)
  })

  test('revoking a grant deletes all its artifacts, of every model', async () => {
    const db = await open()
    await upsertArtifact(db, tenantId, 'RefreshToken', 'r', { grantId: 'g' }, 60)
    await upsertArtifact(db, tenantId, 'AuthorizationCode', 'c', { grantId: 'g' }, 60)
    await upsertArtifact(db, tenantId, 'AuthorizationCode', 'other', { grantId: 'h' }, 60)
    await revokeByGrantId(db, tenantId, 'g')
    assert.equal(await findArtifact(db, tenantId, 'RefreshToken', 'r'), undefined)
    assert.equal(await findArtifact(db, tenantId, 'AuthorizationCode', 'c'), undefined)
    assert.deepEqual(await findArtifact(db, tenantId, 'AuthorizationCode', 'other'), { grantId: 'h' })
  })

  test('signing keys are listed newest first, and their private part is sealed at rest', async () => {
    const db = await open()
    const key = { kid: 'k1', alg: 'ES256', jwk: { kty: 'EC', d: 'private-part' }, createdAt: 1, activeFrom: 1 }
    assert.equal(await insertSigningKey(db, tenantId, key), true)
    assert.equal(await insertSigningKey(db, tenantId, { ...key, kid: 'other' }), false, 'there is a first one')
    const next = { ...key, kid: 'k2', createdAt: 2, activeFrom: 2 }
    assert.equal(await insertSigningKey(db, tenantId, next, 'k1'), true)
    assert.equal(await insertSigningKey(db, tenantId, { ...next, kid: 'k3' }, 'k1'), false, 'there is a successor')
    assert.deepEqual(await listSigningKeys(db, tenantId), [next, key])
    assert.doesNotMatch(await everythingAtRest(db), /private-part/)
    await expireSigningKey(db, tenantId, 'k1', db.now())
    assert.deepEqual(await listSigningKeys(db, tenantId), [next])
    assert.equal(await purgeExpired(db, 'signing_keys'), 1)
  })

  test('a nested transaction is part of the outer one and stores nothing if the outer one rejects', async () => {
    const db = await open()
    await assert.rejects(
      inTransaction(db, async tx => {
        assert.equal(await insertApiResource(tx, resource), true)
        assert.deepEqual(await findApiResource(tx, tenantId, 'r1'), resource)
        assert.equal(await insertAction(tx, action, 1), true)
        assert.equal(await insertAction(tx, { ...action, id: 'act2' }, 1), false)
        assert.deepEqual(await findActionById(tx, tenantId, 'act1'), action)
        throw new Error('changed my mind')
      }),
      /changed my mind/,
    )
    assert.equal(await findApiResource(db, tenantId, 'r1'), undefined)
    assert.equal(await findActionById(db, tenantId, 'act1'), undefined)
  })

  test('a transaction that rejects stores nothing and does not affect concurrent ones', async () => {
    const db = await open()
    const failing = inTransaction(db, async tx => {
      await insertUser(tx, alice)
      throw new Error('changed my mind')
    })
    const meanwhile = insertUser(db, { ...alice, id: 'u2', userName: 'bob' })
    await assert.rejects(failing, /changed my mind/)
    assert.equal(await meanwhile, true)
    assert.equal(await findUserById(db, tenantId, 'u1'), undefined)
    assert.equal((await findUserById(db, tenantId, 'u2'))?.userName, 'bob')
  })
}
