import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { before, test } from 'node:test'
import { DEFAULT_PASSWORD_RULES } from '../../domain/credentials/password-rules.fixture.ts'
import { createLimits } from '../../domain/limits/limits.ts'
import { createTenant, MANAGEMENT_SCOPES } from '../../domain/tenants/create-tenant.ts'
import type { Database } from '../../ground/store/database.ts'
import { sqliteOpener } from '../../ground/store/databases.fixture.ts'
import { addOrganization } from '../../ground/store/organizations.ts'
import { FIRST_TENANT, findTenantById } from '../../ground/store/tenants.ts'
import { updateUser } from '../../ground/store/users.ts'
import { ADMIN_PASSWORD, addUser, assertRefused, createApiUnderTest, tokens } from './api-under-test.fixture.ts'
import { createManagementApi } from './management-api.ts'
import { MANAGEMENT_BASE_PATH, managementRouteList } from './routes/routes.ts'

const open = sqliteOpener()
let db: Database
let newTenant: ReturnType<typeof createApiUnderTest>
before(async () => {
  db = await open()
  newTenant = createApiUnderTest(db, { maxBodyBytes: 2000 })
})

test('without credentials every operation is refused in the same way, with the accepted kinds of credentials', async () => {
  const { call } = await newTenant()
  for (const { method, path } of managementRouteList) {
    const refused = await call(method, path.replace(/\{\w+\}/g, 'x'), { as: 'nobody' })
    assertRefused(refused, 401, 'PREFLOW-401', /with this permission \(Basic\), or an access token/)
    assert.match(refused.headers.get('www-authenticate') ?? '', /^Basic realm="Preflow", charset="UTF-8", Bearer/)
  }
})

test('all wrong credentials are refused like missing ones', async () => {
  const { call, tenant } = await newTenant()
  await addUser(db, tenant, { userName: 'gone', isActive: false, isAdministrator: true })
  const attempts = [
    { basic: 'admin:wrong' },
    { basic: 'nobody:correct horse' },
    { basic: 'admin' },
    { basic: 'admin:nul\0' },
    { basic: `gone:${ADMIN_PASSWORD}` },
    { bearer: 'unknown' },
  ]
  for (const as of attempts) assertRefused(await call('GET', '/actions/types', { as }), 401, 'PREFLOW-401')
  for (const authorization of ['', 'Basic', 'Basic !!!', 'Digest x', 'Bearer', 'Bearer  ']) {
    const refused = await call('GET', '/actions/types', { as: 'nobody', headers: { authorization } })
    assertRefused(refused, 401, 'PREFLOW-401')
  }
})

test('a user who is not an administrator may manage nothing', async () => {
  const { call, tenant } = await newTenant()
  await addUser(db, tenant, { userName: 'mira' })
  const refused = await call('GET', '/actions/types', { as: { basic: `mira:${ADMIN_PASSWORD}` } })
  assertRefused(refused, 403, 'PREFLOW-403', 'This needs the scope internal_action_mgt_view.')
})

test("the first tenant's administrator administers every tenant, and a tenant's own only that tenant", async () => {
  const first = await findTenantById(db, FIRST_TENANT.id)
  assert.ok(first)
  await addUser(db, first, { userName: 'chief', isAdministrator: true })
  const { call } = await newTenant()
  const as = (name: string) => ({ as: { basic: `${name}:${ADMIN_PASSWORD}` } })
  assert.equal((await call('GET', '/actions/types', as('chief'))).status, 200)
  assert.equal((await call('GET', '/actions/types', as('CHIEF@carbon.super'))).status, 200)
  const other = await newTenant()
  await addUser(db, other.tenant, { userName: 'theirs', isAdministrator: true })
  assert.equal((await other.call('GET', '/actions/types', as(`theirs@${other.tenant.domain}`))).status, 200)
  assertRefused(await call('GET', '/actions/types', as('theirs')), 401, 'PREFLOW-401')
  assertRefused(await call('GET', '/actions/types', as(`theirs@${other.tenant.domain}`)), 401, 'PREFLOW-401')
})

test('an e-mail address as a user name is a user name', async () => {
  const { call, tenant } = await newTenant()
  await addUser(db, tenant, { userName: 'boss@example.com', isAdministrator: true })
  const as = { basic: `boss@example.com:${ADMIN_PASSWORD}` }
  assert.equal((await call('GET', '/actions/types', { as })).status, 200)
})

test('a cached right password is checked again after a change of the password or the user', async () => {
  const { call, administrator } = await newTenant()
  const status = async () => (await call('GET', '/actions/types')).status
  assert.equal(await status(), 200)
  assert.equal(await status(), 200)
  await updateUser(db, { ...administrator, updatedAt: 3 }, { password: 'another' })
  assert.equal(await status(), 401)
  await updateUser(db, { ...administrator, updatedAt: 4 }, { password: ADMIN_PASSWORD })
  assert.equal(await status(), 200)
  await updateUser(db, { ...administrator, isActive: false, updatedAt: 5 })
  assert.equal(await status(), 401)
})

test('wrong passwords are counted as at the sign-in: after ten, even the right one is rejected for a while', async () => {
  const { call, tenant } = await newTenant()
  await addUser(db, tenant, { userName: 'other', isAdministrator: true })
  const ask = (basic: string) => call('GET', '/actions/types', { as: { basic } })
  for (let guesses = 0; guesses < 10; guesses++) assert.equal((await ask('admin:wrong')).status, 401)
  const late = await ask(`admin:${ADMIN_PASSWORD}`)
  assertRefused(late, 429, 'PREFLOW-429', 'Too many wrong passwords. Try again in a minute.')
  assert.equal((await ask(`other:${ADMIN_PASSWORD}`)).status, 200)
})

test('an access token allows exactly what its scope names', async () => {
  const { call } = await newTenant()
  tokens.set('viewer', { scopes: ['openid', 'internal_action_mgt_view'], subject: 'client-1' })
  const as = { bearer: 'viewer' }
  assert.equal((await call('GET', '/actions/types', { as })).status, 200)
  const body = { name: 'Guard', endpoint: { uri: 'https://x.example', authentication: { type: 'NONE' } } }
  assertRefused(
    await call('POST', '/actions/preIssueAccessToken', { as, body }),
    403,
    'PREFLOW-403',
    'This needs the scope internal_action_mgt_create.',
  )
})

test('a token of a user who is not an administrator manages nothing, even if its application may', async () => {
  const { call, tenant, administrator } = await newTenant()
  const mira = await addUser(db, tenant, { userName: 'mira' })
  tokens.set('of-mira', { scopes: ['internal_action_mgt_view'], subject: mira.id, isUser: true })
  tokens.set('of-admin', { scopes: ['internal_action_mgt_view'], subject: administrator.id, isUser: true })
  assertRefused(await call('GET', '/actions/types', { as: { bearer: 'of-mira' } }), 403, 'PREFLOW-403')
  assert.equal((await call('GET', '/actions/types', { as: { bearer: 'of-admin' } })).status, 200)
  await updateUser(db, { ...administrator, isActive: false })
  assertRefused(await call('GET', '/actions/types', { as: { bearer: 'of-admin' } }), 401, 'PREFLOW-401')
})

test('in an organization the organization form of a scope also counts', async () => {
  const { call, tenant, root } = await newTenant()
  tokens.set('branch', { scopes: ['internal_org_action_mgt_view'], subject: 'client-1' })
  const organization = {
    id: `b-${tenant.id}`,
    tenantId: tenant.id,
    parentId: root.id,
    name: 'B',
    handle: 'b',
    depth: 1,
  }
  await addOrganization(db, organization)
  const as = { bearer: 'branch' }
  assert.equal((await call('GET', '/actions/types', { as, organization })).status, 200)
  assertRefused(await call('GET', '/actions/types', { as }), 403, 'PREFLOW-403')
})

test('pages of other sites cannot use the browser’s remembered credentials', async () => {
  const { call } = await newTenant()
  const refused = await call('GET', '/actions/types', { headers: { 'sec-fetch-site': 'cross-site' } })
  assertRefused(refused, 403, 'PREFLOW-403', /^Pages of other origins cannot use a user name/)
  assert.equal((await call('GET', '/actions/types', { headers: { 'sec-fetch-site': 'same-origin' } })).status, 200)
})

test('a body of another media type is refused before it is read', async () => {
  const { call } = await newTenant()
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', '']) {
    const refused = await call('POST', '/applications', { text: '{"name":"x"}', headers: { 'content-type': type } })
    assertRefused(refused, 415, 'PREFLOW-415', 'Send the body as application/json and set content-type.')
  }
  const accepted = await call('POST', '/applications', {
    text: '{"name":"x"}',
    headers: { 'content-type': 'Application/JSON; charset=utf-8' },
  })
  assert.equal(accepted.status, 201)
})

test('a body that is too large is refused, by its content-length and by its actual size', async () => {
  const { call } = await newTenant()
  const text = JSON.stringify({ name: 'x'.repeat(3000) })
  assertRefused(await call('POST', '/applications', { text }), 413, 'PREFLOW-413', 'Send at most 2000 bytes.')
  const announced = await call('POST', '/applications', { text: '{}', headers: { 'content-length': '3000' } })
  assertRefused(announced, 413, 'PREFLOW-413')
  assert.deepEqual((await call('GET', '/applications')).body.applications, [])
})

test('reading an endless body stops when it is too large', async () => {
  const { tenant, root } = await newTenant()
  let sent = 0
  const body = new ReadableStream({
    pull(controller) {
      sent += 500
      controller.enqueue(new Uint8Array(500).fill(32))
    },
  })
  const api = createManagementApi(
    {
      db,
      now: Date.now,
      newId: randomUUID,
      randomBytes: count => new Uint8Array(count),
      log: { info: () => {}, error: () => assert.fail('nothing unexpected happens') },
      passwordRules: DEFAULT_PASSWORD_RULES,
      verifyAccessToken: async () => undefined,
      limits: createLimits(db),
    },
    { maxBodyBytes: 2000 },
  )
  const request = new Request(`http://id.example${MANAGEMENT_BASE_PATH}/applications`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`admin:${ADMIN_PASSWORD}`).toString('base64')}`,
      'content-type': 'application/json',
    },
    body,
    duplex: 'half',
  } as RequestInit)
  const response = await api.fetch(request, { tenant, organization: root, prefix: '', origin: 'http://id.example' })
  assert.equal(response.status, 413)
  assert.equal(response.headers.get('connection'), 'close')
  assert.ok(sent < 5000)
})

test('Location has the complete URL of a created object', async () => {
  const { call, prefix } = await newTenant()
  const made = await call('POST', '/applications', { body: { name: 'Shop' } })
  assert.ok(made.headers.get('location')?.startsWith(`http://id.example${prefix}/api/server/v1/applications/`))
})

test('an unknown path gets 404 and an unknown method 405', async () => {
  const { call } = await newTenant()
  assertRefused(
    await call('GET', '/nonsense'),
    404,
    'PREFLOW-404',
    'The path does not exist. openapi.json lists all paths.',
  )
  const refused = await call('PUT', '/actions/types')
  assertRefused(refused, 405, 'PREFLOW-405')
  assert.equal(refused.headers.get('allow'), 'GET, POST')
})

test('control characters in a path or a query are refused', async () => {
  const { call } = await newTenant()
  assertRefused(await call('GET', '/applications/a%00b'), 400, 'UE-10000')
  assertRefused(
    await call('GET', '/actions/calls?clientId=a%00b'),
    400,
    'UE-10000',
    'The query contains a NUL character. Remove it.',
  )
})

test('a server error is a 500 with an id that is also in the log, and stores nothing', async () => {
  const { tenant, root } = await newTenant()
  const logged: { traceId?: string }[] = []
  const api = createManagementApi({
    db,
    now: Date.now,
    newId: randomUUID,
    randomBytes: () => {
      throw new Error('no randomness: secret-detail')
    },
    log: { info: () => {}, error: (facts: object) => void logged.push(facts) },
    passwordRules: DEFAULT_PASSWORD_RULES,
    verifyAccessToken: async () => undefined,
    limits: createLimits(db),
  })
  const response = await api.fetch(
    new Request(`http://id.example${MANAGEMENT_BASE_PATH}/applications`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`admin:${ADMIN_PASSWORD}`).toString('base64')}`,
        'content-type': 'application/json',
      },
      body: '{"name":"x"}',
    }),
    { tenant, organization: root, prefix: '', origin: 'http://id.example' },
  )
  const problem = (await response.json()) as { code: string; traceId: string }
  assert.equal(response.status, 500)
  assert.equal(problem.code, 'SE-50000')
  assert.equal(logged[0]?.traceId, problem.traceId)
  assert.doesNotMatch(JSON.stringify(problem), /secret-detail/)
})

test('the OpenAPI document is open to every caller and has the requested server', async () => {
  const { call, prefix } = await newTenant()
  const { status, body } = await call('GET', '/openapi.json', { as: 'nobody' })
  assert.equal(status, 200)
  assert.equal(body.openapi, '3.1.1')
  assert.deepEqual(body.servers, [{ url: `${prefix}/api/server/v1` }])
  assert.ok(body.paths['/actions/{actionType}'].post)
})

test('responses are never cached, because some contain secrets', async () => {
  const { call } = await newTenant()
  assert.equal((await call('GET', '/actions/types')).headers.get('cache-control'), 'no-store')
  assert.equal((await call('GET', '/nonsense')).headers.get('cache-control'), 'no-store')
})

test('objects of the tenant cannot be managed below an organization', async () => {
  const { call, tenant, root } = await newTenant()
  const organization = {
    id: `c-${tenant.id}`,
    tenantId: tenant.id,
    parentId: root.id,
    name: 'C',
    handle: 'c',
    depth: 1,
  }
  await addOrganization(db, organization)
  for (const path of ['/applications', '/api-resources', '/actions/calls', '/audit-logs']) {
    assertRefused(await call('GET', path, { organization }), 403, 'PREFLOW-403', /belongs to the tenant/)
  }
})

test('every scope of the declaration can be authorized: the management API is an API resource', async () => {
  const { call } = await newTenant()
  const [system] = (await call('GET', '/api-resources?filter=type+eq+SYSTEM')).body.APIResources
  const { scopes } = (await call('GET', `/api-resources/${system.id}`)).body
  assert.deepEqual(
    scopes.map((scope: { name: string }) => scope.name),
    MANAGEMENT_SCOPES,
  )
  for (const { access } of managementRouteList) {
    assert.ok('open' in access || MANAGEMENT_SCOPES.includes(access.permission))
  }
})

test('two tenants cannot have the same domain', async () => {
  const { tenant } = await newTenant()
  assert.equal(await createTenant(db, { domain: tenant.domain }, { newId: randomUUID }), undefined)
})
