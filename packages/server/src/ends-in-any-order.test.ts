/** Tokens are issued, derived, ended and used in random orders, at two instances. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import type { Application, User } from './ground/store/model.ts'
import { onEachDatabase, startWorld, type World } from './world.fixture.ts'

const PASSWORDS = ['seven-otters-in-a-canoe', 'eight-otters-in-a-canoe']
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const GRANTS = ['password', 'client_credentials', 'refresh_token', EXCHANGE]
const SCOPES = ['internal_login', 'internal_user_password_update', 'internal_user_mgt_list']

/** What a user gave to an application, or what was derived from that. */
interface Grant {
  shop: number
  parent?: Grant
  hasEnded: boolean
}

/** A token and what it should be worth. */
interface Held {
  kind: 'access' | 'refresh' | 'machine'
  value: string
  grant: Grant
}

type Step =
  | { do: 'sign in' | 'issue to the application'; shop: number }
  | { do: 'refresh' | 'exchange' | 'use' | 'change own password'; which: number; port: number }
  | { do: 'set password' | 'switch the user off and on' }
  | { do: 'renew the secret' | 'switch the application off and on'; shop: number }

const shop = fc.integer({ min: 0, max: 1 })
const which = fc.nat(20)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('sign in', 'issue to the application'), shop }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('refresh', 'exchange', 'use', 'change own password'),
      which,
      port: fc.integer({ min: 0, max: 1 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('set password', 'switch the user off and on') }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('renew the secret', 'switch the application off and on'), shop }),
  },
)

onEachDatabase(databaseUrl => {
  let world: World
  let another: { port: number; close(): Promise<void> }
  /** Every access token is for it. */
  let api: Application
  let manager: User

  before(async () => {
    world = await startWorld(databaseUrl === undefined ? {} : { databaseUrl })
    another = await world.startAnother()
    api = await world.addApplication()
    manager = await world.addUser({ userName: 'boss', isAdministrator: true }, PASSWORDS[0])
  })
  after(async () => {
    await another.close()
    await world.close()
  })

  const basic = (name: string, password = '') => `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
  const at = (instance: number, path: string) =>
    `http://127.0.0.1:${[world.port, another.port][instance]}/t/${world.tenant.domain}${path}`

  async function send(method: string, url: string, authorization: string, body?: object) {
    const headers = { authorization, 'content-type': 'application/json' }
    const response = await fetch(url, { method, headers, ...(body && { body: JSON.stringify(body) }) })
    const text = await response.text()
    return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : undefined }
  }

  async function post(instance: number, path: string, { clientId, clientSecret }: Application, form: object) {
    const response = await fetch(at(instance, path), {
      method: 'POST',
      headers: { authorization: basic(clientId, clientSecret) },
      body: new URLSearchParams(form as Record<string, string>),
    })
    return { status: response.status, body: (await response.json()) as Record<string, string> }
  }

  /** One user, two applications, and all tokens that were ever issued. */
  async function createScene() {
    const user = await world.addUser({}, PASSWORDS[0])
    let passwords = PASSWORDS
    const shops = await Promise.all(
      (['JWT', 'Default'] as const).map(accessTokenType =>
        world.addApplication({ grantTypes: GRANTS, accessTokenType, audiences: [api.clientId] }, SCOPES),
      ),
    )
    const held: Held[] = []
    const grants: Grant[] = []
    const shopAt = (index: number) => shops[index] as Application
    const end = (matches: (grant: Grant) => boolean) => {
      for (const grant of grants) if (matches(grant)) grant.hasEnded = true
    }
    const isDead = (grant: Grant): boolean => grant.hasEnded || (grant.parent !== undefined && isDead(grant.parent))
    const isOfUser = (grant: Grant) => held.some(token => token.grant === grant && token.kind !== 'machine')
    const hold = (grant: Grant, tokens: [Held['kind'], string | undefined][]) => {
      if (!grants.includes(grant)) grants.push(grant)
      for (const [kind, value] of tokens) if (value !== undefined) held.push({ kind, value, grant })
    }
    const mustSucceed = ({ status, body }: { status: number; body: unknown }) =>
      assert.ok(status >= 200 && status < 300, `${status} ${JSON.stringify(body)}`)
    const manage = async (method: string, index: number, path: string, body?: object) => {
      const url = `${world.base}/api/server/v1/applications/${shopAt(index).id}${path}`
      const answer = await send(method, url, basic(manager.userName, PASSWORDS[0]), body)
      mustSucceed(answer)
      return answer.body
    }
    const patchUser = async (value: object) => {
      const schemas = ['urn:ietf:params:scim:api:messages:2.0:PatchOp']
      const body = { schemas, Operations: [{ op: 'replace', value }] }
      mustSucceed(
        await send('PATCH', `${world.base}/scim2/Users/${user.id}`, basic(manager.userName, PASSWORDS[0]), body),
      )
    }
    const anyOf = (kind: Held['kind'], index: number) => {
      const tokens = held.filter(token => token.kind === kind)
      return tokens[index % Math.max(1, tokens.length)]
    }

    /** Whether a token is accepted exactly as long as nothing has ended it. */
    async function use({ grant, kind, value }: Held, instance: number): Promise<void> {
      const expected = !isDead(grant)
      const client = kind === 'refresh' ? shopAt(grant.shop) : api
      const { body } = await post(instance, '/oauth2/introspect', client, { token: value })
      assert.equal(body['active'], expected, `${kind} at introspection`)
      if (kind === 'refresh') return
      const path = kind === 'access' ? '/scim2/Me' : '/scim2/Users'
      const { status } = await send('GET', at(instance, path), `Bearer ${value}`)
      assert.equal(status, expected ? 200 : 401, `${kind} at ${path}`)
    }

    const steps: Record<Step['do'], (given: { shop: number; which: number; port: number }) => Promise<unknown>> = {
      async 'sign in'({ shop: index }) {
        const credentials = { username: user.userName, password: String(passwords[0]) }
        const form = { grant_type: 'password', ...credentials, scope: SCOPES.join(' ') }
        const { status, body } = await post(0, '/oauth2/token', shopAt(index), form)
        mustSucceed({ status, body })
        const grant = { shop: index, hasEnded: false }
        hold(grant, [
          ['access', body['access_token']],
          ['refresh', body['refresh_token']],
        ])
      },
      async 'issue to the application'({ shop: index }) {
        const form = { grant_type: 'client_credentials', scope: 'internal_user_mgt_list' }
        const { status, body } = await post(0, '/oauth2/token', shopAt(index), form)
        mustSucceed({ status, body })
        hold({ shop: index, hasEnded: false }, [['machine', body['access_token']]])
      },
      async refresh({ which: index, port }) {
        const token = anyOf('refresh', index)
        if (!token) return
        const form = { grant_type: 'refresh_token', refresh_token: token.value }
        const { status, body } = await post(port, '/oauth2/token', shopAt(token.grant.shop), form)
        assert.equal(status, isDead(token.grant) ? 400 : 200, JSON.stringify(body))
        held.splice(held.indexOf(token), 1)
        hold(token.grant, [
          ['access', body['access_token']],
          ['refresh', body['refresh_token']],
        ])
      },
      async exchange({ which: index, port }) {
        const token = anyOf('access', index)
        if (!token) return
        const form = { grant_type: EXCHANGE, subject_token: token.value, subject_token_type: ACCESS_TOKEN }
        const { status, body } = await post(port, '/oauth2/token', shopAt(token.grant.shop), form)
        assert.equal(status, isDead(token.grant) ? 400 : 200, JSON.stringify(body))
        const grant = { shop: token.grant.shop, parent: token.grant, hasEnded: false }
        hold(grant, [['access', body['access_token']]])
      },
      async use({ which: index, port }) {
        const token = held[index % Math.max(1, held.length)]
        if (token) await use(token, port)
      },
      async 'change own password'({ which: index, port }) {
        const token = anyOf('access', index)
        if (!token) return
        const [currentPassword, newPassword] = passwords
        const url = at(port, '/api/users/v1/me/change-password')
        const { status } = await send('POST', url, `Bearer ${token.value}`, { currentPassword, newPassword })
        assert.equal(status, isDead(token.grant) ? 401 : 204)
        if (status !== 204) return
        passwords = passwords.toReversed()
        const kept = new Set<Grant>()
        for (let grant: Grant | undefined = token.grant; grant; grant = grant.parent) kept.add(grant)
        end(grant => isOfUser(grant) && !kept.has(grant))
      },
      async 'set password'() {
        passwords = passwords.toReversed()
        await patchUser({ password: passwords[0] })
        end(isOfUser)
      },
      async 'switch the user off and on'() {
        await patchUser({ active: false })
        await patchUser({ active: true })
        end(isOfUser)
      },
      async 'renew the secret'({ shop: index }) {
        const { clientSecret } = await manage('POST', index, '/inbound-protocols/oidc/regenerate-secret')
        shops[index] = { ...shopAt(index), clientSecret }
        end(grant => grant.shop === index)
        await seen(index)
      },
      async 'switch the application off and on'({ shop: index }) {
        await manage('PATCH', index, '', { applicationEnabled: false })
        await manage('PATCH', index, '', { applicationEnabled: true })
        end(grant => grant.shop === index)
        await seen(index)
      },
    }

    /** An instance on PostgreSQL accepts new credentials when it was notified of them. Old tokens are dead before that. */
    async function seen(index: number): Promise<void> {
      const form = { grant_type: 'client_credentials' }
      for (const instance of [0, 1]) {
        for (let isSeen = false; !isSeen; ) {
          const { status, body } = await post(instance, '/oauth2/token', shopAt(index), form)
          const token = body['access_token'] ?? ''
          const { body: state } = await post(instance, '/oauth2/introspect', api, { token: token || 'none' })
          isSeen = status === 200 && Boolean(state['active'])
        }
      }
    }

    return {
      run: (given: Step) => steps[given.do]({ shop: 0, which: 0, port: 0, ...given }),
      async useAll() {
        for (const token of held) for (const instance of [0, 1]) await use(token, instance)
        return held.length
      },
    }
  }

  test('AZ-77: in any order of steps, a token is accepted until something ends it, and never after', async () => {
    let used = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 6, maxLength: 14 }), async given => {
        const scene = await createScene()
        for (const one of given) await scene.run(one)
        used += await scene.useAll()
      }),
      { numRuns: 8, endOnFailure: true },
    )
    assert.ok(used > 8)
  })
})
