import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { type CryptoKey, decodeJwt, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import type { Application, User } from '../../../ground/store/model.ts'
import { startWorld, type World } from '../../../world.fixture.ts'

const BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const PARTNER = 'https://partner.example'

let world: World
let web: Application
let user: User
let key: CryptoKey

before(async () => {
  world = await startWorld()
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  key = privateKey
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', kid: 'p-1' }] }
  web = await world.addApplication(
    {
      grantTypes: ['password', 'refresh_token', BEARER],
      trustedIssuers: [
        { issuer: PARTNER, jwks },
        { issuer: 'https://mail.example', jwks, subjectClaim: 'account' },
      ],
    },
    ['cart.read', 'internal_login', 'internal_user_mgt_list'],
  )
  user = await world.addUser({ isAdministrator: true })
})
after(() => world.close())

const issuer = () => `${world.base}/oauth2/token`
const nowSeconds = () => Math.floor(Date.now() / 1000)

/** An assertion about the user, valid unless the test changes something. */
function assertion(change: Record<string, unknown> = {}, header: object = {}, by: CryptoKey = key): Promise<string> {
  const claims = {
    iss: PARTNER,
    sub: user.userName,
    aud: issuer(),
    iat: nowSeconds(),
    exp: nowSeconds() + 120,
    jti: randomUUID(),
    ...change,
  }
  return new SignJWT(claims as JWTPayload).setProtectedHeader({ alg: 'ES256', kid: 'p-1', ...header }).sign(by)
}

const redeem = (assertion: string, application = web) =>
  world.token(application, { grant_type: BEARER, assertion, scope: 'cart.read internal_login internal_user_mgt_list' })

test('an assertion of a trusted issuer gives tokens of its user, with self-service and no management scopes', async () => {
  const { status, body } = await redeem(await assertion())
  assert.equal(status, 200, JSON.stringify(body))
  const claims = decodeJwt(body.access_token)
  assert.deepEqual([claims.sub, claims['scope']], [user.id, 'cart.read internal_login'])
})

test('another claim can have the subject', async () => {
  const other = await assertion({ iss: 'https://mail.example', sub: 'someone', account: user.userName })
  assert.equal((await redeem(other)).status, 200)
})

test('AZ-29: without a trusted issuer the grant is not supported', async () => {
  const other = await world.addApplication({ grantTypes: [BEARER] })
  const { status, body } = await redeem(await assertion(), other)
  assert.deepEqual([status, body.error], [400, 'unsupported_grant_type'])
})

test('AZ-29: tokens of this server are not assertions', async () => {
  const form = { grant_type: 'password', username: user.userName, password: 'correct horse', scope: 'openid cart.read' }
  const { body } = await world.token(web, form)
  for (const token of [body.id_token, body.access_token]) {
    assert.equal((await redeem(token)).body.error, 'invalid_grant')
  }
})

test('AZ-29: an assertion is used once, also among concurrent requests', async () => {
  const same = await assertion()
  const answers = await Promise.all(Array.from({ length: 6 }, () => redeem(same)))
  assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 400, 400, 400, 400, 400])
  assert.equal((await redeem(same)).body.error, 'invalid_grant')
})

test('AZ-29: an assertion for another audience, with a long lifetime or without a signature is refused', async () => {
  const { privateKey } = await generateKeyPair('ES256')
  const wrong = {
    'for the client': assertion({ aud: web.clientId }),
    'for two': assertion({ aud: [issuer(), web.clientId] }),
    'for another tenant': assertion({ aud: `${world.server.address}/oauth2/token` }),
    'an hour long': assertion({ exp: nowSeconds() + 3600 }),
    'without an id': assertion({ jti: undefined }),
    'without a beginning': assertion({ iat: undefined }),
    'without an end': assertion({ exp: undefined }),
    expired: assertion({ iat: nowSeconds() - 200, exp: nowSeconds() - 100 }),
    'an access token': assertion({}, { typ: 'at+jwt' }),
    'by an unknown issuer': assertion({ iss: 'https://stranger.example' }),
    'in the name of this issuer': assertion({ iss: issuer() }),
    'signed by another key': assertion({}, {}, privateKey),
    'about nobody': assertion({ sub: 'nobody' }),
    'no JWT': Promise.resolve('nonsense'),
  }
  for (const [what, value] of Object.entries(wrong)) {
    const { status, body } = await redeem(await value)
    assert.deepEqual([status, body.error], [400, 'invalid_grant'], what)
  }
})
