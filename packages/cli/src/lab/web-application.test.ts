import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Browser, openBrowser, type Page } from './browser.fixture.ts'
import { demoAddresses } from './demo-addresses.ts'
import { startTestLab } from './lab.fixture.ts'
import type { Lab } from './start-lab.ts'
import { startWebApplication } from './web-application.ts'

describe('the web application', () => {
  let folder: string
  let lab: Lab

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'preflow-web-'))
    lab = await startTestLab(folder)
  })
  after(async () => {
    await lab.close()
    await rm(folder, { recursive: true })
  })

  const user = () => lab.demo.users[0] as Lab['demo']['users'][number]

  /** From the first page to the password page. */
  async function begin(browser: Browser, fields: Record<string, string> = {}): Promise<Page> {
    return browser.submit(await browser.open(lab.webUrl), fields)
  }

  /** From the password page to the PIN page. */
  async function enterPassword(browser: Browser, page: Page): Promise<Page> {
    const { userName, password } = user()
    const asked = await browser.submit(page, { username: userName, password, step: 'sign-in' })
    assert.ok(asked.url.startsWith(`${lab.extensionsUrl}/pin-authenticator/pin?`), asked.url)
    return asked
  }

  /** From the password page to the application. */
  async function signIn(browser: Browser, page: Page): Promise<Page> {
    const consent = await browser.submit(await enterPassword(browser, page), { pin: user().pin ?? '' })
    assert.match(consent.text, /Allow access\?/)
    return browser.submit(consent, { step: 'allow' })
  }

  test('is where a sign-in ends: it shows the user and the claims of the tokens, but no token', async () => {
    const browser = openBrowser()
    const page = await signIn(browser, await begin(browser))
    assert.equal(page.status, 200)
    assert.ok(page.url.startsWith(`${lab.webUrl}/callback?`))
    assert.match(page.text, /Signed in as Mira Example/)
    assert.match(
      page.text,
      /Requested from 205\.210\.31\.51\. The access token is valid for 60 minutes and has the scopes email openid orders\.read profile/,
    )
    assert.match(
      page.text,
      /Claims of the ID token .* email mira@example\.com .*Claims of the access token .* aut APPLICATION_USER /,
    )
    assert.match(page.text, / amr \["pwd","custom-pin"\] /)
    assert.match(page.text, /iat \d+ 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC/)
    assert.doesNotMatch(page.html, /eyJ/)
  })

  test('shows the refusal for a blocked address, with the id of the call record', async () => {
    const browser = openBrowser()
    const refused = await signIn(browser, await begin(browser, { from: demoAddresses.blocked.address }))
    assert.equal(refused.status, 403)
    assert.match(refused.text, /blocked from your region KP\. Error access_denied Call id /)
    const [, url = '', id] = /curl -s (\S+\/([\w-]+)) -u admin:PASSWORD/.exec(refused.text) ?? []
    const authorization = `Basic ${Buffer.from(`admin:${lab.adminPassword}`).toString('base64')}`
    const call = await fetch(url, { headers: { authorization } })
    assert.equal(call.status, 200)
    const { id: kept, status } = (await call.json()) as { id: string; status: string }
    assert.deepEqual([kept, status], [id, 'failed'])

    // The browser has a session now, so another address gets another token without a password.
    const start = await browser.follow(refused, 'Sign in again')
    assert.match((await browser.submit(start, {})).text, /Signed in as Mira Example/)
  })

  test('requests a token from a doubtful address, with a shorter lifetime', async () => {
    const browser = openBrowser()
    const page = await signIn(browser, await begin(browser, { from: demoAddresses.doubtful.address }))
    assert.match(page.text, /Requested from 14\.102\.69\.58\. The access token is valid for (15|5) minutes/)
  })

  test('shows the id of the call if an extension does not answer', async () => {
    const path = `${lab.server}/t/demo/api/server/v1/actions/preIssueAccessToken`
    const headers = {
      authorization: `Basic ${Buffer.from(`admin:${lab.adminPassword}`).toString('base64')}`,
      'content-type': 'application/json',
    }
    const [action] = (await (await fetch(path, { headers })).json()) as [{ id: string }]
    const point = (uri: string) =>
      fetch(`${path}/${action.id}`, { method: 'PATCH', headers, body: JSON.stringify({ endpoint: { uri } }) })
    assert.equal((await point(`${lab.extensionsUrl}/nobody`)).status, 200)
    try {
      const browser = openBrowser()
      const { status, text } = await signIn(browser, await begin(browser))
      assert.equal(status, 403)
      assert.match(text, / Error server_error Call id [\w-]{36} /)
    } finally {
      await point(`${lab.extensionsUrl}/token-guard`)
    }
  })

  test('signs users out, and is where they return', async () => {
    const browser = openBrowser()
    const asked = await browser.follow(await signIn(browser, await begin(browser)), 'Sign out')
    const back = await browser.submit(asked, { logout: 'yes' })
    assert.equal(back.url, `${lab.webUrl}/`)
    assert.match((await begin(browser)).text, /Password/)
  })

  test('gets a result only after the right PIN, or if the user cancels', async () => {
    const browser = openBrowser()
    const asked = await enterPassword(browser, await begin(browser))
    assert.match(asked.text, /Enter your PIN to continue to Web shop/)
    const again = await browser.submit(asked, { pin: user().pin === '730461' ? '730462' : '730461' })
    assert.deepEqual([again.status, /Attempts left: 4\./.test(again.text)], [422, true])
    assert.match((await browser.submit(again, { pin: user().pin ?? '' })).text, /Allow access\?/)

    const other = openBrowser()
    const cancelled = await other.submit(await enterPassword(other, await begin(other)), { cancel: 'yes' })
    assert.equal(cancelled.status, 403)
    assert.match(cancelled.text, /The sign-in was cancelled\. Error pin_cancelled /)
    assert.match(cancelled.text, /\/actions\/calls -u admin:PASSWORD/)
  })

  test('is informed after too many wrong PINs', async () => {
    const browser = openBrowser()
    let page = await enterPassword(browser, await begin(browser))
    for (const pin of ['111111', '222222', '333333', '444444', '555555']) page = await browser.submit(page, { pin })
    const back = await browser.follow(page, 'Back to the sign-in')
    assert.match(back.text, /wrong too many times\..* Error pin_attempts_exceeded /)
  })

  test('shows that the user cancelled', async () => {
    const browser = openBrowser()
    const { status, text } = await browser.submit(await begin(browser), { step: 'cancel' })
    assert.equal(status, 403)
    assert.match(text, /The user denied the request\. Error access_denied/)
    assert.match(text, /\/actions\/calls -u admin:PASSWORD/)
  })

  test('accepts no callback twice, none from another browser, and none with another state', async () => {
    const browser = openBrowser()
    const { url } = await signIn(browser, await begin(browser))
    const forged = new URL(url)
    forged.searchParams.set('state', '__proto__; x')
    for (const [who, address] of [
      [browser, url],
      [openBrowser(), url],
      [browser, forged.href],
    ] as const) {
      const { status, text } = await who.open(address)
      assert.equal(status, 400)
      assert.match(text, /This sign-in was not started in this browser, was finished before, or took too long\./)
    }
  })

  test('escapes what it shows, runs no script and allows no frame', async () => {
    const browser = openBrowser()
    const page = await begin(browser)
    const { headers } = await fetch(lab.webUrl)
    const policy = headers.get('content-security-policy') ?? ''
    for (const part of ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'"]) {
      assert.ok(policy.includes(part), policy)
    }
    assert.deepEqual([headers.get('cache-control'), headers.get('referrer-policy')], ['no-store', 'no-referrer'])
    const cancelled = await browser.submit(page, { step: 'cancel' })
    const { searchParams } = new URL(cancelled.url)
    assert.equal(searchParams.get('error'), 'access_denied')

    const other = await fetch(`${lab.webUrl}/sign-in`)
    const [, url = ''] = /url=([^"]*)"/.exec(await other.text()) ?? []
    const sent = new URL(url.replaceAll('&amp;', '&')).searchParams
    assert.deepEqual(
      [sent.get('code_challenge_method'), sent.get('scope')],
      ['S256', 'openid profile email orders.read'],
    )
    const [cookie = ''] = other.headers.getSetCookie()
    assert.match(cookie, /; HttpOnly/)
    assert.match(cookie, /; SameSite=Lax/)
    const told = new URLSearchParams({
      error: 'custom',
      error_description: '<b onclick="x">bold</b>',
      state: sent.get('state') ?? '',
      iss: searchParams.get('iss') ?? '',
    })
    const shown = await fetch(`${lab.webUrl}/callback?${told}`, { headers: { cookie: cookie.split(';')[0] ?? '' } })
    assert.equal(shown.status, 403)
    assert.match(await shown.text(), /&lt;b onclick=&quot;x&quot;&gt;bold&lt;\/b&gt;/)
  })

  test('redirects requests with another name of this machine to its own address', async () => {
    const { port } = new URL(lab.webUrl)
    const response = await fetch(`http://localhost:${port}/sign-in`, { redirect: 'manual' })
    assert.deepEqual([response.status, response.headers.get('location')], [302, lab.webUrl])
  })

  test('has no other page', async () => {
    assert.equal((await fetch(`${lab.webUrl}/admin`)).status, 404)
  })
})

describe('a web application without its server', () => {
  test('shows a notice before the server is ready, and an error when the server has stopped', async () => {
    const web = await startWebApplication({ port: 0 })
    try {
      assert.equal((await fetch(web.url)).status, 503)
      // A port that was just released.
      const { port } = new URL(web.url)
      const gone = await startWebApplication({ port: 0 })
      await gone.close()
      assert.notEqual(new URL(gone.url).port, port)
      web.connect({ tenantUrl: gone.url, name: 'Web shop', clientId: 'c', clientSecret: 's' })
      assert.equal((await fetch(web.url)).status, 200)
      const response = await fetch(`${web.url}/sign-in`)
      assert.equal(response.status, 502)
      assert.match(await response.text(), /The server cannot be used/)
    } finally {
      await web.close()
    }
  })
})
