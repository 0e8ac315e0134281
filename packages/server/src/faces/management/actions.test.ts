import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { actionTypes } from '@preflow/contract'
import { findActionById, listActions } from '../../ground/store/actions.ts'
import type { Database } from '../../ground/store/database.ts'
import { onEachDatabase } from '../../ground/store/databases.fixture.ts'
import { addOrganization } from '../../ground/store/organizations.ts'
import {
  type Answered,
  assertRefused,
  createApiUnderTest,
  type TenantUnderTest,
  tokens,
} from './api-under-test.fixture.ts'
import { EC_CERTIFICATE, RSA_CERTIFICATE, WEAK_CERTIFICATE } from './certificates.fixture.ts'

const BASIC = { type: 'BASIC', properties: { username: 'gate', password: 'extremely-secret' } }
const CLIENT = {
  type: 'CLIENT_CREDENTIAL',
  properties: {
    clientId: 'preflow',
    clientSecret: 'extremely-secret',
    tokenEndpoint: 'https://id.example/token',
    scopes: 'guard',
  },
}
const PASSWORD = {
  type: 'PASSWORD_CREDENTIAL',
  properties: { ...CLIENT.properties, username: 'robot', password: 'extremely-secret' },
}
const MISSING = 'Required authentication properties are not provided or invalid.'
const EMPTY = 'Authentication property values cannot be empty.'

const accessToken = '/actions/preIssueAccessToken'
const idToken = '/actions/preIssueIdToken'
const password = '/actions/preUpdatePassword'
const profile = '/actions/preUpdateProfile'

function action(more: object = {}, endpoint: object = {}): Record<string, unknown> {
  return {
    name: 'Guard',
    endpoint: { uri: 'https://guard.example/call', authentication: BASIC, ...endpoint },
    ...more,
  }
}

function passwordAction(more: object = {}): Record<string, unknown> {
  return action({ passwordSharing: { format: 'PLAIN_TEXT' }, ...more })
}

function ruleOf(field: string, operator: string, value: string, expressions = 1, groups = 1) {
  const group = {
    condition: 'AND',
    expressions: Array.from({ length: expressions }, () => ({ field, operator, value })),
  }
  return { condition: 'OR', rules: Array.from({ length: groups }, () => group) }
}

/** The properties of an authentication, with one missing or empty. */
function without(authentication: typeof CLIENT, name: string): object {
  return {
    ...authentication,
    properties: Object.fromEntries(Object.entries(authentication.properties).filter(([key]) => key !== name)),
  }
}
function withEmpty(authentication: typeof CLIENT, name: string): object {
  return { ...authentication, properties: { ...authentication.properties, [name]: '' } }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

onEachDatabase('the actions API', open => {
  let db: Database
  let newTenant: ReturnType<typeof createApiUnderTest>
  before(async () => {
    db = await open()
    newTenant = createApiUnderTest(db)
  })

  async function created(path = accessToken, body: object = action()): Promise<TenantUnderTest & { made: Answered }> {
    const tenant = await newTenant()
    const made = await tenant.call('POST', path, { body })
    assert.equal(made.status, 201, JSON.stringify(made.body))
    return { ...tenant, made }
  }

  test('E121: a valid BASIC action is created inactive, and its user name is returned, but never its password', async () => {
    const { made, prefix, call } = await created()
    const { id, createdAt, updatedAt, ...rest } = made.body
    assert.deepEqual(rest, {
      type: 'PRE_ISSUE_ACCESS_TOKEN',
      name: 'Guard',
      status: 'INACTIVE',
      version: 'v1',
      endpoint: {
        uri: 'https://guard.example/call',
        authentication: { type: 'BASIC', properties: { username: 'gate' } },
      },
      onFailure: 'error',
    })
    assert.equal(createdAt, updatedAt)
    assert.equal(made.headers.get('location'), `http://id.example${prefix}/api/server/v1/actions/${id}`)
    assert.deepEqual((await call('GET', `${accessToken}/${id}`)).body, made.body)
    const { made: ofPassword } = await created(password, passwordAction())
    assert.equal(ofPassword.body.version, 'v2')
  })

  test('E122: unknown properties of an authentication are ignored', async () => {
    const authentication = { ...BASIC, properties: { ...BASIC.properties, accessToken: 'extra' } }
    const { made, tenant } = await created(accessToken, action({}, { authentication }))
    const kept = await findActionById(db, tenant.id, made.body.id)
    assert.deepEqual(kept?.endpoint.authentication, BASIC)
  })

  test('E123: a missing user name is refused', async () => {
    const { call } = await newTenant()
    for (const properties of [{ password: 'x' }, {}, null]) {
      const refused = await call('POST', accessToken, {
        body: action({}, { authentication: { ...BASIC, properties } }),
      })
      assertRefused(refused, 400, 'ACTION-60010', MISSING)
      assert.equal(refused.body.message, 'Unable to perform the operation.')
    }
  })

  test('E124: an empty user name is refused with another message', async () => {
    const { call } = await newTenant()
    for (const username of ['', null]) {
      const authentication = { ...BASIC, properties: { ...BASIC.properties, username } }
      assertRefused(
        await call('POST', accessToken, { body: action({}, { authentication }) }),
        400,
        'ACTION-60011',
        EMPTY,
      )
    }
  })

  test('E125: client credentials without one of their properties are refused', async () => {
    const { call } = await newTenant()
    for (const name of ['clientId', 'clientSecret', 'tokenEndpoint']) {
      const body = action({}, { authentication: without(CLIENT, name) })
      assertRefused(await call('POST', accessToken, { body }), 400, 'ACTION-60010', MISSING)
    }
  })

  test('E126: client credentials with an empty property are refused', async () => {
    const { call } = await newTenant()
    for (const name of ['clientId', 'clientSecret', 'tokenEndpoint']) {
      const body = action({}, { authentication: withEmpty(CLIENT, name) })
      assertRefused(await call('POST', accessToken, { body }), 400, 'ACTION-60011', EMPTY)
    }
  })

  test('E127: client credentials require no scopes', async () => {
    const { made } = await created(accessToken, action({}, { authentication: without(CLIENT, 'scopes') }))
    assert.deepEqual(made.body.endpoint.authentication.properties, {
      clientId: 'preflow',
      tokenEndpoint: 'https://id.example/token',
    })
  })

  test('E128: password credentials with any of their five properties missing or empty are refused', async () => {
    const { call } = await newTenant()
    for (const name of ['clientId', 'clientSecret', 'tokenEndpoint', 'username', 'password']) {
      const missing = action({}, { authentication: without(PASSWORD, name) })
      assertRefused(await call('POST', accessToken, { body: missing }), 400, 'ACTION-60010', MISSING)
      const empty = action({}, { authentication: withEmpty(PASSWORD, name) })
      assertRefused(await call('POST', accessToken, { body: empty }), 400, 'ACTION-60011', EMPTY)
    }
  })

  test('E129: all properties of client credentials are returned except the secret', async () => {
    const { made, call } = await created(accessToken, action({}, { authentication: CLIENT }))
    const shown = await call('GET', `${accessToken}/${made.body.id}`)
    assert.deepEqual(shown.body.endpoint.authentication, {
      type: 'CLIENT_CREDENTIAL',
      properties: { clientId: 'preflow', tokenEndpoint: 'https://id.example/token', scopes: 'guard' },
    })
  })

  test('E130: a second action of the type is refused, also if both are sent together', async () => {
    const { call } = await created()
    const refused = await call('POST', accessToken, { body: action() })
    assertRefused(refused, 400, 'ACTION-60002', 'Maximum number of actions per action type is reached.')
    assert.equal(refused.body.message, 'Unable to create an Action.')
    const { call: elsewhere } = await newTenant()
    const both = await Promise.all([1, 2].map(() => elsewhere('POST', accessToken, { body: action() })))
    assert.deepEqual(both.map(({ status }) => status).sort(), [201, 400])
  })

  test('E131: the registration type is known, but every operation on it is not implemented', async () => {
    const { call } = await newTenant()
    const text = 'The requested action type is not currently supported by the server.'
    assertRefused(await call('POST', '/actions/preRegistration', { text: 'not json' }), 501, 'ACTION-650015', text)
    assertRefused(await call('GET', '/actions/preRegistration'), 501, 'ACTION-650015', text)
    for (const method of ['GET', 'DELETE']) {
      assertRefused(await call(method, '/actions/preRegistration/x'), 501, 'ACTION-650015', text)
    }
  })

  test('E132: reading an unknown action returns that none is found', async () => {
    const { call } = await newTenant()
    const refused = await call('GET', `${accessToken}/8d2f`)
    assertRefused(refused, 404, 'ACTION-60012', 'No action is found for given action id and action type')
  })

  test('E133: changing, activating or deactivating an unknown action returns that none is configured', async () => {
    const { call } = await newTenant()
    const text = 'No Action is configured on the given Action Type and Id.'
    assertRefused(await call('PATCH', `${accessToken}/8d2f`, { body: { name: 'Other' } }), 404, 'ACTION-60003', text)
    for (const verb of ['activate', 'deactivate']) {
      assertRefused(await call('POST', `${accessToken}/8d2f/${verb}`), 404, 'ACTION-60003', text)
    }
  })

  test('an action of another type, tenant or organization is unknown', async () => {
    const { made, root, tenant, call } = await created(profile)
    const { call: elsewhere } = await newTenant()
    const branch = { id: `b-${tenant.id}`, tenantId: tenant.id, parentId: root.id, name: 'B', handle: 'b', depth: 1 }
    await addOrganization(db, branch)
    const { id } = made.body
    assertRefused(await call('GET', `${password}/${id}`), 404, 'ACTION-60012')
    assertRefused(await elsewhere('GET', `${profile}/${id}`), 404, 'ACTION-60012')
    assertRefused(await call('GET', `${profile}/${id}`, { organization: branch }), 404, 'ACTION-60012')
    assert.equal((await elsewhere('DELETE', `${profile}/${id}`)).status, 204)
    assert.equal((await call('GET', `${profile}/${id}`)).status, 200)
  })

  test('E134: deleting an unknown action succeeds', async () => {
    const { call } = await newTenant()
    assert.equal((await call('DELETE', `${accessToken}/8d2f`)).status, 204)
  })

  test('E135: a list has a link to each action, and neither endpoint nor rule', async () => {
    const { made, prefix, call } = await created()
    const { endpoint: _, onFailure: __, ...common } = made.body
    assert.deepEqual((await call('GET', accessToken)).body, [
      {
        ...common,
        links: [
          { href: `${prefix}/api/server/v1/actions/preIssueAccessToken/${made.body.id}`, method: 'GET', rel: 'self' },
        ],
      },
    ])
    assert.deepEqual((await call('GET', idToken)).body, [])
  })

  test('E136: the list of types has the number of actions', async () => {
    const { made, prefix, call } = await created()
    const count = async () => (await call('GET', '/actions/types')).body.map((type: { count: number }) => type.count)
    assert.deepEqual(await count(), [1, 0, 0, 0])
    await call('DELETE', `${accessToken}/${made.body.id}`)
    assert.deepEqual(await count(), [0, 0, 0, 0])
    assert.deepEqual((await call('GET', '/actions/types')).body[0], {
      type: 'PRE_ISSUE_ACCESS_TOKEN',
      displayName: 'Pre Issue Access Token',
      description: actionTypes.PRE_ISSUE_ACCESS_TOKEN.description,
      count: 0,
      self: `${prefix}/api/server/v1/actions/preIssueAccessToken`,
    })
  })

  test('E137: changing only the name keeps everything else', async () => {
    const full = action(
      { description: 'Why', rule: ruleOf('grantType', 'equals', 'password'), onFailure: 'deny', platform: 'asgardeo' },
      { allowedHeaders: ['x-one'], allowedParameters: ['device'] },
    )
    const { made, call } = await created(accessToken, full)
    const { name: _, updatedAt: __, ...before } = made.body
    const changed = await call('PATCH', `${accessToken}/${made.body.id}`, {
      body: { name: 'Other', description: null },
    })
    const { name, updatedAt: ___, ...after } = changed.body
    assert.equal(changed.status, 200)
    assert.equal(name, 'Other')
    assert.deepEqual(after, before)
  })

  test('E138: changing only the URI keeps the credentials', async () => {
    const { made, tenant, call } = await created()
    const uri = `${new URL(made.body.endpoint.uri).origin}/other`
    const changed = await call('PATCH', `${accessToken}/${made.body.id}`, { body: { endpoint: { uri } } })
    assert.equal(changed.body.endpoint.uri, uri)
    const kept = await findActionById(db, tenant.id, made.body.id)
    assert.deepEqual(kept?.endpoint.authentication, BASIC)
  })

  test('AZ-22: an endpoint that moves to another origin requires its credentials again and loses its signing secrets', async () => {
    const { made, tenant, call } = await created(accessToken, action({}, { signing: { generate: true } }))
    const path = `${accessToken}/${made.body.id}`
    const uri = 'https://elsewhere.example/'
    assertRefused(await call('PATCH', path, { body: { endpoint: { uri } } }), 400, 'UE-10000', /another origin/)
    assert.deepEqual((await call('GET', path)).body.endpoint.uri, made.body.endpoint.uri)
    const authentication = { type: 'BEARER', properties: { accessToken: 'a-new-secret' } }
    assert.equal((await call('PATCH', path, { body: { endpoint: { uri, authentication } } })).status, 200)
    const kept = await findActionById(db, tenant.id, made.body.id)
    assert.deepEqual(kept?.endpoint.authentication, authentication)
    assert.deepEqual(kept?.endpoint.signingSecrets, [])
  })

  test('E139: after a change from BASIC to BEARER the token is stored and never returned', async () => {
    const { made, tenant, call } = await created()
    const bearer = { type: 'BEARER', properties: { accessToken: 'extremely-secret' } }
    const changed = await call('PATCH', `${accessToken}/${made.body.id}`, {
      body: { endpoint: { authentication: bearer } },
    })
    assert.deepEqual(changed.body.endpoint.authentication, { type: 'BEARER' })
    assert.deepEqual((await findActionById(db, tenant.id, made.body.id))?.endpoint.authentication, bearer)
  })

  test('E140: after a change from BASIC to OAuth the response has the new properties', async () => {
    const { made, call } = await created()
    const change = async (authentication: object) =>
      (await call('PATCH', `${accessToken}/${made.body.id}`, { body: { endpoint: { authentication } } })).body.endpoint
        .authentication
    assert.deepEqual(await change(without(CLIENT, 'scopes')), {
      type: 'CLIENT_CREDENTIAL',
      properties: { clientId: 'preflow', tokenEndpoint: 'https://id.example/token' },
    })
    assert.equal((await change(CLIENT)).properties.scopes, 'guard')
    assert.deepEqual(await change(PASSWORD), {
      type: 'PASSWORD_CREDENTIAL',
      properties: {
        clientId: 'preflow',
        tokenEndpoint: 'https://id.example/token',
        username: 'robot',
        scopes: 'guard',
      },
    })
    assertRefused(
      await call('PATCH', `${accessToken}/${made.body.id}`, {
        body: { endpoint: { authentication: without(PASSWORD, 'password') } },
      }),
      400,
      'ACTION-60010',
      MISSING,
    )
  })

  test('E141: allowed headers and parameters of the ID token action are returned as sent', async () => {
    const { made, call } = await created(idToken)
    const endpoint = { allowedHeaders: ['X-Geo', 'host'], allowedParameters: ['device-id'] }
    const changed = await call('PATCH', `${idToken}/${made.body.id}`, { body: { endpoint } })
    assert.deepEqual(changed.body.endpoint.allowedHeaders, endpoint.allowedHeaders)
    assert.deepEqual(changed.body.endpoint.allowedParameters, endpoint.allowedParameters)
    const cleared = await call('PATCH', `${idToken}/${made.body.id}`, { body: { endpoint: { allowedHeaders: [] } } })
    assert.ok(!('allowedHeaders' in cleared.body.endpoint))
    assert.deepEqual(cleared.body.endpoint.allowedParameters, endpoint.allowedParameters)
  })

  test('E142: a rule is added, replaced, and removed by an empty one', async () => {
    const { made, call } = await created()
    const change = async (rule: object) => {
      const changed = await call('PATCH', `${accessToken}/${made.body.id}`, { body: { rule } })
      assert.equal(changed.status, 200)
      return changed.body
    }
    const first = ruleOf('grantType', 'equals', 'password')
    const second = ruleOf('application', 'notEquals', 'any-id')
    assert.deepEqual((await change(first)).rule, first)
    assert.deepEqual((await change(second)).rule, second)
    assert.ok(!('rule' in (await change({}))))
  })

  test('E143: an action can be activated and deactivated repeatedly', async () => {
    const { made, call } = await created()
    for (const [verb, status] of [
      ['activate', 'ACTIVE'],
      ['activate', 'ACTIVE'],
      ['deactivate', 'INACTIVE'],
      ['deactivate', 'INACTIVE'],
    ]) {
      const switched = await call('POST', `${accessToken}/${made.body.id}/${verb}`)
      assert.equal(switched.status, 200)
      assert.equal(switched.body.status, status)
      assert.equal(switched.body.version, 'v1')
      assert.equal((await call('GET', `${accessToken}/${made.body.id}`)).body.status, status)
    }
  })

  const attributes = [
    'givenname',
    'lastname',
    'emailaddress',
    'mobile',
    'country',
    'department',
    'title',
    'nickname',
    'dob',
    'gender',
    'region',
  ].map(name => `http://wso2.org/claims/${name}`)

  test('E144: ten attributes are accepted, eleven are refused', async () => {
    const { call } = await newTenant()
    const refused = await call('POST', password, { body: passwordAction({ attributes }) })
    assertRefused(
      refused,
      400,
      'ACTION-60011',
      'The number of configured attributes: 11 exceeds the maximum allowed limit: 10',
    )
    assert.equal(refused.body.message, 'Maximum attributes limit exceeded.')
    const ten = passwordAction({ attributes: attributes.slice(0, 10) })
    assert.equal((await call('POST', password, { body: ten })).status, 201)
  })

  test('E145: an unknown attribute is refused by name, and roles are never shared', async () => {
    const { call } = await newTenant()
    assertRefused(
      await call('POST', profile, { body: action({ attributes: ['invalidattribute'] }) }),
      400,
      'ACTION-60012',
      'The provided invalidattribute attribute is not available in the system.',
    )
    const roles = await call('POST', profile, { body: action({ attributes: ['http://wso2.org/claims/roles'] }) })
    assertRefused(roles, 400, 'ACTION-60012', /not supported to be shared with extension\.$/)
    assert.equal(roles.body.message, 'Not supported.')
  })

  test('E146: a repeated attribute counts and is stored once', async () => {
    const twice = [...attributes.slice(0, 10), attributes[0]]
    const { made, call } = await created(password, passwordAction({ attributes: twice }))
    assert.deepEqual(made.body.attributes, attributes.slice(0, 10))
    const patched = await call('PATCH', `${password}/${made.body.id}`, {
      body: { attributes: [attributes[1], attributes[1]] },
    })
    assert.deepEqual(patched.body.attributes, [attributes[1]])
    const cleared = await call('PATCH', `${password}/${made.body.id}`, { body: { attributes: [] } })
    assert.ok(!('attributes' in cleared.body))
  })

  test('E147: a profile action requires no attributes', async () => {
    const { made } = await created(profile)
    assert.equal(made.body.version, 'v1')
    assert.ok(!('attributes' in made.body))
  })

  test('E148: an invalid certificate, or one that cannot encrypt, is refused', async () => {
    const { call } = await newTenant()
    const invalid = 'Certificate content is invalid.'
    for (const certificate of [
      'invalid_certificate',
      base64('invalid'),
      base64(EC_CERTIFICATE),
      base64(WEAK_CERTIFICATE),
    ]) {
      const body = passwordAction({ passwordSharing: { format: 'PLAIN_TEXT', certificate } })
      assertRefused(await call('POST', password, { body }), 400, 'ACTION-60006', invalid)
    }
    const { made, call: other } = await created(password, passwordAction())
    const body = { passwordSharing: { certificate: 'invalid_certificate' } }
    assertRefused(await other('PATCH', `${password}/${made.body.id}`, { body }), 400, 'ACTION-60006', invalid)
  })

  test('E149: the certificate of a password action is optional and can be set, kept and removed', async () => {
    const { made, call } = await created(password, passwordAction())
    assert.deepEqual(made.body.passwordSharing, { format: 'PLAIN_TEXT' })
    const change = async (passwordSharing: object) =>
      (await call('PATCH', `${password}/${made.body.id}`, { body: { passwordSharing } })).body.passwordSharing
    const certificate = base64(RSA_CERTIFICATE)
    assert.deepEqual(await change({ certificate }), { format: 'PLAIN_TEXT', certificate })
    assert.deepEqual(await change({ format: 'SHA256_HASHED' }), { format: 'SHA256_HASHED', certificate })
    assert.deepEqual(await change({ certificate: '' }), { format: 'SHA256_HASHED' })
  })

  test('passwordSharing is required for password actions and refused for others', async () => {
    const { call } = await newTenant()
    const silent = await call('POST', password, { body: action() })
    assertRefused(silent, 400, 'UE-10000', 'Property passwordSharing cannot be null.')
    const formless = await call('POST', password, { body: action({ passwordSharing: {} }) })
    assertRefused(formless, 400, 'UE-10000', 'Property format cannot be null.')
    const unknown = await call('POST', password, { body: action({ passwordSharing: { format: 'SHA512' } }) })
    assertRefused(unknown, 400, 'ACTION-60014')
    assertRefused(await call('POST', accessToken, { body: passwordAction() }), 400, 'ACTION-60014')
  })

  test('E150: attributes are not implemented for token actions', async () => {
    const { call, made } = await created()
    const named = { attributes: attributes.slice(0, 1) }
    const text = 'Attributes are not currently supported for the action type: PRE_ISSUE_ACCESS_TOKEN.'
    assertRefused(await call('POST', accessToken, { body: action(named) }), 501, 'ACTION-65018', text)
    assertRefused(await call('PATCH', `${accessToken}/${made.body.id}`, { body: named }), 501, 'ACTION-65018', text)
    assert.equal((await call('PATCH', `${accessToken}/${made.body.id}`, { body: { attributes: [] } })).status, 200)
  })

  test('E151: user actions refuse lists of headers and parameters, even empty ones', async () => {
    const { call } = await newTenant()
    assertRefused(
      await call('POST', password, {
        body: passwordAction({ endpoint: { uri: 'https://x.example', authentication: BASIC, allowedHeaders: [] } }),
      }),
      400,
      'ACTION-60016',
      'Allowed headers are not supported for the action type: PRE_UPDATE_PASSWORD.',
    )
    assertRefused(
      await call('POST', profile, { body: action({}, { allowedParameters: [] }) }),
      400,
      'ACTION-60017',
      'Allowed parameters are not supported for the action type: PRE_UPDATE_PROFILE.',
    )
  })

  test('E152: organizations can have their own user actions, but no token actions', async () => {
    const { tenant, root, call } = await created(profile)
    const organization = {
      id: `o-${tenant.id}`,
      tenantId: tenant.id,
      parentId: root.id,
      name: 'O',
      handle: 'o',
      depth: 1,
    }
    await addOrganization(db, organization)
    const refused = await call('POST', accessToken, { organization, text: 'not json' })
    assertRefused(
      refused,
      403,
      'ACTION-60015',
      'The requested action type: PRE_ISSUE_ACCESS_TOKEN is not allowed at the organization level.',
    )
    assert.equal(refused.body.message, 'Action type is not allowed.')
    const made = await call('POST', profile, { organization, body: action() })
    assert.equal(made.status, 201)
    const types = (await call('GET', '/actions/types', { organization })).body
    assert.deepEqual(
      types.map((type: { type: string; count: number }) => [type.type, type.count]),
      [
        ['PRE_UPDATE_PASSWORD', 0],
        ['PRE_UPDATE_PROFILE', 1],
      ],
    )
    const [listed] = (await call('GET', profile, { organization })).body
    assert.match(listed.links[0].href, /^\/t\/[^/]+\/o\/o\/api\/server\/v1\/actions\/preUpdateProfile\//)
  })

  test('E153: names have at least two letters, digits, dashes, underscores or inner spaces', async () => {
    const { call } = await newTenant()
    for (const name of ['a', 'bad name ', ' bad', 'x.y', 'ä b']) {
      assertRefused(
        await call('POST', accessToken, { body: action({ name }) }),
        400,
        'ACTION-60005',
        'Action name is invalid.',
      )
    }
    assertRefused(
      await call('POST', accessToken, { body: action({ name: '  ' }) }),
      400,
      'ACTION-60004',
      'Action name is empty.',
    )
    for (const name of ['', 'x'.repeat(256)]) {
      assertRefused(await call('POST', accessToken, { body: action({ name }) }), 400, 'UE-10000', /^name: size must be/)
    }
    assert.equal((await call('POST', accessToken, { body: action({ name: 'A-1 b_2' }) })).status, 201)
  })

  test('E154: only the latest major version is accepted', async () => {
    const { made, call } = await created(password, passwordAction())
    for (const version of ['v1', 'v2.0', '2', 'v3']) {
      assertRefused(
        await call('PATCH', `${password}/${made.body.id}`, { body: { version } }),
        400,
        'ACTION-60009',
        'Only allowed to update to the latest Action version: v2. Ensure that only the major version is provided.',
      )
    }
    assert.equal((await call('PATCH', `${password}/${made.body.id}`, { body: { version: 'v2' } })).status, 200)
  })

  test('E155: an unknown field, a wrong type, an unknown value and a body that is not JSON get the same refusal', async () => {
    const { call, made } = await created()
    const text = 'Provided request body content is not in the expected format.'
    const bodies = [
      action({ unknown: 1 }),
      action({}, { unknown: 1 }),
      action({ name: 5 }),
      action({}, { authentication: { type: 'TOKEN' } }),
      action({ rule: { condition: 'XOR' } }),
      action({ version: 'v1' }),
      [],
      null,
      'text',
    ]
    for (const body of bodies) {
      const refused = await call('POST', accessToken, { body })
      assertRefused(refused, 400, 'ACTION-60014', text)
      assert.equal(refused.body.message, 'Invalid Request body.')
    }
    for (const broken of ['', '{', '{"name":"a\\u0000b"}', '\ufffe']) {
      assertRefused(await call('PATCH', `${accessToken}/${made.body.id}`, { text: broken }), 400, 'ACTION-60014', text)
    }
  })

  test('every missing field is named once', async () => {
    const { call } = await newTenant()
    assertRefused(
      await call('POST', accessToken, { body: {} }),
      400,
      'UE-10000',
      'Property name cannot be null. Property endpoint cannot be null.',
    )
    assertRefused(
      await call('POST', accessToken, { body: action({ rule: { condition: 'OR', rules: [] } }) }),
      400,
      'UE-10000',
      /^rule\.rules: size must be at least 1/,
    )
  })

  test('of several errors the first in the order of the reference is reported', async () => {
    const { call } = await newTenant()
    const broken = {
      name: 'x.y',
      attributes: attributes.slice(0, 1),
      rule: ruleOf('country', 'equals', 'KP'),
      endpoint: {
        uri: 'https:///',
        authentication: { type: 'BASIC', properties: {} },
        allowedHeaders: ['authorization', '_'],
        allowedParameters: ['a:b', 'code'],
      },
    }
    const authentication = (username: string) => ({ type: 'BASIC', properties: { username, password: 'p' } })
    const steps: [object, number, string][] = [
      [broken, 400, 'ACTION-60010'],
      [{ ...broken, endpoint: { ...broken.endpoint, authentication: authentication(' ') } }, 400, 'ACTION-60013'],
    ]
    let body: Record<string, unknown> & { endpoint: Record<string, unknown> } = {
      ...broken,
      endpoint: { ...broken.endpoint, authentication: authentication(' ') },
    }
    const repair = (more: object, endpoint: object = {}) => {
      body = { ...body, ...more, endpoint: { ...body.endpoint, ...endpoint } }
      return body
    }
    steps.push([repair({ rule: {} }), 501, 'ACTION-65018'])
    steps.push([repair({ attributes: [] }), 400, 'Action name is invalid.'])
    steps.push([repair({ name: 'Fine' }), 400, 'Endpoint URI is invalid.'])
    steps.push([repair({}, { uri: 'https://x.example' }), 400, 'Username is empty.'])
    steps.push([repair({}, { authentication: authentication('u') }), 400, '_ is invalid.'])
    steps.push([repair({}, { allowedHeaders: ['Authorization'] }), 400, 'ACTION-60007'])
    steps.push([repair({}, { allowedHeaders: ['x-fine'] }), 400, 'a:b is invalid.'])
    steps.push([repair({}, { allowedParameters: ['code'] }), 400, 'ACTION-60008'])
    steps.push([repair({}, { allowedParameters: ['fine'] }), 201, ''])
    for (const [sent, status, expected] of steps) {
      const answered = await call('POST', accessToken, { body: sent })
      assert.equal(answered.status, status, `${expected}: ${JSON.stringify(answered.body)}`)
      if (status !== 201) {
        assert.equal(expected.startsWith('ACTION') ? answered.body.code : answered.body.description, expected)
      }
    }
  })

  test('only the action types of the table are accepted', async () => {
    const { call } = await newTenant()
    for (const type of ['authentication', 'flowExtension', 'PreIssueAccessToken', 'nonsense']) {
      assertRefused(
        await call('POST', `/actions/${type}`, { body: action() }),
        400,
        'ACTION-60001',
        'Invalid action type used for path parameter.',
      )
    }
  })

  test('header names of API keys and token endpoints must have a valid form', async () => {
    const { call } = await newTenant()
    const key = { type: 'API_KEY', properties: { header: 'x_key', value: 'v' } }
    assertRefused(
      await call('POST', accessToken, { body: action({}, { authentication: key }) }),
      400,
      'ACTION-60005',
      'x_key is invalid.',
    )
    const endpoint = { ...CLIENT, properties: { ...CLIENT.properties, tokenEndpoint: 'ftp://x' } }
    assertRefused(
      await call('POST', accessToken, { body: action({}, { authentication: endpoint }) }),
      400,
      'ACTION-60005',
    )
  })

  test('E116 to E119: a rule is checked against the fields of its type', async () => {
    const { call, made } = await created()
    const refusedBy = async (rule: object, description: string) =>
      assertRefused(
        await call('PATCH', `${accessToken}/${made.body.id}`, { body: { rule } }),
        400,
        'ACTION-60013',
        `Rule validation failed: ${description}`,
      )
    await refusedBy(ruleOf('invalid', 'equals', 'x'), 'Field invalid is not supported')
    await refusedBy(ruleOf('application', 'invalid', 'x'), 'Operator invalid is not supported for field application')
    await refusedBy(
      ruleOf('grantType', 'equals', 'password', 6),
      'Maximum number of expressions combined with AND exceeded. Maximum allowed: 5 Provided: 6',
    )
    await refusedBy(
      ruleOf('grantType', 'equals', 'password', 1, 12),
      'Maximum number of rules combined with OR exceeded. Maximum allowed: 10 Provided: 11',
    )
    const most = ruleOf('grantType', 'equals', 'password', 5, 11)
    const kept = await call('PATCH', `${accessToken}/${made.body.id}`, { body: { rule: most } })
    assert.deepEqual(kept.body.rule, most)
  })

  test('a refused change changes nothing', async () => {
    const { made, call } = await created()
    const refused = await call('PATCH', `${accessToken}/${made.body.id}`, {
      body: { name: 'Other', endpoint: { uri: 'https:///' } },
    })
    assertRefused(refused, 400, 'ACTION-60005')
    assert.deepEqual((await call('GET', `${accessToken}/${made.body.id}`)).body, made.body)
  })

  test('onFailure and platform can be set and reset', async () => {
    const { made, call } = await created(accessToken, action({ onFailure: 'deny', platform: 'wso2-is-7.1' }))
    assert.equal(made.body.onFailure, 'deny')
    assert.equal(made.body.platform, 'wso2-is-7.1')
    const body = { onFailure: 'continue', platform: 'default' }
    const changed = await call('PATCH', `${accessToken}/${made.body.id}`, { body })
    assert.equal(changed.body.onFailure, 'continue')
    assert.ok(!('platform' in changed.body))
    assertRefused(
      await call('PATCH', `${accessToken}/${made.body.id}`, { body: { platform: 'other' } }),
      400,
      'ACTION-60014',
    )
  })

  test('a generated signing secret is returned once, and rotation keeps the previous one', async () => {
    const { made, tenant, call } = await created(accessToken, action({}, { signing: { generate: true } }))
    const first = made.body.endpoint.signing.generatedSecret
    assert.match(first, /^whsec_[A-Za-z0-9+/]{43}=$/)
    const path = `${accessToken}/${made.body.id}`
    assert.deepEqual((await call('GET', path)).body.endpoint.signing, { activeSecrets: 1 })
    const rotated = await call('PATCH', path, { body: { endpoint: { signing: { generate: true } } } })
    const second = rotated.body.endpoint.signing.generatedSecret
    assert.deepEqual((await findActionById(db, tenant.id, made.body.id))?.endpoint.signingSecrets, [second, first])
    const sameOrigin = `${new URL(made.body.endpoint.uri).origin}/other`
    await call('PATCH', path, { body: { endpoint: { uri: sameOrigin } } })
    assert.equal((await findActionById(db, tenant.id, made.body.id))?.endpoint.signingSecrets.length, 2)
    const third = (await call('PATCH', path, { body: { endpoint: { signing: { generate: true } } } })).body
    assert.deepEqual((await findActionById(db, tenant.id, made.body.id))?.endpoint.signingSecrets, [
      third.endpoint.signing.generatedSecret,
      second,
    ])
    const off = await call('PATCH', path, { body: { endpoint: { signing: { secrets: [] } } } })
    assert.ok(!('signing' in off.body.endpoint))
    const own = await call('PATCH', path, { body: { endpoint: { signing: { secrets: [first] } } } })
    assert.deepEqual(own.body.endpoint.signing, { activeSecrets: 1 })
    const weak = await call('PATCH', path, { body: { endpoint: { signing: { secrets: ['whsec_short'] } } } })
    assertRefused(weak, 400, 'UE-10000', /^endpoint\.signing\.secrets\.0: must match/)
  })

  test('E156: rule fields of an unknown flow are refused', async () => {
    const { call } = await newTenant()
    for (const flow of ['preLogin', 'PRE_ISSUE_ACCESS_TOKEN', 'authentication', '']) {
      const refused = await call('GET', `/rules/metadata?flow=${flow}`)
      assertRefused(refused, 400, 'RULEMETA-60001', 'Provided flow type is invalid or not implemented.')
      assert.equal(refused.body.message, 'Invalid flow.')
    }
    assertRefused(await call('GET', '/rules/metadata'), 400, 'UE-10000', 'Property flow cannot be null.')
  })

  test('E157: rule fields of the access token flow are application and grant type', async () => {
    const { call } = await newTenant()
    const operators = [
      { name: 'equals', displayName: 'equals' },
      { name: 'notEquals', displayName: 'not equals' },
    ]
    assert.deepEqual((await call('GET', '/rules/metadata?flow=preIssueAccessToken')).body, [
      {
        field: { name: 'application', displayName: 'application' },
        operators,
        value: {
          inputType: 'options',
          valueType: 'reference',
          valueReferenceAttribute: 'id',
          valueDisplayAttribute: 'name',
          links: [
            { href: '/applications?excludeSystemPortals=true&offset=0&limit=10', method: 'GET', rel: 'values' },
            { href: '/applications?excludeSystemPortals=true&filter=&limit=10', method: 'GET', rel: 'filter' },
          ],
        },
      },
      {
        field: { name: 'grantType', displayName: 'grant type' },
        operators,
        value: {
          inputType: 'options',
          valueType: 'string',
          values: [
            { name: 'authorization_code', displayName: 'authorization code' },
            { name: 'password', displayName: 'password' },
            { name: 'refresh_token', displayName: 'refresh token' },
            { name: 'client_credentials', displayName: 'client credentials' },
          ],
        },
      },
    ])
    const [flow] = (await call('GET', '/rules/metadata?flow=preUpdatePassword')).body
    assert.deepEqual(flow.value.values[0], {
      name: 'adminInitiatedPasswordReset',
      displayName: 'Admin initiated password reset',
    })
  })

  test('the links of rule fields can be followed', async () => {
    const { call } = await newTenant()
    for (const { path } of Object.values(actionTypes).filter(({ ruleFields }) => ruleFields.length > 0)) {
      for (const field of (await call('GET', `/rules/metadata?flow=${path}`)).body) {
        for (const { href } of field.value.links ?? []) assert.equal((await call('GET', href)).status, 200, href)
      }
    }
  })

  test('a higher limit allows more actions', async () => {
    const raised = createApiUnderTest(db, { maxActionsPerType: 2 })
    const { call, tenant, root } = await raised()
    for (const status of [201, 201, 400]) {
      assert.equal((await call('POST', accessToken, { body: action() })).status, status)
    }
    assert.equal((await listActions(db, tenant.id, root.id)).length, 2)
  })

  test('AZ-23: the scope alone does not allow an action that sees new passwords, but allows others', async () => {
    const { call } = await newTenant()
    tokens.set('tool', { scopes: ['internal_action_mgt_create'], subject: 'tool' })
    const as = { bearer: 'tool' }
    const password = action({}, {})
    const sharing = { ...password, passwordSharing: { format: 'SHA256_HASHED' } }
    const refused = await call('POST', '/actions/preUpdatePassword', { as, body: sharing })
    assertRefused(refused, 403, 'PREFLOW-403', /You lack internal_/)
    assert.equal((await call('POST', accessToken, { as, body: action() })).status, 201)
  })

  for (const [title, endpoint, sentence] of [
    ['in the address', { uri: 'https://u:p@guard.example/' }, /must not contain a user name or password/],
    ['sent unencrypted on the internet', { uri: 'http://guard.acme.io/', authentication: BASIC }, /unencrypted/],
    [
      'with a line end in a key',
      { uri: 'https://guard.example/', authentication: { type: 'BEARER', properties: { accessToken: 'a\nb' } } },
      /an HTTP header cannot carry/,
    ],
  ] as const) {
    test(`AZ-54: credentials ${title} are refused`, async () => {
      const { call } = await newTenant()
      const refused = await call('POST', accessToken, { body: action({}, endpoint) })
      assertRefused(refused, 400, 'UE-10000', sentence)
    })
  }
})
