/** On `preflow` no token bypasses the token action, for any grant, scope or format. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { addOrganization } from '../../authenticators.fixture.ts'
import { authorize, CALLBACK, openBrowser } from '../../ground/pages/browser.fixture.ts'
import type { Application, Organization, User } from '../../ground/store/model.ts'
import { type Extension, startExtension, startWorld, type World } from '../../world.fixture.ts'

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const HYBRID = ['code id_token', 'code token', 'code id_token token']

let world: World
let extension: Extension
let web: Application
let opaque: Application
let user: User
let boss: User
let branch: Organization
let assertion: () => Promise<string>

before(async () => {
  world = await startWorld()
  extension = await startExtension()
  await world.addAction('PRE_ISSUE_ACCESS_TOKEN', extension.url)
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256' }] }
  const settings = {
    grantTypes: [
      ...['authorization_code', 'implicit', 'password', 'refresh_token', 'client_credentials'],
      ...[DEVICE, EXCHANGE, BEARER, 'organization_switch'],
    ],
    callbackUrls: [CALLBACK],
    hybridResponseTypes: HYBRID,
    trustedIssuers: [{ issuer: 'https://partner.example', jwks }],
  }
  const scopes = ['orders.read', 'internal_login', 'internal_user_mgt_list']
  web = await world.addApplication(settings, scopes)
  opaque = await world.addApplication({ ...settings, accessTokenType: 'Default' }, scopes)
  user = await world.addUser()
  boss = await world.addUser({ isAdministrator: true })
  branch = await addOrganization(world)
  assertion = () =>
    new SignJWT({ jti: randomUUID() })
      .setProtectedHeader({ alg: 'ES256' })
      .setIssuer('https://partner.example')
      .setSubject(boss.userName)
      .setAudience(`${world.base}/oauth2/token`)
      .setIssuedAt()
      .setExpirationTime('2m')
      .sign(privateKey)
})
after(async () => {
  await extension.close()
  await world.close()
})
beforeEach(() => {
  extension.succeed()
})

const deny = () =>
  extension.answer(() => ({
    body: { actionStatus: 'FAILED', failureReason: 'access_denied', failureDescription: 'region KP' },
  }))
const byPassword = (scope: string, as = boss) => ({
  grant_type: 'password',
  username: as.userName,
  password: 'correct horse',
  scope,
})

async function begin(application: Application, scope = 'openid orders.read') {
  extension.succeed()
  const { status, body } = await world.token(application, byPassword(scope))
  assert.equal(status, 200, JSON.stringify(body))
  return body
}

async function deviceCode(application: Application): Promise<string> {
  const begun = await world.post('/oauth2/device_authorize', application, { scope: 'openid orders.read' })
  const { device_code, verification_uri_complete } = (await begun.json()) as Record<string, string>
  const browser = openBrowser(world.server.address)
  const entered = await browser.submit(await browser.open(verification_uri_complete ?? ''), {})
  const confirmation = entered.html.includes('your device?') ? entered : await browser.submit(entered, {})
  const signIn = await browser.submit(confirmation, { confirm: 'yes' })
  const done = await browser.submit(signIn, { username: boss.userName, password: 'correct horse', step: 'sign-in' })
  assert.match(done.html, /Your device is connected/)
  return device_code ?? ''
}

/** Forms for the token endpoint, by grant. Each is prepared while the action still allows tokens. */
const ways: Record<string, (application: Application) => Promise<Record<string, string>>> = {
  'a code': async application => {
    const request = { clientId: application.clientId, userName: boss.userName, parameters: { scope: 'openid' } }
    const { searchParams } = await authorize(world, request)
    return { grant_type: 'authorization_code', code: searchParams.get('code') ?? '', redirect_uri: CALLBACK }
  },
  'a password': async () => byPassword('openid orders.read'),
  'self-service scopes alone': async () => byPassword('internal_login', user),
  'an ordinary user': async () => byPassword('openid', user),
  'client credentials': async () => ({ grant_type: 'client_credentials', scope: 'orders.read' }),
  'client credentials for the server alone': async () => ({
    grant_type: 'client_credentials',
    scope: 'internal_user_mgt_list',
  }),
  'a device': async application => ({ grant_type: DEVICE, device_code: await deviceCode(application) }),
  'an exchange': async application => ({
    grant_type: EXCHANGE,
    subject_token: (await begin(application)).access_token,
    subject_token_type: ACCESS_TOKEN,
  }),
  'an organization switch': async application => ({
    grant_type: 'organization_switch',
    token: (await begin(application)).access_token,
    switching_organization: branch.id,
  }),
  'an assertion': async () => ({ grant_type: BEARER, assertion: await assertion(), scope: 'orders.read' }),
}

for (const kind of ['JWT', 'opaque'] as const) {
  describe(`AZ-27: a policy that denies reaches ${kind} tokens`, () => {
    const client = () => (kind === 'JWT' ? web : opaque)
    for (const [way, make] of Object.entries(ways)) {
      test(`by ${way}, and at the refresh`, async () => {
        const form = await make(client())
        const fresh = await make(client())
        deny()
        const denied = await world.token(client(), form)
        assert.deepEqual([denied.status, denied.body.error], [400, 'access_denied'])
        extension.succeed()
        const { body } = await world.token(client(), fresh)
        assert.equal(typeof body.access_token, 'string', JSON.stringify(body))
        if (!body.refresh_token) return
        const refresh = { grant_type: 'refresh_token', refresh_token: body.refresh_token }
        for (let round = 0; round < 2; round++) {
          deny()
          assert.equal((await world.token(client(), refresh)).body.error, 'access_denied')
          extension.succeed()
          const { status, body: next } = await world.token(client(), refresh)
          assert.equal(status, 200)
          refresh.refresh_token = next.refresh_token
        }
      })
    }

    for (const responseType of ['id_token token', 'code token', 'code id_token token']) {
      test(`at the authorize endpoint: ${responseType}`, async () => {
        const parameters = { scope: 'openid', response_type: responseType, nonce: 'n-1' }
        const land = async () => {
          const request = { clientId: client().clientId, userName: boss.userName, parameters }
          return new URLSearchParams((await authorize(world, request)).hash.slice(1))
        }
        assert.notEqual((await land()).get('access_token'), null)
        deny()
        const denied = await land()
        assert.deepEqual([denied.get('error'), denied.get('access_token')], ['server_error', null])
      })
    }
  })
}

test('AZ-28: an administrator can still manage the server if a policy denies everyone', async () => {
  deny()
  const { status, body } = await world.token(web, byPassword('internal_user_mgt_list'))
  assert.deepEqual([status, body.scope], [200, 'internal_user_mgt_list'])
  const shown = await (await world.post('/oauth2/introspect', web, { token: body.access_token })).json()
  assert.equal((shown as { aud: string }).aud, `${world.base}/oauth2/token`)
})
