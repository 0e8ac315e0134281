import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { type EndpointAuthentication, platforms } from '@preflow/contract'
import { authenticate, createCredentialSource, type OAuthAuthentication } from './authenticate.ts'
import { callTo, errorOf, executeAction, hurried, successOf, testPorts } from './calls.fixture.ts'
import { type Reply, startExtension } from './extension-under-test.fixture.ts'

const next = platforms['wso2-is-next']

test('E37: BASIC is the base64 of user and password in UTF-8', () => {
  const properties = { username: 'admin', password: 'pä:w' }
  assert.deepEqual(authenticate({ type: 'BASIC', properties }, undefined), {
    authorization: `Basic ${Buffer.from('admin:pä:w').toString('base64')}`,
  })
})

test('E38: BEARER is the token', () => {
  assert.deepEqual(authenticate({ type: 'BEARER', properties: { accessToken: 't' } }, undefined), {
    authorization: 'Bearer t',
  })
})

test('E39: API_KEY is the header of that name', () => {
  assert.deepEqual(authenticate({ type: 'API_KEY', properties: { header: 'X-Key', value: 'v' } }, undefined), {
    'x-key': 'v',
  })
})

test('E40: NONE is nothing', () => {
  assert.deepEqual(authenticate({ type: 'NONE' }, undefined), {})
})

test('E36: the headers of the contract take precedence over an API key with one of their names', async t => {
  const { uri, calls } = await startExtension(t, {})
  const authentication: EndpointAuthentication = { type: 'API_KEY', properties: { header: 'Accept', value: 'mine' } }
  await executeAction(callTo(uri, { endpoint: { authentication }, action: { version: 'v1' } }), testPorts(t))
  const headers = calls[0]?.headers
  assert.equal(calls[0]?.method, 'POST')
  assert.equal(headers?.accept, 'application/json')
  assert.equal(headers?.['content-type'], 'application/json')
  assert.equal(headers?.['x-wso2-api-version'], 'v1')
})

function clientCredential(tokenEndpoint: string): OAuthAuthentication {
  return {
    type: 'CLIENT_CREDENTIAL',
    properties: { clientId: 'engine', clientSecret: 's3cret', tokenEndpoint, scopes: 'extension.call' },
  }
}

function passwordCredential(tokenEndpoint: string): OAuthAuthentication {
  return {
    type: 'PASSWORD_CREDENTIAL',
    properties: { clientId: 'engine', clientSecret: 's3cret', tokenEndpoint, username: 'robot', password: 'p4ss' },
  }
}

const token = (accessToken: string, more: object = {}): Reply => ({
  json: { access_token: accessToken, token_type: 'Bearer', ...more },
})

async function startBoth(t: TestContext, tokens: Reply[], answers: Reply[]) {
  const issuer = await startExtension(t, ...tokens)
  const extension = await startExtension(t, ...answers)
  const call = callTo(extension.uri, {
    endpoint: { authentication: clientCredential(issuer.uri) },
    platform: hurried(next),
  })
  return { issuer, extension, call }
}

suite('a token for the extension', () => {
  test('E41: is fetched with the client in the header and sent as a bearer token', async t => {
    const { issuer, extension, call } = await startBoth(t, [token('t-1')], [{}])
    successOf(await executeAction(call, testPorts(t)))
    assert.equal(issuer.calls[0]?.headers.authorization, `Basic ${Buffer.from('engine:s3cret').toString('base64')}`)
    assert.equal(issuer.calls[0]?.headers['content-type'], 'application/x-www-form-urlencoded')
    assert.equal(issuer.calls[0]?.text, 'grant_type=client_credentials&scope=extension.call')
    assert.equal(extension.calls[0]?.headers.authorization, 'Bearer t-1')
  })

  test('E42 T223: is fetched with user and password for PASSWORD_CREDENTIAL', async t => {
    const { issuer, extension, call } = await startBoth(t, [token('t-1')], [{}])
    const authentication = passwordCredential(issuer.uri)
    successOf(
      await executeAction(
        { ...call, action: { ...call.action, endpoint: { uri: extension.uri, authentication } } },
        testPorts(t),
      ),
    )
    assert.equal(issuer.calls[0]?.text, 'grant_type=password&username=robot&password=p4ss')
    assert.equal(extension.calls[0]?.headers.authorization, 'Bearer t-1')
  })

  const refusals: [row: string, reply: Reply][] = [
    ['E43 401', { status: 401 }],
    ['E44 400', { status: 400, json: { error: 'invalid_client' } }],
    ['E45 no access_token', { json: { token_type: 'Bearer' } }],
    ['E45 an access_token that is not a string', { json: { access_token: 5 } }],
    ['E46 not JSON', { text: 'not-json' }],
    ['E47 500', { status: 500 }],
    ['another status than 200, even with a token', { status: 201, json: { access_token: 't-1' } }],
  ]
  for (const [row, reply] of refusals) {
    test(`${row} T222: is unavailable, and the extension is not called`, async t => {
      const { issuer, extension, call } = await startBoth(t, [reply], [{}])
      const ports = testPorts(t)
      const error = errorOf(await executeAction(call, ports))
      assert.equal(error.code, 'credentials')
      assert.match(error.message, /^Error occurred while retrieving access token for actions\./)
      assert.doesNotMatch(error.message, /s3cret|engine/)
      assert.equal(issuer.calls.length, 1)
      assert.equal(extension.calls.length, 0)
      assert.ok(
        ports.steps.some(step =>
          step.resultMessage.startsWith('Failed to retrieve a new access token using CLIENT_CREDENTIAL'),
        ),
      )
    })
  }

  test('is unavailable from an endpoint that does not answer, and the extension is not called', async t => {
    const { extension, call } = await startBoth(t, [() => {}], [{}])
    assert.equal(errorOf(await executeAction(call, testPorts(t))).code, 'credentials')
    assert.equal(extension.calls.length, 0)
  })

  test('is used again until shortly before it expires', async t => {
    const { issuer, call } = await startBoth(t, [token('t-1', { expires_in: 3600 }), token('t-2')], [{}])
    let now = 0
    const ports = testPorts(t)
    const credentials = createCredentialSource({ send: ports.send, now: () => now })
    const run = () => executeAction(call, { ...ports, credentials })
    await run()
    now = 3_569_000
    await run()
    assert.equal(issuer.calls.length, 1)
    now = 3_570_000
    await run()
    assert.equal(issuer.calls.length, 2)
  })

  test('is used until the extension rejects it, if its lifetime is unknown', async t => {
    const { issuer, call } = await startBoth(t, [token('t-1')], [{}])
    const ports = testPorts(t)
    await executeAction(call, ports)
    await executeAction(call, ports)
    assert.equal(issuer.calls.length, 1)
  })

  test('is fetched once for concurrent calls', async t => {
    const { issuer, extension, call } = await startBoth(t, [token('t-1')], [{}])
    const ports = testPorts(t)
    await Promise.all([executeAction(call, ports), executeAction(call, ports), executeAction(call, ports)])
    assert.equal(issuer.calls.length, 1)
    assert.equal(extension.calls.length, 3)
  })

  test('is fetched for each set of credentials', async t => {
    const { issuer, extension, call } = await startBoth(t, [token('t-1'), token('t-2')], [{}])
    const ports = testPorts(t)
    await executeAction(call, ports)
    const authentication = passwordCredential(issuer.uri)
    await executeAction(
      { ...call, action: { ...call.action, endpoint: { uri: extension.uri, authentication } } },
      ports,
    )
    assert.deepEqual(
      extension.calls.map(({ headers }) => headers.authorization),
      ['Bearer t-1', 'Bearer t-2'],
    )
  })

  test('is replaced once if the extension answers 401', async t => {
    const { issuer, extension, call } = await startBoth(t, [token('old'), token('new')], [{ status: 401 }, {}])
    const ports = testPorts(t)
    successOf(await executeAction(call, ports))
    assert.equal(issuer.calls.length, 2)
    assert.deepEqual(
      extension.calls.map(({ headers }) => headers.authorization),
      ['Bearer old', 'Bearer new'],
    )
    assert.ok(
      ports.steps.some(step =>
        /Refreshing the token and retrying the API call\. Attempt 1 of 1\.$/.test(step.resultMessage),
      ),
    )
  })

  test('is not replaced twice', async t => {
    const { issuer, extension, call } = await startBoth(
      t,
      [token('t-1'), token('t-2'), token('t-3')],
      [{ status: 401, text: 'Unauthorized', headers: {} }],
    )
    const ports = testPorts(t)
    assert.equal(errorOf(await executeAction(call, ports)).code, 'unexpected_status')
    assert.equal(issuer.calls.length, 2)
    assert.equal(extension.calls.length, 2)
    assert.ok(ports.steps.some(step => step.resultMessage.startsWith('Maximum retry attempts (1) reached')))
  })

  test('E48 E49: is refreshed first if a refresh token is known, then fetched with the configured grant', async t => {
    const { issuer, call } = await startBoth(
      t,
      [token('t-1', { refresh_token: 'r-1' }), token('t-2', { refresh_token: 'r-2' }), { status: 400 }, token('t-3')],
      [{ status: 401 }, {}, { status: 401 }, {}],
    )
    const ports = testPorts(t)
    successOf(await executeAction(call, ports))
    successOf(await executeAction(call, ports))
    assert.deepEqual(
      issuer.calls.map(({ text }) => new URLSearchParams(text).get('grant_type')),
      ['client_credentials', 'refresh_token', 'refresh_token', 'client_credentials'],
    )
    assert.deepEqual(
      issuer.calls.map(({ text }) => new URLSearchParams(text).get('refresh_token')),
      [null, 'r-1', 'r-2', null],
    )
  })

  test('is not fetched for an extension with fixed credentials: its 401 is final', async t => {
    const { uri, calls } = await startExtension(t, { status: 401, text: 'Unauthorized' })
    const endpoint = { authentication: { type: 'BEARER' as const, properties: { accessToken: 't' } } }
    assert.equal(errorOf(await executeAction(callTo(uri, { endpoint }), testPorts(t))).code, 'unreadable_answer')
    assert.equal(calls.length, 1)
  })
})
