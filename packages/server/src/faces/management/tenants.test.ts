import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { before, test } from 'node:test'
import { DEFAULT_PASSWORD_RULES } from '../../domain/credentials/password-rules.fixture.ts'
import { createLimits } from '../../domain/limits/limits.ts'
import { publishManagementApis } from '../../domain/tenants/create-tenant.ts'
import { deleteApiResource, listApiResources, updateApiResource } from '../../ground/store/api-resources.ts'
import type { Database } from '../../ground/store/database.ts'
import { onEachDatabase } from '../../ground/store/databases.fixture.ts'
import { findOrganizationById } from '../../ground/store/organizations.ts'
import { FIRST_TENANT, findTenantByDomain, findTenantById } from '../../ground/store/tenants.ts'
import { verifyPassword } from '../../ground/store/users.ts'
import {
  ADMIN_PASSWORD,
  addUser,
  assertRefused,
  createApiUnderTest,
  type TenantUnderTest,
} from './api-under-test.fixture.ts'
import { createManagementApi } from './management-api.ts'

onEachDatabase('the tenants and organizations APIs', open => {
  let db: Database
  let newTenant: ReturnType<typeof createApiUnderTest>
  let atFirst: (
    method: string,
    path: string,
    body?: object,
  ) => Promise<{ status: number; location: string; body: never }>
  before(async () => {
    db = await open()
    newTenant = createApiUnderTest(db)
    const tenant = await findTenantById(db, FIRST_TENANT.id)
    assert.ok(tenant)
    await addUser(db, tenant, { userName: 'admin', isAdministrator: true })
    const organization = await findOrganizationById(db, tenant.id, tenant.rootOrganizationId)
    assert.ok(organization)
    const api = createManagementApi({
      db,
      now: Date.now,
      newId: randomUUID,
      randomBytes: count => new Uint8Array(count),
      log: { info: () => {}, error: (facts: unknown) => assert.fail(String((facts as { err: unknown }).err)) },
      passwordRules: DEFAULT_PASSWORD_RULES,
      verifyAccessToken: async () => undefined,
      limits: createLimits(db),
    })
    atFirst = async (method, path, body) => {
      const response = await api.fetch(
        new Request(`http://id.example/api/server/v1${path}`, {
          method,
          headers: {
            authorization: `Basic ${Buffer.from(`admin:${ADMIN_PASSWORD}`).toString('base64')}`,
            'content-type': 'application/json',
          },
          ...(body ? { body: JSON.stringify(body) } : {}),
        }),
        { tenant, organization, prefix: '', origin: 'http://id.example' },
      )
      const text = await response.text()
      return {
        status: response.status,
        location: response.headers.get('location') ?? '',
        body: (text === '' ? undefined : JSON.parse(text)) as never,
      }
    }
  })

  test('the owner of a new tenant administers it', async () => {
    const owner = { username: 'kim', password: 'a secret of kim only', email: 'kim@acme.example', firstname: 'Kim' }
    const made = await atFirst('POST', '/tenants', {
      domain: 'acme.example',
      name: 'Acme',
      owners: [{ ...owner, provisioningMethod: 'inline-password' }],
    })
    assert.equal(made.status, 201)
    const tenant = await findTenantByDomain(db, 'acme.example')
    assert.ok(tenant)
    assert.equal(made.location, `http://id.example/api/server/v1/tenants/${tenant.id}`)
    assert.match(tenant.id, /^[1-9]\d*$/)
    const kim = await verifyPassword(db, tenant.id, 'kim', 'a secret of kim only')
    assert.equal(kim?.isAdministrator, true)
    assert.deepEqual(kim?.document, {
      emails: [{ value: 'kim@acme.example', primary: true }],
      name: { givenName: 'Kim' },
    })
    const shown = await atFirst('GET', `/tenants/${tenant.id}`)
    assert.deepEqual(shown.body, {
      id: tenant.id,
      name: 'Acme',
      domain: 'acme.example',
      owners: [{ id: kim?.id, username: 'kim' }],
      lifecycleStatus: { activated: true },
    })
  })

  test('a tenant requires only a domain, and existing and invalid domains are refused', async () => {
    assert.equal((await atFirst('POST', '/tenants', { domain: 'plain' })).status, 201)
    assert.equal((await atFirst('POST', '/tenants', { domain: 'plain' })).status, 409)
    for (const domain of ['', 'UPPER', 'a/b', 'a b', '-a', 'a..b', '..', 'ä', 'x'.repeat(64)]) {
      assert.equal((await atFirst('POST', '/tenants', { domain })).status, 400, domain)
    }
    const owners = [{ username: 'a' }, { username: 'A' }]
    assert.equal((await atFirst('POST', '/tenants', { domain: 'twins', owners })).status, 400)
    assert.equal(await findTenantByDomain(db, 'twins'), undefined)
    const { body } = await atFirst('GET', '/tenants')
    const { tenants } = body as { tenants: { domain: string }[] }
    assert.ok(tenants.some(({ domain }) => domain === 'plain'))
    assert.equal((await atFirst('GET', '/tenants/4711')).status, 404)
  })

  test('only the first tenant manages tenants', async () => {
    const { call } = await newTenant()
    const text = 'Only the first tenant manages tenants.'
    assertRefused(await call('POST', '/tenants', { body: { domain: 'x' } }), 403, 'PREFLOW-403', text)
    assertRefused(await call('GET', '/tenants'), 403, 'PREFLOW-403', text)
    assertRefused(await call('GET', `/tenants/${FIRST_TENANT.id}`), 403, 'PREFLOW-403', text)
  })

  async function organization({ call }: TenantUnderTest, body: object) {
    const made = await call('POST', '/organizations', { body })
    assert.equal(made.status, 201, JSON.stringify(made.body))
    return made
  }

  test('organizations form a tree below the root of the tenant', async () => {
    const tenant = await newTenant()
    const made = await organization(tenant, { name: 'North', orgHandle: 'north' })
    const { id, created, lastModified, ...rest } = made.body
    assert.equal(created, lastModified)
    assert.deepEqual(rest, {
      name: 'North',
      orgHandle: 'north',
      status: 'ACTIVE',
      version: 'v1.0.0',
      type: 'TENANT',
      depth: 1,
      parent: { id: tenant.root.id, ref: `${tenant.prefix}/api/server/v1/organizations/${tenant.root.id}` },
    })
    assert.equal(made.headers.get('location'), `http://id.example${tenant.prefix}/api/server/v1/organizations/${id}`)
    const { body: shop } = await organization(tenant, { name: 'Shop', parentId: id })
    assert.equal(shop.depth, 2)
    assert.equal(shop.orgHandle, shop.id)
    assert.deepEqual((await tenant.call('GET', `/organizations/${id}`)).body, made.body)
    assert.deepEqual(
      (await tenant.call('GET', '/organizations')).body.organizations.map(({ name }: { name: string }) => name),
      ['North', 'Shop'],
    )
  })

  test('handles are unique in a tenant, and parents must exist', async () => {
    const tenant = await newTenant()
    await organization(tenant, { name: 'North', orgHandle: 'north' })
    const again = await tenant.call('POST', '/organizations', { body: { name: 'Other', orgHandle: 'north' } })
    assertRefused(again, 409, 'ORG-60076')
    const orphan = await tenant.call('POST', '/organizations', { body: { name: 'Orphan', parentId: 'x' } })
    assertRefused(orphan, 400, 'UE-10000', /^parentId: no organization of this tenant has the id x/)
    assertRefused(await tenant.call('GET', '/organizations/x'), 404, 'ORG-60015')
    const { call: elsewhere } = await newTenant()
    assertRefused(await elsewhere('GET', `/organizations/${tenant.root.id}`), 404, 'ORG-60015')
  })

  test('a missing or outdated management API is published again', async () => {
    const { tenant } = await newTenant()
    const [published] = await listApiResources(db, tenant.id)
    assert.ok(published)
    const scopes = [...published.scopes.slice(1), { id: `gone-${tenant.id}`, name: 'internal_of_the_past' }]
    await updateApiResource(db, { ...published, scopes })
    await publishManagementApis(db, { newId: randomUUID })
    const [updated] = await listApiResources(db, tenant.id)
    assert.deepEqual(updated?.scopes.map(({ name }) => name).sort(), published.scopes.map(({ name }) => name).sort())
    await deleteApiResource(db, tenant.id, published.id)
    await publishManagementApis(db, { newId: randomUUID })
    assert.equal((await listApiResources(db, tenant.id)).length, 1)
  })
})
