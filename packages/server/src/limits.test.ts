import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createLog } from './ground/observe/log.ts'
import { CALLBACK, openBrowser } from './ground/pages/browser.fixture.ts'
import type { Application, User } from './ground/store/model.ts'
import { onEachDatabase, startWorld, type World } from './world.fixture.ts'

/** Every request comes through a proxy that reports the client's address. */
const PROXY = { trustedProxies: ['127.0.0.1'] }
const from = (address: string) => ({ 'x-forwarded-for': address })
const basic = (name: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
})
const PASSWORD_GRANT = { grant_type: 'password', scope: 'openid' }
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'

onEachDatabase(databaseUrl => {
  let world: World
  let shop: Application
  let user: User

  before(async () => {
    // A lower limit than the default, so that the test is short.
    const limits = ['account=12/86400']
    world = await startWorld({ ...PROXY, limits, ...(databaseUrl === undefined ? {} : { databaseUrl }) })
    const grantTypes = ['password', 'authorization_code', DEVICE]
    shop = await world.addApplication({ grantTypes, callbackUrls: [CALLBACK] })
    user = await world.addUser()
  })
  after(() => world?.close())

  const guess = (userName: string, password: string, address: string) =>
    world.token(shop, { ...PASSWORD_GRANT, username: userName, password }, from(address))
  const signIn = async (browser: ReturnType<typeof openBrowser>, password = 'correct horse') => {
    const query = { client_id: shop.clientId, redirect_uri: CALLBACK, response_type: 'code', scope: 'openid' }
    const page = await browser.open(`${world.base}/oauth2/authorize?${new URLSearchParams(query)}`)
    return browser.submit(page, { username: user.userName, password, step: 'sign-in' })
  }

  test('AZ-32: thirty wrong passwords for thirty names from one network stop only this network, at every endpoint', async () => {
    const address = '198.51.100.32'
    for (let i = 0; i < 30; i++) assert.equal((await guess(`name-${i}`, 'Password1', address)).status, 400)
    const refused = await guess('name-31', 'Password1', address)
    assert.equal(refused.status, 429)
    assert.equal(refused.body.error, 'temporarily_unavailable')
    assert.match(refused.body.error_description, /Try again in 5 minutes/)
    assert.equal(refused.headers.get('retry-after'), '300')

    const page = await signIn(openBrowser(world.server.address, from(address)))
    assert.equal(page.status, 429)
    assert.ok(page.headers.get('retry-after'))
    for (const path of ['/scim2/Me', '/api/server/v1/applications']) {
      const response = await fetch(world.base + path, {
        headers: { ...basic(user.userName, 'wrong'), ...from(address) },
      })
      assert.equal(response.status, 429, path)
      assert.ok(response.headers.get('retry-after'), path)
      await response.body?.cancel()
    }
    assert.equal((await guess(user.userName, 'correct horse', '203.0.113.32')).status, 200)
  })

  test('AZ-34: after strangers use up the attempts of an account, its owner can sign in with a known browser', async () => {
    const where = from('192.0.2.34')
    const owner = openBrowser(world.server.address, where)
    assert.equal((await signIn(owner)).status, 0)
    for (let i = 0; i < 12; i++) await guess(user.userName, 'guess', `198.18.${i}.34`)
    assert.equal((await guess(user.userName, 'correct horse', '198.18.200.34')).status, 429)
    assert.equal((await signIn(openBrowser(world.server.address, from('198.18.201.34')))).status, 429)
    // The user is in a new network with a known browser, whose session ended.
    where['x-forwarded-for'] = '198.18.202.34'
    owner.forget(/session/)
    assert.equal((await signIn(owner)).status, 0)
  })

  test('AZ-35: wrong secrets of an application stop their network, and not the application', async () => {
    const address = '198.51.100.35'
    const attempt = (secret: string, where: string) =>
      world.token({ ...shop, clientSecret: secret }, { ...PASSWORD_GRANT, username: 'x', password: 'x' }, from(where))
    const statuses: number[] = []
    for (let i = 0; i < 22; i++) statuses.push((await attempt(`guess-${i}`, address)).status)
    assert.deepEqual(statuses.slice(0, 20), Array(20).fill(401))
    assert.deepEqual(statuses.slice(20), [429, 429])
    const refused = await attempt(shop.clientSecret ?? '', address)
    assert.equal(refused.status, 429)
    assert.ok(refused.headers.get('retry-after'))
    assert.equal((await attempt(shop.clientSecret ?? '', '203.0.113.35')).status, 400)
  })

  test('AZ-35: wrong device codes disable the form for their browser, then for their network', async () => {
    const address = '198.51.100.36'
    const begun = await world.post('/oauth2/device_authorize', shop, { scope: 'openid' })
    const { user_code: code } = (await begun.json()) as { user_code: string }
    const tryCodes = async (count: number) => {
      const browser = openBrowser(world.server.address, from(address))
      let page = await browser.open(`${world.base}/device`)
      for (let i = 0; i < count; i++) page = await browser.submit(page, { user_code: `BBBB-BBB${i}` })
      return { browser, page }
    }
    const { browser, page } = await tryCodes(5)
    assert.match(page.html, /role="alert"/)
    assert.equal(page.status, 200)
    const ended = await browser.submit(page, { user_code: code })
    assert.equal(ended.status, 429)
    assert.match(ended.html, /Too many wrong codes/)
    for (let i = 0; i < 5; i++) await tryCodes(5)
    const other = await tryCodes(0)
    assert.equal((await other.browser.submit(other.page, { user_code: code })).status, 429)
    const elsewhere = openBrowser(world.server.address, from('203.0.113.36'))
    const form = await elsewhere.open(`${world.base}/device`)
    assert.equal((await elsewhere.submit(form, { user_code: code })).status, 200)
  })
})

describe('requests are limited', () => {
  let world: World
  before(async () => {
    world = await startWorld({
      ...PROXY,
      limits: ['token-client=3/60', 'token-tenant=5/60', 'api=25/60', 'sign-in=2/60'],
    })
  })
  after(() => world?.close())

  test('by application and by tenant at the token endpoint, with the error of OAuth', async () => {
    const [one, two] = [await world.addApplication(), await world.addApplication()]
    const statuses: number[] = []
    for (const application of [one, one, one, one, two, two, two]) {
      statuses.push((await world.token(application, { grant_type: 'client_credentials' })).status)
    }
    assert.deepEqual(statuses, [200, 200, 200, 429, 200, 200, 429])
    const { body, headers } = await world.token(one, { grant_type: 'client_credentials' })
    assert.equal(body.error, 'temporarily_unavailable')
    assert.ok(Number(headers.get('retry-after')) > 0)
    const place = await world.addPlace()
    const other = await place.addApplication()
    assert.equal((await place.token(other, { grant_type: 'client_credentials' })).status, 200)
  })

  test('by caller at SCIM and the management API, where a list counts as ten', async () => {
    const call = (path: string, method = 'GET') =>
      fetch(`${world.server.address}${path}`, { method, headers: basic('admin', 'admin-of-the-test') })
    assert.equal((await call('/scim2/Users')).status, 200)
    assert.equal((await call('/scim2/Users')).status, 200)
    for (let i = 0; i < 5; i++) assert.equal((await call('/scim2/Users/unknown')).status, 404)
    const refused = await call('/scim2/Users/unknown')
    assert.equal(refused.status, 429)
    assert.ok(Number(refused.headers.get('retry-after')) > 0)
    assert.deepEqual(((await refused.json()) as { schemas: string[] }).schemas, [
      'urn:ietf:params:scim:api:messages:2.0:Error',
    ])
    const managed = await call('/api/server/v1/applications')
    assert.equal(managed.status, 429)
    assert.equal(((await managed.json()) as { code: string }).code, 'PREFLOW-429')
  })

  test('by network for new sign-ins, with a page', async () => {
    const application = await world.addApplication({ grantTypes: ['authorization_code'], callbackUrls: [CALLBACK] })
    const query = new URLSearchParams({
      ...{ client_id: application.clientId, redirect_uri: CALLBACK },
      ...{ response_type: 'code', scope: 'openid' },
    })
    const start = (address: string) =>
      openBrowser(world.server.address, from(address)).open(`${world.base}/oauth2/authorize?${query}`)
    assert.deepEqual(
      [await start('192.0.2.1'), await start('192.0.2.1'), await start('192.0.2.1')].map(({ status }) => status),
      [200, 200, 429],
    )
    assert.match((await start('192.0.2.1')).html, /Too many sign-ins/)
    assert.equal((await start('192.0.2.2')).status, 200)
  })
})

test('AZ-36: concurrent sign-ins beyond the queue are refused in the form of each protocol', async () => {
  const cost = { cost: 16_384, blockSize: 8, parallelization: 2 }
  const world = await startWorld({ hashesAtOnce: 1, hashQueue: 1 }, createLog('silent'), cost)
  try {
    const application = await world.addApplication({ grantTypes: ['password', 'client_credentials'] })
    const form = { ...PASSWORD_GRANT, username: 'nobody', password: 'x' }
    const tokens = Promise.all(Array.from({ length: 12 }, () => world.token(application, form)))
    const users = Promise.all(
      Array.from({ length: 12 }, () => fetch(`${world.base}/scim2/Me`, { headers: basic('nobody', 'x') })),
    )
    const machine = await world.token(application, { grant_type: 'client_credentials' })
    assert.equal(machine.status, 200)
    const refused = (await tokens).filter(({ status }) => status === 503)
    assert.ok(refused.length > 0)
    assert.equal(refused[0]?.body.error, 'temporarily_unavailable')
    assert.equal(refused[0]?.headers.get('retry-after'), '5')
    const busy = (await users).find(({ status }) => status === 503)
    assert.equal(busy?.headers.get('retry-after'), '5')
  } finally {
    await world.close()
  }
})
