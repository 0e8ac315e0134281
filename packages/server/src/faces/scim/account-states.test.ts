/** What administrators can make of an account, and that it has an effect at every entry point. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ENTERPRISE_USER, WSO2_USER } from '../../ground/claims/local-claims.ts'
import { setActionStatus } from '../../ground/store/actions.ts'
import type { Application, User } from '../../ground/store/model.ts'
import { type Extension, startExtension, startWorld, type World } from '../../world.fixture.ts'

const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'
const PASSWORD = 'correct horse'
const LOCAL = 'http://wso2.org/claims/'

let world: World
let extension: Extension
let admin: User
let web: Application
before(async () => {
  extension = await startExtension()
  world = await startWorld()
  admin = await world.addUser({ isAdministrator: true }, PASSWORD)
  web = await world.addApplication({ grantTypes: ['password', 'refresh_token'] }, ['internal_login'])
})
after(async () => {
  await world.close()
  await extension.close()
})

const basic = ({ userName }: Pick<User, 'userName'>) =>
  `Basic ${Buffer.from(`${userName}:${PASSWORD}`).toString('base64')}`

async function send(method: string, path: string, body?: unknown, as = basic(admin)) {
  const response = await fetch(`${world.base}/scim2${path}`, {
    method,
    headers: { authorization: as, 'content-type': 'application/scim+json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
}

const replace = (user: Pick<User, 'id'>, path: string, value: unknown) =>
  send('PATCH', `/Users/${user.id}`, { schemas: [PATCH], Operations: [{ op: 'replace', path, value }] })
const signIn = (user: User) =>
  world.token(web, { grant_type: 'password', username: user.userName, password: PASSWORD, scope: 'internal_login' })

for (const [state, value] of [
  ['accountLocked', true],
  ['accountLocked', 'true'],
  ['accountDisabled', true],
] as const) {
  test(`${state} ${JSON.stringify(value)} ends sign-in, Basic, tokens and refreshing, until it is removed`, async () => {
    const user = await world.addUser({}, PASSWORD)
    const tokens = (await signIn(user)).body
    const bearer = `Bearer ${tokens.access_token}`
    assert.equal((await send('GET', '/Me', undefined, bearer)).status, 200)
    assert.equal((await send('GET', '/Me', undefined, basic(user))).status, 200)
    const changed = await replace(user, `${WSO2_USER}:${state}`, value)
    assert.equal(changed.status, 200)
    assert.equal(changed.body[WSO2_USER].accountState, state === 'accountLocked' ? 'LOCKED' : 'DISABLED')
    assert.notEqual((await signIn(user)).status, 200)
    assert.equal((await send('GET', '/Me', undefined, bearer)).status, 401)
    assert.equal((await send('GET', '/Me', undefined, basic(user))).status, 401)
    const refresh = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }
    assert.equal((await world.token(web, refresh)).body.error, 'invalid_grant')
    assert.equal((await replace(user, `${WSO2_USER}:${state}`, false)).status, 200)
    assert.equal((await signIn(user)).status, 200)
  })
}

test('a lock ends at its unlockTime, and 0 is no end', async () => {
  const user = await world.addUser({}, PASSWORD)
  const lockUntil = (unlockTime: unknown) => replace(user, WSO2_USER, { accountLocked: true, unlockTime })
  const future = (await lockUntil(Date.now() + 3_600_000)).body[WSO2_USER]
  assert.deepEqual([future.accountState, future.lockedReason], ['LOCKED', 'ADMIN_INITIATED'])
  assert.notEqual((await signIn(user)).status, 200)
  assert.equal((await lockUntil('1000')).body[WSO2_USER].accountState, 'UNLOCKED')
  assert.equal((await signIn(user)).status, 200)
  assert.equal((await lockUntil(0)).body[WSO2_USER].accountState, 'LOCKED')
  assert.notEqual((await signIn(user)).status, 200)
})

test('a locked user is found by filter and id, and a replacement that does not mention the lock keeps it', async () => {
  const user = await world.addUser({}, PASSWORD)
  await replace(user, `${WSO2_USER}:accountLocked`, true)
  const filter = encodeURIComponent(`${WSO2_USER}:accountLocked eq true and userName eq "${user.userName}"`)
  assert.equal((await send('GET', `/Users?filter=${filter}`)).body.totalResults, 1)
  const { body } = await send('PUT', `/Users/${user.id}`, { userName: user.userName, nickName: 'M' })
  assert.equal(body[WSO2_USER].accountLocked, true)
})

test('the profile action is called for a lock, and can refuse it', async () => {
  const user = await world.addUser({}, PASSWORD)
  const action = await world.addAction('PRE_UPDATE_PROFILE', extension.url)
  extension.calls.length = 0
  extension.answer(() => ({
    body: { actionStatus: 'FAILED', failureReason: 'no_locks', failureDescription: 'Not now.' },
  }))
  const refused = await replace(user, `${WSO2_USER}:accountLocked`, true)
  assert.deepEqual([refused.status, refused.body.scimType], [400, 'no_locks'])
  assert.deepEqual(extension.calls[0]?.body.event.request.claims, [
    { uri: `${LOCAL}identity/accountLocked`, value: 'true' },
  ])
  assert.equal((await signIn(user)).status, 200)
  extension.succeed()
  await setActionStatus(world.db, world.tenant.id, action.id, 'INACTIVE')
})

test('users can neither lock nor unlock themselves, in no spelling', async () => {
  const user = await world.addUser({}, PASSWORD)
  for (const name of ['accountLocked', 'ACCOUNTDISABLED', 'unlockTime', 'accountState']) {
    const body = { schemas: [PATCH], Operations: [{ op: 'replace', path: `${WSO2_USER}:${name}`, value: '0' }] }
    assert.deepEqual((await send('PATCH', '/Me', body, basic(user))).body.scimType, 'mutability')
  }
  await send('PUT', '/Me', { userName: user.userName, [WSO2_USER]: { accountLocked: true } }, basic(user))
  assert.equal((await signIn(user)).status, 200)
})

test('the last administrator who may sign in cannot be locked or disabled', async () => {
  const place = await world.addPlace()
  const [first, second] = [
    await place.addUser({ isAdministrator: true }, PASSWORD),
    await place.addUser({ isAdministrator: true }, PASSWORD),
  ]
  const change = async (user: User, name: string, value: unknown) => {
    const response = await fetch(`${place.base}/scim2/Users/${user.id}`, {
      method: 'PATCH',
      headers: { authorization: basic(first), 'content-type': 'application/scim+json' },
      body: JSON.stringify({ schemas: [PATCH], Operations: [{ op: 'replace', path: `${WSO2_USER}:${name}`, value }] }),
    })
    return response.status
  }
  assert.equal(await change(second, 'accountLocked', true), 200)
  assert.equal(await change(first, 'accountLocked', true), 403)
  assert.equal(await change(first, 'accountDisabled', true), 403)
  assert.equal(await change(second, 'accountLocked', false), 200)
  assert.equal(await change(first, 'accountDisabled', true), 200)
})

test('computed states cannot be written: PATCH refuses them, PUT ignores them', async () => {
  const user = await world.addUser({}, PASSWORD)
  for (const name of ['accountState', 'lockedReason']) {
    assert.equal((await replace(user, `${WSO2_USER}:${name}`, 'LOCKED')).body.scimType, 'mutability')
  }
  const body = { userName: user.userName, [WSO2_USER]: { accountState: 'LOCKED' } }
  assert.equal((await send('PUT', `/Users/${user.id}`, body)).status, 200)
  assert.equal((await signIn(user)).status, 200)
})

test('what needs a message to the user is refused with the reason, wherever it is written', async () => {
  const custom = 'urn:scim:schemas:extension:custom:User'
  for (const name of ['verifyEmail', 'verifyMobile', 'forcePasswordReset', 'FORCEPASSWORDRESET']) {
    for (const body of [
      { [WSO2_USER]: { [name]: true } },
      { [ENTERPRISE_USER]: { [name]: 'true' } },
      { [`${custom}:${name}`]: true },
    ]) {
      const { body: refusal, status } = await send('POST', '/Users', { userName: `n-${name}`, ...body })
      assert.deepEqual([status, refusal.scimType], [400, 'invalidValue'])
      assert.match(refusal.detail, /needs a message to the user/)
    }
    const without = await send('POST', '/Users', {
      userName: `n-${name}-${Math.random()}`,
      [WSO2_USER]: { [name]: false },
    })
    assert.equal(without.status, 201)
  }
})

test('askPassword makes a user without a password, in every extension, and with a password it is refused', async () => {
  const custom = 'urn:scim:schemas:extension:custom:User'
  for (const [schema, value] of [
    [WSO2_USER, true],
    [ENTERPRISE_USER, 'true'],
    [custom, true],
  ] as const) {
    const userName = `asked-${Math.random()}`
    const created = await send('POST', '/Users', { userName, [schema]: { askPassword: value } })
    assert.equal(created.status, 201)
    const both = { userName: `${userName}-2`, password: 'a long enough one 7', [schema]: { askPassword: value } }
    assert.equal((await send('POST', '/Users', both)).status, 400)
    const later = await send('PUT', `/Users/${created.body.id}`, { userName, [schema]: { askPassword: value } })
    assert.match(later.body.detail, /offline-invite-link/)
  }
})
