import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createRemoteJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { completeConfiguration } from '../../configuration.ts'
import { createLog } from '../../ground/observe/log.ts'
import { openOlder } from '../../ground/store/databases.fixture.ts'
import { TEST_PASSWORD_COST } from '../../ground/store/password-cost.fixture.ts'
import { createSeal } from '../../ground/store/sealed-secrets.ts'
import { createServer } from '../../server.ts'
import { startWorld, type World } from '../../world.fixture.ts'
import { openSigningKeys } from './keys.ts'

let world: World
before(async () => {
  world = await startWorld({ tokenAlgorithm: 'ES256' })
})
after(() => world.close())

// biome-ignore lint/suspicious/noExplicitAny: tests assert on what came over the wire, whatever it is
const read = async (url: string): Promise<any> => (await fetch(url)).json()

test('ES256 signs access and ID tokens if it is configured, and the RSA keys are also published', async () => {
  const application = await world.addApplication({ grantTypes: ['password'] })
  const user = await world.addUser()
  const { body } = await world.token(application, {
    grant_type: 'password',
    username: user.userName,
    password: 'correct horse',
    scope: 'openid',
  })
  const published: { keys: Record<string, string>[] } = await read(`${world.base}/oauth2/jwks`)
  assert.deepEqual(published.keys.map(({ alg }) => alg).sort(), ['ES256', 'PS256', 'RS256'])
  assert.equal(new Set(published.keys.map(({ kid }) => kid)).size, 3)
  for (const key of published.keys)
    for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi']) assert.equal(key[secret], undefined)
  const keys = createRemoteJWKSet(new URL(`${world.base}/oauth2/jwks`))
  for (const token of [body.access_token, body.id_token]) {
    assert.equal((await jwtVerify(token, keys)).protectedHeader.alg, 'ES256')
  }
  const { id_token_signing_alg_values_supported } = await read(`${world.base}/.well-known/openid-configuration`)
  assert.deepEqual(id_token_signing_alg_values_supported, ['ES256', 'RS256', 'PS256'])
})

test('data of an earlier version stays with ES256, which is logged, and its tokens verify', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-keys-'))
  const sealKey = randomBytes(32)
  const older = await openOlder<Record<string, Record<string, unknown>>>(join(folder, 'preflow.db'), '0004-roles')
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = createSeal(sealKey).seal(JSON.stringify(await exportJWK(privateKey)), 'signing-key/-1234/es256-1')
  const tenant = { id: '-1234', domain: 'carbon.super', root_organization_id: 'r', created_at: 1 }
  await older.queries.insertInto('tenants').values(tenant).execute()
  const organization = { id: 'r', tenant_id: '-1234', parent_id: null, name: 'Super', handle: 'super', depth: 0 }
  await older.queries
    .insertInto('organizations')
    .values({ ...organization, created_at: 1 })
    .execute()
  const key = { tenant_id: '-1234', kid: 'es256-1', alg: 'ES256', jwk, created_at: 1 }
  await older.queries.insertInto('signing_keys').values(key).execute()
  await older.close()

  const lines: string[] = []
  const configuration = {
    port: 0,
    dataFolder: folder,
    sealKey: sealKey.toString('base64'),
    adminPassword: 'admin-of-the-test',
  }
  const log = createLog('info', { write: line => lines.push(line) })
  const ports = { now: Date.now, newId: randomUUID, randomBytes, log, passwordCost: TEST_PASSWORD_COST }
  const server = await createServer(completeConfiguration(configuration), ports)
  await server.listen()
  try {
    assert(
      lines.some(line => line.includes('tokens are still signed with ES256')),
      lines.join(''),
    )
    const discovery = await read(`${server.address}/.well-known/openid-configuration`)
    assert.deepEqual(discovery.id_token_signing_alg_values_supported, ['ES256', 'RS256', 'PS256'])
    const earlier = await new SignJWT({}).setProtectedHeader({ alg: 'ES256', kid: 'es256-1' }).sign(privateKey)
    await jwtVerify(earlier, createRemoteJWKSet(new URL(discovery.jwks_uri)))
  } finally {
    await server.close()
    await rm(folder, { recursive: true })
  }
})

test('two processes that create the keys of a tenant together get the same key', async () => {
  const other = await startWorld()
  const all = await Promise.all([1, 2, 3].map(() => openSigningKeys(other.db, other.tenant.id, 'RS256')))
  assert.deepEqual(new Set(all.map(({ keys }) => keys[0]?.n)).size, 1)
  await other.close()
})
