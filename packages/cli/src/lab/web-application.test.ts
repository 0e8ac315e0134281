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

  /** From the first page to the one that asks for the password. */
  async function begin(browser: Browser, fields: Record<string, string> = {}): Promise<Page> {
    return browser.submit(await browser.open(lab.webUrl), fields)
  }

  /** From the page that asks for the password to the one that asks for the PIN. */
  async function enterPassword(browser: Browser, page: Page): Promise<Page> {
    const { userName, password } = user()
    const asked = await browser.submit(page, { username: userName, password, step: 'sign-in' })
    assert.ok(asked.url.startsWith(`${lab.extensionsUrl}/pin-authenticator/pin?`), asked.url)
    return asked
  }

  /** From the page that asks for the password to the application. */
  async function signIn(browser: Browser, page: Page): Promise<Page> {
    const consent = await browser.submit(await enterPassword(browser, page), { pin: user().pin ?? '' })
    assert.match(consent.text, /Allow access\?/)
    return browser.submit(consent, { step: 'allow' })
  }

  test('is where a sign-in ends: it shows who is there and what the tokens say, and no token', async () => {
    const browser = openBrowser()
    const page = await signIn(browser, await begin(browser))
    assert.equal(page.status, 200)
    assert.ok(page.url.startsWith(`${lab.webUrl}/callback?`))
    assert.match(page.text, /Signed in as Mira Example/)
    assert.match(
      page.text,
      /205\.210\.31\.51 asked for is good for 60 minutes , and for email openid orders\.read profile/,
    )
    assert.match(
      page.text,
      /The ID token says .* email mira@example\.com .*The access token says .* aut APPLICATION_USER /,
    )
    assert.match(page.text, / amr \["pwd","custom-pin"\] /)
    assert.match(page.text, /iat \d+ 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC/)
    assert.doesNotMatch(page.html, /eyJ/)
  })

  test('shows the refusal of a blocked address, with the id under which the call is kept', async () => {
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

    // The server knows the browser by now, so another address is another token and no password.
    const start = await browser.follow(refused, 'Sign in again')
    assert.match((await browser.submit(start, {})).text, /Signed in as Mira Example/)
  })

  test('asks from a doubtful address for a token that lives shorter', async () => {
    const browser = openBrowser()
    const page = await signIn(browser, await begin(browser, { from: demoAddresses.doubtful.address }))
    assert.match(page.text, /14\.102\.69\.58 asked for is good for (15|5) minutes/)
  })

  test('names the call of an extension that does not answer', async () => {
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

  test('lets people sign out, and is where they come back to', async () => {
    const browser = openBrowser()
    const asked = await browser.follow(await signIn(browser, await begin(browser)), 'Sign out')
    const back = await browser.submit(asked, { logout: 'yes' })
    assert.equal(back.url, `${lab.webUrl}/`)
    assert.match((await begin(browser)).text, /Password/)
  })

  test('learns nothing of a wrong PIN before the right one, and that somebody gave up', async () => {
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

  test('hears of too many wrong PINs', async () => {
    const browser = openBrowser()
    let page = await enterPassword(browser, await begin(browser))
    for (const pin of ['111111', '222222', '333333', '444444', '555555']) page = await browser.submit(page, { pin })
    const back = await browser.follow(page, 'Back to the sign-in')
    assert.match(back.text, /wrong too many times\..* Error pin_attempts_exceeded /)
  })

  test('says that somebody cancelled', async () => {
    const browser = openBrowser()
    const { status, text } = await browser.submit(await begin(browser), { step: 'cancel' })
    assert.equal(status, 403)
    assert.match(text, /The user denied the request\. Error access_denied/)
    assert.match(text, /\/actions\/calls -u admin:PASSWORD/)
  })

  test('takes no callback twice, none of another browser, and none with another state', async () => {
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
      assert.match(text, /This sign-in was not begun in this browser, was finished before, or took too long\./)
    }
  })

  test('shows what it is told as text, and runs no script in no frame', async () => {
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

  test('takes browsers that come under another name of this machine to its own', async () => {
    const { port } = new URL(lab.webUrl)
    const response = await fetch(`http://localhost:${port}/sign-in`, { redirect: 'manual' })
    assert.deepEqual([response.status, response.headers.get('location')], [302, lab.webUrl])
  })

  test('has no other page', async () => {
    assert.equal((await fetch(`${lab.webUrl}/admin`)).status, 404)
  })
})

describe('a web application without its server', () => {
  test('asks for patience before it knows it, and says that it cannot be used when it is gone', async () => {
    const web = await startWebApplication({ port: 0 })
    try {
      assert.equal((await fetch(web.url)).status, 503)
      // A port that was just given back.
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
