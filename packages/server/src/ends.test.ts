/** The events that end everything issued before: over HTTP, at the same instance and at another one. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Browser, CALLBACK, openBrowser } from './ground/pages/browser.fixture.ts'
import { addMembers, removeMembers } from './ground/store/memberships.ts'
import type { Application, User } from './ground/store/model.ts'
import { insertRole } from './ground/store/roles.ts'
import { onEachDatabase, startWorld, type World } from './world.fixture.ts'

const OLD = 'seven-otters-in-a-canoe'
const NEW = 'eight-otters-in-a-canoe'
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'
const GRANTS = ['authorization_code', 'client_credentials', 'refresh_token', EXCHANGE]
const OWN_SCOPES = ['internal_login', 'internal_user_password_update']
const SCOPES = [...OWN_SCOPES, 'internal_user_mgt_list', 'internal_offline_invite', 'cart.read']

/** Everything that a sign-in creates. */
interface Issued {
  application: Application
  browser: Browser
  accessToken: string
  refreshToken: string
  exchanged: string
  code: string
}

onEachDatabase(databaseUrl => {
  let world: World
  let another: { port: number; close(): Promise<void> }
  let jwt: Application
  let opaque: Application
  /** A client that may introspect tokens for it. */
  let api: Application
  let manager: User

  before(async () => {
    world = await startWorld(databaseUrl === undefined ? {} : { databaseUrl })
    another = await world.startAnother()
    api = await world.addApplication()
    jwt = await addShop()
    opaque = await addShop({ accessTokenType: 'Default' })
    manager = await world.addUser({ userName: 'boss', isAdministrator: true }, OLD)
  })
  after(async () => {
    await another.close()
    await world.close()
  })

  const addShop = (settings: Partial<Application> = {}) =>
    world.addApplication(
      { grantTypes: GRANTS, callbackUrls: [CALLBACK], audiences: [api.clientId], ...settings },
      SCOPES,
    )

  /** The address of an instance. */
  const instances = () => [world.port, another.port]
  const at = (port: number, path: string) => `http://127.0.0.1:${port}/t/${world.tenant.domain}${path}`
  const basic = (name: string, password: string) => `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
  const asManager = () => basic(manager.userName, OLD)

  async function send(method: string, url: string, authorization: string, body?: object): Promise<number> {
    const response = await fetch(url, {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
    await response.body?.cancel()
    return response.status
  }

  function post(port: number, path: string, application: Application, form: Record<string, string>) {
    const secret = application.clientSecret
    return fetch(at(port, path), {
      method: 'POST',
      headers: secret === undefined ? {} : { authorization: basic(application.clientId, secret) },
      body: new URLSearchParams(secret === undefined ? { client_id: application.clientId, ...form } : form),
    })
  }

  function askForCode(browser: Browser, { clientId }: Application) {
    const scope = `openid ${SCOPES.join(' ')}`
    const query = { client_id: clientId, redirect_uri: CALLBACK, response_type: 'code', scope }
    return browser.open(`${world.base}/oauth2/authorize?${new URLSearchParams(query)}`)
  }

  const codeOf = ({ url }: { url: string }) => new URL(url).searchParams.get('code') ?? ''
  const redeem = (application: Application, code: string) =>
    world.token(application, { grant_type: 'authorization_code', code, redirect_uri: CALLBACK })

  async function signIn(application: Application, { userName }: User, password = OLD): Promise<Issued> {
    const browser = openBrowser(world.server.address)
    const page = await askForCode(browser, application)
    const landing = await browser.submit(page, { username: userName, password, step: 'sign-in' })
    assert.equal(landing.status, 0, landing.html)
    const { body } = await redeem(application, codeOf(landing))
    const { access_token: accessToken, refresh_token: refreshToken } = body
    const exchange = { grant_type: EXCHANGE, subject_token: accessToken, subject_token_type: ACCESS_TOKEN }
    const exchanged = (await world.token(application, exchange)).body.access_token
    const code = codeOf(await askForCode(browser, application))
    return { application, browser, accessToken, refreshToken, exchanged, code }
  }

  async function isActive(port: number, token: string, client = api): Promise<boolean> {
    const answer = await post(port, '/oauth2/introspect', client, { token })
    return ((await answer.json()) as { active: boolean }).active
  }

  /** The places where an access token is accepted. */
  async function acceptedAt(port: number, token: string): Promise<string[]> {
    const userinfo = await send('GET', at(port, '/oauth2/userinfo'), `Bearer ${token}`)
    const me = await send('GET', at(port, '/scim2/Me'), `Bearer ${token}`)
    return [
      ...((await isActive(port, token)) ? ['introspection'] : []),
      ...(userinfo === 200 ? ['userinfo'] : []),
      ...(me === 200 ? ['SCIM'] : []),
    ]
  }

  /** The artifacts that still work, by name. The browser and the code belong to the first instance's address. */
  async function workingOf({ accessToken, application, browser, code, exchanged, refreshToken }: Issued) {
    const working: string[] = []
    for (const port of instances()) {
      for (const [name, token] of Object.entries({ accessToken, exchanged })) {
        working.push(...(await acceptedAt(port, token)).map(where => `${name} at ${where}`))
      }
      if (await isActive(port, refreshToken, application)) working.push('introspection of the refresh token')
    }
    if ((await redeem(application, code)).status === 200) working.push('code')
    const refreshed = await world.token(application, { grant_type: 'refresh_token', refresh_token: refreshToken })
    if (refreshed.status === 200) working.push('refresh token')
    if ((await askForCode(browser, application)).status === 0) working.push('session')
    return working
  }

  async function inviteTo({ userName }: User): Promise<string> {
    const response = await fetch(at(world.port, '/api/users/v1/offline-invite-link'), {
      method: 'POST',
      headers: { authorization: asManager(), 'content-type': 'application/json' },
      body: JSON.stringify({ username: userName }),
    })
    return new URL(await response.text()).searchParams.get('invitation') ?? ''
  }
  const follow = (invitation: string, password = NEW) =>
    fetch(`${world.base}/set-password`, {
      method: 'POST',
      body: new URLSearchParams({ invitation, password, again: password }),
    })

  const setByManager = ({ id }: User, value: object) =>
    send('PATCH', `${world.base}/scim2/Users/${id}`, asManager(), {
      schemas: [PATCH],
      Operations: [{ op: 'replace', value }],
    })
  const changeOwn = (token: string) =>
    send('POST', `${world.base}/api/users/v1/me/change-password`, `Bearer ${token}`, {
      currentPassword: OLD,
      newPassword: NEW,
    })

  test('before an end everything works, at every instance', async () => {
    for (const application of [jwt, opaque]) {
      const working = await workingOf(await signIn(application, await world.addUser({}, OLD)))
      assert.equal(working.filter(name => name.startsWith('accessToken at')).length, 6)
      assert.equal(working.filter(name => name.startsWith('exchanged at')).length, 6)
      assert.equal(working.filter(name => name === 'introspection of the refresh token').length, 2)
      assert.deepEqual(working.slice(-3), ['code', 'refresh token', 'session'])
    }
  })

  const PASSWORD_CHANGES: Record<string, (user: User) => Promise<unknown>> = {
    'by a manager': user => setByManager(user, { password: NEW }),
    'at /scim2/Me': ({ userName }) =>
      send('PATCH', `${world.base}/scim2/Me`, basic(userName, OLD), {
        schemas: [PATCH],
        Operations: [{ op: 'replace', value: { password: NEW } }],
      }),
    'by an invitation': async user => follow(await inviteTo(user)),
  }
  for (const [how, change] of Object.entries(PASSWORD_CHANGES)) {
    test(`AZ-38: a password set ${how} ends tokens, sessions, codes and invitations`, async () => {
      const user = await world.addUser({}, OLD)
      const before = [await signIn(jwt, user), await signIn(opaque, user)]
      const invitation = await inviteTo(user)
      await change(user)
      for (const issued of before) assert.deepEqual(await workingOf(issued), [])
      assert.equal((await follow(invitation)).status, 400)
      const working = await workingOf(await signIn(jwt, user, NEW))
      assert.ok(working.includes('session') && working.includes('accessToken at SCIM'))
    })
  }

  for (const type of ['JWT', 'Default'] as const) {
    test(`AZ-38: changing the own password keeps the session and the token of the request (${type})`, async () => {
      const application = type === 'JWT' ? jwt : opaque
      const user = await world.addUser({}, OLD)
      const others = [await signIn(jwt, user), await signIn(opaque, user)]
      const own = await signIn(application, user)
      const invitation = await inviteTo(user)
      assert.equal(await changeOwn(own.accessToken), 204)
      for (const issued of others) assert.deepEqual(await workingOf(issued), [])
      assert.equal((await follow(invitation)).status, 400)
      const working = await workingOf(own)
      assert.equal(working.filter(name => name.startsWith('accessToken at')).length, 6)
      assert.deepEqual(working.slice(-2), ['refresh token', 'session'])
      assert.ok(!working.includes('code'))
    })
  }

  test('AZ-38: a sign-in that started with the old password does not finish', async () => {
    const user = await world.addUser({}, OLD)
    const consenting = await addShop({ skipsConsent: false })
    const browser = openBrowser(world.server.address)
    const page = await askForCode(browser, consenting)
    const consent = await browser.submit(page, { username: user.userName, password: OLD, step: 'sign-in' })
    assert.match(consent.html, /Allow access\?/)
    await setByManager(user, { password: NEW })
    const landing = await browser.submit(consent, { step: 'allow' })
    assert.notEqual(landing.status, 0)
    assert.equal((await askForCode(browser, jwt)).status, 200)
  })

  test('AZ-39: disabling a user ends everything at once, and enabling restores nothing', async () => {
    const user = await world.addUser({}, OLD)
    const before = [await signIn(jwt, user), await signIn(opaque, user)]
    const invitation = await inviteTo(user)
    assert.equal(await setByManager(user, { active: false }), 200)
    for (const { accessToken, application, exchanged, refreshToken } of before) {
      for (const port of instances()) {
        for (const token of [accessToken, exchanged]) assert.deepEqual(await acceptedAt(port, token), [])
        assert.equal(await isActive(port, refreshToken, application), false)
      }
    }
    assert.equal(await setByManager(user, { active: true }), 200)
    for (const issued of before) assert.deepEqual(await workingOf(issued), [])
    assert.equal((await follow(invitation)).status, 400)
    assert.ok((await workingOf(await signIn(jwt, user))).includes('accessToken at SCIM'))
  })

  test('AZ-39: deleting a user ends everything at once', async () => {
    const user = await world.addUser({}, OLD)
    const before = [await signIn(jwt, user), await signIn(opaque, user)]
    const invitation = await inviteTo(user)
    assert.equal(await send('DELETE', `${world.base}/scim2/Users/${user.id}`, asManager()), 204)
    for (const issued of before) assert.deepEqual(await workingOf(issued), [])
    assert.equal((await follow(invitation)).status, 400)
  })

  describe('AZ-40', () => {
    const manage = (method: string, { id }: Application, path = '', body?: object) =>
      send(method, `${world.base}/api/server/v1/applications/${id}${path}`, asManager(), body)
    const oidc = { grantTypes: ['authorization_code', 'refresh_token'], callbackURLs: [CALLBACK] }
    const ENDS: Record<string, (application: Application) => Promise<number>> = {
      'its secret is regenerated': application =>
        manage('POST', application, '/inbound-protocols/oidc/regenerate-secret'),
      'it is made public': application =>
        manage('PUT', application, '/inbound-protocols/oidc', { ...oidc, publicClient: true }),
      'it is disabled': application => manage('PATCH', application, '', { applicationEnabled: false }),
      'it is deleted': application => manage('DELETE', application),
    }
    for (const [what, end] of Object.entries(ENDS)) {
      for (const accessTokenType of ['JWT', 'Default'] as const) {
        test(`AZ-40: when ${what}, all tokens of an application end (${accessTokenType})`, async () => {
          const application = await addShop({ accessTokenType })
          const { accessToken, browser, code, exchanged, refreshToken } = await signIn(
            application,
            await world.addUser({}, OLD),
          )
          const form = { grant_type: 'client_credentials', scope: 'internal_user_mgt_list' }
          const machine = (await world.token(application, form)).body.access_token
          const list = (port: number) => send('GET', at(port, '/scim2/Users'), `Bearer ${machine}`)
          for (const port of instances()) {
            assert.equal(await list(port), 200)
            assert.equal(await isActive(port, machine), true)
          }
          const status = await end(application)
          assert.ok(status >= 200 && status < 300, String(status))
          for (const port of instances()) {
            for (const token of [accessToken, exchanged]) assert.deepEqual(await acceptedAt(port, token), [])
            assert.equal(await isActive(port, machine), false)
            assert.equal(await list(port), 401)
          }
          // Enabled again, or with the new client authentication.
          if (what === 'it is disabled') await manage('PATCH', application, '', { applicationEnabled: true })
          const { clientSecret, ...others } = application
          const secret = what === 'it is disabled' ? clientSecret : undefined
          const now: Application = { ...others, ...(secret !== undefined && { clientSecret: secret }) }
          assert.notEqual((await redeem(now, code)).status, 200)
          const refresh = { grant_type: 'refresh_token', refresh_token: refreshToken }
          assert.notEqual((await world.token(now, refresh)).status, 200)
          for (const port of instances()) assert.equal(await isActive(port, machine), false)
          assert.equal((await askForCode(browser, jwt)).status, 0, 'the session of the user stays')
        })
      }
    }
  })

  describe('AZ-41', () => {
    test('AZ-41: withdrawing an API from an application withdraws it from its tokens', async () => {
      for (const accessTokenType of ['JWT', 'Default'] as const) {
        const application = await addShop({ accessTokenType })
        const form = { grant_type: 'client_credentials', scope: 'internal_user_mgt_list' }
        const machine = (await world.token(application, form)).body.access_token
        const boss = await signIn(application, manager)
        const list = async (token: string) => {
          const answers = instances().map(port => send('GET', at(port, '/scim2/Users'), `Bearer ${token}`))
          return [...new Set(await Promise.all(answers))]
        }
        assert.deepEqual(await list(machine), [200])
        assert.deepEqual(await list(boss.accessToken), [200])
        await world.db.queries.deleteFrom('authorized_scopes').where('application_id', '=', application.id).execute()
        assert.deepEqual(await list(machine), [403])
        assert.deepEqual(await list(boss.accessToken), [403])
        const refresh = { grant_type: 'refresh_token', refresh_token: boss.refreshToken }
        assert.equal((await world.token(application, refresh)).body.scope, 'internal_login openid')
      }
    })

    test('AZ-41: a role that a user loses has no effect in their tokens and the next refresh', async () => {
      const user = await world.addUser({}, OLD)
      const role = {
        id: `role-of-${user.id}`,
        tenantId: world.tenant.id,
        audience: { type: 'organization' as const, id: world.organization.id },
        name: `Reader ${user.id}`,
        permissions: ['internal_user_mgt_list'],
        createdAt: 1,
        updatedAt: 1,
      }
      await insertRole(world.db, role)
      await addMembers(world.db, 'users of a role', role.id, [user.id])
      const { accessToken, application, refreshToken } = await signIn(jwt, user)
      const list = (port: number) => send('GET', at(port, '/scim2/Users'), `Bearer ${accessToken}`)
      for (const port of instances()) assert.equal(await list(port), 200)
      await removeMembers(world.db, 'users of a role', role.id, [user.id])
      for (const port of instances()) assert.equal(await list(port), 403)
      const refreshed = await world.token(application, { grant_type: 'refresh_token', refresh_token: refreshToken })
      assert.equal(refreshed.body.scope, 'cart.read internal_login internal_user_password_update openid')
    })
  })
})
