import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { before, test } from 'node:test'
import { EVERY_PERMISSION } from '../../domain/access/reach.ts'
import { MANAGEMENT_SCOPES } from '../../domain/tenants/create-tenant.ts'
import { findAuthenticator } from '../../ground/store/authenticators.ts'
import type { Database } from '../../ground/store/database.ts'
import { onEachDatabase } from '../../ground/store/databases.fixture.ts'
import type { Organization } from '../../ground/store/model.ts'
import { addOrganization } from '../../ground/store/organizations.ts'
import { assertRefused, createApiUnderTest, type TenantUnderTest, tokens } from './api-under-test.fixture.ts'

const door = {
  name: 'custom-door-code',
  displayName: 'Door code',
  description: 'Asks for the code of the door',
  image: 'https://door.example/logo.png',
  endpoint: {
    uri: 'https://door.example/hook',
    authentication: { type: 'BASIC', properties: { username: 'platform', password: 'very-secret' } },
    allowedHeaders: ['x-door'],
    allowedParameters: ['door', 'returnCode'],
  },
}
const ID = 'Y3VzdG9tLWRvb3ItY29kZQ'
const ONE = `/authenticators/custom/${ID}`

onEachDatabase('the authenticators API', open => {
  let db: Database
  let newTenant: () => Promise<TenantUnderTest>
  before(async () => {
    db = await open()
    const make = createApiUnderTest(db)
    newTenant = () => make()
  })

  async function withDoor(own: object = {}): Promise<TenantUnderTest> {
    const tenant = await newTenant()
    const made = await tenant.call('POST', '/authenticators/custom', { body: { ...door, ...own } })
    assert.equal(made.status, 201, JSON.stringify(made.body))
    return tenant
  }

  async function branchOf({ tenant }: TenantUnderTest): Promise<Organization> {
    const branch = {
      id: randomUUID(),
      tenantId: tenant.id,
      parentId: tenant.rootOrganizationId,
      name: 'Branch',
      handle: `b-${randomUUID()}`,
      depth: 1,
    }
    assert.ok(await addOrganization(db, branch))
    return branch
  }

  test('AU-40: the id of an authenticator follows from its name, and its secrets are never returned', async () => {
    const { call, prefix } = await newTenant()
    const made = await call('POST', '/authenticators/custom', { body: door })
    const self = `${prefix}/api/server/v1${ONE}`
    assert.equal(made.headers.get('location'), `http://id.example${self}`)
    const expected = {
      ...door,
      id: ID,
      isEnabled: true,
      type: 'LOCAL',
      definedBy: 'USER',
      tags: ['Custom'],
      self,
      authenticationType: 'IDENTIFICATION',
      endpoint: { ...door.endpoint, authentication: { type: 'BASIC', properties: { username: 'platform' } } },
    }
    assert.deepEqual(made.body, expected)
    assert.deepEqual((await call('GET', ONE)).body, expected)
    assert.doesNotMatch(JSON.stringify(made.body), /very-secret/)
  })

  test('its credentials are sealed at rest', async () => {
    await withDoor()
    const rows = await Promise.all(
      (['actions', 'authenticators', 'audit_records'] as const).map(table =>
        db.queries.selectFrom(table).selectAll().execute(),
      ),
    )
    assert.doesNotMatch(JSON.stringify(rows), /very-secret/)
  })

  test('a second factor has the tag 2FA', async () => {
    const { call } = await withDoor({ authenticationType: 'VERIFICATION' })
    const { tags, authenticationType } = (await call('GET', ONE)).body
    assert.deepEqual([tags, authenticationType], [['Custom', '2FA'], 'VERIFICATION'])
  })

  test('the list has the password page and the custom ones', async () => {
    const { call } = await withDoor({ isEnabled: false })
    const { body } = await call('GET', '/authenticators')
    assert.deepEqual(
      body.map(({ id, name, definedBy, isEnabled }: Record<string, unknown>) => [id, name, definedBy, isEnabled]),
      [
        ['QmFzaWNBdXRoZW50aWNhdG9y', 'BasicAuthenticator', 'SYSTEM', true],
        [ID, 'custom-door-code', 'USER', false],
      ],
    )
  })

  for (const [row, title, own, code, description] of [
    [
      'AU-35',
      'a name without custom-',
      { name: 'door-code' },
      'AUT-60014',
      /"door-code" is not in the expected format/,
    ],
    ['AU-35', 'a name that is too short', { name: 'custom-ab' }, 'AUT-60014', undefined],
    ['AU-35', 'a name with a blank', { name: 'custom-door code' }, 'AUT-60014', undefined],
    [
      'AU-36',
      'a display name that is too short',
      { displayName: 'ab' },
      'AUT-60015',
      /"ab" is not in the expected format/,
    ],
    ['', 'an unknown kind', { authenticationType: 'THIRD' }, 'UE-10000', undefined],
    [
      'AU-39',
      'an address of another scheme',
      { endpoint: { ...door.endpoint, uri: 'ftp://x' } },
      'UE-10000',
      undefined,
    ],
    [
      'AU-38',
      'BASIC without user name',
      { endpoint: { ...door.endpoint, authentication: { type: 'BASIC', properties: { password: 'p' } } } },
      'AUT-60011',
      'The property username must be provided as an authentication property for the BASIC authentication type.',
    ],
    [
      'AU-38',
      'BASIC with a blank user name',
      {
        endpoint: { ...door.endpoint, authentication: { type: 'BASIC', properties: { username: ' ', password: 'p' } } },
      },
      'AUT-60011',
      'The Property username cannot be blank.',
    ],
    [
      '',
      'a secret header to forward',
      { endpoint: { ...door.endpoint, allowedHeaders: ['Cookie'] } },
      'AUT-60011',
      /not allowed by the server/,
    ],
    ['', 'an unknown field', { endpoints: [] }, 'UE-10000', undefined],
    ['', 'no endpoint', { endpoint: null }, 'UE-10000', undefined],
  ] as const) {
    test(`${[row, title].filter(Boolean).join(': ')} is refused, and nothing is stored`, async () => {
      const { call } = await newTenant()
      assertRefused(await call('POST', '/authenticators/custom', { body: { ...door, ...own } }), 400, code, description)
      assert.equal((await call('GET', '/authenticators')).body.length, 1)
    })
  }

  test('AU-37: a name is unique in its organization', async () => {
    const tenant = await withDoor()
    const { call } = tenant
    assertRefused(
      await call('POST', '/authenticators/custom', { body: door }),
      400,
      'AUT-60013',
      'The authenticator already exists for the given name: custom-door-code.',
    )
    const organization = await branchOf(tenant)
    assert.equal((await call('POST', '/authenticators/custom', { body: door, organization })).status, 201)
  })

  test('an update replaces the given members, and keeps the secrets and absent members of the endpoint', async () => {
    const { call, tenant } = await withDoor({ isEnabled: false })
    const uri = `${new URL(door.endpoint.uri).origin}/gate`
    const body = { displayName: 'Gate code', endpoint: { uri } }
    const changed = await call('PUT', ONE, { body })
    assert.equal(changed.status, 200)
    assert.deepEqual(
      [changed.body.displayName, changed.body.description, changed.body.image, changed.body.isEnabled],
      ['Gate code', undefined, undefined, false],
    )
    assert.equal(changed.body.endpoint.uri, uri)
    assert.deepEqual(changed.body.endpoint.allowedHeaders, ['x-door'])
    const kept = await findAuthenticator(db, tenant.id, tenant.rootOrganizationId, door.name)
    assert.deepEqual(kept?.action.endpoint.authentication, door.endpoint.authentication)
    assert.equal(kept?.action.status, 'INACTIVE')
    assert.equal((await call('PUT', ONE, { body: { ...body, isEnabled: true } })).body.isEnabled, true)
    assert.deepEqual((await call('GET', ONE)).body.isEnabled, true)
  })

  test('name and kind cannot be changed, and an unknown id is 404', async () => {
    const { call } = await withDoor()
    const { displayName } = door
    assertRefused(
      await call('PUT', ONE, { body: { displayName, name: 'custom-other' } }),
      400,
      'UE-10000',
      /^name: cannot be changed/,
    )
    assertRefused(
      await call('PUT', ONE, { body: { displayName, authenticationType: 'VERIFICATION' } }),
      400,
      'UE-10000',
      /^authenticationType: cannot be changed/,
    )
    const same = { displayName, name: door.name, authenticationType: 'IDENTIFICATION' }
    assert.equal((await call('PUT', ONE, { body: same })).status, 200)
    assertRefused(await call('PUT', '/authenticators/custom/bm9uZQ', { body: { displayName } }), 404, 'AUT-60012')
    assertRefused(await call('GET', '/authenticators/custom/bm9uZQ'), 404, 'AUT-60012')
  })

  test('requests can be signed, with a secret that is returned once', async () => {
    const { call } = await withDoor()
    const body = { displayName: door.displayName, endpoint: { signing: { generate: true } } }
    const { signing } = (await call('PUT', ONE, { body })).body.endpoint
    assert.match(signing.generatedSecret, /^whsec_/)
    assert.deepEqual((await call('GET', ONE)).body.endpoint.signing, { activeSecrets: 1 })
  })

  test('a deleted authenticator no longer exists, and deleting an unknown one succeeds', async () => {
    const { call } = await withDoor()
    assert.equal((await call('DELETE', ONE)).status, 204)
    assertRefused(await call('GET', ONE), 404, 'AUT-60012')
    assert.equal((await call('DELETE', ONE)).status, 204)
    assert.equal((await call('POST', '/authenticators/custom', { body: door })).status, 201)
  })

  test('an authenticator that applications use cannot be deleted, and the refusal lists them', async () => {
    const tenant = await withDoor()
    const { call } = tenant
    const steps = [{ id: 1, options: [{ idp: 'LOCAL', authenticator: door.name }] }]
    const authenticationSequence = { type: 'USER_DEFINED', steps }
    const application = (
      await call('POST', '/applications', { body: { name: 'Gauge Board', authenticationSequence } })
    ).headers
      .get('location')
      ?.split('/')
      .at(-1)
    await call('POST', '/applications', { body: { name: 'Other' } })
    assertRefused(
      await call('DELETE', ONE),
      400,
      'UE-10000',
      'custom-door-code is used to sign in to Gauge Board. Remove it from their authenticationSequence first.',
    )
    assert.equal((await call('GET', ONE)).status, 200)

    // An organization uses the tenant's instead.
    const organization = await branchOf(tenant)
    await call('POST', '/authenticators/custom', { body: door, organization })
    assert.equal((await call('DELETE', ONE, { organization })).status, 204)

    await call('PATCH', `/applications/${application}`, { body: { authenticationSequence: { type: 'DEFAULT' } } })
    assert.equal((await call('DELETE', ONE)).status, 204)
  })

  test('the last authenticator with its name cannot be deleted while applications of an organization use it', async () => {
    const tenant = await newTenant()
    const { call } = tenant
    const organization = await branchOf(tenant)
    await call('POST', '/authenticators/custom', { body: door, organization })
    const steps = [{ id: 1, options: [{ idp: 'LOCAL', authenticator: door.name }] }]
    const authenticationSequence = { type: 'USER_DEFINED', steps }
    assert.equal((await call('POST', '/applications', { body: { name: 'X', authenticationSequence } })).status, 201)
    assertRefused(await call('DELETE', ONE, { organization }), 400, 'UE-10000', /is used to sign in to X/)
  })

  test('an organization lists the tenant’s authenticators and its own, but reads and changes only its own', async () => {
    const tenant = await withDoor()
    const { call } = tenant
    const organization = await branchOf(tenant)
    const own = { ...door, name: 'custom-own-code', displayName: 'Own code' }
    await call('POST', '/authenticators/custom', { body: own, organization })
    const names = async () =>
      (await call('GET', '/authenticators', { organization })).body.map(
        ({ displayName }: { displayName: string }) => displayName,
      )
    assert.deepEqual(await names(), ['Username & Password', 'Own code', 'Door code'])
    assertRefused(await call('GET', ONE, { organization }), 404, 'AUT-60012')
    await call('POST', '/authenticators/custom', { body: { ...door, displayName: 'Ours' }, organization })
    assert.deepEqual(await names(), ['Username & Password', 'Own code', 'Ours'])
    assert.equal((await call('GET', '/authenticators')).body.length, 2)
  })

  test('each operation requires its published scope, and in organizations the scope of the reference', async () => {
    const tenant = await withDoor()
    const { call } = tenant
    const bearer = randomUUID()
    const as = { bearer }
    const operations = [
      ['POST', '/authenticators/custom', 'create', { ...door, name: 'custom-other' }, 201],
      ['GET', '/authenticators', 'view', undefined, 200],
      ['GET', ONE, 'view', undefined, 200],
      ['PUT', ONE, 'update', { displayName: 'Door code' }, 200],
      ['DELETE', ONE, 'delete', undefined, 204],
    ] as const
    for (const [method, path, verb, body, status] of operations) {
      const scope = `internal_custom_authenticator_${verb}`
      assert(MANAGEMENT_SCOPES.includes(scope))
      const asking = { as, ...(body === undefined ? {} : { body }) }
      tokens.set(bearer, { scopes: ['internal_action_mgt_view'], subject: 'tool' })
      assertRefused(await call(method, path, asking), 403, 'PREFLOW-403', `This needs the scope ${scope}.`)
      // An extension that identifies users can obtain all their rights, so the scope alone is not enough to change it.
      const scopes = verb === 'view' ? [scope] : [scope, ...EVERY_PERMISSION]
      tokens.set(bearer, { scopes, subject: 'tool' })
      assert.equal((await call(method, path, asking)).status, status, `${method} ${path}`)
    }
    tokens.set(bearer, { scopes: ['internal_org_custom_authenticator_view'], subject: 'tool' })
    const organization = await branchOf(tenant)
    assert.equal((await call('GET', '/authenticators', { as, organization })).status, 200)
  })

  test('AZ-23: the scope alone allows authenticators for a second step, but none that identify users', async () => {
    const { call } = await withDoor()
    const bearer = randomUUID()
    tokens.set(bearer, { scopes: ['internal_custom_authenticator_create'], subject: 'tool' })
    const post = (body: object) => call('POST', '/authenticators/custom', { as: { bearer }, body })
    assertRefused(await post({ ...door, name: 'custom-other' }), 403, 'PREFLOW-403', /You lack internal_/)
    const second = await post({ ...door, name: 'custom-second', authenticationType: 'VERIFICATION' })
    assert.equal(second.status, 201)
  })

  test('changes are audited without values', async () => {
    const { call, administrator } = await withDoor()
    const uri = `${new URL(door.endpoint.uri).origin}/gate`
    await call('PUT', ONE, { body: { displayName: 'Gate code', endpoint: { uri } } })
    await call('DELETE', ONE)
    const records: Record<string, unknown>[] = (await call('GET', '/audit-logs?targetType=AUTHENTICATOR')).body
    const details = { name: door.name }
    assert.deepEqual(Object.fromEntries(records.map(record => [record['action'], record['details']])), {
      ADD: details,
      UPDATE: { ...details, fields: ['displayName', 'endpoint'] },
      DELETE: details,
    })
    for (const { targetId, initiator } of records) assert.deepEqual([targetId, initiator], [ID, administrator.id])
  })

  test('the actions API does not list authenticators', async () => {
    const { call } = await withDoor()
    assertRefused(await call('GET', '/actions/authentication'), 400, 'ACTION-60001')
    const types = (await call('GET', '/actions/types')).body.map(({ type }: { type: string }) => type)
    assert(!types.includes('AUTHENTICATION'))
  })

  test('an organization has at most a hundred', async () => {
    const { call } = await newTenant()
    for (let index = 0; index < 100; index++) {
      const body = { ...door, name: `custom-door-${index}` }
      assert.equal((await call('POST', '/authenticators/custom', { body })).status, 201)
    }
    assertRefused(await call('POST', '/authenticators/custom', { body: door }), 400, 'UE-10000', /at most 100/)
  })
})
