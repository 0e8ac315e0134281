import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Json } from '../extension-under-test.ts'
import { row, type Section } from '../row.ts'
import { assertRefused } from './engine-under-test.ts'
import {
  ACCESS_TOKEN,
  API,
  action,
  assertNoSecret,
  attributes,
  BASIC,
  BEARER,
  both,
  CLIENT,
  empty,
  ID_TOKEN,
  managing,
  missing,
  PASSWORD,
  PASSWORD_SHARING,
  PERSON,
  PROFILE,
  REQUIRED_OF_CLIENT,
  REQUIRED_OF_PERSON,
  refusedOnCreate,
  UNABLE,
  UNKNOWN_ID,
  withAuthentication,
  withEmpty,
  without,
} from './managed-actions.ts'
import { AT, rule } from './tokens.ts'

export const management: Section = {
  title: 'Management API',
  rows: [
    row(
      'E121',
      'POST valid BASIC action: 201, INACTIVE, version v1 (v2 for password), `properties.username` returned, `password` absent',
      managing(async ({ create, get }) => {
        for (const [type, version] of [
          [ACCESS_TOKEN, 'v1'],
          [ID_TOKEN, 'v1'],
          [PASSWORD, 'v2'],
          [PROFILE, 'v1'],
        ] as const) {
          const created = await create(type)
          assert.deepEqual([created.status, created.version], ['INACTIVE', version])
          assert.deepEqual(created.endpoint.authentication, { type: 'BASIC', properties: { username: 'gate' } })
          assertNoSecret(created, await get(created))
        }
      }),
    ),
    row(
      'E122',
      'POST with extra auth property: 201',
      managing(async ({ create }) => {
        const properties = { ...BASIC.properties, accessToken: 'extra' }
        const created = await create(ACCESS_TOKEN, withAuthentication({ type: 'BASIC', properties }))
        assert.deepEqual(created.endpoint.authentication.properties, { username: 'gate' })
      }),
    ),
    row(
      'E123',
      'POST missing username key: 400, `Required authentication properties are not provided or invalid.`',
      missing([withAuthentication(without(BASIC, 'username'))]),
    ),
    row(
      'E124',
      'POST username "": 400, `Authentication property values cannot be empty.`',
      empty([withAuthentication(withEmpty(BASIC, 'username'))]),
    ),
    row(
      'E125',
      'CLIENT_CREDENTIAL missing clientId / clientSecret / tokenEndpoint: 400 as E123',
      missing(REQUIRED_OF_CLIENT.map(name => withAuthentication(without(CLIENT, name)))),
    ),
    row(
      'E126',
      'CLIENT_CREDENTIAL empty clientId / clientSecret / tokenEndpoint: 400 as E124',
      empty(REQUIRED_OF_CLIENT.map(name => withAuthentication(withEmpty(CLIENT, name)))),
    ),
    row(
      'E127',
      'CLIENT_CREDENTIAL without scopes: 201',
      managing(async ({ create }) => {
        const created = await create(ACCESS_TOKEN, withAuthentication(without(CLIENT, 'scopes')))
        assert.equal('scopes' in created.endpoint.authentication.properties, false)
      }),
    ),
    row(
      'E128',
      'PASSWORD_CREDENTIAL each of 5 keys missing / empty: 400 as E123 / E124',
      both(
        missing(REQUIRED_OF_PERSON.map(name => withAuthentication(without(PERSON, name)))),
        empty(REQUIRED_OF_PERSON.map(name => withAuthentication(withEmpty(PERSON, name)))),
      ),
    ),
    row(
      'E129',
      'GET after CLIENT_CREDENTIAL create: clientId, tokenEndpoint, scopes returned; clientSecret absent',
      managing(async ({ create, get }) => {
        const read = await get(await create(ACCESS_TOKEN, withAuthentication(CLIENT)))
        assert.deepEqual(read.endpoint.authentication, {
          type: 'CLIENT_CREDENTIAL',
          properties: { clientId: 'preflow', tokenEndpoint: 'https://id.example/token', scopes: 'guard' },
        })
      }),
    ),
    row(
      'E130',
      'second POST of same type: 400, `Maximum number of actions per action type is reached.`',
      managing(async ({ call, create }) => {
        await create(ACCESS_TOKEN)
        const refused = await call('POST', `/${ACCESS_TOKEN}`, action())
        const text = 'Maximum number of actions per action type is reached.'
        assertRefused(refused, 400, 'ACTION-60002', text, 'Unable to create an Action.')
        assert.equal((await call('GET', `/${ACCESS_TOKEN}`)).body.length, 1)
      }),
    ),
    row(
      'E131',
      'POST `/actions/preRegistration`: 501, `The requested action type is not currently supported by the server.`',
      managing(async ({ call }) => {
        const text = 'The requested action type is not currently supported by the server.'
        assertRefused(await call('POST', '/preRegistration', action()), 501, 'ACTION-650015', text, UNABLE)
      }),
    ),
    row(
      'E132',
      'GET unknown id: 404, `No action is found for given action id and action type`',
      managing(async ({ call }) => {
        const text = 'No action is found for given action id and action type'
        assertRefused(
          await call('GET', `/${ACCESS_TOKEN}/${UNKNOWN_ID}`),
          404,
          'ACTION-60012',
          text,
          'Action is not found.',
        )
      }),
    ),
    row(
      'E133',
      'PATCH / activate / deactivate unknown id: 404, `No Action is configured on the given Action Type and Id.`',
      managing(async ({ call }) => {
        const at = `/${ACCESS_TOKEN}/${UNKNOWN_ID}`
        const text = 'No Action is configured on the given Action Type and Id.'
        assertRefused(await call('PATCH', at, { name: 'Other' }), 404, 'ACTION-60003', text, UNABLE)
        for (const verb of ['activate', 'deactivate']) {
          assertRefused(await call('POST', `${at}/${verb}`), 404, 'ACTION-60003', text, UNABLE)
        }
      }),
    ),
    row(
      'E134',
      'DELETE unknown id: 204',
      managing(async ({ call }) => {
        const { body, status } = await call('DELETE', `/${ACCESS_TOKEN}/${UNKNOWN_ID}`)
        assert.deepEqual([status, body], [204, ''])
      }),
    ),
    row(
      'E135',
      'GET list: item with self link, method GET, href `[/t/x]/api/server/v1/actions/preIssueAccessToken/<id>`',
      managing(async ({ call, create, stage }) => {
        const { id } = await create(ACCESS_TOKEN)
        const { body: list } = await call('GET', `/${ACCESS_TOKEN}`)
        assert.equal(list.length, 1)
        const href = `/t/${stage.tenant.domain}${API}/actions/${ACCESS_TOKEN}/${id}`
        assert.deepEqual([list[0].id, list[0].links], [id, [{ href, method: 'GET', rel: 'self' }]])
        assert.equal('endpoint' in list[0], false)
      }),
    ),
    row(
      'E136',
      'GET types after create / after delete: count 1 / 0',
      managing(async ({ call, create }) => {
        const count = async () => {
          const { body } = await call('GET', '/types')
          return body.find(({ type }: Json) => type === AT).count
        }
        const { id } = await create(ACCESS_TOKEN)
        assert.equal(await count(), 1)
        await call('DELETE', `/${ACCESS_TOKEN}/${id}`)
        assert.equal(await count(), 0)
      }),
    ),
    row(
      'E137',
      'PATCH name only: other fields unchanged',
      managing(async ({ create, get, patch }) => {
        const full = action(
          { description: 'Why', ...rule([['grantType', 'equals', 'password']]) },
          { allowedHeaders: ['x-geo'], allowedParameters: ['device'] },
        )
        const created = await create(ACCESS_TOKEN, full)
        const { body, status } = await patch(created, { name: 'Other' })
        const { name, updatedAt: _, ...after } = body
        const { name: __, updatedAt: ___, ...before } = created
        assert.deepEqual([status, name], [200, 'Other'])
        assert.deepEqual(after, before)
        assert.deepEqual(await get(created), body)
      }),
    ),
    row('E138', 'PATCH endpoint.uri only: authentication unchanged', async stage => {
      // The extension sees it too: the password is unchanged. The origin is the same, because Preflow requires the
      // credentials again for another origin.
      const { url, calls } = stage.extension(AT)
      const uri = new URL('/before', url).href
      const id = await stage.configure(AT, { uri, authentication: BASIC } as object)
      const { body } = await stage.must('PATCH', `${API}/actions/${ACCESS_TOKEN}/${id}`, { endpoint: { uri: url } })
      assert.equal(body.endpoint.uri, url)
      assert.deepEqual(body.endpoint.authentication, { type: 'BASIC', properties: { username: 'gate' } })
      await stage.token(stage.machine, { grant_type: 'client_credentials' })
      assert.equal(calls[0]?.headers.authorization, `Basic ${Buffer.from('gate:extremely-secret').toString('base64')}`)
    }),
    row(
      'E139',
      'PATCH authentication BASIC -> BEARER: type BEARER, accessToken not returned',
      managing(async ({ create, get, patch }) => {
        const created = await create(ACCESS_TOKEN)
        const { body } = await patch(created, { endpoint: { authentication: BEARER } })
        assert.deepEqual(body.endpoint.authentication, { type: 'BEARER' })
        assertNoSecret(body, await get(created))
      }),
    ),
    row(
      'E140',
      'PATCH authentication to CLIENT_CREDENTIAL / PASSWORD_CREDENTIAL, then change values, add scopes: returned values follow',
      managing(async ({ create, get, patch }) => {
        const created = await create(ACCESS_TOKEN)
        const change = async (authentication: object) => {
          const { body, status } = await patch(created, { endpoint: { authentication } })
          assert.equal(status, 200, JSON.stringify(body))
          assertNoSecret(body)
          assert.deepEqual(await get(created), body)
          return body.endpoint.authentication.properties
        }
        const { clientSecret: _, ...client } = CLIENT.properties
        const { clientSecret: __, password: ___, ...person } = PERSON.properties
        const { scopes: ____, ...unscoped } = client
        assert.deepEqual(await change(without(CLIENT, 'scopes')), unscoped)
        assert.deepEqual(await change(CLIENT), client)
        const other = { ...CLIENT, properties: { ...CLIENT.properties, clientId: 'other', scopes: 'guard audit' } }
        assert.deepEqual(await change(other), { ...client, clientId: 'other', scopes: 'guard audit' })
        assert.deepEqual(await change(PERSON), person)
        const renamed = { ...PERSON, properties: { ...PERSON.properties, username: 'android' } }
        assert.deepEqual(await change(renamed), { ...person, username: 'android' })
      }),
    ),
    row(
      'E141',
      'PATCH allowedHeaders / allowedParameters on ID token action: returned as given',
      managing(async ({ create, patch }) => {
        const lists = { allowedHeaders: ['X-Geo', 'host'], allowedParameters: ['device-id', 'Locale'] }
        const { body } = await patch(await create(ID_TOKEN), { endpoint: lists })
        const { allowedHeaders, allowedParameters } = body.endpoint
        assert.deepEqual({ allowedHeaders, allowedParameters }, lists)
      }),
    ),
    row(
      'E142',
      'PATCH rule add, replace, `{}`: present, replaced, key absent',
      managing(async ({ create, get, patch }) => {
        const created = await create(ACCESS_TOKEN)
        assert.equal('rule' in created, false)
        const first = rule([['grantType', 'equals', 'password']])
        const second = rule([['application', 'notEquals', 'any-id']], [['grantType', 'equals', 'refresh_token']])
        for (const given of [first, second]) {
          assert.deepEqual((await patch(created, given)).body.rule, given.rule)
          assert.deepEqual((await get(created)).rule, given.rule)
        }
        assert.equal('rule' in (await patch(created, { rule: {} })).body, false)
        assert.equal('rule' in (await get(created)), false)
      }),
    ),
    row(
      'E143',
      'activate / deactivate: 200, status ACTIVE / INACTIVE, version present',
      managing(async ({ call, create, get }) => {
        const created = await create(ACCESS_TOKEN)
        for (const [verb, expected] of [
          ['activate', 'ACTIVE'],
          ['deactivate', 'INACTIVE'],
        ] as const) {
          const { body, status } = await call('POST', `/${ACCESS_TOKEN}/${created.id}/${verb}`)
          assert.deepEqual([status, body.status, body.version], [200, expected, 'v1'])
          assert.equal((await get(created)).status, expected)
        }
      }),
    ),
    row(
      'E144',
      'password action with 11 attributes: 400, `The number of configured attributes: 11 exceeds the maximum allowed limit: 10`',
      refusedOnCreate(
        PASSWORD,
        [action({ ...PASSWORD_SHARING, attributes })],
        400,
        'ACTION-60011',
        'The number of configured attributes: 11 exceeds the maximum allowed limit: 10',
        'Maximum attributes limit exceeded.',
      ),
    ),
    row(
      'E145',
      'attribute `invalidattribute`: 400, `The provided invalidattribute attribute is not available in the system.`',
      refusedOnCreate(
        PROFILE,
        [action({ attributes: ['invalidattribute'] })],
        400,
        'ACTION-60012',
        'The provided invalidattribute attribute is not available in the system.',
        'Invalid attribute provided.',
      ),
    ),
    row(
      'E146',
      'attributes duplicated twice: 201/200, single entry',
      managing(async ({ create, patch }) => {
        const [first, second] = attributes
        const created = await create(PASSWORD, action({ ...PASSWORD_SHARING, attributes: [first, first] }))
        assert.deepEqual(created.attributes, [first])
        const { body, status } = await patch(created, { attributes: [second, second] })
        assert.deepEqual([status, body.attributes], [200, [second]])
      }),
    ),
    row(
      'E147',
      'profile action without attributes: 201',
      managing(async ({ create }) => assert.equal('attributes' in (await create(PROFILE)), false)),
    ),
    row(
      'E148',
      'password action certificate `invalid_certificate`: 400, `Certificate content is invalid.` (POST and PATCH)',
      managing(async ({ call, create, patch }) => {
        const refusal = [
          400,
          'ACTION-60006',
          'Certificate content is invalid.',
          'Provided Action Properties are invalid.',
        ] as const
        const passwordSharing = { format: 'PLAIN_TEXT', certificate: 'invalid_certificate' }
        assertRefused(await call('POST', `/${PASSWORD}`, action({ passwordSharing })), ...refusal)
        const created = await create(PASSWORD)
        assertRefused(await patch(created, { passwordSharing: { certificate: 'invalid_certificate' } }), ...refusal)
      }),
    ),
    row(
      'E149',
      'password action without certificate: 201, `passwordSharing` without `certificate` key',
      managing(async ({ create }) => {
        assert.deepEqual((await create(PASSWORD)).passwordSharing, { format: 'PLAIN_TEXT' })
      }),
    ),
    row(
      'E150',
      'attributes on token types: 501 ACTION-65018',
      both(
        ...Object.entries({ PRE_ISSUE_ACCESS_TOKEN: ACCESS_TOKEN, PRE_ISSUE_ID_TOKEN: ID_TOKEN }).map(([type, path]) =>
          refusedOnCreate(
            path,
            [action({ attributes: attributes.slice(0, 1) })],
            501,
            'ACTION-65018',
            `Attributes are not currently supported for the action type: ${type}.`,
            UNABLE,
          ),
        ),
      ),
    ),
    row(
      'E151',
      'allowedHeaders [] on password action: 400 ACTION-60016',
      refusedOnCreate(
        PASSWORD,
        [action(PASSWORD_SHARING, { allowedHeaders: [] })],
        400,
        'ACTION-60016',
        'Allowed headers are not supported for the action type: PRE_UPDATE_PASSWORD.',
        UNABLE,
      ),
    ),
    row('E152', 'POST token action in sub-org: 403 ACTION-60015', async stage => {
      const orgHandle = `branch-${randomBytes(4).toString('hex')}`
      await stage.must('POST', `${API}/organizations`, { name: 'Branch', orgHandle })
      for (const [type, path] of [
        ['PRE_ISSUE_ACCESS_TOKEN', ACCESS_TOKEN],
        ['PRE_ISSUE_ID_TOKEN', ID_TOKEN],
      ]) {
        assertRefused(
          await stage.call('POST', `/o/${orgHandle}${API}/actions/${path}`, action()),
          403,
          'ACTION-60015',
          `The requested action type: ${type} is not allowed at the organization level.`,
          'Action type is not allowed.',
        )
      }
    }),
    row(
      'E153',
      'name `a` / `bad name ` / `x.y`: 400 ACTION-60005 `Action name is invalid.`',
      refusedOnCreate(
        ACCESS_TOKEN,
        ['a', 'bad name ', 'x.y'].map(name => action({ name })),
        400,
        'ACTION-60005',
        'Action name is invalid.',
        'Invalid request.',
      ),
    ),
    row(
      'E154',
      'PATCH version not latest: 400 ACTION-60009',
      managing(async ({ create, patch }) => {
        const created = await create(PASSWORD)
        const text =
          'Only allowed to update to the latest Action version: v2. Ensure that only the major version is provided.'
        for (const version of ['v1', 'v2.0', '2']) {
          assertRefused(await patch(created, { version }), 400, 'ACTION-60009', text)
        }
        assert.equal((await patch(created, { version: 'v2' })).status, 200)
      }),
    ),
    row(
      'E155',
      'unknown body field: 400 ACTION-60014',
      refusedOnCreate(
        ACCESS_TOKEN,
        [action({ unknown: 1 }), action({}, { unknown: 1 })],
        400,
        'ACTION-60014',
        'Provided request body content is not in the expected format.',
        'Invalid Request body.',
      ),
    ),
    row('E156', 'GET `/rules/metadata?flow=preLogin`: 400 RULEMETA-60001', async stage => {
      assertRefused(
        await stage.call('GET', `${API}/rules/metadata?flow=preLogin`),
        400,
        'RULEMETA-60001',
        'Provided flow type is invalid or not implemented.',
        'Invalid flow.',
      )
    }),
    row(
      'E157',
      'GET `/rules/metadata?flow=preIssueAccessToken`: application then grantType each with equals and notEquals, application with the links that list and filter applications',
      async stage => {
        const { body } = await stage.must('GET', `${API}/rules/metadata?flow=preIssueAccessToken`)
        const operators = [
          { name: 'equals', displayName: 'equals' },
          { name: 'notEquals', displayName: 'not equals' },
        ]
        assert.deepEqual(
          body.map(({ field, operators }: Json) => ({ name: field.name, operators })),
          [
            { name: 'application', operators },
            { name: 'grantType', operators },
          ],
        )
        const [application, grantType] = body.map(({ value }: Json) => value)
        assert.deepEqual(application, {
          inputType: 'options',
          valueType: 'reference',
          valueReferenceAttribute: 'id',
          valueDisplayAttribute: 'name',
          links: [
            { href: '/applications?excludeSystemPortals=true&offset=0&limit=10', method: 'GET', rel: 'values' },
            { href: '/applications?excludeSystemPortals=true&filter=&limit=10', method: 'GET', rel: 'filter' },
          ],
        })
        assert.deepEqual([grantType.inputType, grantType.valueType], ['options', 'string'])
        assert.deepEqual(
          grantType.values.map(({ name }: Json) => name),
          ['authorization_code', 'password', 'refresh_token', 'client_credentials'],
        )
      },
    ),
  ],
}
