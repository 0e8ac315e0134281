import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { listAuthorizedScopes } from '../../ground/store/api-resources.ts'
import { findApplicationById, updateApplication } from '../../ground/store/applications.ts'
import type { Database } from '../../ground/store/database.ts'
import { onEachDatabase } from '../../ground/store/databases.fixture.ts'
import { assertRefused, createApiUnderTest, type TenantUnderTest, tokens } from './api-under-test.fixture.ts'

const web = {
  grantTypes: ['authorization_code', 'refresh_token'],
  callbackURLs: ['https://shop.example/cb'],
}

/** A body with all the fields that WSO2's own consoles and tools send. */
const COMPLETE = {
  name: 'Complete',
  description: 'With every member',
  imageUrl: 'https://x.example/logo.png',
  accessUrl: 'https://x.example/',
  templateId: 'b9c5e11e-fc78-484b-9bec-015d247561b8',
  isManagementApp: false,
  applicationEnabled: true,
  associatedRoles: { allowedAudience: 'APPLICATION', roles: [] },
  claimConfiguration: { dialect: 'LOCAL', requestedClaims: [{ claim: { uri: 'http://wso2.org/claims/username' } }] },
  authenticationSequence: { type: 'DEFAULT', steps: [{ id: 1, options: [] }] },
  advancedConfigurations: {
    saas: false,
    skipLoginConsent: true,
    skipLogoutConsent: true,
    discoverableByEndUsers: false,
  },
  provisioningConfigurations: { inboundProvisioning: { proxyMode: false } },
  inboundProtocolConfiguration: {
    oidc: {
      ...web,
      allowedOrigins: ['https://shop.example'],
      publicClient: false,
      pkce: { mandatory: true, supportPlainTransformAlgorithm: true },
      hybridFlow: { enable: true, responseType: 'code id_token,code token' },
      accessToken: {
        type: 'JWT',
        userAccessTokenExpiryInSeconds: 1800,
        applicationAccessTokenExpiryInSeconds: 900,
        bindingType: 'None',
        revokeTokensWhenIDPSessionTerminated: false,
        validateTokenBinding: false,
        accessTokenAttributes: ['email', 'groups'],
      },
      refreshToken: { expiryInSeconds: 7200, renewRefreshToken: false, extendRenewedRefreshTokenExpiryTime: true },
      idToken: {
        expiryInSeconds: 600,
        audience: ['https://api.example'],
        encryption: { enabled: false, algorithm: '', method: '' },
        idTokenSignedResponseAlg: 'RS256',
      },
      logout: { backChannelLogoutUrl: '' },
      validateRequestObjectSignature: false,
      scopeValidators: [],
      clientAuthentication: { tokenEndpointAuthMethod: 'client_secret_basic' },
      requestObject: {},
      pushAuthorizationRequest: { requirePushAuthorizationRequest: false },
      subject: { subjectType: 'public' },
      isFAPIApplication: false,
    },
  },
}

onEachDatabase('the applications API', open => {
  let db: Database
  let newTenant: ReturnType<typeof createApiUnderTest>
  before(async () => {
    db = await open()
    newTenant = createApiUnderTest(db)
  })
  const scopesOf = async (tenantId: string, applicationId: string) =>
    (await listAuthorizedScopes(db, tenantId, applicationId)).map(({ name }) => name)

  async function created(body: object = { name: 'Shop', inboundProtocolConfiguration: { oidc: web } }) {
    const tenant = await newTenant()
    return { ...tenant, id: await create(tenant, body) }
  }

  async function create({ call, prefix }: Pick<TenantUnderTest, 'call' | 'prefix'>, body: object): Promise<string> {
    const made = await call('POST', '/applications', { body })
    assert.equal(made.status, 201, JSON.stringify(made.body))
    const location = made.headers.get('location') ?? ''
    assert.ok(location.startsWith(`http://id.example${prefix}/api/server/v1/applications/`))
    return location.split('/').at(-1) ?? ''
  }

  test('an application gets a client id and a secret, and the defaults of the reference', async () => {
    const { call, id } = await created()
    const { clientId, clientSecret, ...rest } = (await call('GET', `/applications/${id}/inbound-protocols/oidc`)).body
    assert.match(clientId, /^[\w-]{20}$/)
    assert.match(clientSecret, /^[\w-]{43}$/)
    assert.deepEqual(rest, {
      state: 'ACTIVE',
      ...web,
      allowedOrigins: [],
      publicClient: false,
      pkce: { mandatory: false, supportPlainTransformAlgorithm: false },
      hybridFlow: { enable: false },
      accessToken: {
        type: 'JWT',
        userAccessTokenExpiryInSeconds: 3600,
        applicationAccessTokenExpiryInSeconds: 3600,
        accessTokenAttributes: [],
        bindingType: 'None',
      },
      refreshToken: { expiryInSeconds: 86_400, renewRefreshToken: true },
      idToken: { expiryInSeconds: 3600, audience: [] },
    })
  })

  test('a body of the reference’s tools is accepted unchanged', async () => {
    const { call, id } = await created(COMPLETE)
    const oidc = (await call('GET', `/applications/${id}/inbound-protocols/oidc`)).body
    const sent = COMPLETE.inboundProtocolConfiguration.oidc
    assert.deepEqual(oidc.accessToken, sent.accessToken)
    assert.deepEqual(oidc.refreshToken, sent.refreshToken)
    assert.deepEqual(oidc.idToken, sent.idToken)
    assert.deepEqual(oidc.hybridFlow, { enable: true, responseType: 'code id_token,code token' })
    assert.equal(oidc.pkce.mandatory, true)
    const application = (await call('GET', `/applications/${id}`)).body
    assert.equal(application.description, 'With every member')
    assert.deepEqual(application.advancedConfigurations, COMPLETE.advancedConfigurations)
  })

  test('allowed clients and trusted issuers are stored, and removed if they are absent', async () => {
    const { call, id } = await created()
    const path = `/applications/${id}/inbound-protocols/oidc`
    const key = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }
    const more = {
      tokenExchange: { allowedClients: ['worker'] },
      jwtBearer: {
        trustedIssuers: [{ issuer: 'https://partner.example', jwks: { keys: [key] }, subjectClaim: 'upn' }],
      },
    }
    assert.equal((await call('PUT', path, { body: { ...web, ...more } })).status, 200)
    const { tokenExchange, jwtBearer } = (await call('GET', path)).body
    assert.deepEqual({ tokenExchange, jwtBearer }, more)
    const isPrivate = {
      jwtBearer: { trustedIssuers: [{ issuer: 'https://partner.example', jwks: { keys: [{ ...key, d: 'd' }] } }] },
    }
    assert.equal((await call('PUT', path, { body: { ...web, ...isPrivate } })).status, 400)
    assert.equal((await call('PUT', path, { body: web })).status, 200)
    const left = (await call('GET', path)).body
    assert.deepEqual([left.tokenExchange, left.jwtBearer], [undefined, undefined])
  })

  test('AZ-44: a public client cannot have a grant without a user', async () => {
    const { call } = await newTenant()
    for (const grant of ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange']) {
      const oidc = { ...web, publicClient: true, grantTypes: ['authorization_code', grant] }
      const body = { name: `Public ${grant}`, inboundProtocolConfiguration: { oidc } }
      assert.equal((await call('POST', '/applications', { body })).status, 400, grant)
    }
  })

  test('a setting for an unsupported feature is refused by name', async () => {
    const { call } = await newTenant()
    const oidcs = [
      { validateRequestObjectSignature: true },
      { isFAPIApplication: true },
      { accessToken: { validateTokenBinding: true } },
      { idToken: { encryption: { enabled: true } } },
    ]
    for (const promise of oidcs) {
      const body = { name: 'Shop', inboundProtocolConfiguration: { oidc: { ...web, ...promise } } }
      assertRefused(await call('POST', '/applications', { body }), 400, 'UE-10000', /must be one of false\.$/)
    }
    const named: [object, RegExp][] = [
      [{ subject: { subjectType: 'pairwise' } }, /subject\.subjectType: must be one of public/],
      [
        { logout: { frontChannelLogoutUrl: 'https://x.example/out' } },
        /logout\.frontChannelLogoutUrl: is not supported/,
      ],
      [{ fapiProfile: 'FAPI2_SECURITY' }, /fapiProfile: is not supported/],
      [{ requestObject: { requestObjectSigningAlg: 'RS256' } }, /requestObject: is not supported/],
      [{ subjectToken: { enable: true } }, /subjectToken\.enable: must be one of false/],
    ]
    for (const [promise, description] of named) {
      const body = { name: 'Shop', inboundProtocolConfiguration: { oidc: { ...web, ...promise } } }
      assertRefused(await call('POST', '/applications', { body }), 400, 'UE-10000', description)
    }
  })

  test('fields that are only stored are returned as sent, and a PATCH changes only the fields it has', async () => {
    const { call, id } = await created(COMPLETE)
    const { inboundProtocolConfiguration, authenticationSequence: _, ...sent } = COMPLETE
    const shown = (await call('GET', `/applications/${id}`)).body
    for (const [name, value] of Object.entries(sent)) assert.deepEqual(shown[name], value, name)
    const oidc = (await call('GET', `/applications/${id}/inbound-protocols/oidc`)).body
    for (const [name, value] of Object.entries(inboundProtocolConfiguration.oidc))
      assert.deepEqual(oidc[name], value, name)

    const body = { imageUrl: '', advancedConfigurations: { discoverableByEndUsers: true } }
    assert.equal((await call('PATCH', `/applications/${id}`, { body })).status, 200)
    const changed = (await call('GET', `/applications/${id}`)).body
    assert.deepEqual(changed, {
      ...shown,
      imageUrl: '',
      advancedConfigurations: { ...shown.advancedConfigurations, discoverableByEndUsers: true },
    })
  })

  test('fields that are only stored can have 16 KiB', async () => {
    const { call } = await newTenant()
    const body = {
      name: 'Shop',
      associatedRoles: { roles: Array.from({ length: 400 }, (_, id) => ({ id: `role ${id}`, name: 'x'.repeat(30) })) },
    }
    assertRefused(await call('POST', '/applications', { body }), 400, 'UE-10000', /16384 bytes/)
  })

  test('a disabled application is returned as disabled', async () => {
    const { call, id } = await created({ name: 'Shop', applicationEnabled: false })
    assert.equal((await call('GET', `/applications/${id}`)).body.applicationEnabled, false)
    await call('PATCH', `/applications/${id}`, { body: { applicationEnabled: true } })
    assert.equal((await call('GET', `/applications/${id}`)).body.applicationEnabled, true)
  })

  test('invalid settings are refused with the valid form, and nothing is stored', async () => {
    const { call } = await newTenant()
    const cases: [object, RegExp][] = [
      [{ grantTypes: [] }, /grantTypes: size must be at least 1/],
      [{ grantTypes: ['authorization_code'] }, /callbackURLs: list at least one/],
      [{ ...web, callbackURLs: ['javascript:alert(1)'] }, /callbackURLs: each must be/],
      [{ ...web, callbackURLs: ['https://x.example/#fragment'] }, /callbackURLs: each must be/],
      [{ ...web, callbackURLs: ['/relative'] }, /callbackURLs: each must be/],
      [{ ...web, callbackURLs: ['regexp=https://(a|b).example/.*'] }, /is a regular expression\. List every address/],
      [{ ...web, allowedOrigins: ['https://x.example/path'] }, /allowedOrigins: each must be an origin/],
      [{ ...web, accessToken: { type: 'SAML' } }, /accessToken\.type: must be one of JWT, Default/],
      [{ ...web, accessToken: { userAccessTokenExpiryInSeconds: 0 } }, /size must be at least 1/],
      [{ ...web, refreshToken: { expiryInSeconds: 1.5 } }, /expiryInSeconds: must be int/],
      [{ ...web, unheardOf: true }, /unknown field "unheardOf"/],
      [{ ...web, hybridFlow: { enable: true, responseType: 'token' } }, /response type for the hybrid flow/],
    ]
    for (const [oidc, description] of cases) {
      const refused = await call('POST', '/applications', {
        body: { name: 'Shop', inboundProtocolConfiguration: { oidc } },
      })
      assert.equal(refused.status, 400, String(description))
      assert.match(refused.body.description, description)
    }
    assert.equal((await call('GET', '/applications')).body.totalResults, 0)
  })

  test('an escaped character of a regular expression is the character itself', async () => {
    const callbackURLs = ['regexp=(https://a\\.example/cb|https://b.example/)']
    const { call, id, tenant } = await created({
      name: 'Shop',
      inboundProtocolConfiguration: { oidc: { ...web, callbackURLs } },
    })
    assert.deepEqual((await call('GET', `/applications/${id}/inbound-protocols/oidc`)).body.callbackURLs, callbackURLs)
    const found = await findApplicationById(db, tenant.id, id)
    assert.deepEqual(found?.callbackUrls, ['https://a.example/cb', 'https://b.example/'])
  })

  test('several callback URLs may come as one regular expression of alternatives', async () => {
    const oidc = {
      ...web,
      callbackURLs: ['regexp=(https://a.example/cb|http://127.0.0.1:9499/callback)', 'com.app:/cb'],
    }
    const { call, id } = await created({ name: 'Shop', inboundProtocolConfiguration: { oidc } })
    const { callbackURLs } = (await call('GET', `/applications/${id}/inbound-protocols/oidc`)).body
    assert.deepEqual(callbackURLs, oidc.callbackURLs)
  })

  test('a public client has no secret and must use PKCE by default', async () => {
    const oidc = { ...web, publicClient: true }
    const { call, id } = await created({ name: 'App', inboundProtocolConfiguration: { oidc } })
    const path = `/applications/${id}/inbound-protocols/oidc`
    const shown = (await call('GET', path)).body
    assert.ok(!('clientSecret' in shown))
    assert.equal(shown.pkce.mandatory, true)
    assertRefused(await call('POST', `${path}/regenerate-secret`), 400, 'UE-10000', 'A public client has no secret.')
    await call('PUT', path, { body: { ...web, publicClient: false } })
    assert.match((await call('GET', path)).body.clientSecret, /^[\w-]{43}$/)
  })

  test('client id and secret can be set at creation, but not later', async () => {
    const oidc = { ...web, clientId: 'shop', clientSecret: 'chosen-secret' }
    const { call, id } = await created({ name: 'Shop', inboundProtocolConfiguration: { oidc } })
    const path = `/applications/${id}/inbound-protocols/oidc`
    assert.equal((await call('GET', path)).body.clientSecret, 'chosen-secret')
    assertRefused(
      await call('PUT', path, { body: { ...web, clientId: 'other' } }),
      400,
      'UE-10000',
      /^clientId: cannot/,
    )
    assertRefused(
      await call('PUT', path, { body: { ...web, clientSecret: 'other-secret' } }),
      400,
      'UE-10000',
      /^clientSecret/,
    )
    assert.equal((await call('PUT', path, { body: oidc })).status, 200)
    const again = { name: 'Other', inboundProtocolConfiguration: { oidc } }
    assertRefused(await call('POST', '/applications', { body: again }), 409, 'APP-60007')
  })

  test('replacing the configuration resets absent members and keeps id and secret', async () => {
    const { call, id } = await created(COMPLETE)
    const path = `/applications/${id}/inbound-protocols/oidc`
    const before = (await call('GET', path)).body
    assert.equal((await call('PUT', path, { body: { grantTypes: ['client_credentials'] } })).status, 200)
    const after = (await call('GET', path)).body
    assert.equal(after.clientId, before.clientId)
    assert.equal(after.clientSecret, before.clientSecret)
    assert.deepEqual(after.callbackURLs, [])
    assert.deepEqual(after.hybridFlow, { enable: false })
    assert.equal(after.accessToken.userAccessTokenExpiryInSeconds, 3600)
    assert.equal((await call('GET', `/applications/${id}`)).body.advancedConfigurations.skipLoginConsent, true)
  })

  test('a regenerated secret is different', async () => {
    const { call, id } = await created()
    const path = `/applications/${id}/inbound-protocols/oidc`
    const before = (await call('GET', path)).body.clientSecret
    const answered = await call('POST', `${path}/regenerate-secret`)
    assert.equal(answered.status, 200)
    assert.notEqual(answered.body.clientSecret, before)
    assert.equal((await call('GET', path)).body.clientSecret, answered.body.clientSecret)
  })

  test('name, description and consent can be changed separately, and an existing name changes nothing', async () => {
    const { call, prefix, id } = await created()
    await create({ call, prefix }, { name: 'Taken' })
    assert.equal((await call('PATCH', `/applications/${id}`, { body: { description: 'New' } })).status, 200)
    const body = { advancedConfigurations: { skipLoginConsent: true } }
    assert.equal((await call('PATCH', `/applications/${id}`, { body })).status, 200)
    assertRefused(
      await call('PATCH', `/applications/${id}`, { body: { name: 'Taken', description: 'Lost' } }),
      409,
      'APP-60007',
    )
    const shown = (await call('GET', `/applications/${id}`)).body
    assert.equal(shown.name, 'Shop')
    assert.equal(shown.description, 'New')
    assert.equal(shown.advancedConfigurations.skipLoginConsent, true)
  })

  test('lists are filtered and paged', async () => {
    const tenant = await newTenant()
    for (const name of ['Alpha', 'beta shop', 'Gamma']) await create(tenant, { name })
    const system = await create(tenant, { name: 'Console' })
    const application = await findApplicationById(db, tenant.tenant.id, system)
    assert.ok(application)
    await updateApplication(db, { ...application, isSystem: true })
    const names = async (query: string) =>
      (await tenant.call('GET', `/applications?${query}`)).body.applications.map(({ name }: { name: string }) => name)
    assert.deepEqual((await names('')).sort(), ['Alpha', 'Console', 'Gamma', 'beta shop'])
    assert.deepEqual((await names('excludeSystemPortals=true')).sort(), ['Alpha', 'Gamma', 'beta shop'])
    assert.deepEqual(await names('filter=name+eq+alpha'), ['Alpha'])
    assert.deepEqual(await names('filter=name+co+%22ta+sh%22'), ['beta shop'])
    assert.deepEqual(await names('filter=name+sw+a+or+name+ew+a+and+name+sw+g'), ['Alpha', 'Gamma'])
    const page = (await tenant.call('GET', '/applications?limit=2&offset=1')).body
    assert.deepEqual([page.totalResults, page.startIndex, page.count], [4, 2, 2])
    assert.deepEqual(
      page.links.map(({ rel }: { rel: string }) => rel),
      ['next', 'previous'],
    )
    for (const query of ['filter=name', 'filter=secret+eq+x', 'filter=name+gt+x']) {
      assertRefused(await tenant.call('GET', `/applications?${query}`), 400, 'APP-60004')
    }
    for (const query of ['limit=0', 'limit=x', 'offset=-1']) {
      assertRefused(await tenant.call('GET', `/applications?${query}`), 400, 'UE-10000')
    }
  })

  test('a deleted application no longer exists, and deleting it again succeeds', async () => {
    const { call, id } = await created()
    assert.equal((await call('DELETE', `/applications/${id}`)).status, 204)
    assert.equal((await call('DELETE', `/applications/${id}`)).status, 204)
    for (const path of ['', '/inbound-protocols/oidc', '/authorized-apis']) {
      assertRefused(await call('GET', `/applications/${id}${path}`), 404, 'APP-60006')
    }
    assertRefused(await call('PATCH', `/applications/${id}`, { body: {} }), 404, 'APP-60006')
  })

  test('an application of another tenant is unknown', async () => {
    const { id } = await created()
    const { call } = await newTenant()
    assertRefused(await call('GET', `/applications/${id}`), 404, 'APP-60006')
    assert.equal((await call('DELETE', `/applications/${id}`)).status, 204)
  })

  test('scopes are authorized, changed and withdrawn', async () => {
    const { call, tenant, id } = await created()
    const api = await call('POST', '/api-resources', {
      body: {
        name: 'Orders',
        identifier: 'https://api.example/orders',
        scopes: [{ name: 'orders.read', displayName: 'Read' }, { name: 'orders.write' }],
      },
    })
    const apis = `/applications/${id}/authorized-apis`
    const body = { id: api.body.id, policyIdentifier: 'RBAC', scopes: ['orders.read'] }
    assert.equal((await call('POST', apis, { body })).status, 200)
    assertRefused(await call('POST', apis, { body }), 409, 'APP-60509')
    assert.deepEqual(await scopesOf(tenant.id, id), ['orders.read'])
    const change = { addedScopes: ['orders.write'], removedScopes: ['orders.read'] }
    assert.equal((await call('PATCH', `${apis}/${api.body.id}`, { body: change })).status, 200)
    assert.deepEqual((await call('GET', apis)).body, [
      {
        id: api.body.id,
        identifier: 'https://api.example/orders',
        displayName: 'Orders',
        policyId: 'RBAC',
        type: 'BUSINESS',
        authorizedScopes: [{ id: api.body.scopes[1].id, name: 'orders.write', displayName: 'orders.write' }],
      },
    ])
    assert.equal((await call('DELETE', `${apis}/${api.body.id}`)).status, 204)
    assert.deepEqual(await scopesOf(tenant.id, id), [])
    assertRefused(await call('DELETE', `${apis}/${api.body.id}`), 404, 'APP-60510')
    assertRefused(await call('PATCH', `${apis}/${api.body.id}`, { body: change }), 404, 'APP-60510')
    assertRefused(await call('POST', apis, { body: { ...body, id: 'x' } }), 404, 'APP-60507')
    assertRefused(await call('POST', apis, { body: { ...body, scopes: ['x'] } }), 400, 'APP-60508')
    assertRefused(await call('POST', apis, { body: { ...body, policyIdentifier: 'x' } }), 400, 'APP-60511')
  })

  test('only administrators can grant rights to manage the tenant, tools with some of them cannot', async () => {
    const { call, tenant, id } = await created()
    const [system] = (await call('GET', '/api-resources?filter=type+eq+SYSTEM')).body.APIResources
    const apis = `/applications/${id}/authorized-apis`
    const body = { id: system.id, scopes: ['internal_action_mgt_view'] }
    tokens.set('tool', { scopes: ['internal_application_mgt_update'], subject: 'tool' })
    assertRefused(await call('POST', apis, { as: { bearer: 'tool' }, body }), 403, 'APP-60520')
    assert.equal((await call('POST', apis, { body })).status, 200)
    assert.deepEqual(await scopesOf(tenant.id, id), ['internal_action_mgt_view'])
    const more = { addedScopes: ['internal_action_mgt_create'] }
    assertRefused(await call('PATCH', `${apis}/${system.id}`, { as: { bearer: 'tool' }, body: more }), 403, 'APP-60520')
  })

  /** Creates an application that manages users, and a tool with these scopes. */
  async function besidePrivileged(...scopes: string[]) {
    const tenant = await created()
    const [system] = (await tenant.call('GET', '/api-resources?filter=type+eq+SYSTEM')).body.APIResources
    const body = { id: system.id, scopes: ['internal_user_mgt_delete'] }
    assert.equal((await tenant.call('POST', `/applications/${tenant.id}/authorized-apis`, { body })).status, 200)
    const plain = await create(tenant, { name: 'Plain', inboundProtocolConfiguration: { oidc: web } })
    tokens.set('tool', { scopes, subject: 'tool' })
    const as = { bearer: 'tool' }
    return { ...tenant, plain, as, oidc: (id: string) => `/applications/${id}/inbound-protocols/oidc` }
  }

  test('AZ-19: a secret is returned only with its scope, and only for applications with no more rights than the caller', async () => {
    const { as, call, id, oidc, plain } = await besidePrivileged('internal_application_mgt_view')
    assert.ok(!('clientSecret' in (await call('GET', oidc(plain), { as })).body))
    const scopes = ['internal_application_mgt_view', 'internal_application_mgt_client_secret_view']
    tokens.set('tool', { scopes, subject: 'tool' })
    assert.ok('clientSecret' in (await call('GET', oidc(plain), { as })).body)
    assert.ok(!('clientSecret' in (await call('GET', oidc(id), { as })).body))
    tokens.set('tool', { scopes: [...scopes, 'internal_user_mgt_delete'], subject: 'tool' })
    assert.ok('clientSecret' in (await call('GET', oidc(id), { as })).body)
  })

  test('AZ-20: no new secret for an application with more rights than the caller, and the old one stays valid', async () => {
    const { as, call, id, oidc, plain } = await besidePrivileged('internal_application_mgt_client_secret_create')
    const before = (await call('GET', oidc(id))).body.clientSecret
    const path = (id: string) => `${oidc(id)}/regenerate-secret`
    assertRefused(await call('POST', path(id), { as }), 403, 'PREFLOW-403', /You lack internal_user_mgt_delete/)
    assert.equal((await call('GET', oidc(id))).body.clientSecret, before)
    assert.equal((await call('POST', path(plain), { as })).status, 200)
  })

  test('AZ-21: callback settings of an application with more rights than the caller cannot be changed', async () => {
    const { as, call, id, oidc, plain } = await besidePrivileged('internal_application_mgt_update')
    const before = (await call('GET', oidc(id))).body
    for (const body of [
      { ...web, publicClient: true },
      { ...web, callbackURLs: ['https://evil.example/cb'] },
      { ...web, grantTypes: [...web.grantTypes, 'password'] },
      { ...web, allowedOrigins: ['https://evil.example'] },
    ]) {
      assertRefused(await call('PUT', oidc(id), { as, body }), 403, 'PREFLOW-403', /You lack/)
      assert.equal((await call('PUT', oidc(plain), { as, body })).status, 200, JSON.stringify(body))
    }
    for (const body of [
      { advancedConfigurations: { skipLoginConsent: true } },
      { authenticationSequence: { type: 'DEFAULT', steps: [] } },
    ]) {
      assertRefused(await call('PATCH', `/applications/${id}`, { as, body }), 403, 'PREFLOW-403', /You lack/)
    }
    assert.deepEqual((await call('GET', oidc(id))).body, before)
    assert.equal((await call('PATCH', `/applications/${id}`, { as, body: { description: 'Ours' } })).status, 200)
    const application = await findApplicationById(db, (await newTenant()).tenant.id, id)
    assert.equal(application, undefined)
  })

  test('AZ-21: no caller can change an application of the server itself', async () => {
    const { call, id, tenant } = await created()
    const application = await findApplicationById(db, tenant.id, id)
    assert.ok(application)
    await updateApplication(db, { ...application, isSystem: true })
    const path = `/applications/${id}/inbound-protocols/oidc`
    assertRefused(await call('PUT', path, { body: web }), 403, 'PREFLOW-403', /belongs to the server/)
    assertRefused(await call('POST', `${path}/regenerate-secret`), 403, 'PREFLOW-403', /belongs to the server/)
    assertRefused(await call('DELETE', `/applications/${id}`), 403, 'PREFLOW-403', /belongs to the server/)
  })

  test('AZ-44: a public client cannot get client_credentials', async () => {
    const { call } = await newTenant()
    const oidc = { publicClient: true, grantTypes: ['client_credentials'] }
    const body = { name: 'Open', inboundProtocolConfiguration: { oidc } }
    assertRefused(await call('POST', '/applications', { body }), 400, 'UE-10000', /^grantTypes: a public client/)
  })

  test('AZ-51: a client id that could be the id of a user is refused', async () => {
    const { administrator, call } = await newTenant()
    for (const clientId of [administrator.id, '6f1f5b3e-6f0c-4c1e-9a53-0d4b2d9f3a11']) {
      const body = { name: 'Twin', inboundProtocolConfiguration: { oidc: { ...web, clientId } } }
      assertRefused(await call('POST', '/applications', { body }), 400, 'UE-10000', /^clientId: has the form/)
    }
  })

  test('AZ-55: tokens and codes reach https, this machine and native applications, and no other kind of address', async () => {
    const tenant = await newTenant()
    const at = (url: string) => ({
      name: url,
      inboundProtocolConfiguration: { oidc: { ...web, callbackURLs: [url] } },
    })
    for (const url of [
      'file:///x',
      'blob:https://x.example/1',
      'about:blank',
      'view-source:https://x.example/',
      'https://*.x.example/cb',
      'https://me:pw@x.example/cb',
      'http://client.example/cb',
      'myapp:/cb',
    ]) {
      const refused = await tenant.call('POST', '/applications', { body: at(url) })
      assertRefused(refused, 400, 'UE-10000', /^callbackURLs: each must/)
    }
    for (const url of ['http://127.0.0.1:9/cb', 'http://[::1]/cb', 'http://localhost/cb', 'com.example.app:/cb']) {
      assert.equal((await tenant.call('POST', '/applications', { body: at(url) })).status, 201, url)
    }
  })
})
