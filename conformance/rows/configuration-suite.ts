import assert from 'node:assert/strict'
import { RSA_CERTIFICATE } from '@preflow/server/testing'
import { type Check, differs, numbered, row, type Suite } from '../row.ts'
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
  managing,
  PASSWORD,
  PASSWORD_SHARING,
  PERSON,
  PROFILE,
  refusedOnCreate,
  UNABLE,
  UNKNOWN_ID,
  withAuthentication,
  withEmpty,
  without,
} from './managed-actions.ts'
import { rule } from './tokens.ts'

const API_KEY = { type: 'API_KEY', properties: { header: 'x-api-key', value: 'extremely-secret' } }
const REGISTRATION = rule([['flow', 'equals', 'adminInitiatedRegistration']])

const ofPassword = (members: object = {}, endpoint: object = {}) =>
  action({ ...PASSWORD_SHARING, ...members }, endpoint)

/** The password action is rejected because of this list of attributes. */
const withAttributes = (listed: unknown[], code: string, description: string): Check =>
  refusedOnCreate(PASSWORD, [ofPassword({ attributes: listed })], 400, code, description)

/** The rows about the configuration of the actions that run before a user changes. */
export const configurationSuite: Suite = {
  title: 'Configuration of the user actions',
  ids: numbered('CF-', 24),
  sections: [
    {
      title: 'Creating',
      rows: [
        row(
          'CF-01',
          'POST preUpdatePassword with only the required members: 201, INACTIVE, version v2',
          managing(async ({ create }) => {
            const { status, version } = await create(PASSWORD)
            assert.deepEqual([status, version], ['INACTIVE', 'v2'])
          }),
        ),
        row(
          'CF-02',
          'POST preUpdateProfile with only the required members: 201, version v1',
          managing(async ({ create }) => {
            const { status, version } = await create(PROFILE)
            assert.deepEqual([status, version], ['INACTIVE', 'v1'])
          }),
        ),
        row(
          'CF-03',
          'a second POST of the type: 400, `Maximum number of actions per action type is reached.`',
          managing(async ({ call, create }) => {
            for (const [type, body] of [
              [PASSWORD, ofPassword()],
              [PROFILE, action()],
            ] as const) {
              await create(type)
              const refused = await call('POST', `/${type}`, body)
              assertRefused(refused, 400, 'ACTION-60002', 'Maximum number of actions per action type is reached.')
            }
          }),
        ),
        row(
          'CF-04',
          'without passwordSharing.format: 400',
          managing(async ({ call }) => {
            for (const body of [action(), action({ passwordSharing: {} })]) {
              assert.equal((await call('POST', `/${PASSWORD}`, body)).status, 400)
            }
            assert.deepEqual((await call('GET', `/${PASSWORD}`)).body, [])
          }),
        ),
        row(
          'CF-05',
          'format `SHA512`: 400',
          managing(async ({ call }) => {
            const { status } = await call('POST', `/${PASSWORD}`, action({ passwordSharing: { format: 'SHA512' } }))
            assert.equal(status, 400)
            assert.deepEqual((await call('GET', `/${PASSWORD}`)).body, [])
          }),
        ),
        row(
          'CF-06',
          '10 attributes: 201; 11: 400, `The number of configured attributes: 11 exceeds the maximum allowed limit: 10`',
          both(
            managing(async ({ create }) => {
              assert.equal(attributes.length, 11)
              const created = await create(PASSWORD, ofPassword({ attributes: attributes.slice(0, 10) }))
              assert.equal(created.attributes.length, 10)
            }),
            withAttributes(
              attributes,
              'ACTION-60011',
              'The number of configured attributes: 11 exceeds the maximum allowed limit: 10',
            ),
          ),
        ),
        row(
          'CF-07',
          '11 attributes, two of them the same: accepted as 10',
          managing(async ({ create }) => {
            const ten = attributes.slice(0, 10)
            const created = await create(PASSWORD, ofPassword({ attributes: [...ten, ten[0]] }))
            assert.deepEqual(created.attributes.toSorted(), ten.toSorted())
          }),
        ),
        row(
          'CF-08',
          'the roles claim among the attributes: 400',
          withAttributes(
            ['http://wso2.org/claims/roles'],
            'ACTION-60012',
            'The provided http://wso2.org/claims/roles attribute is not supported to be shared with extension.',
          ),
        ),
        row(
          'CF-09',
          'an unknown claim among the attributes: 400',
          withAttributes(
            ['http://wso2.org/claims/shoeSize'],
            'ACTION-60012',
            'The provided http://wso2.org/claims/shoeSize attribute is not available in the system.',
          ),
        ),
        row(
          'CF-10',
          'attributes [1, true]: 400, `Attributes must contain only string values.`',
          differs(
            'also rejected with 400, with the message for every other invalid body',
            withAttributes([1, true], 'ACTION-60014', 'Provided request body content is not in the expected format.'),
          ),
        ),
        row(
          'CF-11',
          'allowedHeaders / allowedParameters: ACTION-60016 / ACTION-60017',
          managing(async ({ call }) => {
            for (const [type, wireType, body] of [
              [PASSWORD, 'PRE_UPDATE_PASSWORD', ofPassword],
              [PROFILE, 'PRE_UPDATE_PROFILE', action],
            ] as const) {
              const headers = await call('POST', `/${type}`, body({}, { allowedHeaders: ['x-geo'] }))
              const text = `Allowed headers are not supported for the action type: ${wireType}.`
              assertRefused(headers, 400, 'ACTION-60016', text, UNABLE)
              const parameters = await call('POST', `/${type}`, body({}, { allowedParameters: ['device'] }))
              assertRefused(parameters, 400, 'ACTION-60017', text.replace('headers', 'parameters'), UNABLE)
            }
          }),
        ),
        row(
          'CF-12',
          'BASIC without password: ACTION-60010; with an empty one: ACTION-60011',
          managing(async ({ call }) => {
            for (const [authentication, code] of [
              [without(BASIC, 'password'), 'ACTION-60010'],
              [withEmpty(BASIC, 'password'), 'ACTION-60011'],
            ] as const) {
              assertRefused(await call('POST', `/${PASSWORD}`, ofPassword({}, { authentication })), 400, code)
              assertRefused(await call('POST', `/${PROFILE}`, withAuthentication(authentication)), 400, code)
            }
          }),
        ),
      ],
    },
    {
      title: 'Reading and changing',
      rows: [
        row(
          'CF-13',
          'GET: no password, key, access token or client secret anywhere',
          managing(async ({ call, create, get, patch }) => {
            const created = await create(PASSWORD, ofPassword({}, { authentication: BASIC }))
            for (const authentication of [BASIC, BEARER, API_KEY, CLIENT, PERSON]) {
              assertNoSecret((await patch(created, { endpoint: { authentication } })).body)
              const read = await get(created)
              assert.equal(read.endpoint.authentication.type, authentication.type)
              assertNoSecret(read, (await call('GET', `/${PASSWORD}`)).body)
            }
          }),
        ),
        row(
          'CF-14',
          'PATCH of the name alone: attributes, rule and certificate stay',
          managing(async ({ create, get, patch }) => {
            const passwordSharing = {
              format: 'PLAIN_TEXT',
              certificate: Buffer.from(RSA_CERTIFICATE).toString('base64'),
            }
            const created = await create(
              PASSWORD,
              action({ passwordSharing, attributes: attributes.slice(0, 2), ...REGISTRATION }),
            )
            assert.equal((await patch(created, { name: 'Gate' })).status, 200)
            const read = await get(created)
            assert.deepEqual([read.name, read.passwordSharing], ['Gate', passwordSharing])
            assert.deepEqual(
              [read.attributes.toSorted(), read.rule],
              [attributes.slice(0, 2).toSorted(), REGISTRATION.rule],
            )
          }),
        ),
        row(
          'CF-15',
          'PATCH attributes []: cleared',
          managing(async ({ create, get, patch }) => {
            const created = await create(PASSWORD, ofPassword({ attributes: attributes.slice(0, 2) }))
            assert.equal((await patch(created, { attributes: [] })).status, 200)
            assert.equal('attributes' in (await get(created)), false)
          }),
        ),
        row(
          'CF-16',
          'PATCH version v1 of an action whose rule names a registration: client error',
          managing(async ({ create, get, patch }) => {
            const created = await create(PASSWORD, ofPassword(REGISTRATION))
            assert.equal((await patch(created, { version: 'v1' })).status, 400)
            assert.equal((await get(created)).version, 'v2')
          }),
        ),
        row(
          'CF-17',
          'GET of an unknown id: 404',
          managing(async ({ call }) => {
            for (const type of [PASSWORD, PROFILE]) {
              assertRefused(await call('GET', `/${type}/${UNKNOWN_ID}`), 404, 'ACTION-60012')
            }
          }),
        ),
        row(
          'CF-18',
          'POST preRegistration: 501',
          managing(async ({ call }) => {
            assertRefused(await call('POST', '/preRegistration', action()), 501, 'ACTION-650015')
          }),
        ),
        row(
          'CF-19',
          'POST of an unknown type: ACTION-60001',
          managing(async ({ call }) => {
            assertRefused(await call('POST', '/preSomething', action()), 400, 'ACTION-60001')
          }),
        ),
        row(
          'CF-20',
          'attributes on preIssueAccessToken: 501 ACTION-65018',
          refusedOnCreate(
            ACCESS_TOKEN,
            [action({ attributes: attributes.slice(0, 1) })],
            501,
            'ACTION-65018',
            'Attributes are not currently supported for the action type: PRE_ISSUE_ACCESS_TOKEN.',
          ),
        ),
        row(
          'CF-21',
          'GET `/rules/metadata?flow=preUpdateProfile`: the fields flow and claim, each with equals and notEquals',
          async stage => {
            const { body } = await stage.must('GET', `${API}/rules/metadata?flow=preUpdateProfile`)
            const operators = [
              { name: 'equals', displayName: 'equals' },
              { name: 'notEquals', displayName: 'not equals' },
            ]
            assert.deepEqual(
              body.map(({ field, operators }: { field: { name: string }; operators: object[] }) => ({
                name: field.name,
                operators,
              })),
              [
                { name: 'flow', operators },
                { name: 'claim', operators },
              ],
            )
            assert.deepEqual(
              body[0].value.values.map(({ name }: { name: string }) => name),
              ['adminInitiatedProfileUpdate', 'applicationInitiatedProfileUpdate', 'userInitiatedProfileUpdate'],
            )
          },
        ),
        row('CF-22', 'GET `/rules/metadata?flow=zzz`: 400 RULEMETA-60001', async stage => {
          const refused = await stage.call('GET', `${API}/rules/metadata?flow=zzz`)
          assertRefused(refused, 400, 'RULEMETA-60001', 'Provided flow type is invalid or not implemented.')
        }),
        row(
          'CF-23',
          'DELETE, then POST again: 201',
          managing(async ({ call, create }) => {
            for (const type of [PASSWORD, PROFILE]) {
              const { id } = await create(type)
              assert.equal((await call('DELETE', `/${type}/${id}`)).status, 204)
              assert.notEqual((await create(type)).id, id)
            }
          }),
        ),
        row(
          'CF-24',
          'activate / deactivate: 200, the status follows',
          managing(async ({ call, create, get }) => {
            for (const type of [PASSWORD, PROFILE]) {
              const created = await create(type)
              for (const [verb, status] of [
                ['activate', 'ACTIVE'],
                ['deactivate', 'INACTIVE'],
              ] as const) {
                const answered = await call('POST', `/${type}/${created.id}/${verb}`)
                assert.deepEqual([answered.status, answered.body.status], [200, status])
                assert.equal((await get(created)).status, status)
              }
            }
          }),
        ),
      ],
    },
  ],
}
