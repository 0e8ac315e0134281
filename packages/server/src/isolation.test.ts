import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { type Extension, type Place, startExtension, startWorld, type World } from './world.fixture.ts'

let world: World
/** The tenant that misbehaves. */
let noisy: Place
/** The tenant whose responses must stay the same. */
let quiet: Place
let extension: Extension

before(async () => {
  extension = await startExtension()
  world = await startWorld()
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
