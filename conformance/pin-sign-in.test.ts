/**
 * Users sign in with the extension in `extensions/`. The running server calls it, and it has its own pages and store.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { after, before, describe, test } from 'node:test'
import type { AuthenticationTypeName } from '@preflow/server/management'
import { openBrowser, type Page } from '@preflow/server/testing'
import { decodeJwt } from 'jose'
import * as client from 'openid-client'
import { chromium, type Browser as RealBrowser } from 'playwright-core'
import { API, addDoor, enterPassword, forwardOf, PASSWORD_PAGE, sequence } from './rows/doors.ts'
import {
  CALLER_AUTHENTICATION,
  listen,
  type RunningPinAuthenticator,
  startPinAuthenticator,
} from './running-extensions.ts'
import { type ServerUnderTest, startServer } from './server-under-test.ts'
import { CALLBACK, type Client, type OpenStage, openStage } from './stage.ts'

const PIN = '482915'

async function addAuthenticator(
  stage: OpenStage,
  name: string,
  { url }: RunningPinAuthenticator,
  authenticationType: AuthenticationTypeName,
): Promise<void> {
  const endpoint = { uri: `${url}/`, authentication: CALLER_AUTHENTICATION, allowedParameters: ['returnCode'] }
  await addDoor(stage, { name, displayName: 'PIN', authenticationType, endpoint })
}

async function addApplication(stage: OpenStage, steps: string[][], callbackURLs = [CALLBACK]): Promise<Client> {
  const application = await stage.addApplication({ grantTypes: ['authorization_code'], callbackURLs })
  await stage.must('PATCH', `${API}/applications/${application.id}`, sequence(...steps))
  return application
}

let server: ServerUnderTest
let stage: OpenStage
let verifying: RunningPinAuthenticator
let identifying: RunningPinAuthenticator
before(async () => {
  server = await startServer({ platform: 'preflow' })
  stage = await openStage(server)
  verifying = await startPinAuthenticator('second_factor', server.address)
  identifying = await startPinAuthenticator('internal', server.address)
  await addAuthenticator(stage, 'custom-pin', verifying, 'VERIFICATION')
  await addAuthenticator(stage, 'custom-pin-only', identifying, 'IDENTIFICATION')
  await verifying.givePin(stage.user, PIN)
  await identifying.givePin(stage.user, PIN)
})
after(async () => {
  await verifying.close()
  await identifying.close()
  await stage.close()
  await server.close()
})

/** An authorization request of a standard client, with what the client does with the response. */
async function begin(application: Client, base = stage.base) {
  const configuration = await client.discovery(
    new URL(`${base}/oauth2/token`),
    application.clientId,
    application.clientSecret,
    undefined,
    { execute: [client.allowInsecureRequests] },
  )
  const verifier = client.randomPKCECodeVerifier()
  const { href } = client.buildAuthorizationUrl(configuration, {
    redirect_uri: CALLBACK,
    scope: 'openid profile',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })
  const redeem = (landing: Page) =>
    client.authorizationCodeGrant(configuration, new URL(landing.url), { pkceCodeVerifier: verifier })
  return { href, redeem }
}

test('verifies a second factor after the password, and allows another attempt after a wrong PIN', async () => {
  const { href, redeem } = await begin(await addApplication(stage, [[PASSWORD_PAGE], ['custom-pin']]))
  const browser = openBrowser(server.address)
  const entered = await enterPassword(browser, await browser.open(href), stage.user)
  const away = await browser.open(forwardOf(entered))
  assert.ok(away.url.startsWith(`${verifying.url}/pin?handle=`), away.url)

  const pages = openBrowser(verifying.url)
  const wrong = await pages.submit(await pages.open(away.url), { pin: '739204' })
  assert.match(wrong.html, /That PIN is not right\. Attempts left: 4\./)
  const right = await pages.submit(wrong, { pin: PIN })
  const tokens = await redeem(await browser.open(forwardOf(right)))
  assert.equal(tokens.claims()?.sub, stage.user.id)
  assert.deepEqual(tokens.claims()?.['amr'], ['pwd', 'custom-pin'])
})

test('identifies a user by user name and PIN, without a password', async () => {
  const { href, redeem } = await begin(await addApplication(stage, [['custom-pin-only']]))
  const browser = openBrowser(server.address)
  const away = await browser.open(href)
  const pages = openBrowser(identifying.url)
  const right = await pages.submit(await pages.open(away.url), { username: stage.user.userName, pin: PIN })
  const tokens = await redeem(await browser.open(forwardOf(right)))
  assert.deepEqual([tokens.claims()?.sub, tokens.claims()?.['amr']], [stage.user.id, ['custom-pin-only']])
  assert.equal(decodeJwt(tokens.access_token).sub, stage.user.id)
})

test('signs in a user of an organization, who returns through /o/{organization}', async () => {
  const organization = (await stage.must('POST', `${API}/organizations`, { name: 'Branch' })).body
  const colleague = await stage.addUser({ below: `/o/${organization.id}` })
  await identifying.givePin(colleague, PIN)
  const application = await addApplication(stage, [['custom-pin-only']])
  const { href, redeem } = await begin(application, `${stage.base}/o/${organization.id}`)
  const browser = openBrowser(server.address)
  const away = await browser.open(href)
  const pages = openBrowser(identifying.url)
  const right = await pages.submit(await pages.open(away.url), { username: colleague.userName, pin: PIN })
  const back = forwardOf(right)
  assert.ok(back.startsWith(`${server.address}/o/${organization.id}/commonauth?flowId=`), back)
  const tokens = await redeem(await browser.open(back))
  assert.deepEqual([tokens.claims()?.sub, tokens.claims()?.['org_id']], [colleague.id, organization.id])
})

test('a platform that calls again before the PIN is entered sends the user to the same page', async () => {
  const { href } = await begin(await addApplication(stage, [['custom-pin-only']]))
  const browser = openBrowser(server.address)
  const away = await browser.open(href)
  const { body } = await stage.must('GET', `${API}/actions/calls?actionType=AUTHENTICATION&limit=1`)
  const { flowId } = (await stage.must('GET', `${API}/actions/calls/${body[0].id}`)).body.details.request.body
  assert.equal((await browser.open(`${stage.base}/commonauth?flowId=${flowId}`)).url, away.url)
})

test('a user who cancels gets the message of the extension', async () => {
  const { href } = await begin(await addApplication(stage, [['custom-pin-only']]))
  const browser = openBrowser(server.address)
  const pages = openBrowser(identifying.url)
  const cancelled = await pages.submit(await pages.open((await browser.open(href)).url), { cancel: 'yes' })
  const [, back = ''] = /class="button" href="([^"]*)"/.exec(cancelled.html) ?? []
  const landing = new URL((await browser.open(back.replaceAll('&amp;', '&'))).url)
  assert.deepEqual(
    [landing.searchParams.get('error'), landing.searchParams.get('error_description')],
    ['pin_cancelled', 'The sign-in was cancelled.'],
  )
})

test('only the browser that started can get the result, and a return in another browser ends the sign-in', async () => {
  const { href } = await begin(await addApplication(stage, [['custom-pin-only']]))
  const browser = openBrowser(server.address)
  const pages = openBrowser(identifying.url)
  const page = await pages.open((await browser.open(href)).url)
  const right = await pages.submit(page, { username: stage.user.userName, pin: PIN })
  const stolen = await openBrowser(server.address).open(forwardOf(right))
  assert.equal(stolen.status, 400)
  assert.match(stolen.html, /was started in another browser/)
  const landing = new URL((await browser.open(forwardOf(right))).url)
  assert.deepEqual([landing.searchParams.get('code'), landing.searchParams.get('error')], [null, 'access_denied'])
})

const executablePath = [
  process.env['PREFLOW_TEST_CHROMIUM'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find(place => place !== '' && existsSync(place))
const skip =
  executablePath === undefined &&
  'No Chromium was found. To run the page tests, install it or set PREFLOW_TEST_CHROMIUM.'

describe('in a browser', { skip }, () => {
  let browser: RealBrowser
  let app: Server
  let callback: string
  before(async () => {
    const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking']
    browser = await chromium.launch({ executablePath: executablePath as string, args })
    app = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>App</h1>'))
    // Applications and the platform are on different sites.
    callback = (await listen(app)).replace('127.0.0.1', 'localhost')
  })
  after(async () => {
    await browser.close()
    app.closeAllConnections()
    await new Promise(resolve => app.close(resolve))
  })

  for (const javaScriptEnabled of [true, false]) {
    test(`${javaScriptEnabled ? 'with' : 'without'} JavaScript: a choice, the password, the PIN, and back at the application`, async () => {
      const steps = [[PASSWORD_PAGE, 'custom-pin-only'], ['custom-pin']]
      const application = await addApplication(stage, steps, [`${callback}/callback`])
      const context = await browser.newContext({ javaScriptEnabled })
      const page = await context.newPage()
      const complaints: string[] = []
      page.on('console', message => {
        if (/content security policy/i.test(message.text())) complaints.push(message.text())
      })
      const query = new URLSearchParams({
        client_id: application.clientId,
        redirect_uri: `${callback}/callback`,
        response_type: 'code',
        scope: 'openid',
      })
      await page.goto(`${stage.base}/oauth2/authorize?${query}`)
      assert.equal(await page.title(), 'How do you want to sign in?')
      await page.getByRole('button', { name: 'Password' }).click()
      await page.getByLabel('User name').fill(stage.user.userName)
      await page.getByLabel('Password').fill(stage.user.password)
      await page.getByRole('button', { name: 'Sign in', exact: true }).click()
      await page.waitForURL(/\/pin\?handle=/)
      await page.getByLabel('PIN').fill(PIN)
      await page.getByRole('button', { name: 'Continue' }).click()
      await page.waitForURL(/\/callback\?code=/)
      assert.equal(await page.getByRole('heading').textContent(), 'App')
      assert.deepEqual(complaints, [])
      await context.close()
    })

    test(`${javaScriptEnabled ? 'with' : 'without'} JavaScript: choosing the PIN with the keyboard opens its page`, async () => {
      const application = await addApplication(stage, [['custom-pin-only', PASSWORD_PAGE]], [`${callback}/callback`])
      const context = await browser.newContext({ javaScriptEnabled })
      const page = await context.newPage()
      const query = new URLSearchParams({
        client_id: application.clientId,
        redirect_uri: `${callback}/callback`,
        response_type: 'code',
        scope: 'openid',
      })
      await page.goto(`${stage.base}/oauth2/authorize?${query}`)
      await page.keyboard.press('Tab')
      await page.keyboard.press('Enter')
      await page.waitForURL(/\/pin\?handle=/)
      await page.getByLabel('User name').fill(stage.user.userName)
      await page.getByLabel('PIN').fill(PIN)
      await page.keyboard.press('Enter')
      await page.waitForURL(/\/callback\?code=/)
      await context.close()
    })
  }
})
