import assert from 'node:assert/strict'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import type { ActionType, PlatformName } from '@preflow/contract'
import { compactDecrypt } from 'jose'
import { addOrganization } from '../../authenticators.fixture.ts'
import { type LocalClaims, localClaimsOf } from '../../ground/claims/document-claims.ts'
import { createLog } from '../../ground/observe/log.ts'
import { deleteAction } from '../../ground/store/actions.ts'
import { listCalls } from '../../ground/store/calls.ts'
import type { Action, Application, User } from '../../ground/store/model.ts'
import {
  deleteUser,
  findUserById,
  findUserByUserName,
  listAdministrators,
  updateUser,
  verifyPassword,
} from '../../ground/store/users.ts'
import { type Extension, onEachDatabase, startExtension, startWorld, type World } from '../../world.fixture.ts'
import { certificateOf } from '../management/certificates.fixture.ts'
import { readInvitation } from './invitation.ts'

// biome-ignore lint/suspicious/noExplicitAny: tests assert on what came over the wire, whatever it is
type Json = any

const LOCAL = 'http://wso2.org/claims/'
const claimsOf = ({ document }: User) => localClaimsOf(document)
const EMAIL = `${LOCAL}emailaddress`
const DEPARTMENT = `${LOCAL}department`
const MOBILES = `${LOCAL}mobileNumbers`
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const WSO2 = 'urn:scim:wso2:schema'
const OLD = 'correct horse'
const NEW = 'Blue-Heron_42!'

const FAILED = {
  actionStatus: 'FAILED',
  failureReason: 'password_compromised',
  failureDescription: 'The provided password is compromised.',
}
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'
const replace = (path: string, value: unknown) => ({ op: 'replace', path, value })

onEachDatabase(databaseUrl => {
  let world: World
  let extension: Extension
  let admin: User
  let mira: User
  let machine: Application
  const log: string[] = []

  before(async () => {
    extension = await startExtension()
    world = await startWorld(
      databaseUrl === undefined ? {} : { databaseUrl },
      createLog('debug', { write: (line: string) => log.push(line) > 0 }),
    )
    admin = await world.addUser({ userName: 'boss', isAdministrator: true })
    machine = await world.addApplication({ grantTypes: ['client_credentials', 'password'] }, [
      'internal_user_mgt_create',
      'internal_user_mgt_update',
      'internal_login',
      'internal_user_password_update',
      'internal_offline_invite',
    ])
  })
  after(async () => {
    await world.close()
    await extension.close()
  })

  /** A separate user and the one action of the type, for one test. */
  async function scene(
    t: { after(undo: () => Promise<unknown>): void },
    type: ActionType,
    settings: Partial<Action> & { claims?: LocalClaims } = {},
  ): Promise<Action> {
    const { claims = {}, ...own } = settings
    mira = await world.addUser({ claims: { [EMAIL]: 'mira@example.com', [DEPARTMENT]: 'Geology', ...claims } }, OLD)
    const version = type === 'PRE_UPDATE_PASSWORD' ? 'v2' : 'v1'
    const action = await world.addAction(type, extension.url, { version, ...own })
    extension.calls.length = 0
    extension.succeed()
    t.after(() => deleteAction(world.db, world.tenant.id, action.id))
    return action
  }

  interface Answered {
    status: number
    headers: Headers
    body: Json
  }

  const basic = (userName: string) => `Basic ${Buffer.from(`${userName}:${OLD}`).toString('base64')}`
  async function bearer(form: Record<string, string>): Promise<string> {
    const { body } = await world.token(machine, form)
    return `Bearer ${body.access_token}`
  }
  const asMachine = () =>
    bearer({ grant_type: 'client_credentials', scope: 'internal_user_mgt_create internal_user_mgt_update' })
  const asMira = (scope = 'internal_login') =>
    bearer({ grant_type: 'password', username: mira.userName, password: OLD, scope })

  async function send(method: string, path: string, body: unknown, as = basic('boss')): Promise<Answered> {
    const response = await fetch(world.base + path, {
      method,
      headers: {
        authorization: as,
        'content-type': path.startsWith('/scim2') ? 'application/scim+json' : 'application/json',
      },
      body: JSON.stringify(body),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
  }
  const patch = (operations: object[], as?: string) =>
    send('PATCH', `/scim2/Users/${mira.id}`, { schemas: [PATCH], Operations: operations }, as)
  const setPassword = (as?: string) => patch([replace('password', NEW)], as)
  const register = (as?: string, more: object = {}) =>
    send('POST', '/scim2/Users', { userName: `new-${randomUUID()}`, password: NEW, ...more }, as)
  const changeOwn = async (currentPassword: unknown = OLD, newPassword: unknown = NEW) =>
    send(
      'POST',
      '/api/users/v1/me/change-password',
      { currentPassword, newPassword },
      await asMira('internal_user_password_update'),
    )

  const opens = async (password: string) =>
    (await verifyPassword(world.db, world.tenant.id, mira.userName, password)) !== undefined
  const stored = async () => (await findUserById(world.db, world.tenant.id, mira.id)) as User
  const event = () => extension.calls[0]?.body.event as Json
  const lastCall = async () => (await listCalls(world.db, world.tenant.id, { limit: 1 }))[0]

  /** Sorts claims for a comparison, because neither claims nor attributes have an order. */
  const byUri = (claims: Json[]) => claims.toSorted((a, b) => (a.uri < b.uri ? -1 : 1))

  test('PW-02, PW-27, PW-28, PW-31 to PW-33: the event of a new password has the initiator, the place and the selected attributes only', async t => {
    await scene(t, 'PRE_UPDATE_PASSWORD', {
      attributes: [EMAIL, MOBILES, `${LOCAL}username`, `${LOCAL}nickname`, `${LOCAL}groups`],
      claims: { [MOBILES]: ['+4670000001'] },
    })
    assert.equal((await setPassword()).status, 200)
    const { organization, tenant } = world
    const here = { id: organization.id, name: 'Acme', orgHandle: tenant.domain, depth: 0 }
    const { event, requestId, ...rest } = extension.calls[0]?.body ?? {}
    assert.deepEqual(rest, { actionType: 'PRE_UPDATE_PASSWORD' })
    const { claims, ...user } = event.user
    assert.deepEqual(
      { ...event, user },
      {
        initiatorType: 'ADMIN',
        action: 'UPDATE',
        tenant: { id: tenant.id, name: tenant.domain },
        organization: here,
        user: {
          id: mira.id,
          organization: here,
          groups: ['staff', 'eu'],
          updatingCredential: { type: 'PASSWORD', format: 'PLAIN_TEXT', value: NEW },
        },
        userStore: { id: 'UFJJTUFSWQ==', name: 'PRIMARY' },
      },
    )
    assert.deepEqual(byUri(claims), [
      { uri: EMAIL, value: 'mira@example.com' },
      // A list even with one value. Attributes that the user does not have are absent.
      { uri: MOBILES, value: ['+4670000001'] },
      { uri: `${LOCAL}username`, value: mira.userName },
    ])
    assert.equal(extension.calls[0]?.headers['x-wso2-api-version'], 'v2')
    assert.ok(await opens(NEW))
  })

  const WAYS: [name: string, change: () => Promise<Answered>, status: number, initiator: string, action: string][] = [
    ['PW-02: an administrator through SCIM', () => setPassword(), 200, 'ADMIN', 'UPDATE'],
    ['PW-03: an application through SCIM', async () => setPassword(await asMachine()), 200, 'APPLICATION', 'UPDATE'],
    [
      'the user at /Me',
      () =>
        send('PATCH', '/scim2/Me', { schemas: [PATCH], Operations: [replace('password', NEW)] }, basic(mira.userName)),
      200,
      'USER',
      'UPDATE',
    ],
    ['PW-01: the user at change-password', () => changeOwn(), 204, 'USER', 'UPDATE'],
    ['PW-10: an administrator who creates a user', () => register(), 201, 'ADMIN', 'REGISTER'],
    [
      'PW-11: an application that creates a user',
      async () => register(await asMachine()),
      201,
      'APPLICATION',
      'REGISTER',
    ],
  ]
  for (const [name, change, status, initiator, action] of WAYS) {
    test(`${name} has the initiator ${initiator} and the action ${action}`, async t => {
      await scene(t, 'PRE_UPDATE_PASSWORD', { attributes: [EMAIL] })
      const { body, status: answered } = await change()
      assert.equal(answered, status, JSON.stringify(body))
      assert.equal(extension.calls.length, 1)
      assert.deepEqual([event().initiatorType, event().action], [initiator, action])
      assert.equal(event().user.id, action === 'REGISTER' ? undefined : mira.id)
    })
  }

  test('a token does not prove the password: at /Me it cannot set one, and no extension is called', async t => {
    await scene(t, 'PRE_UPDATE_PASSWORD')
    for (const [method, body] of [
      ['PATCH', { schemas: [PATCH], Operations: [replace('nickName', 'N'), replace('password', NEW)] }],
      ['PUT', { userName: mira.userName, password: NEW }],
    ] as const) {
      const { body: fault, status } = await send(method, '/scim2/Me', body, await asMira())
      assert.equal(status, 403)
      assert.match(fault.detail, /A token does not prove the password/)
    }
    assert.equal(extension.calls.length, 0)
    assert.deepEqual([await opens(OLD), await stored()], [true, mira])
  })

  test('PW-36: the event of a registration has the attributes of the new user', async t => {
    await scene(t, 'PRE_UPDATE_PASSWORD', { attributes: [EMAIL, `${LOCAL}groups`] })
    await register(undefined, { emails: [{ value: 'ines@heron.example', primary: true }] })
    assert.deepEqual(event().user.claims, [{ uri: EMAIL, value: 'ines@heron.example' }])
    assert.equal(event().user.groups, undefined)
  })

  test('PW-14: an action of version 1 does not support registrations and is not called for them', async t => {
    await scene(t, 'PRE_UPDATE_PASSWORD', { version: 'v1' })
    assert.equal((await register()).status, 201)
    assert.equal(extension.calls.length, 0)
  })

  test('creating a user without a password calls no password action', async t => {
    await scene(t, 'PRE_UPDATE_PASSWORD')
    assert.equal((await send('POST', '/scim2/Users', { userName: `bare-${randomUUID()}` })).status, 201)
    assert.equal(extension.calls.length, 0)
  })

  test('OR-01, OR-02: an organization calls its own action and inherits none', async t => {
    await scene(t, 'PRE_UPDATE_PASSWORD')
    const branch = await addOrganization(world)
    const create = () =>
      send('POST', `/o/${branch.handle}/scim2/Users`, { userName: `b-${randomUUID()}`, password: NEW })
    assert.equal((await create()).status, 201)
    assert.equal(extension.calls.length, 0)
    await world.addAction('PRE_UPDATE_PASSWORD', extension.url, { version: 'v2', organizationId: branch.id })
    assert.equal((await create()).status, 201)
    assert.deepEqual(
      [event().tenant.id, event().organization.id, event().organization.depth, event().user.organization.id],
      [world.tenant.id, branch.id, 1, branch.id],
    )
  })

  test('a user of an organization manages the account there, with a token that is valid only there', async t => {
    await scene(t, 'PRE_UPDATE_PASSWORD')
    const branch = await addOrganization(world)
    await world.addAction('PRE_UPDATE_PASSWORD', extension.url, { version: 'v2', organizationId: branch.id })
    const lena = await world.addUser({ organizationId: branch.id }, OLD)
    const below = `/o/${branch.handle}`
    const issued = await fetch(`${world.base}${below}/oauth2/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${machine.clientId}:${machine.clientSecret}`).toString('base64')}`,
      },
      body: new URLSearchParams({
        grant_type: 'password',
        username: lena.userName,
        password: OLD,
        scope: 'internal_login internal_user_password_update internal_user_mgt_update',
      }),
    })
    const as = `Bearer ${((await issued.json()) as Json).access_token}`
    const change = { currentPassword: OLD, newPassword: NEW }
    assert.equal((await send('POST', '/api/users/v1/me/change-password', change, as)).status, 403)
    assert.equal((await send('POST', `${below}/api/users/v1/me/change-password`, change, as)).status, 204)
    assert.deepEqual([event().initiatorType, event().organization.id, event().user.id], ['USER', branch.id, lena.id])
    const body = { schemas: [PATCH], Operations: [replace('title', 'Dr')] }
    assert.equal((await send('PATCH', `${below}/scim2/Me`, body, as)).status, 200)
    assert.equal((await send('PATCH', `${below}/scim2/Users/${lena.id}`, body, as)).status, 403)
    assert.equal((await send('PATCH', '/scim2/Me', body, as)).status, 403)
  })

  test('an account is managed only in its organization, because elsewhere its own action would not be called', async t => {
    await scene(t, 'PRE_UPDATE_PASSWORD')
    const branch = await addOrganization(world)
    const body = { schemas: [PATCH], Operations: [replace('password', NEW)] }
    for (const as of [basic(mira.userName), await asMira()]) {
      const { status, body: fault } = await send('PATCH', `/o/${branch.id}/scim2/Me`, body, as)
      assert.equal(status, 403)
      assert.match(fault.detail, /needs the scope internal_login|valid at another organization/)
    }
    assert.ok(await opens(OLD))
    assert.equal((await send('PATCH', '/scim2/Me', body, basic(mira.userName))).status, 200)
    assert.equal(extension.calls.length, 1)
  })

  test('the token of a deleted user allows nothing', async t => {
    await scene(t, 'PRE_UPDATE_PASSWORD')
    const victim = mira
    const leaving = await world.addUser({}, OLD)
    const { body } = await world.token(machine, {
      grant_type: 'password',
      username: leaving.userName,
      password: OLD,
      scope: 'internal_user_mgt_update',
    })
    const as = `Bearer ${body.access_token}`
    assert.equal((await setPassword(as)).status, 403)
    await deleteUser(world.db, world.tenant.id, leaving.id)
    assert.equal((await setPassword(as)).status, 401)
    mira = victim
    assert.ok(await opens(OLD))
  })

  test('an application whose client id is the id of a user is not that user', async t => {
    await scene(t, 'PRE_UPDATE_PASSWORD')
    const impostor = await world.addApplication({ clientId: mira.id }, ['internal_login'])
    const { body } = await world.token(impostor, { grant_type: 'client_credentials', scope: 'internal_login' })
    const change = { schemas: [PATCH], Operations: [replace('password', NEW)] }
    assert.equal((await send('PATCH', '/scim2/Me', change, `Bearer ${body.access_token}`)).status, 403)
    assert.ok(await opens(OLD))
  })

  test('rules can use the flow', async t => {
    const condition = (value: string) => ({
      condition: 'OR' as const,
      rules: [{ condition: 'AND' as const, expressions: [{ field: 'flow', operator: 'equals' as const, value }] }],
    })
    await scene(t, 'PRE_UPDATE_PASSWORD', { rule: condition('adminInitiatedRegistration') })
    await setPassword()
    assert.equal(extension.calls.length, 0)
    await register()
    assert.equal(extension.calls.length, 1)
  })

  test('PC-02: a password shared as a hash is one round of SHA-256 in base64', async t => {
    await scene(t, 'PRE_UPDATE_PASSWORD', { passwordSharing: { format: 'SHA256_HASHED' } })
    await setPassword()
    assert.deepEqual(event().user.updatingCredential, {
      type: 'PASSWORD',
      format: 'HASH',
      value: 'NJZfayoYr0FA+75z+/ZBx+6gi+pLKbOf4lQy4SFVj9w=',
      additionalData: { algorithm: 'SHA256' },
    })
  })

  const ENCRYPTED: [platform: PlatformName, value: unknown][] = [
    ['preflow', 'otters<😀'],
    // Half of a surrogate pair is lost, as in the reference.
    ['wso2-is-next', ['o', 't', 't', 'e', 'r', 's', '<', '?', '?']],
  ]
  for (const [platform, value] of ENCRYPTED) {
    test(`PC-07 to PC-12: with a certificate the password is sent as a JWE, on ${platform} with ${JSON.stringify(value)}`, async t => {
      const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
      const certificate = Buffer.from(certificateOf(publicKey)).toString('base64')
      await scene(t, 'PRE_UPDATE_PASSWORD', { platform, passwordSharing: { format: 'PLAIN_TEXT', certificate } })
      assert.equal((await patch([replace('password', 'otters<😀')])).status, 200)
      const { plaintext, protectedHeader } = await compactDecrypt(event().user.updatingCredential, privateKey)
      assert.deepEqual(protectedHeader, { alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'application/json' })
      const credential = JSON.parse(Buffer.from(plaintext).toString())
      assert.deepEqual(credential, { type: 'PASSWORD', format: 'PLAIN_TEXT', value })
    })
  }

  test('PR-03: FAILED is a 400 with the extension’s message, and the old password stays', async t => {
    await scene(t, 'PRE_UPDATE_PASSWORD')
    extension.answer(() => ({ body: FAILED }))
    const { body, headers, status } = await setPassword()
    assert.equal(status, 400)
    assert.deepEqual(body, {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
      scimType: 'password_compromised',
      detail: 'The provided password is compromised.',
      status: '400',
    })
    assert.deepEqual([await opens(OLD), await opens(NEW)], [true, false])
    const record = await lastCall()
    assert.equal(headers.get('x-preflow-call-id'), record?.id)
    assert.deepEqual([record?.status, record?.flowResult], ['failed', 'denied'])
  })

  test('PR-04: a refused registration creates no user', async t => {
    await scene(t, 'PRE_UPDATE_PASSWORD')
    extension.answer(() => ({ body: FAILED }))
    const userName = `refused-${randomUUID()}`
    const { body, status } = await send('POST', '/scim2/Users', { userName, password: NEW })
    assert.deepEqual([status, body.scimType, body.detail], [400, FAILED.failureReason, FAILED.failureDescription])
    assert.equal(await findUserByUserName(world.db, world.tenant.id, userName), undefined)
  })

  const FAULTS: [name: string, answer: { status?: number; body: unknown }][] = [
    [
      'PR-12, PR-13, PR-16: ERROR',
      { status: 500, body: { actionStatus: 'ERROR', errorMessage: 'e', errorDescription: 'quite-secret' } },
    ],
    ['PR-30: an answer that is none', { body: 'quite-secret' }],
    [
      'PR-27: INCOMPLETE',
      { body: { actionStatus: 'INCOMPLETE', operations: [{ op: 'redirect', url: 'https://quite-secret' }] } },
    ],
  ]
  for (const [name, answer] of FAULTS) {
    test(`${name} is a 500 without the extension’s message, and nothing is stored`, async t => {
      await scene(t, 'PRE_UPDATE_PASSWORD')
      extension.answer(() => answer)
      const updated = await setPassword()
      assert.equal(updated.status, 500)
      assert.equal(updated.body.scimType, undefined)
      assert.match(updated.body.detail, /^Error while updating attributes of user/)
      assert.ok(updated.body.detail.includes((await lastCall())?.id as string))
      const registered = await register()
      assert.equal(registered.status, 500)
      assert.match(registered.body.detail, /^Error in adding the user/)
      const changed = await changeOwn()
      assert.deepEqual(
        [changed.status, changed.body.code, changed.body.message],
        [500, 'PWD-15001', 'Error updating password'],
      )
      assert.doesNotMatch(JSON.stringify([updated.body, registered.body, changed.body]), /quite-secret/)
      assert.ok(await opens(OLD))
    })
  }

  test('PR-05: change-password returns FAILED as PWD-10004', async t => {
    await scene(t, 'PRE_UPDATE_PASSWORD')
    extension.answer(() => ({ body: FAILED }))
    const { body, status } = await changeOwn()
    assert.equal(status, 400)
    assert.deepEqual(body, {
      code: 'PWD-10004',
      message: 'Password validation failed',
      description: 'The provided password is compromised.',
    })
    extension.answer(() => ({ body: { actionStatus: 'FAILED', failureReason: 'x' } }))
    const { description } = (await changeOwn()).body
    assert.equal(
      description,
      'The new password does not meet the custom requirements configured for this organization.',
    )
    assert.ok(await opens(OLD))
  })

  const MISTAKES: [what: string, current: unknown, next: unknown, code: string][] = [
    ['no new password', OLD, null, 'PWD-10000'],
    ['a current password that is not a string', 7, NEW, 'PWD-10000'],
    ['a wrong current password', 'wrong', NEW, 'PWD-10001'],
    ['the same password again', OLD, OLD, 'PWD-10002'],
    ['a password with control characters', OLD, 'a\u0007b', 'PWD-10003'],
  ]
  for (const [what, current, next, code] of MISTAKES) {
    test(`change-password refuses ${what} with ${code}, before any extension is called`, async t => {
      await scene(t, 'PRE_UPDATE_PASSWORD')
      const { body, status } = await changeOwn(current, next)
      assert.deepEqual([status, body.code], [400, code])
      assert.equal(extension.calls.length, 0)
      assert.ok(await opens(OLD))
    })
  }

  test('change-password requires its scope and limits guesses of the current password', async t => {
    await scene(t, 'PRE_UPDATE_PASSWORD')
    const body = { currentPassword: OLD, newPassword: NEW }
    const without = await send('POST', '/api/users/v1/me/change-password', body, await asMira('internal_login'))
    assert.equal(without.status, 403)
    const as = await asMira('internal_user_password_update')
    const guess = (currentPassword: string) =>
      send('POST', '/api/users/v1/me/change-password', { currentPassword, newPassword: NEW }, as)
    for (let guesses = 0; guesses < 10; guesses++) assert.equal((await guess('wrong')).status, 400)
    assert.equal((await guess(OLD)).status, 429)
    assert.ok(await opens(OLD))
  })

  async function invite(as?: string, body: object = { username: mira.userName }): Promise<Answered & { text: string }> {
    const response = await fetch(`${world.base}/api/users/v1/offline-invite-link`, {
      method: 'POST',
      headers: { authorization: as ?? basic('boss'), 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: response.ok ? undefined : JSON.parse(text),
    }
  }
  /** Fills in the form of the page behind a link. */
  async function accept(link: string, password = NEW, again = password): Promise<{ status: number; page: string }> {
    const asked = await (await fetch(link)).text()
    const [, invitation = ''] = /name="invitation" value="([^"]*)"/.exec(asked) ?? []
    const body = new URLSearchParams({ invitation, username: mira.userName, password, again })
    const response = await fetch(link, { method: 'POST', body })
    return { status: response.status, page: await response.text() }
  }

  test('PW-06: a password set through an invitation has ADMIN and INVITE, and ends the invitation', async t => {
    await scene(t, 'PRE_UPDATE_PASSWORD')
    const { headers, status, text: link } = await invite()
    assert.deepEqual([status, headers.get('content-type')], [201, 'text/plain; charset=utf-8'])
    assert.ok(link.startsWith(`${world.base}/set-password?invitation=`))
    const { page } = await accept(link)
    assert.match(page, /Password Set Successfully/)
    assert.deepEqual([event().initiatorType, event().action, event().user.id], ['ADMIN', 'INVITE', mira.id])
    assert.ok(await opens(NEW))
    const late = await fetch(link)
    assert.equal(late.status, 400)
    assert.match(await late.text(), /already used or has expired/)
  })

  test('PR-08: an invited user sees the extension’s message and can choose another password', async t => {
    await scene(t, 'PRE_UPDATE_PASSWORD')
    extension.answer(() => ({ body: { ...FAILED, failureDescription: "Not 'that' one." } }))
    const { text: link } = await invite()
    const refused = await accept(link)
    assert.equal(refused.status, 400)
    assert.match(refused.page, /<p id="complaint" role="alert">Not &#39;that&#39; one\.<\/p>/)
    extension.answer(() => ({ status: 500, body: 'quite-secret' }))
    const broken = await accept(link)
    assert.equal(broken.status, 500)
    assert.match(broken.page, /The server encountered an internal error\./)
    assert.doesNotMatch(broken.page, /quite-secret/)
    assert.ok(await opens(OLD))
    extension.succeed()
    assert.equal((await accept(link)).status, 200)
    assert.ok(await opens(NEW))
  })

  test('an invitation refuses an empty password and two different ones', async t => {
    await scene(t, 'PRE_UPDATE_PASSWORD')
    const { text: link } = await invite()
    assert.match((await accept(link, 'seven\u0007otters')).page, /control characters/)
    assert.match((await accept(link, NEW, OLD)).page, /not the same/)
    assert.equal(extension.calls.length, 0)
    assert.ok(await opens(OLD))
  })

  test('an invitation is valid only in its tenant, unchanged, and for a limited time', async t => {
    await scene(t, 'PRE_UPDATE_PASSWORD')
    const { text: link } = await invite()
    const elsewhere = link.replace(`/t/${world.tenant.domain}`, '')
    const changed = `${link.slice(0, -2)}xx`
    for (const url of [elsewhere, changed, link.replace(/=.*/, '=')]) assert.equal((await fetch(url)).status, 400)
    const text = new URL(link).searchParams.get('invitation') ?? ''
    const inADay = { ...world.db, now: () => Date.now() + 25 * 3_600_000 }
    assert.equal(await readInvitation(inADay, world.tenant.id, text), undefined)
    assert.equal((await readInvitation(world.db, world.tenant.id, text))?.user.id, mira.id)
  })

  test('inviting requires its scope and an existing user, and inviting an administrator requires an administrator', async t => {
    await scene(t, 'PRE_UPDATE_PASSWORD')
    assert.equal((await invite(await asMira())).status, 403)
    const asInviter = await bearer({ grant_type: 'client_credentials', scope: 'internal_offline_invite' })
    assert.equal((await invite(asInviter)).status, 201)
    assert.equal((await invite(asInviter, { username: 'boss' })).status, 403)
    assert.equal((await invite(asInviter, { username: 'nobody' })).status, 404)
    assert.equal((await invite(asInviter, { username: mira.userName, userstore: 'OTHER' })).status, 400)
    assert.equal((await invite(asInviter, {})).body.code, 'UE-10000')
  })

  test('PF-02, PF-14, PF-15: the event has new values, old values, and nothing else', async t => {
    await scene(t, 'PRE_UPDATE_PROFILE', {
      attributes: [DEPARTMENT, MOBILES, EMAIL, `${LOCAL}title`, `${LOCAL}groups`],
      claims: { [MOBILES]: ['+4670000001'] },
    })
    const { status } = await patch([
      replace(`${ENTERPRISE}:department`, 'Hydrology'),
      replace(`${WSO2}:mobileNumbers`, ['+4670000001', '+4670000002']),
      replace('title', 'Dr'),
    ])
    assert.equal(status, 200)
    const { action, initiatorType, request, user } = event()
    assert.deepEqual([initiatorType, action], ['ADMIN', 'UPDATE'])
    const numbers = ['+4670000001', '+4670000002']
    assert.deepEqual(byUri(request.claims), [
      { uri: DEPARTMENT, value: 'Hydrology' },
      { uri: MOBILES, value: numbers },
      { uri: `${LOCAL}title`, value: 'Dr' },
    ])
    // A first value is only in the request.
    assert.deepEqual(byUri(user.claims), [
      { uri: DEPARTMENT, value: 'Geology', updatingValue: 'Hydrology' },
      { uri: EMAIL, value: 'mira@example.com' },
      { uri: MOBILES, value: ['+4670000001'], updatingValue: numbers },
    ])
    assert.deepEqual([user.id, user.groups], [mira.id, ['staff', 'eu']])
    assert.deepEqual(claimsOf(await stored())[DEPARTMENT], 'Hydrology')
  })

  test('PF-03, PF-08, PF-09: a removed attribute is sent as "" or [], also if a PUT leaves it out', async t => {
    await scene(t, 'PRE_UPDATE_PROFILE', {
      attributes: [DEPARTMENT, MOBILES],
      claims: { [MOBILES]: ['+4670000001'] },
    })
    const emails = [{ value: 'mira@example.com', primary: true }]
    const { status } = await send('PUT', `/scim2/Users/${mira.id}`, { userName: mira.userName, emails })
    assert.equal(status, 200)
    assert.deepEqual(byUri(event().request.claims), [
      { uri: DEPARTMENT, value: '' },
      { uri: MOBILES, value: [] },
    ])
    assert.deepEqual(byUri(event().user.claims), [
      { uri: DEPARTMENT, value: 'Geology', updatingValue: '' },
      { uri: MOBILES, value: ['+4670000001'], updatingValue: [] },
    ])
  })

  test('PF-14: an attribute that the action does not select is sent only if it changes', async t => {
    await scene(t, 'PRE_UPDATE_PROFILE')
    await patch([replace(`${ENTERPRISE}:department`, 'Hydrology')])
    assert.deepEqual(event().request.claims, [{ uri: DEPARTMENT, value: 'Hydrology' }])
    assert.equal(event().user.claims, undefined)
  })

  test('deactivating an account is a change of its attribute active', async t => {
    await scene(t, 'PRE_UPDATE_PROFILE', { attributes: [`${LOCAL}active`] })
    await patch([replace('active', false)])
    assert.deepEqual(event().request.claims, [{ uri: `${LOCAL}active`, value: 'false' }])
    assert.deepEqual(event().user.claims, [{ uri: `${LOCAL}active`, value: 'true', updatingValue: 'false' }])
  })

  const UNASKED: [what: string, change: () => Promise<Answered>][] = [
    ['PF-13: nothing changes', () => patch([replace(`${ENTERPRISE}:department`, 'Geology')])],
    ['only the user name changes', () => patch([replace('userName', `renamed-${randomUUID()}`)])],
    ['only the password changes', () => setPassword()],
    ['PF-17: a user is created', () => register()],
  ]
  for (const [what, change] of UNASKED) {
    test(`${what}, and the profile action is not called`, async t => {
      await scene(t, 'PRE_UPDATE_PROFILE')
      assert.ok((await change()).status < 300)
      assert.equal(extension.calls.length, 0)
    })
  }

  test('PF-18 to PF-20: rules can use the flow and the changed attributes', async t => {
    await scene(t, 'PRE_UPDATE_PROFILE', {
      rule: {
        condition: 'OR',
        rules: [
          {
            condition: 'AND',
            expressions: [
              { field: 'flow', operator: 'equals', value: 'userInitiatedProfileUpdate' },
              { field: 'claim', operator: 'equals', value: DEPARTMENT },
            ],
          },
        ],
      },
    })
    const me = async (...Operations: object[]) =>
      send('PATCH', '/scim2/Me', { schemas: [PATCH], Operations }, await asMira())
    await patch([replace(`${ENTERPRISE}:department`, 'A')])
    await me(replace('title', 'Dr'))
    assert.equal(extension.calls.length, 0)
    await me(replace(`${ENTERPRISE}:department`, 'B'), replace('title', 'Prof'))
    assert.equal(event().initiatorType, 'USER')
  })

  test('PF-21, PF-22: a refused profile is not stored, and the error has the extension’s message', async t => {
    await scene(t, 'PRE_UPDATE_PROFILE')
    extension.answer(() => ({
      body: { actionStatus: 'FAILED', failureReason: 'not_allowed', failureDescription: 'Ask your manager.' },
    }))
    const refused = await patch([replace(`${ENTERPRISE}:department`, 'Hydrology')])
    assert.deepEqual(
      [refused.status, refused.body.scimType, refused.body.detail],
      [400, 'not_allowed', 'Ask your manager.'],
    )
    extension.answer(() => ({ status: 500, body: 'broken' }))
    const broken = await patch([replace(`${ENTERPRISE}:department`, 'Hydrology')])
    assert.equal(broken.status, 500)
    assert.match(broken.body.detail, /^Error while updating attributes of user/)
    assert.deepEqual(await stored(), mira)
  })

  test('PR-29: the password action is called first, and nothing is stored unless both succeed', async t => {
    await scene(t, 'PRE_UPDATE_PASSWORD')
    await scene(t, 'PRE_UPDATE_PROFILE')
    const both = () => patch([replace('password', NEW), replace(`${ENTERPRISE}:department`, 'Hydrology')])
    const asked = () => extension.calls.map(({ body }) => body.actionType)
    extension.answer(({ body }) => ({
      body: body.actionType === 'PRE_UPDATE_PROFILE' ? FAILED : { actionStatus: 'SUCCESS' },
    }))
    assert.equal((await both()).status, 400)
    assert.deepEqual(asked(), ['PRE_UPDATE_PASSWORD', 'PRE_UPDATE_PROFILE'])
    assert.deepEqual([await opens(OLD), await stored()], [true, mira])
    extension.calls.length = 0
    extension.answer(() => ({ body: FAILED }))
    assert.equal((await both()).status, 400)
    assert.deepEqual(asked(), ['PRE_UPDATE_PASSWORD'])
    extension.succeed()
    assert.equal((await both()).status, 200)
    assert.deepEqual([await opens(NEW), claimsOf(await stored())[DEPARTMENT]], [true, 'Hydrology'])
  })

  test('a change during the extension call is not overwritten', async t => {
    await scene(t, 'PRE_UPDATE_PROFILE')
    extension.answer(async ({ body }) => {
      if (body.event.request.claims[0].uri === DEPARTMENT)
        assert.equal((await patch([replace('title', 'Dr')])).status, 200)
      return { body: { actionStatus: 'SUCCESS' } }
    })
    const { body, status } = await patch([replace(`${ENTERPRISE}:department`, 'Hydrology')])
    assert.equal(status, 409)
    assert.match(body.detail, /Read it again/)
    const claims = claimsOf(await stored())
    assert.deepEqual([claims[DEPARTMENT], claims[`${LOCAL}title`]], ['Geology', 'Dr'])
  })

  test('of the last two administrators one stays, even if both are deactivated during an extension call', async t => {
    await scene(t, 'PRE_UPDATE_PROFILE')
    const others = await listAdministrators(world.db, world.tenant.id)
    const pair = [await world.addUser({ isAdministrator: true }), await world.addUser({ isAdministrator: true })]
    for (const other of others) await updateUser(world.db, { ...other, isActive: false })
    t.after(async () => {
      for (const { id } of pair) await deleteUser(world.db, world.tenant.id, id)
      for (const other of others) await updateUser(world.db, other)
    })
    const bothAsked = Promise.withResolvers<void>()
    extension.answer(async () => {
      if (extension.calls.length === 2) bothAsked.resolve()
      await bothAsked.promise
      return { body: { actionStatus: 'SUCCESS' } }
    })
    const off = { schemas: [PATCH], Operations: [replace('active', false)] }
    const answers = await Promise.all(
      pair.map(({ id, userName }) => send('PATCH', `/scim2/Users/${id}`, off, basic(userName))),
    )
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 403])
    assert.match(answers.find(({ status }) => status === 403)?.body.detail, /last administrator/)
    const left = (await listAdministrators(world.db, world.tenant.id)).filter(({ isActive }) => isActive)
    assert.equal(left.length, 1)
  })

  for (const operation of [
    { op: 'remove', path: 'password' },
    { op: 'Remove', path: 'password' },
    replace('password', null),
    { op: 'replace', path: 'password' },
    { op: 'add', value: { password: null } },
  ]) {
    test(`a password is not removed by ${JSON.stringify(operation)}, and the response does not claim it`, async t => {
      await scene(t, 'PRE_UPDATE_PASSWORD')
      const { body, status } = await patch([replace('title', 'Dr'), operation])
      assert.deepEqual([status, body.scimType], [400, 'mutability'])
      assert.match(body.detail, /Replace it, or set active to false/)
      assert.ok(await opens(OLD))
      assert.equal(claimsOf(await stored())[`${LOCAL}title`], undefined)
    })
  }

  test('an existing user name is refused before any extension is called', async t => {
    await scene(t, 'PRE_UPDATE_PASSWORD')
    assert.equal((await register(undefined, { userName: admin.userName })).status, 409)
    assert.equal((await patch([replace('password', NEW), replace('userName', admin.userName)])).status, 409)
    assert.equal(extension.calls.length, 0)
  })

  for (const [onFailure, status] of [
    ['continue', 200],
    ['deny', 400],
  ] as const) {
    test(`an action with onFailure “${onFailure}” that cannot be called gives ${status}`, async t => {
      await scene(t, 'PRE_UPDATE_PASSWORD', { onFailure })
      extension.answer(() => ({ status: 500, body: 'broken' }))
      assert.equal((await setPassword()).status, status)
      assert.equal(await opens(NEW), status === 200)
    })
  }

  test('attributes too large for an event cannot bypass an action that continues on failure', async t => {
    await scene(t, 'PRE_UPDATE_PROFILE', { onFailure: 'continue', attributes: [`${LOCAL}nickname`] })
    // Like an extension whose web framework limits the body.
    let largest = 0
    extension.answer(call => {
      largest = Math.max(largest, JSON.stringify(call.body).length)
      return largest > 100_000 ? { status: 413, body: 'too large' } : { body: FAILED }
    })
    for (const length of [10, 15_000, 17_000, 900_000]) {
      assert.equal((await patch([replace('nickName', 'x'.repeat(length))])).status, 400, `${length}`)
    }
    // Half of a surrogate pair takes six characters in JSON.
    const { body, status } = await patch([replace('nickName', '\ud800'.repeat(15_000))])
    assert.equal(status, 400)
    assert.match(body.detail, /at most 16384 bytes.*Shorten them/)
    const created = await register(undefined, { nickName: 'x'.repeat(900_000) })
    assert.deepEqual([created.status, created.body.scimType], [400, 'invalidValue'])
    assert.equal(claimsOf(await stored())[`${LOCAL}nickname`], undefined)
    assert.ok(largest > 15_000)
  })

  test('no password and no attribute is in a record or in the log', async t => {
    await scene(t, 'PRE_UPDATE_PASSWORD', { attributes: [EMAIL] })
    log.length = 0
    await setPassword()
    const record = JSON.stringify(await lastCall())
    await scene(t, 'PRE_UPDATE_PROFILE', { attributes: [EMAIL] })
    await patch([replace(`${ENTERPRISE}:department`, 'Hydrology')])
    const everything = [record, JSON.stringify(await lastCall()), ...log].join('\n')
    assert.match(everything, /PRE_UPDATE_PASSWORD/)
    assert.match(everything, /PRE_UPDATE_PROFILE/)
    assert.doesNotMatch(everything, /Blue-Heron|correct horse|mira@example|Geology|Hydrology/)
  })
})
