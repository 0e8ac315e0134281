import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { Operation } from '@preflow/contract'
import { decodeJwt } from 'jose'
import { authorize, CALLBACK } from '../../ground/pages/browser.fixture.ts'
import { setActionStatus } from '../../ground/store/actions.ts'
import type { Action, Application, User } from '../../ground/store/model.ts'
import { type Extension, startExtension, startWorld, type World } from '../../world.fixture.ts'

let world: World
let extension: Extension
let other: Extension
let accessTokenAction: Action
let web: Application
let user: User

before(async () => {
  world = await startWorld()
  extension = await startExtension()
  other = await startExtension()
  await world.addAction('PRE_ISSUE_ID_TOKEN', extension.url)
  accessTokenAction = await world.addAction('PRE_ISSUE_ACCESS_TOKEN', other.url, { status: 'INACTIVE' })
  web = await world.addApplication({
    grantTypes: ['authorization_code', 'password', 'refresh_token'],
    callbackUrls: [CALLBACK],
    idTokenLifetimeSeconds: 7200,
  })
  user = await world.addUser()
})
after(async () => {
  await extension.close()
  await other.close()
  await world.close()
})
beforeEach(() => {
  extension.calls.length = 0
  other.calls.length = 0
  extension.succeed()
  other.succeed()
})

const signIn = (more: Record<string, string> = {}) =>
  world.token(web, {
    grant_type: 'password',
    username: user.userName,
    password: 'correct horse',
    scope: 'openid profile groups',
    ...more,
  })
const refresh = (refreshToken: string, more = {}) =>
  world.token(web, { grant_type: 'refresh_token', refresh_token: refreshToken, ...more })

async function issued(answer: ReturnType<typeof signIn>) {
  const { status, body } = await answer
  assert.equal(status, 200, JSON.stringify(body))
  const claims = decodeJwt(body.id_token)
  return { body, claims, lifetime: (claims.exp ?? 0) - (claims.iat ?? 0) }
}

const lastEvent = () => extension.calls.at(-1)?.body.event
const audience = (value: string): Operation => ({ op: 'add', path: '/idToken/claims/aud/-', value })

describe('the event', () => {
  test('the claims have their order, and the lifetime is expires_in', async () => {
    await issued(signIn())
    const names = lastEvent().idToken.claims.map((claim: { name: string }) => claim.name)
    assert.deepEqual(names, [
      ...['jti', 'iss', 'azp', 'auth_time', 'amr', 'org_id', 'org_name', 'org_handle', 'sub'],
      ...['name', 'given_name', 'username', 'updated_at', 'groups', 'aud', 'expires_in'],
    ])
    const values = new Map(
      lastEvent().idToken.claims.map((claim: { name: string; value: unknown }) => [claim.name, claim.value]),
    )
    assert.deepEqual(values.get('aud'), [web.clientId])
    assert.equal(values.get('expires_in'), 7200, 'T64')
  })

  test('T58: user attributes may be changed, and the lifetime', async () => {
    await issued(signIn())
    assert.deepEqual(extension.calls[0]?.body.allowedOperations, [
      { op: 'add', paths: ['/idToken/claims/', '/idToken/claims/aud/'] },
      {
        op: 'remove',
        paths: [
          '/idToken/claims/name',
          '/idToken/claims/given_name',
          '/idToken/claims/username',
          '/idToken/claims/updated_at',
          '/idToken/claims/groups/',
          '/idToken/claims/aud/',
        ],
      },
      {
        op: 'replace',
        paths: [
          '/idToken/claims/name',
          '/idToken/claims/given_name',
          '/idToken/claims/username',
          '/idToken/claims/updated_at',
          '/idToken/claims/groups/',
          '/idToken/claims/aud/',
          '/idToken/claims/expires_in',
        ],
      },
    ])
  })

  test('T52: without its own list no header or parameter is sent', async () => {
    await issued(signIn())
    assert.deepEqual(lastEvent().request, {
      clientId: web.clientId,
      grantType: 'password',
      scopes: ['openid', 'profile', 'groups'],
    })
    assert.deepEqual(lastEvent().user, {
      id: user.id,
      userType: 'LOCAL',
      organization: { id: world.organization.id, name: 'Acme', orgHandle: world.organization.handle, depth: 0 },
    })
    assert.deepEqual(lastEvent().userStore, { id: 'UFJJTUFSWQ==', name: 'PRIMARY' })
  })

  test('T63: without a requested scope the granted ones are shown', async () => {
    const first = await issued(signIn())
    await issued(refresh(first.body.refresh_token))
    assert.deepEqual(lastEvent().request.scopes, ['groups', 'openid', 'profile'])
  })
})

describe('the changes', () => {
  test('T146, T147: audiences are changed by current indices, also at the refresh, and the client stays', async () => {
    const operations: Operation[] = [
      audience('p.test'),
      audience('q.test'),
      audience('r.test'),
      { op: 'replace', path: '/idToken/claims/aud/-', value: 's.test' },
      { op: 'remove', path: '/idToken/claims/aud/0' },
    ]
    extension.succeed(...operations)
    const first = await issued(signIn())
    assert.deepEqual(first.claims.aud, [web.clientId, 'p.test', 'q.test', 's.test'])
    const second = await issued(refresh(first.body.refresh_token))
    assert.deepEqual(second.claims.aud, [web.clientId, 'p.test', 'q.test', 's.test', 'r.test'])
  })

  test('T149, T152, T159: claims can be added and replaced, except the platform’s own', async () => {
    const add = (name: string, value: unknown): Operation => ({
      op: 'add',
      path: '/idToken/claims/-',
      value: { name, value },
    })
    extension.succeed(add('tier', 'gold'), add('nonce', 'mine'), {
      op: 'replace',
      path: '/idToken/claims/given_name',
      value: 'Ann',
    })
    const { claims } = await issued(signIn())
    assert.deepEqual([claims['tier'], claims['nonce'], claims['given_name']], ['gold', undefined, 'Ann'])
  })

  test('T165: the lifetime changes', async () => {
    extension.succeed({ op: 'replace', path: '/idToken/claims/expires_in', value: 900 })
    assert.equal((await issued(signIn())).lifetime, 900)
  })

  test('its changes persist through refreshes, including one without an ID token', async () => {
    extension.succeed(
      { op: 'add', path: '/idToken/claims/-', value: { name: 'tier', value: 'gold' } },
      { op: 'replace', path: '/idToken/claims/expires_in', value: 900 },
    )
    const first = await issued(signIn())
    extension.succeed()
    const narrowed = await refresh(first.body.refresh_token, { scope: 'profile' })
    assert.equal(narrowed.body.id_token, undefined)
    const third = await issued(refresh(narrowed.body.refresh_token))
    assert.equal(third.claims['tier'], 'gold')
    assert.equal(third.lifetime, 900)
  })

  test('the ID token is bound to the access token', async () => {
    const { body, claims } = await issued(signIn())
    const { createHash } = await import('node:crypto')
    const half = createHash('sha256').update(body.access_token).digest().subarray(0, 16)
    assert.equal(claims['at_hash'], half.toString('base64url'))
  })
})

describe('with the access token action', () => {
  before(() => setActionStatus(world.db, world.tenant.id, accessTokenAction.id, 'ACTIVE'))
  after(() => setActionStatus(world.db, world.tenant.id, accessTokenAction.id, 'INACTIVE'))

  test('T16: no action is called for an ID token that is left out of the response', async () => {
    other.succeed({ op: 'remove', path: '/response/parameters/id_token' })
    const { body } = await signIn()
    assert.equal(body.id_token, undefined)
    assert.deepEqual([other.calls.length, extension.calls.length], [1, 0])
  })

  test('T30, T77: it is not called if openid was removed', async () => {
    other.succeed({ op: 'remove', path: '/accessToken/scopes/1' })
    const { body } = await signIn()
    assert.equal(body.id_token, undefined)
    assert.equal(extension.calls.length, 0)
  })

  test('T220: its refusal reaches the client with its reason and leaves code and refresh token usable', async () => {
    const refuse = (failureDescription?: string) =>
      extension.answer(() => ({ body: { actionStatus: 'FAILED', failureReason: 'not_you', failureDescription } }))
    const landing = await authorize(world, {
      clientId: web.clientId,
      userName: user.userName,
      parameters: { scope: 'openid' },
    })
    const form = {
      grant_type: 'authorization_code',
      code: landing.searchParams.get('code') ?? '',
      redirect_uri: CALLBACK,
    }
    refuse('Try later.')
    const refused = await world.token(web, form)
    assert.deepEqual(
      [refused.status, refused.body.error, refused.body.error_description],
      [400, 'not_you', 'Try later.'],
    )
    extension.succeed()
    const { body } = await issued(world.token(web, form))
    refuse('Try later.')
    assert.equal((await refresh(body.refresh_token)).status, 400)
    refuse()
    assert.deepEqual((await signIn()).body.error_description, undefined)
    extension.succeed()
    await issued(refresh(body.refresh_token))
  })
})

test('T212: the reference has its own description for a refusal without one', async () => {
  const wso2 = await startWorld({ platform: 'wso2-is-next' })
  try {
    await wso2.addAction('PRE_ISSUE_ID_TOKEN', extension.url)
    const application = await wso2.addApplication({ grantTypes: ['password'] })
    const someone = await wso2.addUser()
    extension.answer(() => ({ body: { actionStatus: 'FAILED', failureReason: 'not_you' } }))
    const { status, body } = await wso2.token(application, {
      grant_type: 'password',
      username: someone.userName,
      password: 'correct horse',
      scope: 'openid',
    })
    assert.deepEqual([status, body.error, body.error_description], [400, 'not_you', 'Invalid Client'])
  } finally {
    await wso2.close()
  }
})

test('a platform without this action type issues tokens without a call', async () => {
  const old = await startWorld({ platform: 'wso2-is-7.1' })
  try {
    await old.addAction('PRE_ISSUE_ID_TOKEN', extension.url)
    const application = await old.addApplication({ grantTypes: ['password'] })
    const someone = await old.addUser()
    const form = { grant_type: 'password', username: someone.userName, password: 'correct horse', scope: 'openid' }
    assert.equal((await old.token(application, form)).status, 200)
    assert.equal(extension.calls.length, 0)
  } finally {
    await old.close()
  }
})
