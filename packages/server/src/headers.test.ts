import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { CALLBACK, openBrowser, type Page } from './ground/pages/browser.fixture.ts'
import type { Application, User } from './ground/store/model.ts'
import { startWorld, type World } from './world.fixture.ts'

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'

let world: World
let user: User
let tv: Application
let shop: Application
before(async () => {
  world = await startWorld()
  user = await world.addUser()
  tv = await world.addApplication({ grantTypes: [DEVICE], isPublicClient: true, name: 'Living room' })
  shop = await world.addApplication({ grantTypes: ['authorization_code'], callbackUrls: [CALLBACK] })
})
after(() => world.close())

const PAGE_HEADERS = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cross-origin-opener-policy': 'same-origin',
}

function assertPage(page: Page, what: string): void {
  for (const [name, value] of Object.entries(PAGE_HEADERS)) {
    assert.equal(page.headers.get(name), value, `${name} of ${what}`)
  }
  const policy = page.headers.get('content-security-policy') ?? ''
  assert.match(policy, /default-src 'none'/, what)
  assert.match(policy, /frame-ancestors 'none'/, what)
  assert.doesNotMatch(policy, /script-src|unsafe/, what)
  assert.match(page.html, /<!doctype html>/i, what)
  assert.doesNotMatch(page.html, /<script|\son\w+=|javascript:/i, what)
}

test('AZ-56: every page for a device has the headers of all pages, and no script', async () => {
  const browser = openBrowser(world.server.address)
  const visited: [what: string, page: Page][] = []
  const see = (what: string, page: Page) => {
    visited.push([what, page])
    return page
  }
  const begun = async () => {
    const { device } = { device: await world.post('/oauth2/device_authorize', tv, { scope: 'openid' }) }
    return (await device.json()) as { user_code: string; verification_uri_complete: string }
  }

  const empty = see('the form', await browser.open(`${world.base}/device`))
  see('a missing code', await browser.submit(empty, {}))
  see('an unknown code', await browser.submit(empty, { user_code: 'XXXX-XXXX' }))
  see('a form without its session', await openBrowser(world.server.address).submit(empty, { user_code: 'XXXX-XXXX' }))
  const entered = see('a filled-in form', await browser.open((await begun()).verification_uri_complete))
  const confirmation = see('the question', await browser.submit(entered, {}))
  assert.match(confirmation.html, /Living room/)
  const signIn = await browser.submit(confirmation, { confirm: 'yes' })
  const credentials = { username: user.userName, password: 'correct horse', step: 'sign-in' }
  see('the end', await browser.submit(signIn, credentials))
  const { verification_uri_complete } = await begun()
  const second = await browser.submit(await browser.open(verification_uri_complete), {})
  see('a cancelled request', await browser.submit(second, { abort: 'yes' }))

  assert.deepEqual(
    visited.filter(([, { status }]) => status === 0 || status >= 500),
    [],
  )
  for (const [what, page] of visited) assertPage(page, what)
})

test('AZ-56: every page of a logout has the headers of all pages, and no script', async () => {
  const browser = openBrowser(world.server.address)
  const logout = `${world.base}/oidc/logout`
  assertPage(await browser.open(logout), 'a logout without a session')
  const query = new URLSearchParams({ client_id: shop.clientId, redirect_uri: CALLBACK, response_type: 'code' })
  const signIn = await browser.open(`${world.base}/oauth2/authorize?${query}`)
  await browser.submit(signIn, { username: user.userName, password: 'correct horse', step: 'sign-in' })
  const asked = await browser.open(logout)
  assertPage(asked, 'the question')
  assertPage(await openBrowser(world.server.address).submit(asked, { logout: 'yes' }), 'a form of another browser')
  assertPage(await browser.submit(await browser.open(logout), {}), 'a refusal of the user')
  assertPage(await browser.submit(await browser.open(logout), { logout: 'yes' }), 'the end')
  for (const wrong of ['id_token_hint=x', 'client_id=nobody', 'client_id=a&client_id=b']) {
    assertPage(await browser.open(`${logout}?${wrong}`), wrong)
  }
})

test('AZ-56: pages for errors and invitations have the same headers', async () => {
  const browser = openBrowser(world.server.address)
  assertPage(await browser.open(`${world.base}/set-password?invitation=x`), 'an invitation')
  assertPage(await browser.open(`${world.base}/oauth2/authorize?client_id=nobody`), 'an unknown client')
  assertPage(await browser.open(`${world.server.address}/commonauth?flowId=x`), 'a return without a flow')
})

test('sign-in pages keep an application’s reference to the window that it opened', async () => {
  const query = new URLSearchParams({ client_id: shop.clientId, redirect_uri: CALLBACK, response_type: 'code' })
  const page = await openBrowser(world.server.address).open(`${world.base}/oauth2/authorize?${query}`)
  assert.match(page.html, /type="password"/)
  assert.equal(page.headers.get('cross-origin-opener-policy'), null)
})

test('every response forbids sniffing and referrers, and only published documents may be cached', async () => {
  const published = [
    '/oauth2/jwks',
    '/oauth2/token/.well-known/openid-configuration',
    '/.well-known/oauth-authorization-server',
  ]
  const others = [
    ...['/oauth2/userinfo', '/oauth2/introspect', '/scim2/Users', '/scim2/Schemas', '/api/server/v1/applications'],
    ...['/api/server/v1/openapi.json', '/api/users/v1/me', '/nowhere', '/oauth2/jwks/more'],
  ]
  const urls = [...published, ...others].map(path => world.base + path)
  for (const url of [...urls, ...['/livez', '/readyz', '/t/nobody/'].map(path => world.server.address + path)]) {
    const { headers, status } = await fetch(url)
    assert.equal(headers.get('x-content-type-options'), 'nosniff', url)
    assert.equal(headers.get('referrer-policy'), 'no-referrer', url)
    const isPublished = published.some(path => url.endsWith(path))
    if (isPublished) assert.equal(status, 200, url)
    assert.equal(headers.get('cache-control'), isPublished ? 'public, max-age=600' : 'no-store', url)
  }
})

test('cookies of an https deployment are secure, for their issuer only, and out of reach of scripts', async context => {
  const secure = await startWorld({ publicUrl: 'https://id.example' })
  context.after(() => secure.close())
  const application = await secure.addApplication({ grantTypes: ['authorization_code'], callbackUrls: [CALLBACK] })
  const query = { client_id: application.clientId, redirect_uri: CALLBACK, response_type: 'code', scope: 'openid' }
  const path = `/t/${secure.tenant.domain}/oauth2/authorize?${new URLSearchParams(query)}`
  const response = await fetch(`http://127.0.0.1:${secure.port}${path}`, { redirect: 'manual' })
  assert.equal(response.headers.get('strict-transport-security'), 'max-age=31536000')
  const cookies = response.headers.getSetCookie()
  assert.ok(cookies.length >= 2, String(response.status))
  for (const cookie of cookies) {
    assert.match(cookie, /^__Secure-preflow-/)
    for (const attribute of ['secure', 'httponly', 'samesite=lax', `path=/t/${secure.tenant.domain}/`]) {
      assert.ok(cookie.toLowerCase().includes(`; ${attribute}`), `${attribute} of ${cookie.split('=')[0]}`)
    }
  }
})
