/**
 * Real browsers sign in through pin-authenticator: honest ones, and one that starts a sign-in and lets a victim enter the PIN. In
 * each way in which the extension checks who returns, on a platform that resumes on return and on one that reproduces the
 * reference.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { createServer, request, type Server } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { type PlatformName, present } from '@preflow/contract'
import { type BrowserContext, chromium, type Page, type Browser as RealBrowser } from 'playwright-core'
import { API, addDoor, PASSWORD_PAGE, sequence } from './rows/doors.ts'
import {
  CALLER_AUTHENTICATION,
  listen,
  type RunningPinAuthenticator,
  startPinAuthenticator,
} from './running-extensions.ts'
import { type ServerUnderTest, startServer } from './server-under-test.ts'
import { type Client, type OpenStage, openStage } from './stage.ts'

const PIN = '482915'
/** Where a proxy in front of both servers reports the address of a browser. */
const ADDRESS = 'x-client-source-ip'
const HOME = '203.0.113.7'
const ELSEWHERE = '198.51.100.20'

const executablePath = [
  process.env['PREFLOW_TEST_CHROMIUM'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find(place => place !== '' && existsSync(place))
const skip =
  executablePath === undefined &&
  'No Chromium was found; install it, or name it in PREFLOW_TEST_CHROMIUM, to walk through the pages.'

/** A browser at its sign-in. */
interface Visitor {
  context: BrowserContext
  page: Page
  /** The page of the sign-in at the platform, as it was loaded last. */
  signInPage(): string
}

/** One that opens none of the pages of the extension, and keeps the addresses to which the platform sends it. */
interface Attacker extends Visitor {
  links: string[]
}

let chrome: RealBrowser
let callback: string

for (const platform of ['preflow', 'wso2-is-next'] as const) {
  for (const mode of ['internal', 'second_factor'] as const) {
    for (const check of ['code', 'confirm'] as const) {
      describe(`${check} in mode ${mode} on ${platform}`, { skip }, () => journeys(platform, mode, check))
    }
  }
}

before(async () => {
  if (executablePath === undefined) return
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking']
  chrome = await chromium.launch({ executablePath, args })
  app = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>App</h1>'))
  // Applications live on another site than the platform.
  callback = `${(await listen(app)).replace('127.0.0.1', 'localhost')}/callback`
})
after(async () => {
  if (executablePath === undefined) return
  await chrome.close()
  app.closeAllConnections()
  await new Promise(resolve => app.close(resolve))
})
let app: Server

/** The server, the extension and the application of one group of journeys. */
interface Setting {
  server: ServerUnderTest
  stage: OpenStage
  pins: RunningPinAuthenticator
  application: Client
}

async function openSetting(
  platform: PlatformName,
  mode: 'internal' | 'second_factor',
  check: 'code' | 'confirm',
): Promise<Setting> {
  const server = await startServer({ platform })
  const stage = await openStage(server)
  const settings = { return: check, addressHeader: ADDRESS, starterHeader: ADDRESS }
  const pins = await startPinAuthenticator(mode, server.address, settings)
  const isSecond = mode === 'second_factor'
  const { name } = await addDoor(stage, {
    authenticationType: isSecond ? 'VERIFICATION' : 'IDENTIFICATION',
    endpoint: {
      uri: `${pins.url}/`,
      authentication: CALLER_AUTHENTICATION,
      allowedParameters: ['returnCode'],
      allowedHeaders: ['user-agent', ADDRESS],
    },
  })
  const application = await stage.addApplication({ grantTypes: ['authorization_code'], callbackURLs: [callback] })
  const steps = isSecond ? [[PASSWORD_PAGE], [name]] : [[name]]
  await stage.must('PATCH', `${API}/applications/${application.id}`, sequence(...steps))
  await pins.givePin(stage.user, PIN)
  return { server, stage, pins, application }
}

function journeys(platform: PlatformName, mode: 'internal' | 'second_factor', check: 'code' | 'confirm'): void {
  let setting: Setting
  before(async () => {
    setting = await openSetting(platform, mode, check)
  })
  after(async () => {
    await setting.pins.close()
    await setting.stage.close()
    await setting.server.close()
  })

  /** Goes to the application's sign-in, and past the password where that is the first step. */
  async function start(page: Page): Promise<void> {
    const { application, stage } = setting
    const query = new URLSearchParams({
      client_id: application.clientId,
      redirect_uri: callback,
      response_type: 'code',
      scope: 'openid',
    })
    await page.goto(`${stage.base}/oauth2/authorize?${query}`)
    if (mode === 'internal') return
    await page.getByLabel('User name').fill(stage.user.userName)
    await page.getByLabel('Password').fill(stage.user.password)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  }

  async function enterPin(page: Page): Promise<void> {
    if (mode === 'internal') await page.getByLabel('User name').fill(setting.stage.user.userName)
    await page.getByLabel('PIN').fill(PIN)
    await page.getByRole('button', { name: 'Continue' }).click()
  }

  async function confirmIfAsked(page: Page): Promise<void> {
    if (check === 'code') return
    await page.waitForURL(/\/pin\/confirm\?handle=/)
    await page.getByRole('button', { name: 'Yes, it was me' }).click()
  }

  /** Starts a sign-in, and keeps the genuine address of the extension's page for somebody else. */
  async function startAttack(): Promise<Attacker> {
    const links: string[] = []
    const { pins } = setting
    const proxy = await startProxy(url => {
      if (!url.startsWith(pins.url)) return false
      // Chromium looks for an icon as well.
      if (url.includes('/pin')) links.push(url)
      return true
    })
    // Without the rule Chromium goes to this machine without the proxy.
    const visitor = await openBrowser(HOME, { proxy: { server: proxy.url, bypass: '<-loopback>' } })
    visitor.context.on('close', proxy.close)
    await start(visitor.page)
    await visitor.page.waitForURL(`${pins.url}/**`)
    return { ...visitor, links }
  }

  test('AZ-08: an honest browser reloads, goes back, and is signed in', async () => {
    const { context, page } = await openBrowser(HOME)
    await start(page)
    await page.waitForURL(/\/pin\?handle=/)
    await page.reload()
    const entry = page.url()
    await page.goto('about:blank')
    await page.goBack()
    assert.equal(page.url(), entry)
    await enterPin(page)
    await confirmIfAsked(page)
    await page.waitForURL(/\/callback\?/)
    assert.ok(new URL(page.url()).searchParams.has('code'), page.url())
    await context.close()
  })

  test('AZ-08: a browser whose way back was lost loads the sign-in again and is signed in', async () => {
    const { context, page, signInPage } = await openBrowser(HOME)
    await start(page)
    await page.waitForURL(/\/pin\?handle=/)
    const lost = Promise.withResolvers<void>()
    await context.route(/\/commonauth/, async route => {
      await route.abort()
      lost.resolve()
    })
    await enterPin(page)
    await lost.promise
    await context.unroute(/\/commonauth/)
    await page.goto(signInPage()).catch(ignoreInterruption)
    await confirmIfAsked(page)
    await page.waitForURL(/\/callback\?/)
    assert.ok(new URL(page.url()).searchParams.has('code'), page.url())
    await context.close()
  })

  const row = mode === 'internal' ? 'AZ-04' : 'AZ-06'
  test(`${row}: an attacker who starts a sign-in and lets a victim enter the PIN is not signed in`, async () => {
    const attacker = await startAttack()
    const victim = await openBrowser(ELSEWHERE)
    await victim.page.goto(attacker.links.at(-1) ?? '')
    await enterPin(victim.page)
    await victim.page.getByText(/was started in another browser/).waitFor()
    const seen: string[] = []
    for (let times = 0; times < 5; times++) {
      await attacker.page.goto(attacker.signInPage())
      seen.push(attacker.page.url())
    }
    for (const url of seen) assert.ok(!url.includes('code='), url)
    if (platform === 'preflow') {
      assert.match(seen[0] ?? '', /\/callback\?.*error=access_denied/)
    } else {
      // The platform knows of no end: the attacker is sent to the extension, time and again.
      assert.ok(attacker.page.url().startsWith(setting.pins.url), attacker.page.url())
      if (check === 'confirm') await refuseConfirmation(attacker, victim.page)
    }
    await attacker.context.close()
    await victim.context.close()
  })

  /** The attacker has got the address of the confirmation page, which is for the browser of the victim alone. */
  async function refuseConfirmation(attacker: Attacker, victim: Page): Promise<void> {
    const confirmation = attacker.links.at(-1) ?? ''
    assert.match(confirmation, /\/pin\/confirm\?handle=/)
    const own = await openBrowser(HOME)
    assert.equal((await own.page.goto(confirmation))?.status(), 403)
    await own.context.close()
    await victim.goto(confirmation)
    await victim.getByText(/another network/).waitFor()
    assert.equal(await victim.getByRole('button').count(), 0)
    await attacker.page.goto(attacker.signInPage())
    assert.match(attacker.page.url(), /\/callback\?error=return_refused/)
  }

  if (check === 'confirm' && platform === 'wso2-is-next') {
    test('AZ-10: a victim in the same network sees where the sign-in started, and can end it', async () => {
      const attacker = await startAttack()
      const victim = await openBrowser(HOME)
      await victim.page.goto(attacker.links.at(-1) ?? '')
      await enterPin(victim.page)
      await victim.page.getByText(/was started in another browser/).waitFor()
      await attacker.page.goto(attacker.signInPage())
      await victim.page.goto(attacker.links.at(-1) ?? '')
      await victim.page.getByRole('heading', { name: 'Did you start this sign-in?' }).waitFor()
      const facts = (await victim.page.locator('dl').textContent()) ?? ''
      for (const fact of [HOME, 'Chrome', 'UTC']) assert.ok(facts.includes(fact), facts)
      await victim.page.getByRole('button', { name: 'Cancel' }).click()
      await victim.page.getByText(/was started in another browser/).waitFor()
      await attacker.page.goto(attacker.signInPage())
      assert.match(attacker.page.url(), /\/callback\?error=pin_cancelled/)
      await attacker.context.close()
      await victim.context.close()
    })
  }
}

async function openBrowser(address: string, options: Parameters<RealBrowser['newContext']>[0] = {}): Promise<Visitor> {
  const context = await chrome.newContext({ extraHTTPHeaders: { [ADDRESS]: address }, ...options })
  const page = await context.newPage()
  let signInPage = ''
  page.on('request', sent => {
    if (sent.url().includes('/sign-in/')) signInPage = sent.url().split('?')[0] ?? ''
  })
  return { context, page, signInPage: () => signInPage }
}

/** A proxy that keeps the requests which `keeps` wants from their servers. */
async function startProxy(keeps: (url: string) => boolean): Promise<{ url: string; close(): void }> {
  const server = createServer((incoming, response) => {
    const { headers, method, url = '' } = incoming
    if (keeps(url)) return response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Not opened</h1>')
    const outgoing = request(url, { headers, ...present({ method }) }, answer => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    outgoing.on('error', () => response.writeHead(502).end())
    return incoming.pipe(outgoing)
  })
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { url: await listen(server), close }
}

/** A page that forwards by itself may interrupt a navigation. */
function ignoreInterruption(error: Error): void {
  if (!/ERR_ABORTED|interrupted/.test(error.message)) throw error
}
