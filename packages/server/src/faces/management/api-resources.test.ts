import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { onEachDatabase } from '../../ground/store/databases.fixture.ts'
import { assertRefused, createApiUnderTest } from './api-under-test.fixture.ts'

const orders = {
  name: 'Orders',
  identifier: 'https://api.example/orders',
  description: 'All about orders',
  requiresAuthorization: true,
  scopes: [{ name: 'orders.read', displayName: 'Read', description: 'Reads' }, { name: 'orders.write' }],
}

onEachDatabase('the API resources API', open => {
  let newTenant: ReturnType<typeof createApiUnderTest>
  before(async () => {
    newTenant = createApiUnderTest(await open())
  })

  test('an API resource is created with its scopes and can be read', async () => {
    const { call, prefix } = await newTenant()
    const made = await call('POST', '/api-resources', { body: orders })
    assert.equal(made.status, 201)
    const { id, scopes, self, ...rest } = made.body
    assert.equal(made.headers.get('location'), `http://id.example${self}`)
    assert.equal(self, `${prefix}/api/server/v1/api-resources/${id}`)
    const { scopes: _, ...expected } = orders
    assert.deepEqual(rest, { ...expected, type: 'BUSINESS' })
    assert.deepEqual(
      scopes.map(({ id: _, ...scope }: { id: string }) => scope),
      [orders.scopes[0], { name: 'orders.write', displayName: 'orders.write' }],
    )
    const read = await call('GET', `/api-resources/${id}`)
    assert.deepEqual(read.body, made.body)
  })

  test('identifiers and scopes are unique in a tenant', async () => {
    const { call } = await newTenant()
    await call('POST', '/api-resources', { body: orders })
    assertRefused(await call('POST', '/api-resources', { body: orders }), 409, 'API-RESOURCE-60003')
    const body = { name: 'Other', identifier: 'other', scopes: [{ name: 'orders.read' }] }
    assertRefused(await call('POST', '/api-resources', { body }), 409, 'API-RESOURCE-60003')
    const { call: elsewhere } = await newTenant()
    assert.equal((await elsewhere('POST', '/api-resources', { body: orders })).status, 201)
  })

  test('AZ-59: scopes of the namespace of the server are refused, in any case', async () => {
    const { call } = await newTenant()
    for (const name of ['INTERNAL_x', 'internal_org_x', 'console:y', 'SYSTEM', 'system']) {
      const body = { ...orders, scopes: [{ name }] }
      assertRefused(await call('POST', '/api-resources', { body }), 400, 'API-RESOURCE-60008')
    }
  })

  test('scopes with another meaning are refused', async () => {
    const { call } = await newTenant()
    const refused = async (name: string, code: string) =>
      assertRefused(await call('POST', '/api-resources', { body: { ...orders, scopes: [{ name }] } }), 400, code)
    await refused('openid', 'API-RESOURCE-60009')
    await refused('internal_action_mgt_view', 'API-RESOURCE-60008')
    await refused('with space', 'UE-10000')
    await refused('', 'UE-10000')
  })

  test('name, description and scopes can be changed, and absent members stay', async () => {
    const { call } = await newTenant()
    const { id, scopes } = (await call('POST', '/api-resources', { body: orders })).body
    const body = { name: 'New', addedScopes: [{ name: 'orders.delete' }], removedScopes: ['orders.read'] }
    assert.equal((await call('PATCH', `/api-resources/${id}`, { body })).status, 204)
    const changed = (await call('GET', `/api-resources/${id}`)).body
    assert.equal(changed.name, 'New')
    assert.equal(changed.description, 'All about orders')
    assert.deepEqual(
      changed.scopes.map(({ name }: { name: string }) => name),
      ['orders.write', 'orders.delete'],
    )
    assert.equal(changed.scopes[0].id, scopes[1].id)
    const twice = { name: 'Lost', addedScopes: [{ name: 'orders.write' }] }
    assertRefused(await call('PATCH', `/api-resources/${id}`, { body: twice }), 409, 'API-RESOURCE-60004')
    assert.equal((await call('GET', `/api-resources/${id}`)).body.name, 'New')
    assertRefused(await call('PATCH', '/api-resources/x', { body }), 404, 'API-RESOURCE-60002')
  })

  test('lists are filtered and paged by a cursor', async () => {
    const { call } = await newTenant()
    for (const name of ['a', 'b', 'c'])
      await call('POST', '/api-resources', { body: { name, identifier: `id-${name}` } })
    const seen: string[] = []
    let path: string | undefined = '/api-resources?limit=2&filter=identifier+sw+id-'
    while (path) {
      const { body } = await call('GET', path)
      assert.equal(body.totalResults, 3)
      seen.push(...body.APIResources.map(({ name }: { name: string }) => name))
      path = body.links[0]?.href.replace(/^.*\/api\/server\/v1/, '')
    }
    assert.deepEqual(seen.sort(), ['a', 'b', 'c'])
    assertRefused(await call('GET', '/api-resources?filter=nonsense'), 400, 'API-RESOURCE-60001')
  })

  test('deleting twice succeeds, and the management API itself cannot be changed', async () => {
    const { call } = await newTenant()
    const { id } = (await call('POST', '/api-resources', { body: orders })).body
    assert.equal((await call('DELETE', `/api-resources/${id}`)).status, 204)
    assert.equal((await call('DELETE', `/api-resources/${id}`)).status, 204)
    assertRefused(await call('GET', `/api-resources/${id}`), 404, 'API-RESOURCE-60002')
    const [system] = (await call('GET', '/api-resources')).body.APIResources
    assert.equal(system.type, 'SYSTEM')
    assertRefused(await call('DELETE', `/api-resources/${system.id}`), 403, 'API-RESOURCE-60012')
    assertRefused(
      await call('PATCH', `/api-resources/${system.id}`, { body: { name: 'x' } }),
      403,
      'API-RESOURCE-60012',
    )
  })
})
