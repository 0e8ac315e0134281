import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { startWorld, type World } from '../../world.fixture.ts'
import { openSigningKeys } from './keys.ts'

let world: World
before(async () => {
  world = await startWorld({ tokenAlgorithm: 'RS256' })
})
after(() => world.close())

test('RS256 signs access and ID tokens when it is configured, and keys of before stay published', async () => {
  await openSigningKeys(world.db, world.tenant.id, 'ES256')
  const application = await world.addApplication({ grantTypes: ['password'] })
  const user = await world.addUser()
  const { body } = await world.token(application, {
    grant_type: 'password',
    username: user.userName,
    password: 'correct horse',
    scope: 'openid',
  })
  const jwks = new URL(`${world.base}/oauth2/jwks`)
  const published = (await (await fetch(jwks)).json()) as { keys: Record<string, string>[] }
  assert.deepEqual(published.keys.map(({ alg }) => alg).sort(), ['ES256', 'RS256'])
  for (const key of published.keys)
    for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi']) assert.equal(key[secret], undefined)
  const keys = createRemoteJWKSet(jwks)
  for (const token of [body.access_token, body.id_token]) {
    assert.equal((await jwtVerify(token, keys)).protectedHeader.alg, 'RS256')
  }
})

test('two processes that open the keys of a tenant at once get the same one', async () => {
  const other = await startWorld()
  const all = await Promise.all([1, 2, 3].map(() => openSigningKeys(other.db, other.tenant.id, 'ES256')))
  assert.deepEqual(new Set(all.map(keys => keys[0]?.x)).size, 1)
  await other.close()
})
