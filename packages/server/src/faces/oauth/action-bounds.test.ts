/** What an action can never change, with any answer and on any platform. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { type Operation, platforms } from '@preflow/contract'
import { decodeJwt } from 'jose'
import { authorize, CALLBACK } from '../../ground/pages/browser.fixture.ts'
import { updateAction } from '../../ground/store/actions.ts'
import type { Action, Application, User } from '../../ground/store/model.ts'
import { type Extension, startExtension, startWorld, type World } from '../../world.fixture.ts'

let world: World
let access: Extension
let id: Extension
let accessAction: Action
let web: Application
let other: Application
let user: User

before(async () => {
  world = await startWorld()
  access = await startExtension()
  id = await startExtension()
  accessAction = await world.addAction('PRE_ISSUE_ACCESS_TOKEN', access.url)
  await world.addAction('PRE_ISSUE_ID_TOKEN', id.url)
  const settings = { grantTypes: ['authorization_code', 'password', 'refresh_token'], callbackUrls: [CALLBACK] }
  web = await world.addApplication(settings, ['cart.read'])
  other = await world.addApplication()
  user = await world.addUser()
})
after(async () => {
  await access.close()
  await id.close()
  await world.close()
})
beforeEach(() => {
  access.succeed()
  id.succeed()
})

async function issue(...operations: Operation[]) {
  access.succeed(...operations)
  const answer = await world.token(web, {
    grant_type: 'password',
    username: user.userName,
    password: 'correct horse',
    scope: 'openid cart.read',
  })
  return { ...answer, claims: answer.status === 200 ? decodeJwt(answer.body.access_token) : {} }
}

const add = (value: unknown): Operation => ({ op: 'add', path: '/accessToken/scopes/-', value })
const claim = (name: string, value: unknown): Operation => ({
  op: 'add',
  path: '/accessToken/claims/-',
  value: { name, value },
})

for (const platform of Object.keys(platforms)) {
  test(`AZ-18: on ${platform} an action cannot add a scope of the server`, async () => {
    await updateAction(world.db, { ...accessAction, platform })
    const mine = ['internal_x', 'Internal_x', 'internal_org_x', 'SYSTEM', 'console:x']
    const replacing = mine.map((value): Operation => ({ op: 'replace', path: '/accessToken/scopes/0', value }))
    const { status, body, claims } = await issue(...mine.map(add), ...replacing, add('billing.read'))
    assert.deepEqual([status, body.scope], [200, 'billing.read cart.read openid'])
    assert.equal(claims['scope'], 'billing.read cart.read openid')
    const refreshed = await world.token(web, { grant_type: 'refresh_token', refresh_token: body.refresh_token })
    assert.equal(refreshed.body.scope, 'billing.read cart.read openid')
  })

  test(`AZ-73: on ${platform} an action cannot write a claim that servers use for decisions`, async () => {
    await updateAction(world.db, { ...accessAction, platform })
    const { claims: plain } = await issue()
    const names = ['exp', 'nbf', 'jti', 'azp', 'act', 'cnf', 'org_id', 'org_x', 'sid', 'amr', 'acr', 'scp', 'may_act']
    const { status, claims } = await issue(...names.map(name => claim(name, 'x')), claim('tier', 'gold'))
    assert.equal(status, 200)
    assert.deepEqual(Object.keys(claims).sort(), [...Object.keys(plain), 'tier'].sort())
    for (const name of names) assert.notEqual(claims[name], 'x', name)
  })
}

test('AZ-50: a claim with the name of an object’s inherited member does not consume the code', async () => {
  await updateAction(world.db, accessAction)
  const members = Object.getOwnPropertyNames(Object.prototype)
  access.succeed(...[...members, 'prototype', 'then', 'toJSON'].map(name => claim(name, 'x')))
  const { searchParams } = await authorize(world, {
    clientId: web.clientId,
    userName: user.userName,
    parameters: { scope: 'openid cart.read' },
  })
  const { status, body } = await world.token(web, {
    grant_type: 'authorization_code',
    code: searchParams.get('code') ?? '',
    redirect_uri: CALLBACK,
  })
  assert.equal(status, 200, JSON.stringify(body))
  const claims = decodeJwt(body.access_token)
  assert.equal(claims['toString'], 'x')
  assert.equal(Object.hasOwn(claims, 'constructor'), false)
})

test('AZ-42: lifetimes of ten years are cut to the limits of the server', async () => {
  const tenYears = 315_360_000
  id.succeed({ op: 'replace', path: '/idToken/claims/expires_in', value: tenYears })
  const { body, claims } = await issue(
    { op: 'replace', path: '/accessToken/claims/expires_in', value: tenYears },
    { op: 'replace', path: '/refreshToken/claims/expires_in', value: tenYears },
  )
  assert.deepEqual([body.expires_in, (claims.exp ?? 0) - (claims.iat ?? 0)], [86_400, 86_400])
  const { exp = 0, iat = 0 } = decodeJwt(body.id_token)
  assert.equal(exp - iat, 86_400)
  const shown = await (await world.post('/oauth2/introspect', web, { token: body.refresh_token })).json()
  assert.equal((shown as { exp: number; iat: number }).exp - (shown as { iat: number }).iat, 90 * 24 * 3600)
})

test('AZ-42: lifetimes of the application are also cut', async () => {
  const lasting = await world.addApplication({ applicationTokenLifetimeSeconds: 315_360_000 }, ['cart.read'])
  const { body } = await world.token(lasting, { grant_type: 'client_credentials', scope: 'cart.read' })
  assert.equal(body.expires_in, 86_400)
})

test('AZ-45: the ID token keeps its client as audience and gets no other client', async () => {
  const audience = (op: 'add' | 'remove' | 'replace', index: string, value?: string): Operation => ({
    op,
    path: `/idToken/claims/aud/${index}`,
    ...(value === undefined ? {} : { value }),
  })
  id.succeed(
    audience('add', '-', other.clientId),
    audience('replace', '0', other.clientId),
    audience('remove', '0'),
    audience('add', '-', 'api.shop.test'),
  )
  const { body } = await issue()
  assert.deepEqual(decodeJwt(body.id_token).aud, [web.clientId, 'api.shop.test'])
})
