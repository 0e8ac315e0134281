/** How long a browser stays signed in, and what ends with its session. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createLog } from '../../ground/observe/log.ts'
import { type Browser, CALLBACK, openBrowser } from '../../ground/pages/browser.fixture.ts'
import type { Application } from '../../ground/store/model.ts'
import { startWorld, type World } from '../../world.fixture.ts'

const HOUR_MS = 3_600_000

/** A server whose clocks the test moves: sessions last three hours without use, and five at most. */
async function startAtNoon(context: TestContext) {
  context.mock.timers.enable({ apis: ['Date'], now: Date.UTC(2030, 0, 1, 12) })
  const world = await startWorld({ sessionIdleSeconds: 3 * 3600, sessionLifetimeSeconds: 5 * 3600 })
  context.after(() => world.close())
  const settings: Partial<Application> = {
    grantTypes: ['authorization_code', 'refresh_token'],
    callbackUrls: [CALLBACK],
    refreshTokenLifetimeSeconds: 86_400,
  }
  return {
    world,
    free: await world.addApplication(settings),
    bound: await world.addApplication({ ...settings, endsTokensWithSession: true }),
    user: await world.addUser(),
    pass: (hours: number) => context.mock.timers.setTime(Date.now() + hours * HOUR_MS),
  }
}

function open(world: World, browser: Browser, { clientId }: Application) {
  const query = { client_id: clientId, redirect_uri: CALLBACK, response_type: 'code', scope: 'openid' }
  return browser.open(`${world.base}/oauth2/authorize?${new URLSearchParams(query)}`)
}

async function signIn(world: World, browser: Browser, application: Application, userName: string) {
  const page = await open(world, browser, application)
  const form = { username: userName, password: 'correct horse', step: 'sign-in' }
  const { url } = page.status === 0 ? page : await browser.submit(page, form)
  const code = new URL(url).searchParams.get('code') ?? ''
  return (await redeem(world, application, code)).body as { access_token: string; refresh_token: string }
}

const redeem = (world: World, application: Application, code: string) =>
  world.token(application, { grant_type: 'authorization_code', code, redirect_uri: CALLBACK })
const refresh = async (world: World, application: Application, refreshToken: string) =>
  (await world.token(application, { grant_type: 'refresh_token', refresh_token: refreshToken })).status
const isSignedIn = async (world: World, browser: Browser, application: Application) =>
  (await open(world, browser, application)).status === 0

test('a session that is not used ends, and every use prolongs it', async context => {
  const { free, pass, user, world } = await startAtNoon(context)
  const browser = openBrowser(world.server.address)
  await signIn(world, browser, free, user.userName)
  pass(2.5)
  assert.equal(await isSignedIn(world, browser, free), true)
  pass(2)
  assert.equal(await isSignedIn(world, browser, free), true)
  const unused = openBrowser(world.server.address)
  await signIn(world, unused, free, user.userName)
  pass(3.1)
  assert.equal(await isSignedIn(world, unused, free), false)
})

test('a session ends so long after its sign-in, however often it is used', async context => {
  const { free, pass, user, world } = await startAtNoon(context)
  const browser = openBrowser(world.server.address)
  await signIn(world, browser, free, user.userName)
  for (const hours of [2, 2, 0.9]) {
    pass(hours)
    assert.equal(await isSignedIn(world, browser, free), true)
  }
  pass(0.2)
  assert.equal(await isSignedIn(world, browser, free), false)
})

test('CL-48: when a session expires, the tokens of applications that ask for it end, and those of others do not', async context => {
  const { bound, free, pass, user, world } = await startAtNoon(context)
  const browser = openBrowser(world.server.address)
  const first = await signIn(world, browser, bound, user.userName)
  const second = await signIn(world, browser, free, user.userName)
  pass(3.1)
  assert.equal(await refresh(world, bound, first.refresh_token), 400)
  assert.equal(await refresh(world, free, second.refresh_token), 200)
})

test('a code that was not redeemed ends with the session of its browser', async context => {
  const { free, user, world } = await startAtNoon(context)
  const browser = openBrowser(world.server.address)
  await signIn(world, browser, free, user.userName)
  const { url } = await open(world, browser, free)
  const page = await browser.open(`${world.base}/oidc/logout`)
  await browser.submit(page, { logout: 'yes' })
  const answer = await redeem(world, free, new URL(url).searchParams.get('code') ?? '')
  assert.deepEqual([answer.status, answer.body.error], [400, 'invalid_grant'])
})

test('CL-49: a logout address in a private network is refused, the sign-out succeeds, and the log has it', async context => {
  const { promise: logged, resolve } = Promise.withResolvers<Record<string, unknown>>()
  const write = (line: string) => {
    const facts = JSON.parse(line)
    if (/was not informed of a sign-out/.test(facts.msg)) resolve(facts)
  }
  const world = await startWorld({ privateEndpoints: [] }, createLog('warn', { write }))
  context.after(() => world.close())
  let calls = 0
  const listener = createServer((_request, response) => {
    calls += 1
    response.end()
  })
  await new Promise<void>(listening => listener.listen(0, '127.0.0.1', listening))
  context.after(() => listener.close())
  const { port } = listener.address() as AddressInfo
  const application = await world.addApplication({
    grantTypes: ['authorization_code'],
    callbackUrls: [CALLBACK],
    backChannelLogoutUrl: `http://127.0.0.1:${port}/logout`,
  })
  const browser = openBrowser(world.server.address)
  await signIn(world, browser, application, (await world.addUser()).userName)
  const page = await browser.open(`${world.base}/oidc/logout`)
  const done = await browser.submit(page, { logout: 'yes' })
  assert.match(done.html, /You are signed out/)
  const facts = await logged
  assert.deepEqual([facts['tenant'], facts['clientId']], [world.tenant.domain, application.clientId])
  assert.match(String(facts['reason']), /private|127\.0\.0\.1/)
  assert.equal(calls, 0)
})
