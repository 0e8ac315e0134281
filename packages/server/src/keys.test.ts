import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { decodeProtectedHeader } from 'jose'
import { publishManagementApis } from './domain/tenants/create-tenant.ts'
import { openKeyManagement } from './domain/tenants/manage-keys.ts'
import { KEYS_CHECK_MS, PUBLISHED_BEFORE_USE_MS, startKeyRotation } from './domain/tenants/signing-keys.ts'
import { authorize, CALLBACK, openBrowser } from './ground/pages/browser.fixture.ts'
import type { Application, User } from './ground/store/model.ts'
import { purgeExpired } from './ground/store/purge.ts'
import { createServer, type Server } from './server.ts'
import { onEachDatabase, startWorld, type World } from './world.fixture.ts'

// biome-ignore lint/suspicious/noExplicitAny: tests assert on what came over the wire, whatever it is
type Json = any

/** One database has one key, also where several servers of this file use it. */
const SEAL_KEY = randomBytes(32).toString('base64')
const PUBLIC_URL = 'http://id.example'
const DAY_MS = 86_400_000

onEachDatabase(databaseUrl => {
  describe('keys that sign', () => {
    let world: World
    let machine: Application
    /** Milliseconds that the servers are ahead of the time in tokens. */
    let ahead = 0
    const others: Server[] = []
    /** Where the servers answer, with the path of the tenant. */
    const bases: string[] = []

    before(async () => {
      const settings = {
        publicUrl: PUBLIC_URL,
        sealKey: SEAL_KEY,
        ...(databaseUrl === undefined ? {} : { databaseUrl }),
      }
      // The clock moves only when the test moves it.
      const startMs = Date.now()
      world = await startWorld(settings, undefined, undefined, () => startMs + ahead)
      await publishManagementApis(world.db, world.ports)
      machine = await world.addApplication({ grantTypes: ['client_credentials'] }, ['internal_user_mgt_list'])
      bases.push(`http://127.0.0.1:${world.port}/t/${world.tenant.domain}`)
      // Three processes share PostgreSQL. The embedded database belongs to one.
      for (const _ of databaseUrl === undefined ? [] : [2, 3]) {
        const server = await createServer(world.configuration, world.ports)
        others.push(server)
        bases.push(`http://127.0.0.1:${(await server.listen()).port}/t/${world.tenant.domain}`)
      }
    })
    after(async () => {
      for (const server of others) await server.close()
      await world.close()
    })

    const manage = () => openKeyManagement(world.configuration, world.ports)

    async function published(base: string): Promise<string[]> {
      const { keys } = (await (await fetch(`${base}/oauth2/jwks`)).json()) as { keys: { kid: string; d?: string }[] }
      for (const key of keys) assert.equal(key.d, undefined)
      return keys.map(({ kid }) => kid)
    }

    async function issue(base: string): Promise<{ token: string; kid: string }> {
      const basic = Buffer.from(`${machine.clientId}:${machine.clientSecret}`).toString('base64')
      const response = await fetch(`${base}/oauth2/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${basic}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'internal_user_mgt_list' }),
      })
      const { access_token: token } = (await response.json()) as Json
      assert.equal(response.status, 200)
      return { token, kid: decodeProtectedHeader(token).kid ?? '' }
    }

    const statusesOf = (token: string) =>
      Promise.all(
        bases.map(async base => {
          const response = await fetch(`${base}/scim2/Users?count=1`, { headers: { authorization: `Bearer ${token}` } })
          await response.body?.cancel()
          return response.status
        }),
      )
    const all = <Value>(value: Value) => bases.map(() => value)

    test('AZ-90: a new key is published on every process before it signs, and no token is refused until its end', async () => {
      const tokens: { token: string; kid: string }[] = []
      /** Every process issues a token with a key that all of them publish, and accepts all tokens so far. */
      async function checkAll(): Promise<Set<string>> {
        const keySets = await Promise.all(bases.map(published))
        const fresh = await Promise.all(bases.map(issue))
        for (const { kid } of fresh)
          assert.ok(
            keySets.every(kids => kids.includes(kid)),
            `${kid} is published`,
          )
        tokens.push(...fresh)
        for (const { token } of tokens) assert.deepEqual(await statusesOf(token), all(200))
        return new Set(fresh.map(({ kid }) => kid))
      }

      const [old = '', ...more] = await checkAll()
      assert.deepEqual(more, [], 'all processes sign with one key')
      const keys = await manage()
      const made = await keys.rotate(world.tenant.domain)
      assert.equal(made.length, 2, 'one of each algorithm')
      assert.deepEqual(await keys.rotate(world.tenant.domain), [], 'there is a successor already')
      const next = made.find(({ replaced }) => replaced === old)?.kid ?? ''
      assert.match(next, /^rs256-[0-9a-f]{16}$/)

      ahead += KEYS_CHECK_MS
      for (const base of bases) assert.ok((await published(base)).includes(next), 'every process publishes it')
      assert.deepEqual(await checkAll(), new Set([old]), 'it does not sign yet')

      ahead += PUBLISHED_BEFORE_USE_MS - KEYS_CHECK_MS - 1000
      assert.deepEqual(await checkAll(), new Set([old]))
      ahead += 1000
      assert.deepEqual(await checkAll(), new Set([next]), 'it signs everywhere from its moment on')
      const states = (await keys.list(world.tenant.domain)).map(({ kid, state }) => [kid, state])
      assert.equal(Object.fromEntries(states)[old], 'retired')
      assert.equal(Object.fromEntries(states)[next], 'active')

      ahead += DAY_MS - 60_000
      assert.deepEqual(await checkAll(), new Set([next]), 'tokens of the old key are accepted to their end')
      ahead += 60_000 + KEYS_CHECK_MS
      for (const base of bases) assert.ok(!(await published(base)).includes(old), 'then the old key is not published')
      assert.equal(await purgeExpired(world.db, 'signing_keys'), 2)
      const rows = await world.db.queries.selectFrom('signing_keys').select('kid').execute()
      assert.ok(!rows.some(({ kid }) => kid === old), 'its private part is deleted')
      await keys.close()
    })

    test('AZ-90: processes that rotate at the same time make one key', async () => {
      const managements = await Promise.all([manage(), manage(), manage()])
      const made = (await Promise.all(managements.map(keys => keys.rotate(world.tenant.domain)))).flat()
      assert.equal(made.length, 2, JSON.stringify(made))
      for (const keys of managements) await keys.close()
      ahead += PUBLISHED_BEFORE_USE_MS
    })

    test('a withdrawn key is refused everywhere within seconds, and everything of its tenant ends', async () => {
      const user = await world.addUser()
      const shop = await world.addApplication({ grantTypes: ['password', 'refresh_token'] })
      const basic = Buffer.from(`${shop.clientId}:${shop.clientSecret}`).toString('base64')
      const ask = async (form: Record<string, string>) =>
        fetch(`${bases[0]}/oauth2/token`, {
          method: 'POST',
          headers: { authorization: `Basic ${basic}` },
          body: new URLSearchParams(form),
        })
      const signedIn = await ask({ grant_type: 'password', username: user.userName, password: 'correct horse' })
      const { refresh_token } = (await signedIn.json()) as Json
      assert.ok(refresh_token)
      const { kid, token } = await issue(bases[0] ?? '')
      assert.deepEqual(await statusesOf(token), all(200))

      const keys = await manage()
      assert.equal(await keys.retire('rs256-unknown'), undefined)
      const retired = await keys.retire(kid)
      assert.equal(retired?.tenant, world.tenant.domain)
      ahead += KEYS_CHECK_MS
      assert.deepEqual(await statusesOf(token), all(401))
      for (const base of bases) {
        assert.ok(!(await published(base)).includes(kid))
        assert.equal((await issue(base)).kid, retired?.successor)
      }
      assert.equal((await ask({ grant_type: 'refresh_token', refresh_token })).status, 400)
      const { details } = await world.db.queries
        .selectFrom('audit_records')
        .selectAll()
        .where('action', '=', 'RETIRE')
        .where('target_id', '=', kid)
        .executeTakeFirstOrThrow()
      assert.equal(JSON.parse(details).successor, retired?.successor)
      await keys.close()
    })

    test('keys that are older than configured are replaced within an hour', context => {
      context.mock.timers.enable({ apis: ['setInterval'] })
      const made: object[] = []
      const { promise, resolve } = Promise.withResolvers<void>()
      const log = {
        info: (facts: { tenant: string }) => {
          made.push(facts)
          if (made.filter(one => (one as { tenant: string }).tenant === world.tenant.domain).length === 2) resolve()
        },
        warn: (facts: object) => assert.fail(JSON.stringify(facts)),
      }
      ahead += 31 * DAY_MS
      const stop = startKeyRotation(world.db, log as never, { keyRotationDays: 30, maxTokenLifetimeSeconds: 3600 })
      context.mock.timers.tick(3_600_000)
      return promise.finally(stop)
    })
  })

  describe('the key that seals', () => {
    let world: World
    let shop: Application
    let user: User
    const oldKey = () => world.configuration.sealKey ?? ''
    const newKey = randomBytes(32).toString('base64')
    before(async () => {
      world = await startWorld({ sealKey: SEAL_KEY, ...(databaseUrl === undefined ? {} : { databaseUrl }) })
      await publishManagementApis(world.db, world.ports)
      user = await world.addUser()
      shop = await world.addApplication({
        grantTypes: ['authorization_code', 'password', 'refresh_token'],
        callbackUrls: [CALLBACK],
      })
      await world.addAction('PRE_ISSUE_ID_TOKEN', 'http://127.0.0.1:9/', {
        status: 'INACTIVE',
        endpoint: {
          uri: 'http://127.0.0.1:9/',
          authentication: { type: 'BEARER', properties: { accessToken: 'sealed-token' } },
          allowedHeaders: [],
          allowedParameters: [],
          signingSecrets: ['whsec_c2VhbGVkLXNlY3JldC1vZi0yNC1ieXRlcw=='],
        },
      })
    })
    after(() => world.close())

    /** A server at the same address, with these keys, as after a restart. */
    async function restarted<Result>(sealKey: string, work: (base: string) => Promise<Result>): Promise<Result> {
      const { port } = new URL(world.server.address)
      const server = await createServer(
        { ...world.configuration, sealKey, port: Number(port), publicUrl: world.server.address },
        world.ports,
      )
      await server.listen()
      try {
        return await work(world.base)
      } finally {
        await server.close()
      }
    }

    const tokens = (form: Record<string, string>) => world.token(shop, form)

    test('AZ-91: data stays readable while the key changes, nobody is signed out, and the old key is needless afterwards', async () => {
      const browser = openBrowser(world.server.address)
      const query = { client_id: shop.clientId, redirect_uri: CALLBACK, response_type: 'code', scope: 'openid' }
      const address = (more: object = {}) =>
        `${world.base}/oauth2/authorize?${new URLSearchParams({ ...query, ...more })}`
      const signIn = await browser.open(address())
      const credentials = { username: user.userName, password: 'correct horse', step: 'sign-in' }
      const landing = await browser.submit(signIn, credentials)
      const code = new URL(landing.url).searchParams.get('code') ?? ''
      const first = await tokens({ grant_type: 'authorization_code', code, redirect_uri: CALLBACK })
      assert.equal(first.status, 200)
      const open = await openBrowser(world.server.address).open(address())
      await world.server.close()
      const oldId = world.db.seal.keyId

      const refresh = await restarted(`${newKey},${oldKey()}`, async () => {
        const silent = new URL((await browser.open(address({ prompt: 'none' }))).url)
        assert.ok(silent.searchParams.get('code'), `the session is still there: ${silent.search}`)
        assert.match(open.html, /name="csrf"/)
        const next = await tokens({ grant_type: 'refresh_token', refresh_token: first.body.refresh_token })
        assert.equal(next.status, 200, 'the refresh token and the client secret are readable')
        return next.body.refresh_token
      })

      await assert.rejects(
        restarted(newKey, async () => {}),
        (error: Error) => {
          assert.equal(error.name, 'DatabaseError')
          assert.match(error.message, new RegExp(`the key ${oldId} is missing`))
          assert.match(error.message, /Nothing was changed/)
          return true
        },
      )

      const settings = { ...world.configuration, sealKey: `${newKey},${oldKey()}` }
      const keys = await openKeyManagement(settings, world.ports)
      const { current, others } = await keys.sealing()
      assert.notEqual(current, oldId)
      assert.deepEqual(Object.keys(others), [oldId])
      const progress: number[] = []
      const done = await keys.reseal(({ count }) => progress.push(count))
      assert.ok(progress.length > 0)
      assert.ok(done.filter(({ count }) => count > 0).length >= 5, JSON.stringify(done))
      assert.deepEqual((await keys.sealing()).others, {})
      await keys.close()

      await restarted(newKey, async () => {
        assert.equal((await tokens({ grant_type: 'refresh_token', refresh_token: refresh })).status, 200)
        const parameters = { scope: 'openid' }
        const url = await authorize(world, { clientId: shop.clientId, userName: user.userName, parameters })
        assert.ok(url.searchParams.get('code'))
      })
      await assert.rejects(
        restarted(oldKey(), async () => {}),
        new RegExp(`the key ${current} is missing`),
      )
    })

    test('AZ-91: no column of any table is left with the old key', async () => {
      const { queries } = world.db
      const tables = (await queries.introspection.getTables()).filter(({ name }) => !name.startsWith('kysely'))
      let sealed = 0
      for (const { name } of tables) {
        const rows = await (queries as Json).selectFrom(name).selectAll().execute()
        for (const value of rows.flatMap((row: object) => Object.values(row))) {
          if (typeof value !== 'string') continue
          if (/^v1\.[0-9a-f]{8}\./.test(value)) sealed++
          assert.ok(!value.startsWith(`v1.${world.db.seal.keyId}.`), `a value of ${name} is sealed with the old key`)
        }
      }
      assert.ok(sealed > 5)
    })
  })
})
