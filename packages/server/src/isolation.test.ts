import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import fc from 'fast-check'
import type { Application } from './ground/store/model.ts'
import { type Extension, type Place, startExtension, startWorld, type World } from './world.fixture.ts'

let world: World
/** The tenant that misbehaves. */
let noisy: Place
/** The tenant whose responses must stay the same. */
let quiet: Place
let extension: Extension

before(async () => {
  extension = await startExtension()
  world = await startWorld({ trustedProxies: ['127.0.0.1'], actionReadTimeoutMs: 200 })
  noisy = await world.addPlace()
  quiet = await world.addPlace()
})

after(async () => {
  await world?.close()
  await extension?.close()
})

afterEach(() => extension.succeed())

const GRANT = { grant_type: 'client_credentials' }

test('AZ-26: a hundred failing calls of one tenant do not affect another tenant’s calls to the same endpoint', async () => {
  extension.answer(({ headers }) =>
    headers['x-api-key'] === 'right' ? { body: { actionStatus: 'SUCCESS' } } : { status: 503, body: '' },
  )
  const key = (value: string) => ({
    endpoint: {
      uri: extension.url,
      authentication: { type: 'API_KEY' as const, properties: { header: 'x-api-key', value } },
      ...{ allowedHeaders: [], allowedParameters: [], signingSecrets: [] },
    },
  })
  await noisy.addAction('PRE_ISSUE_ACCESS_TOKEN', extension.url, key('wrong'))
  await quiet.addAction('PRE_ISSUE_ACCESS_TOKEN', extension.url, key('right'))
  const [loud, calm] = [await noisy.addApplication(), await quiet.addApplication()]
  for (let round = 0; round < 100; round++) await noisy.token(loud, GRANT)
  assert.ok(extension.calls.length < 100, 'the circuit of the failing action is open')
  const before = extension.calls.length
  for (let round = 0; round < 3; round++) assert.equal((await quiet.token(calm, GRANT)).status, 200)
  assert.equal(extension.calls.length, before + 3)
})

const from = (address: string) => ({ 'x-forwarded-for': address })
const basic = (name: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`,
})
const BOMB = JSON.stringify({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
  Operations: Array.from({ length: 5000 }, (_, i) => ({
    op: 'add',
    path: 'emails',
    value: [{ value: `m${i}@x.example` }],
  })),
})
const PASSWORD = 'correct horse'

/** What the quiet tenant does, and the answers without what is new in each. */
async function follow(script: { machine: Application; shop: Application; userName: string }): Promise<unknown[]> {
  const { machine, shop, userName } = script
  const home = from('203.0.113.78')
  const seen: unknown[] = []
  const application = await quiet.token(machine, GRANT, home)
  seen.push(
    application.status,
    Object.keys(application.body).sort(),
    application.body.scope,
    application.body.expires_in,
  )
  const form = { grant_type: 'password', username: userName, password: PASSWORD, scope: 'openid' }
  const signedIn = await quiet.token(shop, form, home)
  seen.push(signedIn.status, Object.keys(signedIn.body).sort())
  for (const path of [
    '/scim2/Me',
    '/scim2/Users?count=1',
    '/oauth2/token/.well-known/openid-configuration',
    '/nowhere',
  ]) {
    const response = await fetch(quiet.base + path, { headers: { ...basic(userName, PASSWORD), ...home } })
    const body = (await response.json()) as Record<string, unknown>
    seen.push(path, response.status, Object.keys(body).sort(), body['userName'], body['totalResults'], body['error'])
  }
  const wrong = await quiet.token(shop, { ...form, password: 'wrong' }, home)
  seen.push(wrong.status, wrong.body)
  return seen
}

test('AZ-78: whatever one tenant does, another gets the same answers', async () => {
  const [machine, shop] = [await quiet.addApplication(), await quiet.addApplication({ grantTypes: ['password'] })]
  const user = await quiet.addUser({ isAdministrator: true }, PASSWORD)
  const script = { machine, shop, userName: user.userName }
  await noisy.addUser({ userName: 'cat' }, PASSWORD)
  const [loud, twin] = [await noisy.addApplication(), await noisy.addApplication({ grantTypes: ['password'] })]
  const elsewhere = from('198.51.100.78')
  const many = (count: number, work: (i: number) => Promise<unknown>) =>
    Promise.all(Array.from({ length: count }, (_, i) => work(i)))
  const drain = (response: Response) => response.arrayBuffer()

  const deeds: Record<string, () => Promise<unknown>> = {
    'guesses the passwords of the same name': () =>
      many(12, i =>
        noisy.token(twin, { grant_type: 'password', username: user.userName, password: `x${i}` }, elsewhere),
      ),
    'guesses secrets': () => many(25, i => noisy.token({ ...loud, clientSecret: `x${i}` }, GRANT, elsewhere)),
    'lets its extension fail': async () => {
      extension.answer(({ body }) =>
        body.event.tenant.name === noisy.tenant.domain
          ? { status: 503, body: '' }
          : { body: { actionStatus: 'SUCCESS' } },
      )
      await many(20, () => noisy.token(loud, GRANT, elsewhere))
    },
    'lets its extension hang': async () => {
      extension.answer(({ body }) =>
        body.event.tenant.name === noisy.tenant.domain
          ? new Promise(() => {})
          : { body: { actionStatus: 'SUCCESS', operations: [] } },
      )
      await many(60, () => noisy.token(loud, GRANT, elsewhere))
    },
    'lets its extension answer with thousands of operations': async () => {
      const operations = Array.from({ length: 5000 }, () => ({ op: 'add', path: '/accessToken/scopes/-', value: 'x' }))
      extension.answer(({ body }) => ({
        body: {
          actionStatus: 'SUCCESS',
          operations: body.event.tenant.name === noisy.tenant.domain ? operations : [],
        },
      }))
      await many(5, () => noisy.token(loud, GRANT, elsewhere))
    },
    'sends large changes': () =>
      many(4, async () => {
        const headers = { ...basic('cat', PASSWORD), ...elsewhere, 'content-type': 'application/scim+json' }
        await drain(await fetch(`${noisy.base}/scim2/Me`, { method: 'PATCH', headers, body: BOMB }))
      }),
    'reads what belongs to the other': () =>
      many(4, async () => {
        const path = `${noisy.base}/scim2/Users/${user.id}`
        const response = await fetch(path, { headers: { ...basic('cat', PASSWORD), ...elsewhere } })
        assert.ok([403, 404].includes(response.status))
        await drain(response)
      }),
    'adds users': async () => {
      await noisy.addUser({ userName: `u-${Math.random()}` })
    },
  }
  await noisy.addAction('PRE_ISSUE_ID_TOKEN', extension.url)
  const baseline = await follow(script)
  const deed = fc.constantFrom(...Object.keys(deeds))
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { minLength: 1, maxLength: 4 }), async sequence => {
      // Both at once, and then again after it.
      const meanwhile = (async () => {
        for (const name of sequence) await deeds[name]?.()
      })()
      const during = await follow(script)
      await meanwhile
      assert.deepEqual(during, baseline)
      assert.deepEqual(await follow(script), baseline)
    }),
    { numRuns: 6 },
  )
})
