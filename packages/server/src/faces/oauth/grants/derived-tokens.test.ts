/** Tokens derived from a token: token exchange and organization switch. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { decodeJwt } from 'jose'
import { addOrganization } from '../../../authenticators.fixture.ts'
import { addMembers } from '../../../ground/store/memberships.ts'
import type { Application, Organization, User } from '../../../ground/store/model.ts'
import { insertRole } from '../../../ground/store/roles.ts'
import { type Extension, startExtension, startWorld, type World } from '../../../world.fixture.ts'

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const GRANTS = ['password', 'refresh_token', EXCHANGE, 'organization_switch']
const SCOPES = [
  'cart.read',
  'orders.write',
  'internal_user_mgt_list',
  'internal_org_user_mgt_list',
  'internal_org_user_mgt_view',
  'internal_login',
]

let world: World
let extension: Extension
let web: Application
let spa: Application
let user: User
let boss: User
/** A business partner: has rights in Alpha and none at the root. */
let partner: User
let alpha: Organization
let beta: Organization

before(async () => {
  world = await startWorld()
  extension = await startExtension()
  await world.addAction('PRE_ISSUE_ACCESS_TOKEN', extension.url, { platform: 'wso2-is-next' })
  await world.addAction('PRE_ISSUE_ID_TOKEN', extension.url, { platform: 'wso2-is-next' })
  web = await world.addApplication({ grantTypes: GRANTS }, SCOPES)
  spa = await world.addApplication({ grantTypes: GRANTS, isPublicClient: true }, SCOPES)
  user = await world.addUser()
  boss = await world.addUser({ isAdministrator: true })
  alpha = await addOrganization(world)
  beta = await addOrganization(world)
  partner = await world.addUser()
  const role = {
    id: randomUUID(),
    tenantId: world.tenant.id,
    audience: { type: 'organization' as const, id: alpha.id },
    name: 'Reader',
    permissions: ['internal_org_user_mgt_list'],
    createdAt: 1,
    updatedAt: 1,
  }
  await insertRole(world.db, role)
  await addMembers(world.db, 'users of a role', role.id, [partner.id])
})
after(async () => {
  await extension.close()
  await world.close()
})
beforeEach(() => {
  extension.succeed()
  extension.calls.length = 0
})

const called = () => extension.calls.map(({ body }) => body.actionType)

async function signIn(scope: string, { as = user, application = web } = {}) {
  const form = { grant_type: 'password', username: as.userName, password: 'correct horse', scope }
  const { status, body } = await world.token(application, form)
  assert.equal(status, 200, JSON.stringify(body))
  extension.calls.length = 0
  return body
}

const exchange = (application: Application, subject_token: string, more: Record<string, string> = {}) =>
  world.token(application, { grant_type: EXCHANGE, subject_token, subject_token_type: ACCESS_TOKEN, ...more })
const goTo = (target: string, application: Application, token: string, more: Record<string, string> = {}) =>
  world.token(application, { grant_type: 'organization_switch', token, switching_organization: target, ...more })
const isActive = async (application: Application, token: string) =>
  ((await (await world.post('/oauth2/introspect', application, { token })).json()) as { active: boolean }).active

describe('token exchange', () => {
  test('T9: a user’s access token is exchanged for one of another client, and no action runs', async () => {
    const worker = await world.addApplication({ grantTypes: [EXCHANGE] }, ['cart.write'])
    const shop = await world.addApplication({ grantTypes: GRANTS, mayExchangeFor: [worker.clientId] }, SCOPES)
    const { access_token } = await signIn('openid cart.read', { application: shop })
    const { status, body } = await exchange(worker, access_token)
    assert.equal(status, 200, JSON.stringify(body))
    assert.equal(body.issued_token_type, ACCESS_TOKEN)
    const claims = decodeJwt(body.access_token)
    assert.deepEqual([claims.sub, claims['client_id'], claims['scope']], [user.id, worker.clientId, 'openid'])
    assert.deepEqual(claims['act'], { sub: worker.clientId })
    assert.deepEqual(called(), [])
  })

  test('AZ-47: the token of another client is refused unless its application lists this one', async () => {
    const other = await world.addApplication({ grantTypes: [EXCHANGE] }, SCOPES)
    const { access_token } = await signIn('openid cart.read')
    const { status, body } = await exchange(other, access_token)
    assert.deepEqual([status, body.error], [400, 'invalid_request'])
  })

  test('AZ-47: exchanging an own token gives no refresh token, names the actor, and gives no longer lifetime', async () => {
    extension.succeed({ op: 'replace', path: '/accessToken/claims/expires_in', value: 600 })
    const first = await signIn('openid cart.read')
    const { body } = await exchange(web, first.access_token)
    assert.equal(body.refresh_token, undefined)
    const claims = decodeJwt(body.access_token)
    assert((claims.exp ?? 0) <= (decodeJwt(first.access_token).exp ?? 0))
    assert.deepEqual(claims['act'], { sub: web.clientId })
    const again = await exchange(web, body.access_token)
    assert.deepEqual(decodeJwt(again.body.access_token)['act'], { sub: web.clientId, act: { sub: web.clientId } })
  })

  for (const accessTokenType of ['JWT', 'Default'] as const) {
    test(`AZ-47: it ends with the grant of its input (${accessTokenType})`, async () => {
      const application = await world.addApplication({ grantTypes: GRANTS, accessTokenType }, SCOPES)
      const first = await signIn('openid cart.read', { application })
      const second = (await exchange(application, first.access_token)).body.access_token
      const third = (await exchange(application, second)).body.access_token
      assert.equal(await isActive(application, third), true)
      await world.post('/oauth2/revoke', application, { token: first.refresh_token })
      for (const token of [second, third]) assert.equal(await isActive(application, token), false)
      const userinfo = await fetch(`${world.base}/oauth2/userinfo`, { headers: { authorization: `Bearer ${third}` } })
      assert.equal(userinfo.status, 401)
      assert.equal((await exchange(application, third)).body.error, 'invalid_request')
    })
  }

  test('it cannot widen the scopes of the subject token', async () => {
    const { access_token } = await signIn('cart.read')
    const { body } = await exchange(web, access_token, { scope: 'cart.read orders.write' })
    assert.equal(body.scope, 'cart.read')
  })

  test('a token of an organization stays valid only there', async () => {
    const { access_token } = await signIn('openid', { as: boss })
    const switched = await goTo(alpha.id, web, access_token)
    const { body } = await exchange(web, switched.body.access_token)
    assert.equal(decodeJwt(body.access_token)['org_id'], alpha.id)
  })

  test('a revoked, foreign or application token is refused', async () => {
    const revoked = await signIn('openid cart.read')
    await world.post('/oauth2/revoke', web, { token: revoked.access_token })
    const m2m = await world.addApplication()
    const machine = await world.token(m2m, { grant_type: 'client_credentials' })
    for (const token of [revoked.access_token, machine.body.access_token, 'a.b.c', 'opaque']) {
      const { status, body } = await exchange(web, token)
      assert.deepEqual([status, body.error], [400, 'invalid_request'])
    }
  })
})

describe('organization switch', () => {
  test('T14: the token is for the organization, and the event of the ID token action has it', async () => {
    const { access_token } = await signIn('openid cart.read', { as: partner })
    const { status, body } = await goTo(alpha.id, web, access_token, { scope: 'openid' })
    assert.equal(status, 200, JSON.stringify(body))
    assert.deepEqual(called(), ['PRE_ISSUE_ID_TOKEN'])
    assert.equal(extension.calls[0]?.body.event.user.accessingOrganization.id, alpha.id)
    assert.equal(decodeJwt(body.access_token)['org_id'], alpha.id)
    assert.equal(decodeJwt(body.id_token)['org_id'], alpha.id)
    const refreshed = await world.token(web, { grant_type: 'refresh_token', refresh_token: body.refresh_token })
    assert.equal(decodeJwt(refreshed.body.access_token)['org_id'], alpha.id)
  })

  test('AZ-12: another public client cannot switch a token, whatever it requests', async () => {
    const { access_token } = await signIn('openid', { as: boss })
    const { status, body } = await goTo(alpha.id, spa, access_token, { scope: `openid ${SCOPES.join(' ')}` })
    assert.deepEqual([status, body.error], [400, 'invalid_grant'])
  })

  test('AZ-12: the token’s own client gets no scope that the sign-in did not request', async () => {
    for (const application of [web, spa]) {
      const { access_token } = await signIn('openid', { as: boss, application })
      const { body } = await goTo(alpha.id, application, access_token, { scope: `openid ${SCOPES.join(' ')}` })
      assert.equal(body.scope, 'openid')
    }
  })

  test('AZ-12: rights of the organization require a sign-in that requested them and a user who has them', async () => {
    const asked = 'openid cart.read internal_org_user_mgt_list internal_org_user_mgt_view internal_user_mgt_list'
    const first = await signIn(asked, { as: partner })
    assert.equal(first.scope, 'cart.read openid')
    const { body } = await goTo(alpha.id, web, first.access_token, { scope: asked })
    assert.equal(body.scope, 'cart.read internal_org_user_mgt_list openid')
  })

  test('AZ-13: sibling, root and unknown organizations are refused with the same message', async () => {
    const form = { grant_type: 'password', username: 'ann', password: 'correct horse', scope: 'openid' }
    await world.addUser({ userName: 'ann', organizationId: alpha.id })
    const basic = Buffer.from(`${web.clientId}:${web.clientSecret}`).toString('base64')
    const at = (organization: Organization, fields: Record<string, string>) =>
      fetch(`${world.base}/o/${organization.id}/oauth2/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${basic}` },
        body: new URLSearchParams(fields),
      }).then(async response => ({ status: response.status, body: (await response.json()) as Record<string, string> }))
    const { access_token = '' } = (await at(alpha, form)).body
    const answers = await Promise.all(
      [beta.id, world.organization.id, randomUUID()].map(switching_organization =>
        at(alpha, { grant_type: 'organization_switch', token: access_token, switching_organization }),
      ),
    )
    for (const { status, body } of answers) assert.deepEqual([status, body], [400, answers[0]?.body])
    assert.equal(answers[0]?.body['error'], 'invalid_grant')
    const home = { grant_type: 'organization_switch', token: access_token, switching_organization: alpha.id }
    assert.equal((await at(alpha, home)).status, 200)
  })

  test('AZ-13: a user of the root without a role below cannot switch', async () => {
    const { access_token } = await signIn('openid cart.read')
    const { status, body } = await goTo(alpha.id, web, access_token)
    assert.deepEqual([status, body.error], [400, 'invalid_grant'])
  })

  test('a user who no longer belongs to the organization cannot refresh', async () => {
    const { access_token } = await signIn('openid', { as: boss })
    const { body } = await goTo(alpha.id, web, access_token)
    await world.db.queries.deleteFrom('role_members').where('user_id', '=', boss.id).execute()
    const refreshed = await world.token(web, { grant_type: 'refresh_token', refresh_token: body.refresh_token })
    assert.deepEqual([refreshed.status, refreshed.body.error], [400, 'invalid_grant'])
    await addMembers(world.db, 'users of a role', `administrator-${world.organization.id}`, [boss.id])
    const again = await world.token(web, { grant_type: 'refresh_token', refresh_token: body.refresh_token })
    assert.equal(again.status, 200)
  })

  test('a switched token lasts no longer than its input and ends with its grant', async () => {
    const first = await signIn('openid cart.read', { as: boss })
    const { body } = await goTo(alpha.id, web, first.access_token)
    assert((decodeJwt(body.access_token).exp ?? 0) <= (decodeJwt(first.access_token).exp ?? 0))
    await world.post('/oauth2/revoke', web, { token: first.refresh_token })
    assert.equal(await isActive(web, body.access_token), false)
    const refreshed = await world.token(web, { grant_type: 'refresh_token', refresh_token: body.refresh_token })
    assert.equal(refreshed.body.error, 'invalid_grant')
  })
})
