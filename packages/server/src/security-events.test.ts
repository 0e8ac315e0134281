import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { createLog } from './ground/observe/log.ts'
import { securityEvents } from './ground/observe/security-events.ts'
import { authorize, CALLBACK, openBrowser } from './ground/pages/browser.fixture.ts'
import type { Application, User } from './ground/store/model.ts'
import { type Extension, onEachDatabase, startExtension, startWorld, type World } from './world.fixture.ts'

// biome-ignore lint/suspicious/noExplicitAny: tests assert on what came over the wire, whatever it is
type Json = any

const BOSS_PASSWORD = 'seven-otters-in-a-canoe'
/** An extension's message for the user. Only the response and the call record may have it. */
const DESCRIPTION = 'the-words-of-an-extension'
const AGENT = 'a browser of the test/1.0'

const basic = (userName: string, password: string) =>
  `Basic ${Buffer.from(`${userName}:${password}`).toString('base64')}`

onEachDatabase(databaseUrl => {
  let world: World
  let extension: Extension
  let boss: User
  let mira: User
  let shop: Application
  let machine: Application
  const log: string[] = []

  before(async () => {
    extension = await startExtension()
    world = await startWorld(
      databaseUrl === undefined ? {} : { databaseUrl },
      createLog('debug', { write: (line: string) => log.push(line) > 0 }),
    )
    boss = await world.addUser({ userName: 'boss', isAdministrator: true }, BOSS_PASSWORD)
    mira = await world.addUser({ userName: 'mira' }, 'correct horse')
    shop = await world.addApplication({
      grantTypes: ['authorization_code', 'password', 'refresh_token'],
      callbackUrls: [CALLBACK],
    })
    machine = await world.addApplication({ grantTypes: ['client_credentials'] }, ['internal_user_mgt_list'])
  })
  after(async () => {
    await world.close()
    await extension.close()
  })

  const asBoss = { authorization: basic('boss', BOSS_PASSWORD) }

  /** The newest events, newest first. */
  async function events(search: Record<string, string> = {}): Promise<Json[]> {
    const query = new URLSearchParams({ event: 'all', limit: '200', ...search })
    const response = await fetch(`${world.base}/api/server/v1/audit-logs?${query}`, { headers: asBoss })
    assert.equal(response.status, 200)
    return (await response.json()) as Json[]
  }

  /** The events of one step. */
  async function during(work: () => Promise<unknown>, search: Record<string, string> = {}): Promise<Json[]> {
    const earlier = new Set((await events()).map(({ id }) => id))
    await work()
    const later = (await events(search)).filter(({ id }) => !earlier.has(id))
    // Reading the events also signs in the administrator.
    return later.filter(({ event, initiator }) => !(initiator === boss.id && /^sign_in\.(step|succ)/.test(event)))
  }

  const send = (method: string, path: string, headers: Record<string, string> = {}, body?: object) =>
    fetch(world.base + path, {
      method,
      headers: { 'user-agent': AGENT, 'content-type': 'application/json', ...headers },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })

  const signIn = () => authorize(world, { clientId: shop.clientId, userName: 'mira', parameters: { scope: 'openid' } })

  function assertFields(record: Json, expected: object): void {
    const { id, recordedAt, requestId, address, agent, organizationId } = record
    assert.ok(id && requestId, JSON.stringify(record))
    assert.match(recordedAt, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    assert.match(address, /127\.0\.0\.1$/)
    assert.match(agent, /^[\w-]{16}$/)
    assert.equal(organizationId, world.organization.id)
    const shown = Object.fromEntries(Object.keys(expected).map(name => [name, record[name]]))
    assert.deepEqual(shown, expected)
  }

  describe('AZ-94: each event becomes a row with all its fields', () => {
    test('AZ-94: a sign-in, its steps and its token', async () => {
      let tokens: Json
      const noted = await during(async () => {
        const url = await signIn()
        tokens = await world.token(shop, {
          grant_type: 'authorization_code',
          code: url.searchParams.get('code') ?? '',
          redirect_uri: CALLBACK,
        })
      })
      assert.equal(tokens.status, 200)
      const of = (name: string) => noted.find(({ event }) => event === name)
      const [token, signedIn, step] = ['token.issued', 'sign_in.succeeded', 'sign_in.step_passed'].map(of)
      const actor = { initiator: mira.id, actorKind: 'user' }
      assertFields(step, {
        event: 'sign_in.step_passed',
        outcome: 'success',
        ...actor,
        details: { factor: 'password' },
      })
      const factors = { details: { factors: ['pwd'] } }
      assertFields(signedIn, {
        event: 'sign_in.succeeded',
        clientId: shop.clientId,
        targetId: mira.id,
        ...actor,
        ...factors,
      })
      assertFields(token, {
        ...{ event: 'token.issued', outcome: 'success', clientId: shop.clientId, targetId: shop.id, ...actor },
        details: { grantType: 'authorization_code', scopes: ['openid'] },
      })
      assert.equal(noted.length, 3, JSON.stringify(noted))
    })

    test('AZ-94: a wrong password with a keyed hash of the user name, and the lock after ten', async () => {
      const wrong = (userName: string) =>
        world.token(shop, { grant_type: 'password', username: userName, password: 'a wrong guess' })
      const [first, ...others] = await during(() => wrong('nobody-here'))
      assert.deepEqual(others, [])
      assertFields(first, { event: 'sign_in.failed', outcome: 'refused', actorKind: 'nobody', initiator: '' })
      assert.match(first.details.userNameHash, /^[\w-]{16}$/)
      const plainHash = createHash('sha256').update('nobody-here').digest('base64url')
      assert.ok(!plainHash.startsWith(first.details.userNameHash))
      const again = await during(async () => {
        for (let count = 1; count <= 10; count++) await wrong('nobody-here')
      })
      const counts = Map.groupBy(again, ({ event }) => event)
      assert.equal(counts.get('sign_in.failed')?.length, 9)
      assert.equal(counts.get('sign_in.locked')?.length, 1)
      assert.equal(counts.get('sign_in.limited')?.length, 1)
      assert.equal(counts.get('sign_in.limited')?.[0].details.userNameHash, first.details.userNameHash)
    })

    test('AZ-94: a token of an application, and its revocation', async () => {
      let token = ''
      const [issued] = await during(async () => {
        const { body } = await world.token(machine, { grant_type: 'client_credentials' })
        token = body.access_token
      })
      assertFields(issued, { event: 'token.issued', actorKind: 'application', initiator: machine.clientId })
      const [revoked, ...others] = await during(() => world.post('/oauth2/revoke', machine, { token }))
      assertFields(revoked, { event: 'token.revoked', clientId: machine.clientId, targetId: machine.id })
      assert.deepEqual(others, [])
    })

    test('AZ-94: a code that is used twice', async () => {
      const code = (await signIn()).searchParams.get('code') ?? ''
      const form = { grant_type: 'authorization_code', code, redirect_uri: CALLBACK }
      await world.token(shop, form)
      const [reused, ...others] = await during(() => world.token(shop, form))
      assertFields(reused, {
        event: 'token.reused',
        outcome: 'refused',
        reason: 'invalid_grant',
        clientId: shop.clientId,
      })
      assert.deepEqual(others, [])
    })

    test('AZ-94: a client with a wrong secret', async () => {
      const [failed, ...others] = await during(() =>
        world.token(
          { ...shop, clientSecret: 'not-this-one' },
          { grant_type: 'password', username: 'mira', password: 'x' },
        ),
      )
      assertFields(failed, { event: 'client.authentication_failed', outcome: 'refused', reason: 'invalid_client' })
      assert.deepEqual(others, [])
    })

    test('AZ-94: a secret that is read, and one that is renewed', async () => {
      const kiosk = await world.addApplication()
      const path = `/api/server/v1/applications/${kiosk.id}/inbound-protocols/oidc`
      const [viewed, ...others] = await during(() => send('GET', path, asBoss))
      assertFields(viewed, { event: 'client_secret.viewed', targetId: kiosk.id, initiator: boss.id, actorKind: 'user' })
      assert.deepEqual(others, [])
      const [renewed] = await during(() => send('POST', `${path}/regenerate-secret`, asBoss))
      const change = { action: 'REGENERATE_SECRET', targetId: kiosk.id, initiator: boss.id, actorKind: 'user' }
      assertFields(renewed, { event: 'administration.changed', outcome: 'success', ...change })
    })

    test('AZ-94: a refused operation has the missing permission', async () => {
      const headers = { authorization: basic('mira', 'correct horse') }
      await send('GET', '/scim2/Me', headers)
      const [denied, ...others] = await during(() => send('GET', '/api/server/v1/applications', headers), {
        outcome: 'refused',
      })
      const missing = { details: { missing: ['internal_application_mgt_view'] } }
      assertFields(denied, { event: 'access.denied', outcome: 'refused', initiator: mira.id, ...missing })
      assert.deepEqual(others, [])
    })

    test('AZ-94: an extension that exceeds its limits, and one that does not answer', async () => {
      extension.succeed({ op: 'add', path: '/accessToken/scopes/-', value: 'internal_everything' })
      const action = await world.addAction('PRE_ISSUE_ACCESS_TOKEN', extension.url)
      const noted = await during(() => world.token(machine, { grant_type: 'client_credentials' }))
      const rejected = noted.find(({ event }) => event === 'extension.operations_rejected')
      const details = { count: 1, actionType: 'PRE_ISSUE_ACCESS_TOKEN' }
      assertFields(rejected, { outcome: 'notice', targetId: action.id, details })
      assert.ok(rejected.callId)
      extension.answer(() => ({ status: 500, body: 'broken' }))
      const failed = await during(() => world.token(machine, { grant_type: 'client_credentials' }))
      assert.ok(failed.find(({ event }) => event === 'extension.not_called'))
      await world.db.queries.deleteFrom('actions').where('id', '=', action.id).execute()
    })

    test('AZ-94: an administrator of the first tenant in another tenant', async () => {
      const headers = { authorization: basic('admin', 'admin-of-the-test') }
      const noted = await during(() => send('GET', '/api/server/v1/applications', headers))
      assert.ok(
        noted.find(({ event }) => event === 'administrator.elsewhere'),
        JSON.stringify(noted),
      )
    })
  })

  test('only changes are listed by default, and events of one kind can be requested', async () => {
    const listed = (await (await fetch(`${world.base}/api/server/v1/audit-logs`, { headers: asBoss })).json()) as Json[]
    assert.ok(listed.length > 0)
    assert.ok(listed.every(({ event }) => event === 'administration.changed'))
    const refused = await events({ outcome: 'refused' })
    assert.ok(refused.length > 5 && refused.every(({ outcome }) => outcome === 'refused'))
    assert.ok((await events({ event: 'sign_in.locked' })).every(({ event }) => event === 'sign_in.locked'))
    const since = new Date(Date.now() + 60_000).toISOString()
    assert.deepEqual(await events({ since }), [])
  })

  /** A refused request with secrets in every possible place. */
  interface Refusal {
    title: string
    event: string
    run(secret: () => string): Promise<{ status: number } | undefined>
  }
  const form = (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
    fetch(world.base + path, { method: 'POST', headers, body: new URLSearchParams(fields) })
  const refusals: Refusal[] = [
    {
      title: 'a wrong password at an API',
      event: 'sign_in.failed',
      run: secret => send('GET', '/scim2/Users', { authorization: basic('mira', secret()) }),
    },
    {
      title: 'a password instead of the user name',
      event: 'sign_in.failed',
      run: secret => send('GET', '/scim2/Users', { authorization: basic(secret(), secret()) }),
    },
    { title: 'no credentials', event: 'request.refused', run: () => send('GET', '/scim2/Users') },
    {
      title: 'an unknown token',
      event: 'request.refused',
      run: secret => send('GET', `/scim2/Users?access_token=${secret()}`, { authorization: `Bearer ${secret()}` }),
    },
    {
      title: 'a page of another site',
      event: 'request.refused',
      run: secret =>
        send('GET', '/scim2/Users', { authorization: basic('boss', secret()), 'sec-fetch-site': 'cross-site' }),
    },
    {
      title: 'a missing permission of the users API',
      event: 'access.denied',
      run: secret =>
        send(
          'POST',
          '/api/users/v1/offline-invite-link',
          { authorization: basic('mira', 'correct horse') },
          {
            username: secret(),
          },
        ),
    },
    {
      title: 'a wrong current password',
      event: 'sign_in.failed',
      run: async secret =>
        send(
          'POST',
          '/api/users/v1/me/change-password',
          { authorization: basic('boss', BOSS_PASSWORD) },
          {
            currentPassword: secret(),
            newPassword: secret(),
          },
        ),
    },
    {
      title: 'a new tenant at a tenant that is not the first',
      event: 'request.refused',
      run: secret =>
        send(
          'POST',
          '/api/server/v1/tenants',
          { authorization: basic('mira', 'correct horse') },
          {
            domain: 'x.example',
            owners: [{ username: 'kim', password: secret() }],
          },
        ),
    },
    {
      title: 'a wrong client secret',
      event: 'client.authentication_failed',
      run: secret =>
        form('/oauth2/token', {
          ...{ grant_type: 'client_credentials', client_id: shop.clientId, client_secret: secret() },
        }),
    },
    {
      title: 'an unknown client',
      event: 'client.authentication_failed',
      run: secret => form('/oauth2/token', { grant_type: secret(), client_id: secret(), client_secret: secret() }),
    },
    {
      title: 'a wrong password at the token endpoint',
      event: 'sign_in.failed',
      run: secret => world.token(shop, { grant_type: 'password', username: secret(), password: secret() }),
    },
    {
      title: 'an unknown code',
      event: 'token.refused',
      run: secret => world.token(shop, { grant_type: 'authorization_code', code: secret(), redirect_uri: CALLBACK }),
    },
    {
      title: 'an unknown refresh token',
      event: 'token.refused',
      run: secret => world.token(shop, { grant_type: 'refresh_token', refresh_token: secret() }),
    },
    {
      title: 'a grant that is not the client’s',
      event: 'token.refused',
      run: secret => world.token(shop, { grant_type: 'client_credentials', scope: secret() }),
    },
    {
      title: 'an introspection without a secret',
      event: 'client.authentication_failed',
      run: secret => form('/oauth2/introspect', { token: secret(), client_id: shop.clientId }),
    },
    {
      title: 'a revocation with a wrong secret',
      event: 'client.authentication_failed',
      run: secret => form('/oauth2/revoke', { token: secret(), client_id: shop.clientId, client_secret: secret() }),
    },
    {
      title: 'userinfo with an unknown token',
      event: 'token.refused',
      run: secret => send('GET', '/oauth2/userinfo', { authorization: `Bearer ${secret()}` }),
    },
    {
      title: 'an authorization with an unregistered callback',
      event: 'authorization.refused',
      run: secret => {
        const query = { client_id: shop.clientId, redirect_uri: `https://x.example/${secret()}`, response_type: 'code' }
        return send('GET', `/oauth2/authorize?${new URLSearchParams({ ...query, state: secret() })}`)
      },
    },
    {
      title: 'an authorization without a session and without a page',
      event: 'authorization.refused',
      run: async secret => {
        const query = { client_id: shop.clientId, redirect_uri: CALLBACK, response_type: 'code', prompt: 'none' }
        const page = await openBrowser(world.server.address).open(
          `${world.base}/oauth2/authorize?${new URLSearchParams({ ...query, scope: 'openid', nonce: secret() })}`,
        )
        assert.match(page.url, /error=login_required/)
        return undefined
      },
    },
    {
      title: 'a wrong password on the page',
      event: 'sign_in.failed',
      run: async secret => {
        const query = { client_id: shop.clientId, redirect_uri: CALLBACK, response_type: 'code' }
        const browser = openBrowser(world.server.address)
        const page = await browser.open(`${world.base}/oauth2/authorize?${new URLSearchParams(query)}`)
        await browser.submit(page, { username: secret(), password: secret(), step: 'sign-in' })
        return undefined
      },
    },
    {
      title: 'a sign-in that the user cancels',
      event: 'sign_in.refused',
      run: async secret => {
        const query = { client_id: shop.clientId, redirect_uri: CALLBACK, response_type: 'code', state: secret() }
        const browser = openBrowser(world.server.address)
        const page = await browser.open(`${world.base}/oauth2/authorize?${new URLSearchParams(query)}`)
        const end = await browser.submit(page, { step: 'cancel', password: secret() })
        assert.match(end.url, /error=access_denied/)
        return undefined
      },
    },
    {
      title: 'a token that an extension refuses',
      event: 'token.refused',
      run: async secret => {
        extension.answer(() => ({
          body: {
            actionStatus: 'FAILED',
            failureReason: 'access_denied',
            failureDescription: `Not with ${DESCRIPTION}`,
          },
        }))
        const action = await world.addAction('PRE_ISSUE_ACCESS_TOKEN', extension.url)
        const answered = await world.token(
          machine,
          { grant_type: 'client_credentials', password: secret() },
          {
            'x-auth-token': secret(),
          },
        )
        await world.db.queries.deleteFrom('actions').where('id', '=', action.id).execute()
        extension.succeed()
        return answered
      },
    },
  ]

  const planted: string[] = []
  for (const { event, run, title } of refusals) {
    test(`AZ-79: ${title} is one event, ${event}`, async () => {
      const noted = await during(
        async () => {
          const response = await run(() => {
            const text = `planted-${randomBytes(9).toString('hex')}`
            planted.push(text)
            return text
          })
          if (response) assert.ok([400, 401, 403, 429].includes(response.status), String(response.status))
        },
        { outcome: 'refused' },
      )
      assert.deepEqual(
        noted.map(record => record.event),
        [event],
      )
    })
  }

  test('AZ-79: no secret is in the log, in an event or in the record of a call', async () => {
    assert.ok(planted.length >= 30, `${planted.length} secrets were planted`)
    const rows = await world.db.queries.selectFrom('audit_records').selectAll().execute()
    const calls = await world.db.queries.selectFrom('calls').selectAll().execute()
    const everything = { log: log.join('\n'), rows: JSON.stringify(rows), calls: JSON.stringify(calls) }
    const secrets = [...planted, BOSS_PASSWORD, 'correct horse', 'a wrong guess', shop.clientSecret ?? '', AGENT]
    for (const [place, content] of Object.entries(everything)) {
      assert.ok(content.length > 100, place)
      if (place !== 'calls') assert.ok(!content.includes(DESCRIPTION), `the words of an extension are in the ${place}`)
      for (const secret of secrets) assert.ok(!content.includes(secret), `${secret} is in the ${place}`)
      assert.doesNotMatch(content, /eyJ[\w-]{8,}\.[\w-]+\./, `a token is in the ${place}`)
    }
  })

  test('every written event is in the table and has no other details', async () => {
    for (const { event, details } of await events()) {
      if (event === 'administration.changed') continue
      const known: readonly string[] = securityEvents[event as keyof typeof securityEvents].details
      for (const name of Object.keys(details ?? {})) assert.ok(known.includes(name), `${event}: ${name}`)
    }
    const lines = log.map(line => JSON.parse(line)).filter(line => line.securityEvent)
    assert.ok(lines.some(line => line.securityEvent === 'token.issued' && line.tenant === world.tenant.domain))
    for (const line of lines) assert.ok(line.requestId && line.actor && line.outcome, JSON.stringify(line))
  })

  test('many refusals fill the log but not the database', async () => {
    const before = (await events({ outcome: 'refused' })).length
    const lines = () => log.filter(line => line.includes('"securityEvent":"request.refused"')).length
    const linesBefore = lines()
    for (let round = 0; round < 12; round++) {
      await Promise.all(
        Array.from({ length: 100 }, () => send('GET', '/scim2/Users').then(({ body }) => body?.cancel())),
      )
    }
    assert.ok(lines() - linesBefore >= 1200)
    await events()
    const { count } = (await world.db.queries
      .selectFrom('audit_records')
      .select(select => select.fn.countAll<number>().as('count'))
      .where('event', '=', 'request.refused')
      .where('tenant_id', '=', world.tenant.id)
      .executeTakeFirstOrThrow()) as { count: number }
    assert.ok(Number(count) <= 2 * 1000, `${before} before, ${count} now`)
  })
})
