import assert from 'node:assert/strict'
import { type EndpointAuthentication, present } from '@preflow/contract'
import type { Answer, Endpoint } from '../extension-under-test.ts'
import { basic } from '../requests.ts'
import { type Check, differs, row, type Section } from '../row.ts'
import type { Stage } from '../stage.ts'
import { ask, assertServerError, ERROR, json, onlyCallBehind } from './engine-under-test.ts'
import { AT, issued, MACHINE_FORM } from './tokens.ts'

const PERSON = { username: 'robot', password: 'secret of the robot' }

/** The headers of the call to the extension. */
async function headersUnder(stage: Stage, authentication: EndpointAuthentication) {
  await stage.configure(AT, { authentication })
  issued(await stage.token(stage.machine, MACHINE_FORM))
  return stage.extension(AT).calls[0]?.headers ?? {}
}

/** The identity provider of an extension. Each row has its own client, so no row finds a token of another row. */
interface Provider {
  endpoint: Endpoint
  client: { clientId: string; clientSecret: string; tokenEndpoint: string }
}

/** Issues `at-1`, `at-2`, … and with each the refresh token, if there is one. */
function provider(stage: Stage, rowId: string, refreshToken?: string): Provider {
  const endpoint = stage.endpoints.endpoint('/provider')
  endpoint.answer(() =>
    json({
      access_token: `at-${endpoint.calls.length}`,
      token_type: 'Bearer',
      ...present({ refresh_token: refreshToken }),
    }),
  )
  const clientId = `${rowId}-of-${stage.tenant.domain}`
  return { endpoint, client: { clientId, clientSecret: 'secret of the platform', tokenEndpoint: endpoint.url } }
}

/**
 * With this answer of the token endpoint no token is available: the client gets 500 and the extension is not called.
 */
function withoutToken(rowId: string, answer: Answer): Check {
  return async stage => {
    const { client, endpoint } = provider(stage, rowId)
    endpoint.answer(() => answer)
    await stage.configure(AT, { authentication: { type: 'CLIENT_CREDENTIAL', properties: client } })
    const answered = await stage.token(stage.machine, MACHINE_FORM)
    assertServerError(answered)
    const { details } = await onlyCallBehind(stage, answered)
    assert.equal(details.error.code, 'credentials')
    assert.match(details.error.message, /^Error occurred while retrieving access token for actions\./)
    assert.equal(endpoint.calls.length, 1)
    assert.equal(stage.extension(AT).calls.length, 0)
  }
}

/** The extension rejects the first token. Returns the requests to the token endpoint. */
async function refuseFirstToken(stage: Stage, { client, endpoint }: Provider): Promise<unknown[]> {
  await stage.configure(AT, { authentication: { type: 'CLIENT_CREDENTIAL', properties: client } })
  const extension = stage.extension(AT)
  extension.answer(({ headers }) =>
    headers.authorization === 'Bearer at-1' ? json(ERROR, 401) : json({ actionStatus: 'SUCCESS' }),
  )
  issued(await stage.token(stage.machine, MACHINE_FORM))
  assert.deepEqual(
    extension.calls.map(({ headers }) => headers.authorization),
    ['Bearer at-1', 'Bearer at-2'],
  )
  return endpoint.calls.map(({ body }) => body)
}

export const authentication: Section = {
  title: 'Request and authentication',
  rows: [
    row(
      'E36',
      'any call: POST, Accept and Content-type `application/json`, `x-wso2-api-version` = stored version',
      async stage => {
        const id = await stage.configure(AT)
        issued(await stage.token(stage.machine, MACHINE_FORM))
        const [call] = stage.extension(AT).calls
        const { body: action } = await stage.must('GET', `/api/server/v1/actions/preIssueAccessToken/${id}`)
        assert.deepEqual(
          [call?.method, call?.headers.accept, call?.headers['content-type'], call?.headers['x-wso2-api-version']],
          ['POST', 'application/json', 'application/json', action.version],
        )
      },
    ),
    row('E37', 'BASIC admin/pw: `Authorization: Basic base64("admin:pw")`', async stage => {
      const headers = await headersUnder(stage, { type: 'BASIC', properties: { username: 'admin', password: 'pw' } })
      assert.equal(headers.authorization, `Basic ${Buffer.from('admin:pw').toString('base64')}`)
    }),
    row('E38', 'BEARER: `Authorization: Bearer <t>`', async stage => {
      const headers = await headersUnder(stage, { type: 'BEARER', properties: { accessToken: 't' } })
      assert.equal(headers.authorization, 'Bearer t')
    }),
    row('E39', 'API_KEY header k value v: header k = v', async stage => {
      const headers = await headersUnder(stage, { type: 'API_KEY', properties: { header: 'X-Key', value: 'v' } })
      assert.deepEqual([headers['x-key'], headers.authorization], ['v', undefined])
    }),
    row('E40', 'NONE: no auth header', async stage => {
      assert.deepEqual(Object.keys(await headersUnder(stage, { type: 'NONE' })).sort(), [
        'accept',
        'connection',
        'content-length',
        'content-type',
        'host',
        'x-wso2-api-version',
      ])
    }),
    row(
      'E41',
      'CLIENT_CREDENTIAL, healthy IdP: token endpoint gets Basic client auth and `grant_type=client_credentials`; extension gets Bearer token',
      async stage => {
        const { client, endpoint } = provider(stage, 'E41')
        const { authorization } = await headersUnder(stage, { type: 'CLIENT_CREDENTIAL', properties: client })
        const [call] = endpoint.calls
        assert.equal(call?.method, 'POST')
        assert.equal(call?.headers.authorization, basic(client.clientId, client.clientSecret))
        assert.deepEqual(call?.body, { grant_type: 'client_credentials' })
        assert.equal(authorization, 'Bearer at-1')
      },
    ),
    row('E42', 'PASSWORD_CREDENTIAL: token request has grant_type=password, username, password', async stage => {
      const { client, endpoint } = provider(stage, 'E42')
      const properties = { ...client, ...PERSON, scopes: 'guard' }
      const { authorization } = await headersUnder(stage, { type: 'PASSWORD_CREDENTIAL', properties })
      assert.equal(endpoint.calls[0]?.headers.authorization, basic(client.clientId, client.clientSecret))
      assert.deepEqual(endpoint.calls[0]?.body, { grant_type: 'password', ...PERSON, scope: 'guard' })
      assert.equal(authorization, 'Bearer at-1')
    }),
    row(
      'E43',
      'token endpoint 401: client 500 server_error; extension called 0 times',
      withoutToken('E43', json({ access_token: 'not-yours' }, 401)),
    ),
    row(
      'E44',
      'token endpoint 400 `{"error":"invalid_client"}`: same',
      withoutToken('E44', json({ error: 'invalid_client' }, 400)),
    ),
    row(
      'E45',
      'token endpoint 200 without access_token: same',
      withoutToken('E45', json({ token_type: 'Bearer', expires_in: 3600 })),
    ),
    row('E46', 'token endpoint 200 `not-json`: same', withoutToken('E46', { body: 'not-json' })),
    row('E47', 'token endpoint 500: same', withoutToken('E47', json({ access_token: 'not-yours' }, 500))),
    row('E48', 'refresh token known: refresh grant tried first', async stage => {
      const forms = await refuseFirstToken(stage, provider(stage, 'E48', 'rt-1'))
      assert.deepEqual(forms, [
        { grant_type: 'client_credentials' },
        { grant_type: 'refresh_token', refresh_token: 'rt-1' },
      ])
    }),
    row('E49', 'no refresh token: acquirer invoked with null refresh token', async stage => {
      const forms = await refuseFirstToken(stage, provider(stage, 'E49'))
      assert.deepEqual(forms, [{ grant_type: 'client_credentials' }, { grant_type: 'client_credentials' }])
    }),
    row(
      'E50',
      'token manager asked for BASIC auth: exception "Unsupported authentication type for access token request..."',
      differs(
        'only the OAuth types can request a token, so nothing needs to be rejected: with BASIC the 401 of an extension is final',
        async stage => {
          const authentication = { type: 'BASIC', properties: PERSON } as const
          await stage.configure(AT, { authentication })
          stage.extension(AT).answer(() => json(ERROR, 401))
          const { call, issued: refused, reached } = await ask(stage)
          assertServerError(refused)
          assert.equal(reached, 1)
          assert.equal(call.details.error.code, 'extension_error')
        },
      ),
    ),
  ],
}
