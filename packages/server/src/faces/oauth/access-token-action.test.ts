import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { Operation } from '@preflow/contract'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { authorize, CALLBACK } from '../../ground/pages/browser.fixture.ts'
import { setActionStatus, updateAction } from '../../ground/store/actions.ts'
import type { Action, Application, User } from '../../ground/store/model.ts'
import { type Extension, startExtension, startWorld, type World } from '../../world.fixture.ts'

let world: World
let extension: Extension
let action: Action
let m2m: Application
let web: Application
let user: User

before(async () => {
  world = await startWorld()
  extension = await startExtension()
  action = await world.addAction('PRE_ISSUE_ACCESS_TOKEN', extension.url)
  m2m = await world.addApplication({}, ['jobs.run', 'jobs.read'])
  web = await world.addApplication(
    {
      grantTypes: ['authorization_code', 'password', 'refresh_token'],
      callbackUrls: [CALLBACK],
      audiences: ['https://api.shop.test'],
      accessTokenClaims: ['given_name', 'groups', 'address'],
    },
    ['cart.read', 'orders.write'],
  )
  user = await world.addUser({
    claims: { 'http://wso2.org/claims/givenname': 'Mira', 'http://wso2.org/claims/country': 'NO' },
  })
})
after(async () => {
  await extension.close()
  await world.close()
})
beforeEach(() => {
  extension.calls.length = 0
  extension.succeed()
})

const MACHINE = { grant_type: 'client_credentials' }
const passwordOf = (scope = 'openid cart.read orders.write') => ({
  grant_type: 'password',
  username: user.userName,
  password: 'correct horse',
  scope,
})

/** The token of a request that must succeed, as issued and decoded. */
async function issue(application: Application, form: Record<string, string>, headers?: Record<string, string>) {
  const { status, body } = await world.token(application, form, headers)
  assert.equal(status, 200, JSON.stringify(body))
  const claims = application.accessTokenType === 'JWT' ? decodeJwt(body.access_token) : {}
  return { body, claims, lifetime: (claims.exp ?? 0) - (claims.iat ?? 0) }
}

const lastEvent = () => extension.calls.at(-1)?.body.event
const offered = (op: string): string[] =>
  extension.calls.at(-1)?.body.allowedOperations.find((entry: { op: string }) => entry.op === op).paths
const claimNames = () => lastEvent().accessToken.claims.map((claim: { name: string }) => claim.name)

describe('when the action runs', () => {
  test('T1: a code is redeemed after one call', async () => {
    const landing = await authorize(world, {
      clientId: web.clientId,
      userName: user.userName,
      parameters: { scope: 'openid' },
    })
    await issue(web, {
      grant_type: 'authorization_code',
      code: landing.searchParams.get('code') ?? '',
      redirect_uri: CALLBACK,
    })
    assert.equal(extension.calls.length, 1)
    assert.equal(lastEvent().request.grantType, 'authorization_code')
  })

  test('T2: an application with opaque tokens calls no action on the reference’s platforms, but does on preflow', async () => {
    const opaque = await world.addApplication({ accessTokenType: 'Default' })
    await updateAction(world.db, { ...action, platform: 'wso2-is-next' })
    const { body } = await issue(opaque, MACHINE)
    await updateAction(world.db, action)
    assert.equal(body.access_token.split('.').length, 1)
    assert.equal(extension.calls.length, 0)
    await issue(opaque, MACHINE)
    assert.equal(lastEvent().accessToken.tokenType, 'Default')
  })

  test('T3: the password grant calls the action with the user in the event', async () => {
    await issue(web, passwordOf())
    assert.equal(lastEvent().request.grantType, 'password')
    assert.equal(lastEvent().user.id, user.id)
    assert.equal(lastEvent().user.organization.id, world.organization.id)
  })

  test('T4: client credentials call the action without a user', async () => {
    await issue(m2m, MACHINE)
    const { user: someone, userStore, accessToken } = lastEvent()
    assert.deepEqual([someone, userStore], [undefined, undefined])
    assert.equal(accessToken.claims.find((claim: { name: string }) => claim.name === 'aut').value, 'APPLICATION')
  })

  test('T5: a refresh calls the action with the grant refresh_token', async () => {
    const { body } = await issue(web, passwordOf())
    await issue(web, { grant_type: 'refresh_token', refresh_token: body.refresh_token })
    assert.equal(lastEvent().request.grantType, 'refresh_token')
  })

  test('T17: an inactive action is not called, and the token is unchanged', async () => {
    await setActionStatus(world.db, world.tenant.id, action.id, 'INACTIVE')
    extension.succeed({ op: 'add', path: '/accessToken/claims/-', value: { name: 'tier', value: 'gold' } })
    const { claims } = await issue(m2m, MACHINE)
    await setActionStatus(world.db, world.tenant.id, action.id, 'ACTIVE')
    assert.equal(extension.calls.length, 0)
    assert.equal(claims['tier'], undefined)
  })

  describe('by rule', () => {
    const rule = (...groups: [field: string, operator: 'equals' | 'notEquals', value: string][][]) => ({
      condition: 'OR' as const,
      rules: groups.map(group => ({
        condition: 'AND' as const,
        expressions: group.map(([field, operator, value]) => ({ field, operator, value })),
      })),
    })
    const rows: [row: string, rule: () => Action['rule'], calls: number][] = [
      ['T19: another grant is named', () => rule([['grantType', 'equals', 'authorization_code']]), 0],
      ['T20: this application is named', () => rule([['application', 'equals', web.id]]), 1],
      [
        'T21: this application and this grant are named',
        () =>
          rule([
            ['application', 'equals', web.id],
            ['grantType', 'equals', 'password'],
          ]),
        1,
      ],
      [
        'T22: this application or another grant is named',
        () => rule([['application', 'equals', web.id]], [['grantType', 'equals', 'client_credentials']]),
        1,
      ],
      ['T23: this grant is excluded', () => rule([['grantType', 'notEquals', 'password']]), 0],
      ['T24: this application is excluded', () => rule([['application', 'notEquals', web.id]]), 0],
      [
        'T25: both are excluded',
        () =>
          rule([
            ['application', 'notEquals', web.id],
            ['grantType', 'notEquals', 'password'],
          ]),
        0,
      ],
      [
        'T26: another application or another grant is named',
        () => rule([['application', 'equals', m2m.id]], [['grantType', 'equals', 'client_credentials']]),
        0,
      ],
      ['T27: the client id is named instead of the id', () => rule([['application', 'equals', web.clientId]]), 0],
    ]
    for (const [row, make, calls] of rows) {
      test(`${row}: ${calls === 1 ? 'called' : 'not called'}`, async () => {
        await updateAction(world.db, { ...action, ...withRule(make()) })
        await issue(web, passwordOf())
        await updateAction(world.db, action)
        assert.equal(extension.calls.length, calls)
      })
    }
    test('T28: a field that does not exist refuses the token', async () => {
      await updateAction(world.db, { ...action, ...withRule(rule([['email', 'equals', 'x']])) })
      const { status, body } = await world.token(web, passwordOf())
      await updateAction(world.db, action)
      assert.equal(status, 500)
      assert.equal(body.error, 'server_error')
    })
    const withRule = (made: Action['rule']) => (made ? { rule: made } : {})
  })
})

describe('the event', () => {
  test('T31: the claims of an application token have their order and no scopes', async () => {
    await issue(m2m, MACHINE)
    assert.deepEqual(claimNames(), ['iss', 'client_id', 'aut', 'expires_in', 'aud', 'sub'])
    assert.equal(lastEvent().accessToken.scopes, undefined)
    assert.equal(lastEvent().request.scopes, undefined)
    assert.deepEqual(lastEvent().tenant, { id: world.tenant.id, name: world.tenant.domain })
    assert.equal(lastEvent().organization.id, world.organization.id)
  })

  test('T32: a platform with pairwise subjects shows the subject type before the subject', async () => {
    await updateAction(world.db, { ...action, platform: 'asgardeo' })
    await issue(m2m, MACHINE)
    await updateAction(world.db, action)
    assert.deepEqual(claimNames(), ['iss', 'client_id', 'aut', 'expires_in', 'aud', 'subject_type', 'sub'])
  })

  test('T34, T35: lifetime and audiences are those of the application', async () => {
    await issue(web, passwordOf())
    const claims = new Map(
      lastEvent().accessToken.claims.map((claim: { name: string; value: unknown }) => [claim.name, claim.value]),
    )
    assert.equal(claims.get('expires_in'), 1800)
    assert.deepEqual(claims.get('aud'), [web.clientId, 'https://api.shop.test'])
    assert.equal(claims.get('iss'), `${world.base}/oauth2/token`)
    assert.equal(claims.get('sub'), user.id)
  })

  test('T36: granted scopes are sorted, requested ones have the order of the request', async () => {
    await issue(web, passwordOf('orders.write openid cart.read'))
    assert.deepEqual(lastEvent().accessToken.scopes, ['cart.read', 'openid', 'orders.write'])
    assert.deepEqual(lastEvent().request.scopes, ['orders.write', 'openid', 'cart.read'])
  })

  test('T37: without the refresh grant the event offers no change of a refresh token', async () => {
    await issue(m2m, MACHINE)
    assert.equal(lastEvent().refreshToken, undefined)
    assert.deepEqual(lastEvent().response.parameters, ['access_token', 'token_type', 'scope', 'expires_in'])
    assert(!offered('replace').includes('/refreshToken/claims/expires_in'))
    assert(!offered('remove').includes('/response/parameters/refresh_token'))
  })

  test('T38: with the refresh grant the event has its lifetime and both paths', async () => {
    await issue(web, passwordOf())
    assert.deepEqual(lastEvent().refreshToken.claims, [{ name: 'expires_in', value: 7200 }])
    assert(offered('replace').includes('/refreshToken/claims/expires_in'))
    assert(offered('remove').includes('/response/parameters/refresh_token'))
    assert(lastEvent().response.parameters.includes('id_token'))
  })

  test('T39: the lifetime of a refresh token without its own is shown as -1', async () => {
    const forever = await world.addApplication({
      grantTypes: ['password', 'refresh_token'],
      refreshTokenLifetimeSeconds: 0,
    })
    await issue(forever, { ...passwordOf(), scope: '' })
    assert.deepEqual(lastEvent().refreshToken.claims, [{ name: 'expires_in', value: -1 }])
  })

  test('T40: without openid the event has no ID token', async () => {
    await issue(web, passwordOf('cart.read'))
    assert(!lastEvent().response.parameters.includes('id_token'))
    assert(!offered('remove').includes('/response/parameters/id_token'))
  })

  test('T41: a code from the consent page brings the key of the page', async () => {
    const asking = await world.addApplication({
      grantTypes: ['authorization_code'],
      callbackUrls: [CALLBACK],
      skipsConsent: false,
    })
    const { openBrowser } = await import('../../ground/pages/browser.fixture.ts')
    const browser = openBrowser(world.server.address)
    const query = new URLSearchParams({
      client_id: asking.clientId,
      redirect_uri: CALLBACK,
      response_type: 'code',
      scope: 'openid',
    })
    const signIn = await browser.open(`${world.base}/oauth2/authorize?${query}`)
    const consent = await browser.submit(signIn, {
      username: user.userName,
      password: 'correct horse',
      step: 'sign-in',
    })
    const landing = await browser.submit(consent, { step: 'allow' })
    const code = new URL(landing.url).searchParams.get('code') ?? ''
    await issue(asking, { grant_type: 'authorization_code', code, redirect_uri: CALLBACK })
    assert.equal(lastEvent().session.sessionDataKeyConsent, new URL(consent.url).pathname.split('/').at(-1))
  })

  test('T42: without a consent page the event has no session', async () => {
    await issue(web, passwordOf())
    assert.equal(lastEvent().session, undefined)
  })

  test('T47: users are in the user store PRIMARY', async () => {
    await issue(web, passwordOf())
    assert.deepEqual(lastEvent().userStore, { id: 'UFJJTUFSWQ==', name: 'PRIMARY' })
  })

  test('T51: every header and parameter is sent except secrets', async () => {
    await issue(m2m, { ...MACHINE, channel: 'web' }, { 'x-request-id': 'r-1', cookie: 'a=b' })
    const { additionalHeaders, additionalParams } = lastEvent().request
    const names = additionalHeaders.map((header: { name: string }) => header.name)
    assert(names.includes('x-request-id'))
    assert(!names.includes('authorization') && !names.includes('cookie'))
    assert.deepEqual(additionalParams, [
      { name: 'grant_type', value: ['client_credentials'] },
      { name: 'channel', value: ['web'] },
    ])
  })

  test('T49, T50, T53: an action that lists names gets only those', async () => {
    const endpoint = { ...action.endpoint, allowedHeaders: ['X-Shop'], allowedParameters: ['Channel'] }
    await updateAction(world.db, { ...action, endpoint })
    await issue(m2m, { ...MACHINE, channel: 'web' }, { 'x-shop': 'oslo', 'x-other': '1' })
    await updateAction(world.db, action)
    assert.deepEqual(lastEvent().request.additionalHeaders, [{ name: 'x-shop', value: ['oslo'] }])
    assert.equal(lastEvent().request.additionalParams, undefined)
  })

  test('T55, T56: a string claim and a list claim with a slash may be changed, an object may not', async () => {
    await issue(web, passwordOf())
    assert.deepEqual(offered('remove').slice(0, 4), [
      '/accessToken/claims/given_name',
      '/accessToken/claims/groups/',
      '/accessToken/scopes/',
      '/accessToken/claims/aud/',
    ])
    assert(claimNames().includes('address'))
    assert(!offered('replace').some(path => path.includes('address')))
  })

  test('T57: scopes may be changed even if none were granted', async () => {
    await issue(m2m, MACHINE)
    for (const op of ['add', 'remove', 'replace']) assert(offered(op).includes('/accessToken/scopes/'))
  })

  test('a platform of revision 1.0 sends no more than that revision has', async () => {
    await updateAction(world.db, { ...action, platform: 'wso2-is-7.0' })
    await issue(web, passwordOf())
    await updateAction(world.db, action)
    const { organization, refreshToken, response, session, user: someone } = lastEvent()
    assert.deepEqual([organization, refreshToken, response, session], [undefined, undefined, undefined, undefined])
    assert.deepEqual(someone, { id: user.id })
  })
})

describe('the changes', () => {
  const change = async (...operations: Operation[]) => {
    extension.succeed(...operations)
    return issue(web, passwordOf())
  }

  test('T67: an added scope is in the token and in the response, sorted', async () => {
    const { body, claims } = await change({ op: 'add', path: '/accessToken/scopes/-', value: 'billing.read' })
    assert.equal(claims['scope'], 'billing.read cart.read openid orders.write')
    assert.equal(body.scope, claims['scope'])
  })

  test('T77: without openid no ID token is issued', async () => {
    assert.equal(typeof (await change()).body.id_token, 'string')
    const { body } = await change({ op: 'remove', path: '/accessToken/scopes/1' })
    assert.equal(body.id_token, undefined)
    assert.equal(body.scope, 'cart.read orders.write')
  })

  test('adding openid brings an ID token, and userinfo answers', async () => {
    extension.succeed({ op: 'add', path: '/accessToken/scopes/-', value: 'openid' })
    const { body } = await issue(web, passwordOf('cart.read'))
    assert.equal(decodeJwt(body.id_token).sub, user.id)
    const info = await fetch(`${world.base}/oauth2/userinfo`, {
      headers: { authorization: `Bearer ${body.access_token}` },
    })
    assert.deepEqual(await info.json(), { sub: user.id })
  })

  test('T91: after all scopes are removed neither token nor response has one', async () => {
    const all = [0, 1, 2].map((index): Operation => ({ op: 'remove', path: `/accessToken/scopes/${index}` }))
    const { body, claims } = await change(...all)
    assert.equal(claims['scope'], undefined)
    assert.equal(body.scope, undefined)
  })

  test('T91: the reference still returns the original scopes', async () => {
    await updateAction(world.db, { ...action, platform: 'wso2-is-next' })
    const all = [0, 1, 2].map((index): Operation => ({ op: 'remove', path: `/accessToken/scopes/${index}` }))
    const { body, claims } = await change(...all)
    await updateAction(world.db, action)
    assert.equal(claims['scope'], undefined)
    assert.equal(body.scope, 'cart.read openid orders.write')
  })

  test('T94, T100: the audiences change, a single one is a string, and without any the claim is absent', async () => {
    const more = await change({ op: 'add', path: '/accessToken/claims/aud/-', value: 'https://crm.test/v1' })
    assert.deepEqual(more.claims.aud, [web.clientId, 'https://api.shop.test', 'https://crm.test/v1'])
    const one = await change({ op: 'remove', path: '/accessToken/claims/aud/0' })
    assert.equal(one.claims.aud, 'https://api.shop.test')
    const none = await change(
      { op: 'remove', path: '/accessToken/claims/aud/0' },
      { op: 'remove', path: '/accessToken/claims/aud/1' },
    )
    assert.equal('aud' in none.claims, false)
  })

  test('T110 to T113: custom claims of the four types', async () => {
    const values = { tier: 'gold', quota: 12, vip: true, tags: ['a', 'b'] }
    const { claims } = await change(
      ...Object.entries(values).map(
        ([name, value]): Operation => ({ op: 'add', path: '/accessToken/claims/-', value: { name, value } }),
      ),
    )
    for (const [name, value] of Object.entries(values)) assert.deepEqual(claims[name], value)
  })

  test('T124, T125: the platform’s own claims cannot be added', async () => {
    const add = (name: string, value: unknown): Operation => ({
      op: 'add',
      path: '/accessToken/claims/-',
      value: { name, value },
    })
    const { claims, lifetime } = await change(add('iat', 5), add('exp', 1), add('jti', 'mine'))
    assert.equal(lifetime, 1800)
    assert.notEqual(claims.iat, 5)
    assert.notEqual(claims.jti, 'mine')
  })

  test('T128, T131, T133: user attributes can be replaced, removed, and edited item by item', async () => {
    const { claims } = await change(
      { op: 'replace', path: '/accessToken/claims/given_name', value: 'Ann' },
      { op: 'remove', path: '/accessToken/claims/groups/1' },
    )
    assert.equal(claims['given_name'], 'Ann')
    assert.deepEqual(claims['groups'], ['staff'])
    const removed = await change({ op: 'remove', path: '/accessToken/claims/given_name' })
    assert.equal('given_name' in removed.claims, false)
  })

  test('T172, T173: the lifetime of the token and expires_in change', async () => {
    for (const value of [900, '900']) {
      const { body, lifetime } = await change({ op: 'replace', path: '/accessToken/claims/expires_in', value })
      assert.equal(lifetime, 900)
      assert.equal(body.expires_in, 900)
    }
  })

  test('T179, E166: the lifetime of the refresh token changes', async () => {
    const { body } = await change({ op: 'replace', path: '/refreshToken/claims/expires_in', value: 40_000 })
    const answer = await world.post('/oauth2/introspect', web, { token: body.refresh_token })
    const { exp, iat } = (await answer.json()) as { exp: number; iat: number }
    assert.equal(exp - iat, 40_000)
  })

  test('T182, T183: response parameters are added to the response and not to the token', async () => {
    const plan = { name: 'gold', seats: [1, 2, 3], nested: [{ x: 1 }] }
    const { body, claims } = await change({
      op: 'add',
      path: '/response/parameters/-',
      value: { name: 'plan', value: plan },
    })
    assert.deepEqual(body.plan, plan)
    assert.equal('plan' in claims, false)
  })

  test('T187, T188: a hidden refresh token or ID token is not in the response', async () => {
    const { body } = await change(
      { op: 'remove', path: '/response/parameters/refresh_token' },
      { op: 'remove', path: '/response/parameters/id_token' },
    )
    assert.deepEqual(Object.keys(body).sort(), ['access_token', 'expires_in', 'scope', 'token_type'])
  })

  test('T224: an operation that is not allowed is ignored, and the others apply', async () => {
    const { claims } = await change(
      { op: 'remove', path: '/accessToken/claims/sub' },
      { op: 'add', path: '/accessToken/claims/-', value: { name: 'tier', value: 'gold' } },
    )
    assert.equal(claims.sub, user.id)
    assert.equal(claims['tier'], 'gold')
  })
})

test('the token is a signed at+jwt with the claims of the reference', async () => {
  const { body } = await issue(web, passwordOf())
  const keys = createRemoteJWKSet(new URL(`${world.base}/oauth2/jwks`))
  const { payload, protectedHeader } = await jwtVerify(body.access_token, keys)
  assert.deepEqual([protectedHeader.typ, protectedHeader.alg], ['at+jwt', 'RS256'])
  const { iss, sub, aut, aud, client_id, azp, scope, iat, nbf, exp, jti } = payload
  assert.deepEqual(
    { iss, sub, aut, aud, client_id, azp, scope, nbf, lifetime: (exp ?? 0) - (iat ?? 0), hasId: typeof jti },
    {
      iss: `${world.base}/oauth2/token`,
      sub: user.id,
      aut: 'APPLICATION_USER',
      aud: [web.clientId, 'https://api.shop.test'],
      client_id: web.clientId,
      azp: web.clientId,
      scope: 'cart.read openid orders.write',
      nbf: iat,
      lifetime: 1800,
      hasId: 'string',
    },
  )
})
