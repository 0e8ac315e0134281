import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, test } from 'node:test'
import { CALLBACK, openBrowser } from './ground/pages/browser.fixture.ts'
import type { Application, User } from './ground/store/model.ts'
import { verifyPassword } from './ground/store/users.ts'
import { startWorld, type World } from './world.fixture.ts'

/** Requirements of ASVS 5.0 that no row of docs/reference/security.md is about. */

let world: World
let shop: Application
let machine: Application
let user: User
/** Milliseconds that the server is ahead of the time in tokens. */
let ahead = 0
before(async () => {
  world = await startWorld({ maxRefreshLifetimeSeconds: 120 }, undefined, undefined, () => Date.now() + ahead)
  user = await world.addUser()
  shop = await world.addApplication({
    grantTypes: ['authorization_code', 'password', 'refresh_token'],
    callbackUrls: [CALLBACK],
  })
  machine = await world.addApplication({ grantTypes: ['client_credentials'] }, ['internal_user_mgt_list'])
})
after(() => world.close())

const authorization = () =>
  `${world.base}/oauth2/authorize?${new URLSearchParams({
    ...{ client_id: shop.clientId, redirect_uri: CALLBACK, response_type: 'code', scope: 'openid' },
  })}`
const credentials = () => ({ username: user.userName, password: 'correct horse', step: 'sign-in' })

test('ASVS 6.2.8: a password is compared whole, with its case, and in one Unicode form', async () => {
  const long = `Á${'x'.repeat(1000)}1`
  const owner = await world.addUser({}, long)
  const opens = async (password: string) =>
    (await verifyPassword(world.db, world.tenant.id, owner.userName, password)) !== undefined
  assert.equal(await opens(long), true)
  assert.equal(await opens(long.normalize('NFD')), true)
  for (const other of [long.slice(0, -1), `${long.slice(0, -1)}2`, long.toLowerCase(), ` ${long}`]) {
    assert.equal(await opens(other), false)
  }
})

test('ASVS 7.2.4: signing in gives the browser another session than before', async () => {
  const sessions: string[] = []
  const visit = async (url: string, cookie: string, body?: URLSearchParams) => {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie },
      ...(body && { method: 'POST', body }),
    })
    for (const header of response.headers.getSetCookie()) {
      const [, value] = /^preflow-session[^=.]*=([^;]+)/.exec(header) ?? []
      if (value) sessions.push(value)
    }
    return response
  }
  const jar = new Map<string, string>()
  const keep = (response: Response) => {
    for (const header of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(header) ?? []
      jar.set(name, value)
    }
  }
  const cookies = () => [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
  async function signIn(): Promise<void> {
    const begun = await visit(authorization(), cookies())
    keep(begun)
    const page = new URL(begun.headers.get('location') ?? '', world.base).href
    const shown = await visit(page, cookies())
    const csrf = /name="csrf" value="([^"]*)"/.exec(await shown.text())?.[1] ?? ''
    const entered = await visit(page, cookies(), new URLSearchParams({ ...credentials(), csrf }))
    keep(entered)
    keep(await visit(new URL(entered.headers.get('location') ?? '', world.base).href, cookies()))
  }
  await signIn()
  const [first] = sessions.slice(-1)
  assert.ok(first && first.length >= 22, 'at least 128 bits')
  jar.clear()
  jar.set('preflow-session', 'chosen-by-somebody-else')
  await signIn()
  const [second] = sessions.slice(-1)
  assert.ok(second && second !== first && second !== 'chosen-by-somebody-else')
})

test('ASVS 9.1.1: a token that was changed, or signed in another way, is refused', async () => {
  const { body } = await world.token(machine, { grant_type: 'client_credentials', scope: 'internal_user_mgt_list' })
  const token: string = body.access_token
  const statusOf = async (bearer: string) => {
    const response = await fetch(`${world.base}/scim2/Users`, { headers: { authorization: `Bearer ${bearer}` } })
    await response.body?.cancel()
    return response.status
  }
  assert.equal(await statusOf(token), 200)
  const [header = '', payload = '', signature = ''] = token.split('.')
  const written = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
  const { keys } = (await (await fetch(`${world.base}/oauth2/jwks`)).json()) as { keys: object[] }
  const withSecret = (alg: string, secret: string) => {
    const head = written({ ...read(header), alg })
    return `${head}.${payload}.${createHmac('sha256', secret).update(`${head}.${payload}`).digest('base64url')}`
  }
  const forged = [
    `${header}.${written({ ...read(payload), sub: user.id })}.${signature}`,
    `${written({ ...read(header), alg: 'none' })}.${payload}.`,
    `${written({ ...read(header), alg: 'nOnE' })}.${payload}.${signature}`,
    withSecret('HS256', JSON.stringify(keys[0])),
    `${header}.${payload}.${Buffer.alloc(256).toString('base64url')}`,
    `${written({ ...read(header), jku: `${world.base}/oauth2/jwks`, kid: 'other' })}.${payload}.${signature}`,
  ]
  for (const one of forged) assert.equal(await statusOf(one), 401)
})

test('ASVS 10.4.3: an authorization code is accepted for a minute', async () => {
  const browser = openBrowser(world.server.address)
  const codeOf = async () => {
    const page = await browser.open(authorization())
    const { url } = page.status === 200 ? await browser.submit(page, credentials()) : page
    return new URL(url).searchParams.get('code') ?? ''
  }
  const redeem = (code: string) => world.token(shop, { grant_type: 'authorization_code', code, redirect_uri: CALLBACK })
  assert.equal((await redeem(await codeOf())).status, 200)
  const code = await codeOf()
  ahead += 61_000
  const late = await redeem(code)
  assert.deepEqual([late.status, late.body.error], [400, 'invalid_grant'])
})

test('ASVS 10.4.5, 10.4.8: a refresh token is accepted once, and no chain of them outlives its sign-in for long', async () => {
  const form = { grant_type: 'password', username: user.userName, password: 'correct horse', scope: 'openid' }
  const refresh = (refresh_token: string) => world.token(shop, { grant_type: 'refresh_token', refresh_token })
  // Sign-ins have the real time.
  ahead = 0
  const first = await world.token(shop, form)
  ahead += 60_000
  const second = await refresh(first.body.refresh_token)
  assert.equal(second.status, 200)
  assert.notEqual(second.body.refresh_token, first.body.refresh_token)
  ahead += 61_000
  const late = await refresh(second.body.refresh_token)
  assert.deepEqual([late.status, late.body.error], [400, 'invalid_grant'], '121 seconds after the sign-in')
})
