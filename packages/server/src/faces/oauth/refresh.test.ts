import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { Operation } from '@preflow/contract'
import { decodeJwt } from 'jose'
import { authorize, CALLBACK } from '../../ground/pages/browser.fixture.ts'
import { deleteAction, insertAction } from '../../ground/store/actions.ts'
import { updateApplication } from '../../ground/store/applications.ts'
import type { Action, Application, User } from '../../ground/store/model.ts'
import { updateUser } from '../../ground/store/users.ts'
import { type Extension, onEachDatabase, startExtension, startWorld, type World } from '../../world.fixture.ts'

onEachDatabase(databaseUrl => {
  let world: World
  let extension: Extension
  let action: Action
  let web: Application
  let user: User

  before(async () => {
    world = await startWorld(databaseUrl === undefined ? {} : { databaseUrl })
    extension = await startExtension()
    action = await world.addAction('PRE_ISSUE_ACCESS_TOKEN', extension.url)
    web = await world.addApplication(
      {
        grantTypes: ['authorization_code', 'password', 'refresh_token'],
        callbackUrls: [CALLBACK],
        audiences: ['https://api.shop.test'],
        accessTokenClaims: ['given_name'],
      },
      ['cart.read', 'orders.write'],
    )
    user = await world.addUser()
  })
  after(async () => {
    await extension.close()
    await world.close()
  })
  beforeEach(() => extension.succeed())

  const claim = (name: string, value: unknown): Operation => ({
    op: 'add',
    path: '/accessToken/claims/-',
    value: { name, value },
  })
  const lifetime = (seconds: number): Operation => ({
    op: 'replace',
    path: '/accessToken/claims/expires_in',
    value: seconds,
  })
  const refreshLifetime = (seconds: number): Operation => ({
    op: 'replace',
    path: '/refreshToken/claims/expires_in',
    value: seconds,
  })

  /** The first token of a user, with the action's changes. */
  async function begin(...operations: Operation[]) {
    extension.succeed(...operations)
    const { status, body } = await world.token(web, {
      grant_type: 'password',
      username: user.userName,
      password: 'correct horse',
      scope: 'openid cart.read orders.write',
    })
    assert.equal(status, 200, JSON.stringify(body))
    return body
  }

  const tryRefresh = (refreshToken: string, more: Record<string, string> = {}, application = web) =>
    world.token(application, { grant_type: 'refresh_token', refresh_token: refreshToken, ...more })

  async function refresh(previous: { refresh_token: string }, operations: Operation[] = [], more = {}) {
    extension.succeed(...operations)
    const { status, body } = await tryRefresh(previous.refresh_token, more)
    assert.equal(status, 200, JSON.stringify(body))
    const claims = decodeJwt(body.access_token)
    return { body, claims, lifetime: (claims.exp ?? 0) - (claims.iat ?? 0) }
  }

  const lastEvent = () => extension.calls.at(-1)?.body.event
  const shown = (name: string) =>
    lastEvent().accessToken.claims.find((entry: { name: string }) => entry.name === name)?.value

  async function introspect(token: string) {
    const answer = await world.post('/oauth2/introspect', web, { token })
    return (await answer.json()) as { active: boolean; exp: number; iat: number }
  }

  describe('persistence', () => {
    test('T65, T191, T192: scopes, audience, claims and lifetime persist, and the next event starts from them', async () => {
      const first = await begin(
        claim('tier', 'gold'),
        lifetime(300),
        { op: 'add', path: '/accessToken/claims/aud/-', value: 'https://crm.test' },
        { op: 'add', path: '/accessToken/scopes/-', value: 'billing.read' },
      )
      let chain = await refresh(first)
      for (let round = 0; round < 3; round++) chain = await refresh(chain.body)
      assert.equal(chain.claims['tier'], 'gold')
      assert.equal(chain.claims['given_name'], 'Mira')
      assert.deepEqual(chain.claims.aud, [web.clientId, 'https://api.shop.test', 'https://crm.test'])
      assert.equal(chain.claims['scope'], 'billing.read cart.read openid orders.write')
      assert.equal(chain.lifetime, 300)
      assert.equal(shown('tier'), 'gold')
      assert.equal(shown('expires_in'), 300)
      const more = await refresh(chain.body, [claim('region', 'eu')])
      assert.deepEqual([more.claims['tier'], more.claims['region']], ['gold', 'eu'])
    })

    test('T193, T194: adding a claim again keeps the old value, and a replacement persists', async () => {
      const first = await begin(claim('tier', 'gold'))
      const added = await refresh(first, [claim('tier', 'silver')])
      assert.equal(added.claims['tier'], 'gold')
      const replaced = await refresh(added.body, [{ op: 'replace', path: '/accessToken/claims/tier', value: 'silver' }])
      assert.equal(replaced.claims['tier'], 'silver')
      assert.equal((await refresh(replaced.body)).claims['tier'], 'silver')
    })

    test('T195: a lifetime that was set is used again', async () => {
      const first = await begin(lifetime(300))
      assert.equal((await refresh(first)).lifetime, 300)
    })

    test('T196: the lifetime of the refresh token is shown, persists, and can be changed again', async () => {
      const first = await begin(refreshLifetime(40_000))
      const second = await refresh(first, [refreshLifetime(50_000)])
      assert.deepEqual(lastEvent().refreshToken.claims, [{ name: 'expires_in', value: 40_000 }])
      const { exp, iat } = await introspect(second.body.refresh_token)
      assert.equal(exp - iat, 50_000)
    })

    test('T197: the changes stay at every later refresh without the action', async () => {
      const first = await begin(claim('tier', 'gold'), lifetime(300))
      await deleteAction(world.db, world.tenant.id, action.id)
      try {
        const calls = extension.calls.length
        const second = await refresh(await refresh(first).then(({ body }) => body))
        assert.equal(extension.calls.length, calls)
        assert.equal(second.claims['tier'], 'gold')
        assert.equal(second.lifetime, 300)
      } finally {
        await insertAction(world.db, action, 1)
      }
    })

    test('T198: attributes of the user follow the profile, unless an operation changed them', async () => {
      const renamed = { ...user, document: { name: { givenName: 'Zoe' } } }
      const changed: Operation = { op: 'replace', path: '/accessToken/claims/given_name', value: 'M.' }
      for (const [operations, expected] of [
        [[], 'Zoe'],
        [[claim('tier', 'gold')], 'Zoe'],
        [[changed], 'M.'],
        [[{ op: 'remove', path: '/accessToken/claims/given_name' }], undefined],
      ] as [Operation[], string | undefined][]) {
        const first = await begin(...operations)
        await updateUser(world.db, renamed)
        const second = await refresh(first)
        const third = await refresh(second.body)
        await updateUser(world.db, user)
        for (const { claims } of [second, third]) {
          assert.equal(claims['given_name'], expected, JSON.stringify(operations))
          assert.equal(claims['tier'], operations[0]?.op === 'add' ? 'gold' : undefined)
        }
      }
    })

    test('an attribute that an operation of a refresh changed keeps that value from then on', async () => {
      const first = await begin()
      const second = await refresh(first, [{ op: 'replace', path: '/accessToken/claims/given_name', value: 'M.' }])
      await updateUser(world.db, { ...user, document: { name: { givenName: 'Zoe' } } })
      const third = await refresh(second.body)
      await updateUser(world.db, user)
      assert.deepEqual([second.claims['given_name'], third.claims['given_name']], ['M.', 'M.'])
    })

    test('without an action the attributes of the user are current', async () => {
      await deleteAction(world.db, world.tenant.id, action.id)
      try {
        const first = await begin()
        await updateUser(world.db, { ...user, document: { name: { givenName: 'Zoe' } } })
        const second = await refresh(first)
        await updateUser(world.db, user)
        assert.equal(second.claims['given_name'], 'Zoe')
      } finally {
        await insertAction(world.db, action, 1)
      }
    })

    test('T199: requesting fewer scopes narrows this token and no later one', async () => {
      const first = await begin()
      const narrowed = await refresh(first, [], { scope: 'cart.read' })
      assert.deepEqual(lastEvent().request.scopes, ['cart.read'])
      assert.equal(narrowed.claims['scope'], 'cart.read')
      assert.equal(narrowed.body.id_token, undefined)
      assert.equal((await refresh(narrowed.body)).claims['scope'], 'cart.read openid orders.write')
    })

    test('T201: a scope that the action added can be requested later', async () => {
      const first = await begin({ op: 'add', path: '/accessToken/scopes/-', value: 'billing.read' })
      assert.equal((await refresh(first, [], { scope: 'billing.read' })).claims['scope'], 'billing.read')
    })

    test('a scope that the action removed stays removed', async () => {
      const first = await begin({ op: 'remove', path: '/accessToken/scopes/0' })
      assert.equal((await refresh(first)).claims['scope'], 'openid orders.write')
      const { status, body } = await tryRefresh(first.refresh_token, { scope: 'cart.read' })
      assert.deepEqual([status, body.error], [400, 'invalid_scope'])
    })

    test('T190: response parameters and hidden members affect one response only', async () => {
      const hidden: Operation = { op: 'remove', path: '/response/parameters/id_token' }
      const first = await begin(
        { op: 'add', path: '/response/parameters/-', value: { name: 'plan', value: 'pro' } },
        hidden,
      )
      assert.deepEqual([first.plan, first.id_token], ['pro', undefined])
      const second = await refresh(first)
      assert.equal(second.body.plan, undefined)
      assert.equal(typeof second.body.id_token, 'string')
    })

    test('without rotation the same refresh token stays valid and keeps the changes', async () => {
      await updateApplication(world.db, { ...web, renewsRefreshToken: false })
      try {
        const first = await begin(claim('tier', 'gold'))
        const second = await refresh(first, [lifetime(300), refreshLifetime(9000)])
        assert.equal(second.body.refresh_token, first.refresh_token)
        const third = await refresh(first)
        assert.equal(third.claims['tier'], 'gold')
        assert.equal(third.lifetime, 300)
        const { exp, iat } = await introspect(first.refresh_token)
        assert.equal(exp - iat, 9000)
      } finally {
        await updateApplication(world.db, web)
      }
    })

    test('a refresh token can live longer than the original grant', async () => {
      const first = await begin(refreshLifetime(50 * 24 * 3600))
      const { exp, iat } = await introspect(first.refresh_token)
      assert.equal(exp - iat, 50 * 24 * 3600)
    })
  })

  describe('single use', () => {
    test('of eight requests with one refresh token exactly one succeeds', async () => {
      const first = await begin()
      const answers = await Promise.all(Array.from({ length: 8 }, () => tryRefresh(first.refresh_token)))
      const winners = answers.filter(({ status }) => status === 200)
      assert.equal(winners.length, 1)
      for (const { status, body } of answers) if (status !== 200) assert.equal(body.error, 'invalid_grant')
    })

    test('using a refresh token again ends the whole grant', async () => {
      const first = await begin()
      const second = await refresh(first)
      const stolen = await tryRefresh(first.refresh_token)
      assert.deepEqual([stolen.status, stolen.body.error], [400, 'invalid_grant'])
      assert.equal((await tryRefresh(second.body.refresh_token)).status, 400)
      assert.equal((await introspect(second.body.access_token)).active, false)
    })

    test('of eight requests with one code exactly one succeeds', async () => {
      const landing = await authorize(world, {
        clientId: web.clientId,
        userName: user.userName,
        parameters: { scope: 'openid' },
      })
      const code = landing.searchParams.get('code') ?? ''
      const answers = await Promise.all(
        Array.from({ length: 8 }, () =>
          world.token(web, { grant_type: 'authorization_code', code, redirect_uri: CALLBACK }),
        ),
      )
      assert.equal(answers.filter(({ status }) => status === 200).length, 1)
    })
  })

  describe('a refusal consumes nothing', () => {
    const REFUSAL = { body: { actionStatus: 'FAILED', failureReason: 'access_denied', failureDescription: 'Not now.' } }

    test('T200: a refused refresh leaves the refresh token usable, also if the extension fails', async () => {
      const first = await begin()
      const before = await introspect(first.refresh_token)
      extension.answer(() => REFUSAL)
      assert.equal((await tryRefresh(first.refresh_token)).status, 400)
      extension.answer(() => ({ status: 500, body: 'no' }))
      assert.equal((await tryRefresh(first.refresh_token)).status, 500)
      assert.deepEqual(await introspect(first.refresh_token), before)
      await refresh(first)
    })

    test('T219: a refused code can be redeemed later', async () => {
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
      extension.answer(() => REFUSAL)
      const refused = await world.token(web, form)
      assert.deepEqual([refused.status, refused.body.error], [400, 'access_denied'])
      extension.succeed()
      assert.equal((await world.token(web, form)).status, 200)
      const again = await world.token(web, form)
      assert.deepEqual([again.status, again.body.error], [400, 'invalid_grant'])
    })

    test('a refused password request leaves no grant behind', async () => {
      extension.answer(() => REFUSAL)
      const count = async () =>
        Number(
          (
            await world.db.queries
              .selectFrom('oidc_artifacts')
              .select(({ fn }) => fn.countAll<number>().as('rows'))
              .executeTakeFirstOrThrow()
          ).rows,
        )
      const before = await count()
      const form = { grant_type: 'password', username: user.userName, password: 'correct horse' }
      assert.equal((await world.token(web, form)).status, 400)
      assert.equal(await count(), before)
    })
  })

  test('a deactivated user cannot refresh, and the action is not called', async () => {
    const first = await begin()
    const calls = extension.calls.length
    await updateUser(world.db, { ...user, isActive: false })
    const { status, body } = await tryRefresh(first.refresh_token)
    await updateUser(world.db, user)
    assert.deepEqual([status, body.error], [400, 'invalid_grant'])
    assert.equal(extension.calls.length, calls)
  })
})

onEachDatabase(databaseUrl => {
  describe('a refresh token whose response was lost', () => {
    let world: World
    let web: Application
    let user: User

    before(async () => {
      world = await startWorld({ refreshGraceSeconds: 60, ...(databaseUrl === undefined ? {} : { databaseUrl }) })
      web = await world.addApplication({ grantTypes: ['password', 'refresh_token'] })
      user = await world.addUser()
    })
    after(() => world.close())

    const begin = async () => {
      const form = { grant_type: 'password', username: user.userName, password: 'correct horse', scope: 'openid' }
      return (await world.token(web, form)).body.refresh_token as string
    }
    const refresh = (token: string) => world.token(web, { grant_type: 'refresh_token', refresh_token: token })

    test('can be used again within the grace, and the chain goes on with the last response', async () => {
      const first = await begin()
      const lost = (await refresh(first)).body.refresh_token
      const again = await refresh(first)
      assert.equal(again.status, 200)
      assert.equal((await refresh(lost)).status, 400)
      const next = await refresh(again.body.refresh_token)
      assert.equal(next.status, 200)
      assert.equal((await refresh(next.body.refresh_token)).status, 200)
    })

    test('ends the chain once its successor was used, as ever', async () => {
      const first = await begin()
      const second = (await refresh(first)).body.refresh_token
      const third = (await refresh(second)).body.refresh_token
      assert.equal((await refresh(first)).status, 400)
      assert.equal((await refresh(third)).status, 400)
    })

    test('ends the chain after the grace', async () => {
      const first = await begin()
      const second = (await refresh(first)).body.refresh_token
      await world.db.queries
        .updateTable('oidc_artifacts')
        .set({ consumed_at: Date.now() - 60_001 })
        .where('consumed_at', 'is not', null)
        .execute()
      assert.equal((await refresh(first)).status, 400)
      assert.equal((await refresh(second)).status, 400)
    })

    test('has one living successor, however many requests use it at once', async () => {
      const first = await begin()
      const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(first)))
      const successors = answers.filter(({ status }) => status === 200).map(({ body }) => body.refresh_token)
      assert.ok(successors.length > 0)
      const usable: number[] = []
      for (const token of successors) usable.push((await refresh(token)).status)
      assert.ok(usable.filter(status => status === 200).length <= 1)
    })
  })
})
