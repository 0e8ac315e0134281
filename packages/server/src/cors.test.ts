import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { CALLBACK, openBrowser } from './ground/pages/browser.fixture.ts'
import type { Application, User } from './ground/store/model.ts'
import { routesWithAccess } from './routes-with-access.ts'
import { onEachDatabase, type Place, startWorld, type World } from './world.fixture.ts'

const SHOP = 'https://shop.example'
const CALLBACK_ORIGIN = 'https://callback.example'
const EVERYWHERE = 'https://console.example'
const FOREIGN = 'https://evil.example'

interface Sent {
  method?: string
  origin?: string
  headers?: Record<string, string>
  body?: string | URLSearchParams
}

onEachDatabase(databaseUrl => {
  let world: World
  let other: Place
  let shop: Application
  let user: User
  before(async () => {
    world = await startWorld({ allowedOrigins: [EVERYWHERE], ...(databaseUrl === undefined ? {} : { databaseUrl }) })
    other = await world.addPlace()
    const settings = {
      ...{ isPublicClient: true, grantTypes: ['authorization_code', 'password', 'refresh_token'] },
      ...{ allowedOrigins: [SHOP], callbackUrls: [`${CALLBACK_ORIGIN}/cb`, 'com.example.app:/cb'] },
    }
    shop = await world.addApplication(settings, ['internal_login'])
    user = await world.addUser()
  })
  after(() => world.close())

  function send(url: string, { origin, headers = {}, ...init }: Sent = {}): Promise<Response> {
    return fetch(url, { ...init, headers: { ...(origin === undefined ? {} : { origin }), ...headers } })
  }

  function preflight(url: string, origin: string, method = 'PATCH'): Promise<Response> {
    const headers = { 'access-control-request-method': method, 'access-control-request-headers': 'authorization' }
    return send(url, { method: 'OPTIONS', origin, headers })
  }

  const allowOf = ({ headers }: Response) => headers.get('access-control-allow-origin')
  const credentialsOf = ({ headers }: Response) => headers.get('access-control-allow-credentials')

  function assertReadable(response: Response, origin: string, what: string): void {
    assert.deepEqual([allowOf(response), credentialsOf(response)], [origin, 'true'], what)
    assert.match(response.headers.get('vary') ?? '', /Origin/, what)
    assert.match(response.headers.get('access-control-expose-headers') ?? '', /x-preflow-call-id/, what)
  }

  const SHARED = [
    ...['/oauth2/token', '/oauth2/revoke', '/oauth2/introspect', '/oauth2/userinfo', '/oauth2/par'],
    ...['/oauth2/device_authorize', '/scim2/Me', '/scim2/nothing', '/api/server/v1/applications'],
    ...['/api/users/v1/me', '/api/server/v1/nothing'],
  ]
  const PUBLISHED = [
    '/oauth2/jwks',
    '/oauth2/token/.well-known/openid-configuration',
    '/.well-known/openid-configuration',
  ]
  const PAGES = ['/oauth2/authorize', '/oidc/logout', '/device', '/sign-in/x', '/set-password']

  test('every shared path is readable from allowed origins, also if it refuses the request', async () => {
    for (const origin of [SHOP, CALLBACK_ORIGIN, EVERYWHERE]) {
      for (const path of [...SHARED, ...PUBLISHED]) {
        assertReadable(await send(world.base + path, { origin }), origin, path)
        const method = 'POST'
        assertReadable(await send(world.base + path, { origin, method }), origin, `POST ${path}`)
        assertReadable(await preflight(world.base + path, origin), origin, `OPTIONS ${path}`)
      }
    }
  })

  test('a page of any other origin can neither read a response nor pass a preflight', async () => {
    for (const origin of [
      FOREIGN,
      'null',
      `${SHOP}:8443`,
      `${SHOP}.evil.example`,
      'http://shop.example',
      'com.example.app:',
    ]) {
      for (const path of SHARED) {
        const actual = await send(world.base + path, { origin })
        assert.deepEqual([allowOf(actual), credentialsOf(actual)], [null, null], path)
        const prepared = await preflight(world.base + path, origin)
        assert.deepEqual([prepared.status, allowOf(prepared), credentialsOf(prepared)], [403, null, null], path)
      }
    }
  })

  test('published documents are readable from every origin, but with credentials only from allowed ones', async () => {
    for (const path of PUBLISHED) {
      for (const origin of [FOREIGN, 'null', undefined]) {
        const response = await send(world.base + path, origin === undefined ? {} : { origin })
        assert.deepEqual([response.status, allowOf(response), credentialsOf(response)], [200, '*', null], path)
      }
      assert.deepEqual([(await preflight(world.base + path, FOREIGN, 'GET')).status], [204])
    }
  })

  test('no page is shared, neither sign-in nor logout nor device', async () => {
    for (const path of PAGES) {
      for (const response of [
        await send(world.base + path, { origin: SHOP }),
        await preflight(world.base + path, SHOP),
      ]) {
        assert.deepEqual([allowOf(response), credentialsOf(response)], [null, null], path)
      }
    }
  })

  test('an origin of one tenant is not allowed at another', async () => {
    assert.equal((await preflight(`${other.base}/scim2/Me`, SHOP)).status, 403)
    assert.equal((await preflight(`${other.base}/scim2/Me`, EVERYWHERE)).status, 204)
  })

  test('no shared path acts on the cookie of a session', async () => {
    const web = await world.addApplication({ grantTypes: ['authorization_code'], callbackUrls: [CALLBACK] })
    const browser = openBrowser(world.server.address)
    const parameters = { redirect_uri: CALLBACK, response_type: 'code', scope: 'openid' }
    const query = new URLSearchParams({ client_id: web.clientId, ...parameters })
    const signIn = await browser.open(`${world.base}/oauth2/authorize?${query}`)
    await browser.submit(signIn, { username: user.userName, password: 'correct horse', step: 'sign-in' })
    assert.match((await browser.open(`${world.base}/oauth2/authorize?${query}&prompt=none`)).url, /[?&]code=/)
    const routes = routesWithAccess.map(({ path }) => path.replaceAll(/\{\w+\}/g, 'x'))
    for (const path of new Set([...SHARED, ...routes])) {
      const url = world.base + path
      const plain = await send(url)
      const withCookie = await browser.openOnce(url)
      const length = (await plain.text()).length
      assert.deepEqual([withCookie.status, withCookie.html.length], [plain.status, length], path)
      const posted = await send(url, { method: 'POST', body: new URLSearchParams() })
      const page = { url, status: 0, headers: new Headers(), html: '' }
      assert.equal((await browser.submit(page, {})).status, posted.status, `POST ${path}`)
    }
  })

  test('a new origin is allowed at once, until its application is disabled', async () => {
    const origin = 'https://new.example'
    const administer = async (method: string, path: string, body: object) => {
      const authorization = `Basic ${Buffer.from('admin:admin-of-the-test').toString('base64')}`
      const headers = { authorization, 'content-type': 'application/json' }
      const response = await fetch(world.base + path, { method, headers, body: JSON.stringify(body) })
      assert.ok(response.ok, await response.text())
      return response.headers.get('location') ?? ''
    }
    const statusOf = async () => (await preflight(`${world.base}/scim2/Me`, origin)).status
    assert.equal(await statusOf(), 403)
    const oidc = { grantTypes: ['authorization_code'], callbackURLs: [CALLBACK] }
    const path = '/api/server/v1/applications'
    const location = await administer('POST', path, { name: 'New', inboundProtocolConfiguration: { oidc } })
    const application = `${path}/${location.split('/').at(-1)}`
    assert.equal(await statusOf(), 403)
    await administer('PUT', `${application}/inbound-protocols/oidc`, { ...oidc, allowedOrigins: [origin] })
    assert.equal(await statusOf(), 204)
    await administer('PATCH', application, { applicationEnabled: false })
    assert.equal(await statusOf(), 403)
  })

  test('a page of another origin cannot use a user name and password, but an access token', async () => {
    const url = `${world.base}/scim2/Me`
    const form = {
      grant_type: 'password',
      scope: 'openid internal_login',
      username: user.userName,
      password: 'correct horse',
    }
    const issued = await world.token(shop, form, { origin: SHOP })
    assert.equal(issued.status, 200, JSON.stringify(issued.body))
    const basic = `Basic ${Buffer.from(`${user.userName}:correct horse`).toString('base64')}`
    const bearer = `Bearer ${issued.body.access_token}`
    for (const headers of [{ origin: SHOP }, { 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }]) {
      const remembered = await fetch(url, { headers: { ...headers, authorization: basic } })
      assert.equal(remembered.status, 403, JSON.stringify(headers))
      assert.equal((await fetch(url, { headers: { ...headers, authorization: bearer } })).status, 200)
    }
    const own = { origin: world.server.address, 'sec-fetch-site': 'same-origin', authorization: basic }
    assert.equal((await fetch(url, { headers: own })).status, 200)
  })
})
