import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { decodeJwt } from 'jose'
import { CALLBACK, openBrowser } from '../../ground/pages/browser.fixture.ts'
import type { Application, Organization, User } from '../../ground/store/model.ts'
import { addOrganization } from '../../ground/store/organizations.ts'
import { startWorld, type World } from '../../world.fixture.ts'

let world: World
let user: User
before(async () => {
  world = await startWorld()
  user = await world.addUser({
    claims: {
      'http://wso2.org/claims/givenname': 'Mira',
      'http://wso2.org/claims/emailaddress': 'mira@example.com',
      'http://wso2.org/claims/identity/emailVerified': 'true',
      'http://wso2.org/claims/country': 'NO',
      'http://wso2.org/claims/modified': '2026-11-21T10:00:00Z',
      'http://wso2.org/claims/department': 'sales',
    },
  })
})
after(() => world.close())

const signIn = (application: Application, scope: string) =>
  world.token(application, { grant_type: 'password', username: user.userName, password: 'correct horse', scope })

async function userinfo(token: string) {
  const response = await fetch(`${world.base}/oauth2/userinfo`, { headers: { authorization: `Bearer ${token}` } })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

async function introspect(application: Application, token: string) {
  return (await (await world.post('/oauth2/introspect', application, { token })).json()) as Record<string, unknown>
}

for (const accessTokenType of ['JWT', 'Default'] as const) {
  describe(`access tokens of the type ${accessTokenType}`, () => {
    let application: Application
    before(async () => {
      application = await world.addApplication(
        { grantTypes: ['password', 'refresh_token', 'client_credentials'], accessTokenType },
        ['cart.read'],
      )
    })

    test('userinfo returns the claims of the scopes', async () => {
      const { body } = await signIn(application, 'openid profile email address groups')
      assert.deepEqual((await userinfo(body.access_token)).body, {
        sub: user.id,
        name: 'Mira',
        given_name: 'Mira',
        username: user.userName,
        updated_at: Date.parse('2026-11-21T10:00:00Z') / 1000,
        email: 'mira@example.com',
        email_verified: true,
        address: { country: 'NO' },
        groups: ['staff', 'eu'],
      })
      const narrow = await signIn(application, 'openid')
      assert.deepEqual((await userinfo(narrow.body.access_token)).body, { sub: user.id })
    })

    test('userinfo refuses a token without openid, a revoked one, and garbage', async () => {
      const plain = await signIn(application, 'cart.read')
      assert.equal((await userinfo(plain.body.access_token)).status, 403)
      const { body } = await signIn(application, 'openid')
      await world.post('/oauth2/revoke', application, { token: body.access_token })
      assert.equal((await userinfo(body.access_token)).status, 401)
      assert.equal((await userinfo('a.b.c')).status, 401)
    })

    test('introspection describes it until it is revoked', async () => {
      const { body } = await signIn(application, 'openid cart.read')
      const told = await introspect(application, body.access_token)
      assert.equal(told['active'], true)
      assert.equal(told['scope'], 'cart.read openid')
      assert.equal(told['client_id'], application.clientId)
      assert.equal(told['sub'], user.id)
      assert.equal(told['aut'], 'APPLICATION_USER')
      assert.equal(Number(told['exp']) - Number(told['iat']), 1800)
      await world.post('/oauth2/revoke', application, { token: body.access_token })
      assert.deepEqual(await introspect(application, body.access_token), { active: false })
    })

    test('revoking the refresh token also ends the access token', async () => {
      const { body } = await signIn(application, 'openid')
      await world.post('/oauth2/revoke', application, { token: body.refresh_token })
      assert.deepEqual(await introspect(application, body.access_token), { active: false })
      assert.deepEqual(await introspect(application, body.refresh_token), { active: false })
    })

    test('a token of an application can be introspected and revoked', async () => {
      const { body } = await world.token(application, { grant_type: 'client_credentials', scope: 'cart.read' })
      const told = await introspect(application, body.access_token)
      assert.deepEqual([told['active'], told['aut'], told['scope']], [true, 'APPLICATION', 'cart.read'])
      await world.post('/oauth2/revoke', application, { token: body.access_token })
      assert.deepEqual(await introspect(application, body.access_token), { active: false })
    })

    test('another client cannot revoke it, and a public client learns nothing about it', async () => {
      const { body } = await signIn(application, 'openid')
      const other = await world.addApplication()
      assert.equal((await world.post('/oauth2/revoke', other, { token: body.access_token })).status, 400)
      const open = await world.addApplication({ isPublicClient: true })
      assert.deepEqual(await introspect(open, body.access_token), { active: false })
      assert.equal((await introspect(application, body.access_token))['active'], true)
    })
  })
}

test('a claim that the application lists is in its access tokens without a scope', async () => {
  const application = await world.addApplication({
    grantTypes: ['password'],
    accessTokenClaims: ['department', 'email'],
  })
  const { body } = await signIn(application, 'openid')
  const claims = decodeJwt(body.access_token)
  assert.deepEqual(
    [claims['department'], claims['email'], claims['given_name']],
    ['sales', 'mira@example.com', undefined],
  )
})

test('unauthorized and unknown scopes are dropped', async () => {
  const application = await world.addApplication({ grantTypes: ['password', 'client_credentials'] }, ['cart.read'])
  await world.addApplication({}, ['orders.write'])
  const asked = 'openid cart.read orders.write nonsense'
  assert.equal((await signIn(application, asked)).body.scope, 'cart.read openid')
  const machine = await world.token(application, { grant_type: 'client_credentials', scope: asked })
  assert.equal(machine.body.scope, 'cart.read')
  const none = await world.token(application, { grant_type: 'client_credentials' })
  assert.equal(none.body.scope, undefined)
})

test('behind a TLS proxy every address is https, and cookies are for https only', async () => {
  const behind = await startWorld({ publicUrl: 'https://id.example.com' })
  try {
    const path = `http://127.0.0.1:${behind.port}/t/${behind.tenant.domain}`
    const discovery = (await (await fetch(`${path}/.well-known/openid-configuration`)).json()) as Record<string, string>
    assert.equal(discovery['issuer'], `https://id.example.com/t/${behind.tenant.domain}/oauth2/token`)
    assert.equal(discovery['token_endpoint'], discovery['issuer'])
    const application = await behind.addApplication({ grantTypes: ['authorization_code'], callbackUrls: [CALLBACK] })
    const query = new URLSearchParams({ client_id: application.clientId, response_type: 'code', scope: 'openid' })
    const redirect = await fetch(`${path}/oauth2/authorize?${query}`, { redirect: 'manual' })
    const cookies = redirect.headers.getSetCookie()
    assert(cookies.length > 0)
    for (const cookie of cookies) assert.match(cookie, /; secure/i)
  } finally {
    await behind.close()
  }
})

describe('organizations below the root', () => {
  test('have their own issuer, users and codes', async () => {
    const branch: Organization = {
      id: randomUUID(),
      tenantId: world.tenant.id,
      parentId: world.organization.id,
      name: 'Branch',
      handle: 'branch',
      depth: 1,
    }
    await addOrganization(world.db, branch)
    const member = await world.addUser({ organizationId: branch.id })
    const application = await world.addApplication({ grantTypes: ['authorization_code'], callbackUrls: [CALLBACK] })
    const base = `${world.base}/o/${branch.handle}`
    const query = new URLSearchParams({
      client_id: application.clientId,
      redirect_uri: CALLBACK,
      response_type: 'code',
      scope: 'openid',
    })
    const browser = openBrowser(world.server.address)
    const page = await browser.open(`${base}/oauth2/authorize?${query}`)
    const landing = await browser.submit(page, {
      username: member.userName,
      password: 'correct horse',
      step: 'sign-in',
    })
    const form = {
      grant_type: 'authorization_code',
      code: new URL(landing.url).searchParams.get('code') ?? '',
      redirect_uri: CALLBACK,
    }
    const elsewhere = await world.token(application, form)
    assert.deepEqual([elsewhere.status, elsewhere.body.error], [400, 'invalid_grant'])

    const basic = Buffer.from(`${application.clientId}:${application.clientSecret}`).toString('base64')
    const response = await fetch(`${base}/oauth2/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${basic}` },
      body: new URLSearchParams(form),
    })
    const body = (await response.json()) as { access_token: string }
    const { iss, sub, org_id } = decodeJwt(body.access_token)
    assert.deepEqual([iss, sub, org_id], [`${world.base}/o/${branch.id}/oauth2/token`, member.id, branch.id])
  })
})
