/**
 * What the seam relies on in oidc-provider, told apart from everything else: when the pinned version moves, these say what
 * moved with it. The rest of the suite says whether the server still behaves.
 */
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import { createLocalJWKSet, decodeJwt, exportJWK, generateKeyPair, type JWK, jwtVerify } from 'jose'
import { type AdapterPayload, Provider } from 'oidc-provider'
import { makeIssuer } from '../../domain/tenants/issuer.ts'
import { type TokenDecision, type TokenPlan, TokenRefusal } from '../../domain/tokens/decide-tokens.ts'
import type { Application, Organization, User } from '../../ground/store/model.ts'
import { APPLICATION, type ArtifactAdapter } from './adapter.ts'
import { applicationOf, createSeam, RESOURCE } from './seam.ts'

const organization: Organization = { id: 'o-1', tenantId: '7', name: 'Acme', handle: 'acme', depth: 0 }
const application = {
  id: 'a-1',
  clientId: 'web',
  accessTokenType: 'JWT',
  grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
  renewsRefreshToken: true,
} as Application
const user = { id: 'u-1', isActive: true } as User

/** What happened, in order: the decision, and every write. */
let events: string[]
let decision: (plan: TokenPlan) => TokenDecision
let plans: TokenPlan[]

let server: Server
let base: string
let provider: Provider
let keys: JWK[]
const rows = new Map<string, AdapterPayload>()

function adapterOf(model: string): ArtifactAdapter {
  const key = (id: string) => `${model} ${id}`
  const write = (what: string) => {
    if (!['Session', 'Interaction', 'Grant'].includes(model)) events.push(`${what} ${model}`)
  }
  const where = (test: (row: AdapterPayload) => boolean) =>
    [...rows].find(([name, row]) => name.startsWith(`${model} `) && test(row))?.[1]
  const consume = async (id: string) => {
    write('consume')
    rows.set(key(id), { ...rows.get(key(id)), consumed: 1 })
  }
  return {
    async upsert(id, payload) {
      write('save')
      rows.set(key(id), payload)
    },
    find: async id => rows.get(key(id)),
    findByUid: async uid => where(row => row.uid === uid),
    findByUserCode: async userCode => where(row => row.userCode === userCode),
    consume,
    async replace(consumedId, id, payload) {
      write('replace')
      rows.set(key(consumedId), { ...rows.get(key(consumedId)), consumed: 1 })
      rows.set(key(id), payload)
    },
    async destroy(id) {
      rows.delete(key(id))
    },
    async revokeByGrantId(grantId) {
      for (const [name, row] of rows) if (row.grantId === grantId) rows.delete(name)
    },
  }
}

before(async () => {
  server = createServer((request, response) => void provider.callback()(request, response))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  keys = [{ ...(await exportJWK(publicKey)), alg: 'ES256', kid: 'k-1' }]
  const tenant = { id: '7', domain: 'carbon.super', rootOrganizationId: 'o-1' }
  const issuer = makeIssuer(base, tenant, organization)
  const seam = createSeam({
    issuer,
    async decide(plan) {
      events.push('decide')
      plans.push(plan)
      return decision(plan)
    },
    findUser: async () => ({ user, organization }),
    clientRequestOf: () => ({ address: '', headers: [] }),
    adapterOf,
    verify: async jwt => (await jwtVerify(jwt, createLocalJWKSet({ keys }))).payload,
    nowSeconds: () => Math.floor(Date.now() / 1000),
  })
  provider = new Provider(issuer.url, {
    adapter: adapterOf,
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', kid: 'k-1' }] as never },
    extraClientMetadata: { properties: [APPLICATION] },
    clients: [
      {
        client_id: 'web',
        client_secret: 'secret',
        redirect_uris: ['http://127.0.0.1/callback'],
        grant_types: ['authorization_code', 'refresh_token', 'client_credentials', 'implicit'],
        response_types: ['code', 'code id_token'],
        id_token_signed_response_alg: 'ES256',
        [APPLICATION]: application,
      },
    ],
    responseTypes: ['code', 'code id_token'],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    scopes: ['openid'],
    routes: { token: '/token', introspection: '/introspect', revocation: '/revoke', userinfo: '/userinfo' },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true, allowedPolicy: () => true },
      rpInitiatedLogout: { enabled: false },
      resourceIndicators: {
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({ scope: 'openid read', audience: 'web', accessTokenFormat: 'jwt' }),
      },
    },
    issueRefreshToken: () => true,
    expiresWithSession: () => false,
    findAccount: (_ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
    ...seam.configuration,
    ttl: {
      AccessToken: 60,
      ClientCredentials: 60,
      RefreshToken: 60,
      Grant: 60,
      AuthorizationCode: 60,
      ...seam.configuration.ttl,
    },
  })
  provider.proxy = true
  seam.install(provider)
})
after(() => {
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  events = []
  plans = []
  decision = plan => decided(plan.grantedScopes)
})

function decided(scopes: string[], more: Partial<TokenDecision> = {}): TokenDecision {
  return {
    accessToken: {
      subject: 'u-1',
      subjectKind: 'APPLICATION_USER',
      scopes,
      audiences: ['one', 'two'],
      lifetimeSeconds: 77,
      claims: [{ name: 'tier', value: 'gold' }],
      refreshToken: { lifetimeSeconds: 500, willBeIssued: true },
    },
    response: { added: [], hidden: [], scopes },
    customisation: { accessToken: { claims: [], audiences: [], lifetimeSeconds: 77 } },
    organization,
    callIds: [],
    ...more,
  }
}

const ID_TOKEN = { fixed: [{ name: 'sub', value: 'u-1' }], claims: [], audiences: ['one', 'two'], lifetimeSeconds: 55 }

/** A code as the authorize endpoint would have left it. */
async function makeCode(scope = 'openid read'): Promise<string> {
  const grant = new provider.Grant({ clientId: 'web', accountId: 'u-1' })
  grant.addOIDCScope('openid')
  grant.addResourceScope(RESOURCE, scope)
  const grantId = await grant.save()
  const id = `code-${rows.size}`
  const now = Math.floor(Date.now() / 1000)
  rows.set(`AuthorizationCode ${id}`, {
    kind: 'AuthorizationCode',
    jti: id,
    iat: now,
    exp: now + 60,
    clientId: 'web',
    accountId: 'u-1',
    grantId,
    redirectUri: 'http://127.0.0.1/callback',
    resource: RESOURCE,
    scope,
  })
  return id
}

async function post(path: string, form: Record<string, string>) {
  const response = await fetch(base + path, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from('web:secret').toString('base64')}` },
    body: new URLSearchParams(form),
  })
  const text = await response.text()
  // biome-ignore lint/suspicious/noExplicitAny: tests assert on what came over the wire, whatever it is
  return { status: response.status, headers: response.headers, body: (text === '' ? {} : JSON.parse(text)) as any }
}

const exchange = async (scope?: string) =>
  post('/token', {
    grant_type: 'authorization_code',
    code: await makeCode(scope),
    redirect_uri: 'http://127.0.0.1/callback',
  })
const refresh = (refresh_token: string, more = {}) =>
  post('/token', { grant_type: 'refresh_token', refresh_token, ...more })

describe('before anything is consumed', () => {
  test('a code: the decision, then the code, then the refresh token', async () => {
    assert.equal((await exchange()).status, 200)
    assert.deepEqual(events, ['decide', 'consume AuthorizationCode', 'save RefreshToken'])
  })

  test('a refresh: the decision, then old and new refresh token in one step', async () => {
    const { body } = await exchange()
    events = []
    assert.equal((await refresh(body.refresh_token)).status, 200)
    assert.deepEqual(events, ['decide', 'replace RefreshToken'])
  })

  test('without rotation the decision comes first as well', async () => {
    const { body } = await exchange()
    events = []
    const client = await provider.Client.find('web')
    assert(client)
    applicationOf(client).renewsRefreshToken = false
    const second = await refresh(body.refresh_token)
    applicationOf(client).renewsRefreshToken = true
    assert.equal(second.body.refresh_token, body.refresh_token)
    assert.deepEqual(events, ['decide', 'save RefreshToken'])
  })

  test('what is invalid is refused before it is decided', async () => {
    await refresh('unknown')
    await post('/token', {
      grant_type: 'authorization_code',
      code: await makeCode(),
      redirect_uri: 'http://127.0.0.1/other',
    })
    assert.deepEqual(events, [])
  })

  test('a refusal consumes and stores nothing, and reaches the client as it is', async () => {
    decision = () => {
      throw new TokenRefusal({ status: 400, error: 'policy deny', description: 'Not today', callId: 'c-1' })
    }
    const { status, headers, body } = await exchange()
    assert.deepEqual([status, body], [400, { error: 'policy deny', error_description: 'Not today', call_id: 'c-1' }])
    assert.equal(headers.get('x-preflow-call-id'), 'c-1')
    assert.deepEqual(events, ['decide'])
  })

  test('a server error keeps its own description', async () => {
    decision = () => {
      throw new TokenRefusal({ status: 500, error: 'server_error', description: 'Internal Server Error.' })
    }
    const { status, body } = await exchange()
    assert.deepEqual([status, body], [500, { error: 'server_error', error_description: 'Internal Server Error.' }])
  })
})

describe('the decision is written over the token', () => {
  test('scopes, audiences, lifetime and claims, and the response follows', async () => {
    decision = () => decided(['read', 'write'])
    const { body } = await exchange()
    const { scope, aud, tier, exp = 0, iat = 0 } = decodeJwt(body.access_token)
    assert.deepEqual([scope, aud, tier, exp - iat], ['read write', ['one', 'two'], 'gold', 77])
    assert.deepEqual([body.scope, body.expires_in], ['read write', 77])
  })

  test('no audience at all', async () => {
    decision = () => ({ ...decided(['read']), accessToken: { ...decided(['read']).accessToken, audiences: [] } })
    const { body } = await exchange()
    assert.equal('aud' in decodeJwt(body.access_token), false)
  })

  test('client credentials', async () => {
    const { body } = await post('/token', { grant_type: 'client_credentials', scope: 'read' })
    assert.equal(decodeJwt(body.access_token)['tier'], 'gold')
    assert.deepEqual(events, ['decide'])
  })

  test('an ID token with the decided audiences and lifetime, hashed from the access token', async () => {
    decision = plan => decided(plan.grantedScopes, { idToken: ID_TOKEN })
    const { body } = await exchange()
    const { aud, exp = 0, iat = 0, at_hash } = decodeJwt(body.id_token)
    assert.deepEqual([aud, exp - iat, typeof at_hash], [['one', 'two'], 55, 'string'])
  })

  test('no ID token where the decision has none, and one where openid was added', async () => {
    assert.equal((await exchange()).body.id_token, undefined)
    decision = () => decided(['openid', 'read'], { idToken: ID_TOKEN })
    assert.equal(typeof (await exchange('read')).body.id_token, 'string')
  })

  test('members of the response are added and hidden', async () => {
    decision = plan =>
      decided(plan.grantedScopes, {
        response: { added: [{ name: 'plan', value: { seats: 3 } }], hidden: ['refresh_token'], scopes: [] },
      })
    const { body } = await exchange()
    assert.deepEqual([body.plan, body.refresh_token], [{ seats: 3 }, undefined])
  })
})

describe('what the refresh token carries', () => {
  test('the customisation and the lifetime, and the grant lives longer than both', async () => {
    const { body } = await exchange()
    const row = rows.get(`RefreshToken ${body.refresh_token}`)
    assert.deepEqual(row?.['customisation'], { accessToken: { claims: [], audiences: [], lifetimeSeconds: 77 } })
    assert.equal((row?.exp ?? 0) - (row?.iat ?? 0), 500)
    assert((rows.get(`Grant ${row?.grantId}`)?.exp ?? 0) >= (row?.exp ?? 0))
    await refresh(body.refresh_token)
    assert.deepEqual(plans.at(-1)?.stored, row?.['customisation'])
    assert.equal(plans.at(-1)?.previousGrant, 'authorization_code')
  })

  test('a narrowed request narrows the access token only', async () => {
    const { body } = await exchange()
    const narrowed = await refresh(body.refresh_token, { scope: 'read' })
    assert.equal(narrowed.body.scope, 'read')
    assert.deepEqual(plans.at(-1)?.grantedScopes, ['read'])
    assert.equal(rows.get(`RefreshToken ${narrowed.body.refresh_token}`)?.scope, 'openid read')
  })
})

describe('JWT access tokens where oidc-provider refuses them', () => {
  test('introspection tells their claims, until they or their grant are revoked', async () => {
    const { body } = await exchange()
    const told = await post('/introspect', { token: body.access_token })
    assert.deepEqual([told.body.active, told.body.sub, told.body.tier], [true, 'u-1', 'gold'])
    await post('/revoke', { token: body.access_token })
    assert.deepEqual((await post('/introspect', { token: body.access_token })).body, { active: false })

    const other = await exchange()
    await post('/revoke', { token: other.body.refresh_token })
    assert.deepEqual((await post('/introspect', { token: other.body.access_token })).body, { active: false })
  })

  test('issuing one writes no row, revoking it writes one', async () => {
    const { body } = await post('/token', { grant_type: 'client_credentials', scope: 'read' })
    assert.deepEqual(events, ['decide'])
    decision = () => ({
      ...decided(['read']),
      accessToken: { ...decided(['read']).accessToken, subjectKind: 'APPLICATION' },
    })
    const machine = await post('/token', { grant_type: 'client_credentials', scope: 'read' })
    await post('/revoke', { token: machine.body.access_token })
    assert.deepEqual(events, ['decide', 'decide', 'save RevokedAccessToken'])
    assert.equal(typeof body.access_token, 'string')
  })

  test('userinfo answers for one with an audience', async () => {
    const { body } = await exchange()
    const answer = await fetch(`${base}/userinfo`, { headers: { authorization: `Bearer ${body.access_token}` } })
    assert.deepEqual(await answer.json(), { sub: 'u-1' })
  })
})
