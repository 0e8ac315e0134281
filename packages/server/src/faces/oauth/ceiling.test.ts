/** No token has more scopes than its application, its user and its sign-in allow. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { addApplication, addAuthenticator, answers, begin, told } from '../../authenticators.fixture.ts'
import { authorize, CALLBACK } from '../../ground/pages/browser.fixture.ts'
import { authorizeApi, insertApiResource, listApiResources, withdrawApi } from '../../ground/store/api-resources.ts'
import { findApplicationById, updateApplication } from '../../ground/store/applications.ts'
import { addMembers, removeMembers } from '../../ground/store/memberships.ts'
import type { Application, User } from '../../ground/store/model.ts'
import { insertRole } from '../../ground/store/roles.ts'
import { startExtension, startWorld, type World } from '../../world.fixture.ts'

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const MANAGING = ['internal_login', 'internal_user_mgt_list']

let world: World
let web: Application
let user: User
let boss: User

before(async () => {
  world = await startWorld()
  const settings = { grantTypes: ['authorization_code', 'password', 'refresh_token'], callbackUrls: [CALLBACK] }
  web = await world.addApplication(settings, ['cart.read', ...MANAGING])
  user = await world.addUser()
  boss = await world.addUser({ isAdministrator: true })
})
after(() => world.close())

async function scopeOf(application: Application, as: User, scope: string): Promise<string> {
  const form = { grant_type: 'password', username: as.userName, password: 'correct horse', scope }
  const { status, body } = await world.token(application, form)
  assert.equal(status, 200, JSON.stringify(body))
  return body.scope ?? ''
}

/** Signs in on the page and redeems the code. */
async function byCode(application: Application, as: User, scope: string) {
  const request = { clientId: application.clientId, userName: as.userName, parameters: { scope } }
  const { searchParams } = await authorize(world, request)
  const code = searchParams.get('code') ?? ''
  return world.token(application, { grant_type: 'authorization_code', code, redirect_uri: CALLBACK })
}

/** An API whose scope the application may request under a policy. */
async function addApi(application: Application, policy: string, scope: string): Promise<string> {
  const id = randomUUID()
  await insertApiResource(world.db, {
    id,
    tenantId: world.tenant.id,
    name: id,
    identifier: id,
    requiresAuthorization: true,
    scopes: [{ id: randomUUID(), name: scope }],
  })
  await authorizeApi(world.db, world.tenant.id, application.id, { resourceId: id, policy, scopes: [scope] })
  return id
}

async function addRole(permissions: string[], ...members: User[]): Promise<string> {
  const id = randomUUID()
  const audience = { type: 'organization' as const, id: world.organization.id }
  const role = { id, tenantId: world.tenant.id, audience, name: id, permissions, createdAt: 1, updatedAt: 1 }
  assert(await insertRole(world.db, role))
  for (const member of members) await addMembers(world.db, 'users of a role', id, [member.id])
  return id
}

describe('the rights of the user', () => {
  test('permissions of the server come from roles, self-service from membership', async () => {
    assert.equal(await scopeOf(web, user, `openid ${MANAGING.join(' ')}`), 'internal_login openid')
    assert.equal(
      await scopeOf(web, boss, `openid ${MANAGING.join(' ')}`),
      'internal_login internal_user_mgt_list openid',
    )
  })

  test('the limit holds on the page as for the password grant, and the consent page shows no other scopes', async () => {
    const asking = await world.addApplication(
      { grantTypes: ['authorization_code'], callbackUrls: [CALLBACK], skipsConsent: true },
      ['cart.read', ...MANAGING],
    )
    const { body } = await byCode(asking, user, `openid cart.read ${MANAGING.join(' ')}`)
    assert.equal(body.scope, 'cart.read internal_login openid')
  })

  test('AZ-61: a NO POLICY API gives its scope to every user, an RBAC API only by role', async () => {
    await addApi(web, 'NO POLICY', 'open.read')
    await addApi(web, 'RBAC', 'closed.read')
    assert.equal(await scopeOf(web, user, 'open.read closed.read'), 'open.read')
    const role = await addRole(['closed.read'], user)
    assert.equal(await scopeOf(web, user, 'open.read closed.read'), 'closed.read open.read')
    const { body } = await byCode(web, user, 'openid closed.read')
    await removeMembers(world.db, 'users of a role', role, [user.id])
    const refreshed = await world.token(web, { grant_type: 'refresh_token', refresh_token: body.refresh_token })
    assert.deepEqual([body.scope, refreshed.body.scope], ['closed.read openid', 'openid'])
  })

  test('AZ-41: a refresh lacks the scopes of a withdrawn API', async () => {
    const [api] = await listApiResources(world.db, world.tenant.id)
    const lost = await world.addApplication({ grantTypes: ['password', 'refresh_token'] }, ['gone.read'])
    const form = {
      grant_type: 'password',
      username: user.userName,
      password: 'correct horse',
      scope: 'openid gone.read',
    }
    const { body } = await world.token(lost, form)
    assert.equal(body.scope, 'gone.read openid')
    for (const { id } of await listApiResources(world.db, world.tenant.id)) {
      await withdrawApi(world.db, world.tenant.id, lost.id, id)
    }
    const refreshed = await world.token(lost, { grant_type: 'refresh_token', refresh_token: body.refresh_token })
    assert.equal(refreshed.body.scope, 'openid')
    assert(api)
  })

  test('a token never has scopes that were not requested', async () => {
    assert.equal(await scopeOf(web, boss, ''), '')
    assert.equal(await scopeOf(web, boss, 'cart.read unknown'), 'cart.read')
  })
})

test('AZ-46: an administrator whom only an extension identified gets only self-service scopes', async () => {
  const extension = await startExtension()
  await addAuthenticator(world, 'custom-door', extension)
  const plain = await addApplication(world, ['custom-door'])
  // The same APIs as the other application.
  for (const { id, scopes } of await listApiResources(world.db, world.tenant.id)) {
    const names = scopes.map(({ name }) => name).filter(name => MANAGING.includes(name))
    if (names.length === 0) continue
    const api = { resourceId: id, policy: 'RBAC', scopes: names }
    await authorizeApi(world.db, world.tenant.id, plain.id, api)
  }
  extension.answer(() => answers.identified(boss))
  const { page } = await begin(world, plain, { more: { scope: `openid ${MANAGING.join(' ')}` } })
  const { code = '' } = told(page)
  const { body } = await world.token(plain, { grant_type: 'authorization_code', code, redirect_uri: CALLBACK })
  assert.equal(body.scope, 'internal_login openid')
  await extension.close()
})

describe('AZ-44: public clients', () => {
  let spa: Application
  let machine: string
  before(async () => {
    const grantTypes = ['password', 'client_credentials', EXCHANGE, 'refresh_token']
    spa = await world.addApplication({ grantTypes, isPublicClient: true, renewsRefreshToken: false }, ['cart.read'])
    const { body } = await world.token(await world.addApplication(), { grant_type: 'client_credentials' })
    machine = body.access_token
  })

  test('get no tokens for themselves and cannot exchange any', async () => {
    for (const form of [
      { grant_type: 'client_credentials' },
      { grant_type: EXCHANGE, subject_token: machine, subject_token_type: 'urn:ietf:params:oauth:token-type:jwt' },
    ]) {
      const { status, body } = await world.token(spa, form)
      assert.deepEqual([status, body.error], [400, 'unauthorized_client'])
    }
  })

  test('learn nothing about tokens of other clients', async () => {
    const answer = await world.post('/oauth2/introspect', spa, { token: machine })
    assert.deepEqual(await answer.json(), { active: false })
  })

  test('get a new refresh token at each refresh, regardless of the application’s setting', async () => {
    const form = { grant_type: 'password', username: user.userName, password: 'correct horse', scope: 'openid' }
    const { body } = await world.token(spa, form)
    const refreshed = await world.token(spa, { grant_type: 'refresh_token', refresh_token: body.refresh_token })
    assert.notEqual(refreshed.body.refresh_token, body.refresh_token)
  })
})

test('an application that acts for itself has no self-service and no user scopes', async () => {
  const machine = await world.addApplication({}, ['cart.read', 'internal_org_user_mgt_list', ...MANAGING])
  const scope = `openid profile cart.read internal_org_user_mgt_list ${MANAGING.join(' ')}`
  const { body } = await world.token(machine, { grant_type: 'client_credentials', scope })
  assert.equal(body.scope, 'cart.read internal_user_mgt_list')
})

test('AZ-57: users who sign in with two steps cannot skip one with the password grant', async () => {
  const both = await world.addApplication({ grantTypes: ['password'] })
  const application = await findApplicationById(world.db, world.tenant.id, both.id)
  assert(application)
  const steps = [{ options: ['BasicAuthenticator'] }, { options: ['custom-door'] }]
  await updateApplication(world.db, { ...application, signIn: { steps, subjectStep: 1, attributeStep: 1 } })
  const form = { grant_type: 'password', username: user.userName, password: 'correct horse' }
  const { status, body } = await world.token(both, form)
  assert.deepEqual([status, body.error], [400, 'invalid_grant'])
})

test('AZ-58: only a token’s client and its audiences can introspect it', async () => {
  const audience = await world.addApplication()
  const stranger = await world.addApplication()
  for (const accessTokenType of ['JWT', 'Default'] as const) {
    const own = await world.addApplication({ accessTokenType, audiences: [audience.clientId] }, ['cart.read'])
    const { body } = await world.token(own, { grant_type: 'client_credentials', scope: 'cart.read' })
    const shown = async (application: Application) => {
      const answer = await world.post('/oauth2/introspect', application, { token: body.access_token })
      return ((await answer.json()) as { active: boolean }).active
    }
    assert.deepEqual([await shown(own), await shown(audience), await shown(stranger)], [true, true, false])
  }
})
