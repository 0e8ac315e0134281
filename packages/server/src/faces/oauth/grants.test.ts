import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { decodeJwt } from 'jose'
import * as client from 'openid-client'
import { CALLBACK, openBrowser } from '../../ground/pages/browser.fixture.ts'
import type { Application, User } from '../../ground/store/model.ts'
import { type Extension, startExtension, startWorld, type World } from '../../world.fixture.ts'

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'

let world: World
let extension: Extension
let web: Application
let user: User

before(async () => {
  world = await startWorld()
  extension = await startExtension()
  // These tests check when the reference runs actions. On preflow they always run, see every-way.test.ts.
  await world.addAction('PRE_ISSUE_ACCESS_TOKEN', extension.url, { platform: 'wso2-is-next' })
  await world.addAction('PRE_ISSUE_ID_TOKEN', extension.url, { platform: 'wso2-is-next' })
  web = await world.addApplication({ grantTypes: ['password', 'refresh_token'] }, ['cart.read', 'orders.write'])
  user = await world.addUser()
})
after(async () => {
  await extension.close()
  await world.close()
})
beforeEach(() => {
  extension.succeed()
  extension.calls.length = 0
})

const called = () => extension.calls.map(({ body }) => body.actionType)

describe('device code', () => {
  let tv: Application
  before(async () => {
    tv = await world.addApplication({
      grantTypes: [DEVICE, 'refresh_token'],
      isPublicClient: true,
      name: 'Living room',
    })
  })

  async function discover() {
    return client.discovery(new URL(`${world.base}/oauth2/token`), tv.clientId, undefined, client.None(), {
      execute: [client.allowInsecureRequests],
    })
  }

  /** The user enters the code on another device and approves. */
  async function approve(verification: string, choice: Record<string, string> = { confirm: 'yes' }) {
    const browser = openBrowser(world.server.address)
    const asked = await browser.open(verification)
    const entered = await browser.submit(asked, {})
    const confirmation = entered.html.includes('your device?') ? entered : await browser.submit(entered, {})
    assert.match(confirmation.html, /Living room/)
    const next = await browser.submit(confirmation, choice)
    if (!next.html.includes('name="password"')) return next
    return browser.submit(next, { username: user.userName, password: 'correct horse', step: 'sign-in' })
  }

  test('T6, T7, T8: only the ID token action runs, and from the second refresh on both do', async () => {
    const configuration = await discover()
    const started = await client.initiateDeviceAuthorization(configuration, { scope: 'openid profile' })
    const done = await approve(started.verification_uri_complete ?? '')
    assert.match(done.html, /Your device is connected/)
    const tokens = await client.pollDeviceAuthorizationGrant(configuration, { ...started, interval: 0 })
    assert.equal(tokens.claims()?.sub, user.id)
    assert.deepEqual(called(), ['PRE_ISSUE_ID_TOKEN'])
    assert.equal(extension.calls[0]?.body.event.request.grantType, DEVICE)

    extension.calls.length = 0
    const second = await client.refreshTokenGrant(configuration, tokens.refresh_token ?? '')
    assert.deepEqual(called(), ['PRE_ISSUE_ID_TOKEN'])
    extension.calls.length = 0
    await client.refreshTokenGrant(configuration, second.refresh_token ?? '')
    assert.deepEqual(called(), ['PRE_ISSUE_ACCESS_TOKEN', 'PRE_ISSUE_ID_TOKEN'])
  })

  test('a refused ID token leaves the device code usable', async () => {
    const configuration = await discover()
    const started = await client.initiateDeviceAuthorization(configuration, { scope: 'openid' })
    await approve(started.verification_uri_complete ?? '')
    extension.answer(() => ({ body: { actionStatus: 'FAILED', failureReason: 'access_denied' } }))
    const form = { grant_type: DEVICE, device_code: started.device_code }
    assert.equal((await world.token(tv, form)).body.error, 'access_denied')
    extension.succeed()
    assert.equal((await world.token(tv, form)).status, 200)
    assert.equal((await world.token(tv, form)).body.error, 'invalid_grant')
  })

  test('a user who cancels on the page ends the device’s wait, and no action is called', async () => {
    const configuration = await discover()
    const started = await client.initiateDeviceAuthorization(configuration, { scope: 'openid' })
    const page = await approve(started.verification_uri_complete ?? '', { abort: 'yes' })
    assert.match(page.html, /You cancelled/)
    const { body } = await world.token(tv, { grant_type: DEVICE, device_code: started.device_code })
    assert.equal(body.error, 'access_denied')
    assert.deepEqual(called(), [])
  })

  test('a wrong code is reported on a page without scripts', async () => {
    const browser = openBrowser(world.server.address)
    const page = await browser.open(`${world.base}/device`)
    const again = await browser.submit(page, { user_code: 'BBBB-BBBB' })
    assert.match(again.html, /This code does not exist/)
    assert.match(again.headers.get('content-security-policy') ?? '', /default-src 'none'/)
  })
})

describe('authorize endpoint', () => {
  let hybrid: Application
  before(async () => {
    hybrid = await world.addApplication({
      grantTypes: ['authorization_code', 'implicit', 'refresh_token'],
      hybridResponseTypes: ['code id_token', 'code id_token token'],
      callbackUrls: [CALLBACK],
    })
  })

  async function land(response_type: string) {
    const browser = openBrowser(world.server.address)
    const query = new URLSearchParams({
      client_id: hybrid.clientId,
      redirect_uri: CALLBACK,
      response_type,
      scope: 'openid profile',
      nonce: 'n-1',
    })
    const page = await browser.open(`${world.base}/oauth2/authorize?${query}`)
    assert.equal(page.status, 200, page.url)
    const landing = await browser.submit(page, { username: user.userName, password: 'correct horse', step: 'sign-in' })
    return new URLSearchParams(new URL(landing.url).hash.slice(1))
  }

  test('T10, T12: implicit response types run no action', async () => {
    for (const type of ['id_token', 'id_token token']) {
      const answer = await land(type)
      assert.equal(decodeJwt(answer.get('id_token') ?? '').sub, user.id)
    }
    assert.deepEqual(called(), [])
  })

  test('T11: the hybrid flow runs the ID token action with the response type and without a grant', async () => {
    extension.succeed({ op: 'add', path: '/idToken/claims/-', value: { name: 'tier', value: 'gold' } })
    const answer = await land('code id_token token')
    assert.deepEqual(called(), ['PRE_ISSUE_ID_TOKEN'])
    const { request } = extension.calls[0]?.body.event ?? {}
    assert.deepEqual([request.responseType, request.grantType], ['code id_token token', undefined])
    const idToken = decodeJwt(answer.get('id_token') ?? '')
    assert.equal(idToken['tier'], 'gold')
    assert.equal(typeof idToken['c_hash'], 'string')
    assert.equal(typeof idToken['at_hash'], 'string')
    assert.equal(decodeJwt(answer.get('access_token') ?? '').sub, user.id)

    extension.succeed()
    const form = { grant_type: 'authorization_code', code: answer.get('code') ?? '', redirect_uri: CALLBACK }
    const { body } = await world.token(hybrid, form)
    assert.equal(decodeJwt(body.id_token)['tier'], undefined)
  })

  test('a response type that the application does not have is refused', async () => {
    const plain = await world.addApplication({ grantTypes: ['authorization_code'], callbackUrls: [CALLBACK] })
    const query = new URLSearchParams({
      client_id: plain.clientId,
      response_type: 'code id_token',
      scope: 'openid',
      nonce: 'n',
    })
    const { url } = await openBrowser(world.server.address).open(`${world.base}/oauth2/authorize?${query}`)
    assert.match(url, /[?#&]error=unauthorized_client(&|$)/)
  })

  test('T221, E162: for every refusal the client gets the same error, and no code remains', async () => {
    const codes = async () =>
      (
        await world.db.queries
          .selectFrom('oidc_artifacts')
          .select('id')
          .where('model', '=', 'AuthorizationCode')
          .execute()
      ).length
    const before = await codes()
    for (const body of [
      { actionStatus: 'FAILED', failureReason: 'access_denied', failureDescription: 'Not you.' },
      { actionStatus: 'ERROR', errorMessage: 'x', errorDescription: 'y' },
    ]) {
      extension.answer(() => ({ body, status: body.actionStatus === 'ERROR' ? 500 : 200 }))
      const answer = await land('code id_token')
      assert.equal(answer.get('error'), 'server_error')
      assert.match(answer.get('error_description') ?? '', /Error occurred when processing the authorization request/)
      assert.equal(answer.get('code'), null)
    }
    assert.equal(await codes(), before)
  })
})

test('T13: client credentials run no ID token action, even with openid', async () => {
  const m2m = await world.addApplication({}, ['jobs.run'])
  const { body } = await world.token(m2m, { grant_type: 'client_credentials', scope: 'openid jobs.run' })
  assert.deepEqual(called(), ['PRE_ISSUE_ACCESS_TOKEN'])
  assert.deepEqual([body.scope, body.id_token], ['jobs.run', undefined])
})

test('T15: the console runs only the access token action', async () => {
  const portal = await world.addApplication({ grantTypes: ['password'], isSystem: true })
  const form = { grant_type: 'password', username: user.userName, password: 'correct horse', scope: 'openid' }
  assert.equal((await world.token(portal, form)).status, 200)
  assert.deepEqual(called(), ['PRE_ISSUE_ACCESS_TOKEN'])
})

test('a grant that the application does not have, and an unknown grant', async () => {
  const m2m = await world.addApplication()
  const forbidden = await world.token(m2m, { grant_type: 'password' })
  assert.deepEqual([forbidden.status, forbidden.body.error], [400, 'unauthorized_client'])
  const device = await world.post('/oauth2/device_authorize', m2m, {})
  assert.deepEqual([device.status, ((await device.json()) as { error: string }).error], [400, 'unauthorized_client'])
  assert.equal((await world.token(m2m, { grant_type: 'urn:x' })).body.error, 'unsupported_grant_type')
  assert.equal((await world.token(m2m, {})).body.error, 'invalid_request')
})

test('guessing passwords is slowed down at the token endpoint and on the page', async () => {
  const form = { grant_type: 'password', username: 'guessed', password: 'wrong' }
  for (let guess = 0; guess < 10; guess++) {
    assert.match((await world.token(web, form)).body.error_description, /The user name or the password is wrong/)
  }
  const { status, body } = await world.token(web, form)
  assert.deepEqual([status, body.error], [429, 'temporarily_unavailable'])
  assert.match(body.error_description, /Too many wrong passwords/)

  const site = await world.addApplication({ grantTypes: ['authorization_code'], callbackUrls: [CALLBACK] })
  const browser = openBrowser(world.server.address)
  const query = new URLSearchParams({ client_id: site.clientId, response_type: 'code', scope: 'openid' })
  const page = await browser.open(`${world.base}/oauth2/authorize?${query}`)
  const answer = await browser.submit(page, { username: 'guessed', password: 'wrong', step: 'sign-in' })
  assert.equal(answer.status, 429)
})

describe('a client that does not authenticate', () => {
  const form = new URLSearchParams({ grant_type: 'client_credentials', token: 'x' })
  const ask = async (path: string, init: RequestInit) => {
    const response = await fetch(world.base + path, { method: 'POST', body: form, ...init })
    const { error } = (await response.json()) as { error: string }
    return [response.status, error, response.headers.get('www-authenticate')?.split(' ')[0]]
  }

  for (const path of ['/oauth2/token', '/oauth2/introspect', '/oauth2/revoke', '/oauth2/device_authorize']) {
    test(`gets a challenge at ${path}`, async () => {
      const refused = [401, 'invalid_client', 'Basic']
      assert.deepEqual(await ask(path, {}), refused)
      assert.deepEqual(await ask(path, { headers: { accept: 'text/html' } }), refused)
      assert.deepEqual(await ask(path, { headers: { authorization: 'Bearer x' } }), refused)
      assert.deepEqual(await ask(path, { body: new URLSearchParams({ client_id: 'nobody' }) }), refused)
    })
  }

  test('gets another error than a malformed request', async () => {
    for (const init of [
      { body: new URLSearchParams('client_id=a&client_id=b') },
      { headers: { authorization: 'Basic ???' } },
      {
        headers: { authorization: `Basic ${btoa('a:b')}` },
        body: new URLSearchParams({ client_id: 'a', client_secret: 'b' }),
      },
      { headers: { 'content-type': 'application/json' }, body: '{}' },
    ]) {
      assert.deepEqual((await ask('/oauth2/token', init)).slice(0, 2), [400, 'invalid_request'])
    }
  })
})

test('wrong client credentials are 401, a wrong password is 400, and neither calls an action', async () => {
  const wrong = await world.token({ ...web, clientSecret: 'guess' }, { grant_type: 'password' })
  assert.deepEqual([wrong.status, wrong.body.error], [401, 'invalid_client'])
  const form = { grant_type: 'password', username: user.userName, password: 'guess' }
  const answer = await world.token(web, form)
  assert.deepEqual([answer.status, answer.body.error], [400, 'invalid_grant'])
  assert.deepEqual(called(), [])
})
