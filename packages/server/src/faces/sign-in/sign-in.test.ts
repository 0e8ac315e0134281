import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { CALLBACK, openBrowser } from '../../ground/pages/browser.fixture.ts'
import type { Application, User } from '../../ground/store/model.ts'
import { startWorld, type World } from '../../world.fixture.ts'

let world: World
let shop: Application
let user: User

before(async () => {
  world = await startWorld()
  shop = await world.addApplication(
    {
      name: 'Corner <Shop> & Co',
      grantTypes: ['authorization_code', 'refresh_token'],
      callbackUrls: [CALLBACK],
      skipsConsent: false,
    },
    ['cart.read'],
  )
  user = await world.addUser()
})
after(() => world.close())

const addressOf = (more: Record<string, string> = {}, application = shop, base = world.base) =>
  `${base}/oauth2/authorize?${new URLSearchParams({
    client_id: application.clientId,
    redirect_uri: CALLBACK,
    response_type: 'code',
    scope: 'openid email cart.read',
    state: 's-1',
    ...more,
  })}`
const credentials = () => ({ username: user.userName, password: 'correct horse', step: 'sign-in' })

describe('the page', () => {
  test('escapes the application’s name, and runs no script and in no frame', async () => {
    const page = await openBrowser(world.server.address).open(addressOf())
    assert.match(page.html, /Corner &lt;Shop&gt; &amp; Co/)
    assert(!page.html.includes('<script'))
    const policy = page.headers.get('content-security-policy') ?? ''
    assert.match(policy, /default-src 'none'/)
    assert.match(policy, /frame-ancestors 'none'/)
    assert.match(policy, /form-action 'self' http:\/\/127\.0\.0\.1:65535/)
    assert.equal(page.headers.get('cache-control'), 'no-store')
    assert.equal(page.headers.get('x-content-type-options'), 'nosniff')
  })

  test('labels every field, and lets a password manager fill it in', async () => {
    const { html } = await openBrowser(world.server.address).open(addressOf({ login_hint: 'mira' }))
    assert.match(html, /<label for="username">/)
    assert.match(html, /<label for="password">/)
    assert.match(html, /autocomplete="current-password"/)
    assert.match(html, /value="mira"/)
    assert.match(html, /<html lang="en">/)
  })

  test('shows the same message for a wrong password, an unknown user and a deactivated one', async () => {
    const disabled = await world.addUser({ isActive: false })
    const complaints = new Set<string>()
    for (const attempt of [
      { username: user.userName, password: 'wrong' },
      { username: 'nobody', password: 'correct horse' },
      { username: disabled.userName, password: 'correct horse' },
    ]) {
      const browser = openBrowser(world.server.address)
      const again = await browser.submit(await browser.open(addressOf()), { ...attempt, step: 'sign-in' })
      assert.equal(again.status, 400)
      complaints.add(/role="alert">([^<]*)/.exec(again.html)?.[1] ?? '')
    }
    assert.deepEqual([...complaints], ['The user name or the password is wrong.'])
  })

  test('lets the user try again, and never shows the typed password', async () => {
    const browser = openBrowser(world.server.address)
    const again = await browser.submit(await browser.open(addressOf()), {
      ...credentials(),
      password: 'a secret guess',
    })
    assert(!again.html.includes('a secret guess'))
    assert.match((await browser.submit(again, credentials())).html, /Allow access\?/)
  })
})

describe('consent', () => {
  test('lists the requested scopes, and is not shown again in the same session', async () => {
    const browser = openBrowser(world.server.address)
    const consent = await browser.submit(await browser.open(addressOf()), credentials())
    for (const wish of ['know who you are', 'read your e-mail address', 'cart.read'])
      assert(consent.html.includes(wish))
    const landing = await browser.submit(consent, { step: 'allow' })
    assert.equal(new URL(landing.url).searchParams.get('state'), 's-1')
    const second = await browser.open(addressOf())
    assert.equal(second.status, 0)
    assert.equal(typeof new URL(second.url).searchParams.get('code'), 'string')
    const more = await browser.open(addressOf({ scope: 'openid email profile' }))
    assert.match(more.html, /read your name and profile/)
    assert(!more.html.includes('e-mail'))
  })

  test('a denied consent and a cancelled sign-in are reported to the application', async () => {
    const browser = openBrowser(world.server.address)
    const consent = await browser.submit(await browser.open(addressOf()), credentials())
    const denied = await browser.submit(consent, { step: 'cancel' })
    assert.equal(new URL(denied.url).searchParams.get('error'), 'access_denied')
    const other = openBrowser(world.server.address)
    const given = await other.submit(await other.open(addressOf()), { step: 'cancel' })
    assert.equal(new URL(given.url).searchParams.get('error'), 'access_denied')
  })
})

describe('requests from other origins', () => {
  const post = (url: string, cookie: string, form: Record<string, string>, headers: Record<string, string> = {}) =>
    fetch(url, { method: 'POST', redirect: 'manual', headers: { cookie, ...headers }, body: new URLSearchParams(form) })

  /** A sign-in page with its cookies, outside a browser. */
  async function begin() {
    const redirect = await fetch(addressOf(), { redirect: 'manual' })
    const cookie = redirect.headers
      .getSetCookie()
      .map(text => text.split(';')[0])
      .join('; ')
    const url = new URL(redirect.headers.get('location') ?? '', world.server.address).href
    const html = await (await fetch(url, { headers: { cookie } })).text()
    return {
      url,
      cookie,
      cookies: redirect.headers.getSetCookie(),
      csrf: /name="csrf" value="([^"]*)"/.exec(html)?.[1] ?? '',
    }
  }

  test('a form without the page’s token, or sent by another site, is refused', async () => {
    const { url, cookie, csrf } = await begin()
    const form = credentials()
    assert.equal((await post(url, cookie, form)).status, 403)
    assert.equal((await post(url, cookie, { ...form, csrf: 'guess' })).status, 403)
    const crossSite = { 'sec-fetch-site': 'cross-site' }
    assert.equal((await post(url, cookie, { ...form, csrf }, crossSite)).status, 403)
    assert.equal((await post(url, cookie, { ...form, csrf })).status, 303)
  })

  test('another browser cannot continue a sign-in', async () => {
    const { url, csrf } = await begin()
    const { status } = await post(url, '', { ...credentials(), csrf })
    assert.equal(status, 400)
  })

  test('cookies are for the server alone', async () => {
    const { cookies } = await begin()
    assert(cookies.length > 0)
    for (const cookie of cookies) {
      assert.match(cookie, /httponly/i)
      assert.match(cookie, /samesite=lax/i)
    }
  })

  test('a form that is too large is refused before it is read', async () => {
    const { url, cookie, csrf } = await begin()
    assert.equal((await post(url, cookie, { csrf, username: 'x'.repeat(20_000) })).status, 413)
  })

  test('another method is refused', async () => {
    const { url, cookie } = await begin()
    const { status, headers } = await fetch(url, { method: 'DELETE', headers: { cookie } })
    assert.deepEqual([status, headers.get('allow')], [405, 'GET, HEAD, POST'])
  })

  test('an unregistered callback and an unknown client end on a page, not at the callback', async () => {
    for (const parameters of [{ redirect_uri: 'https://evil.test/' }, { client_id: 'nobody' }]) {
      const page = await openBrowser(world.server.address).open(addressOf(parameters))
      assert.equal(page.status, 400)
      assert.match(page.html, /The request failed/)
      assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/)
    }
  })
})

describe('callbacks', () => {
  test('http on a loopback address with the implicit flow, and the scheme of a native application, are accepted', async () => {
    const native = 'com.example.shop:/signed-in'
    const application = await world.addApplication({
      grantTypes: ['authorization_code', 'implicit'],
      callbackUrls: ['http://localhost:3000/callback', native],
    })
    const browser = openBrowser(world.server.address)
    const page = await browser.open(addressOf({ redirect_uri: native }, application))
    assert.match(page.headers.get('content-security-policy') ?? '', /form-action 'self' com\.example\.shop:/)
    const landing = await browser.submit(page, credentials())
    assert(landing.url.startsWith('com.example.shop:/signed-in?code='))
  })

  test('a callback that would run as a script is ignored, and the others still work', async () => {
    const application = await world.addApplication({
      grantTypes: ['authorization_code'],
      callbackUrls: ['javascript:alert(1)', CALLBACK],
    })
    assert.equal((await openBrowser(world.server.address).open(addressOf({}, application))).status, 200)
    const script = await openBrowser(world.server.address).open(
      addressOf({ redirect_uri: 'javascript:alert(1)' }, application),
    )
    assert.equal(script.status, 400)
  })

  test('a public client must use PKCE', async () => {
    const spa = await world.addApplication({
      grantTypes: ['authorization_code'],
      callbackUrls: [CALLBACK],
      isPublicClient: true,
    })
    const landing = await openBrowser(world.server.address).open(addressOf({}, spa))
    assert.equal(new URL(landing.url).searchParams.get('error'), 'invalid_request')
  })
})

test('signing out ends the session, and the next request requires the password again', async () => {
  const quick = await world.addApplication({ grantTypes: ['authorization_code'], callbackUrls: [CALLBACK] })
  const browser = openBrowser(world.server.address)
  await browser.submit(await browser.open(addressOf({}, quick)), credentials())
  assert.equal((await browser.open(addressOf({}, quick))).status, 0)
  const asked = await browser.open(`${world.base}/oidc/logout`)
  assert.match(asked.html, /Sign out\?/)
  assert.match((await browser.submit(asked, { logout: 'yes' })).html, /You are signed out/)
  assert.match((await browser.open(addressOf({}, quick))).html, /name="password"/)
})

test('a device form without its session is refused with a page', async () => {
  const response = await fetch(`${world.base}/device`, {
    method: 'POST',
    body: new URLSearchParams({ user_code: 'ABCD-EFGH' }),
  })
  assert.equal(response.status, 400)
  assert.match(await response.text(), /This form has expired, or your browser blocks cookies\. Open the page again\./)
})

test('sessions of two tenants on one host are separate', async () => {
  const browser = openBrowser(world.server.address)
  const quick = await world.addApplication({ grantTypes: ['authorization_code'], callbackUrls: [CALLBACK] })
  await browser.submit(await browser.open(addressOf({}, quick)), credentials())
  const atRoot = await browser.open(`${world.server.address}/device`)
  assert.equal(atRoot.status, 200)
  assert.equal((await browser.open(addressOf({}, quick))).status, 0)
})
