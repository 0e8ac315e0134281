import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { exportSPKI, generateKeyPair, SignJWT } from 'jose'
import type { Json } from '../extension-under-test.ts'
import { idOf } from '../requests.ts'
import { row, type Section } from '../row.ts'
import { CALLBACK, type Stage } from '../stage.ts'
import { APPLICATIONS, addConfigured, applicationBody, signInAt } from './client-under-test.ts'

/** The application and its OpenID Connect configuration as they are shown. */
async function shown(stage: Stage, id: string): Promise<{ application: Json; oidc: Json }> {
  return {
    application: (await stage.must('GET', `${APPLICATIONS}/${id}`)).body,
    oidc: (await stage.must('GET', `${APPLICATIONS}/${id}/inbound-protocols/oidc`)).body,
  }
}

/** Every member that was sent is there with its value. More may be there. */
function assertHolds(actual: Json, sent: Json, path = ''): void {
  if (typeof sent === 'object' && sent !== null && !Array.isArray(sent)) {
    for (const [name, value] of Object.entries(sent)) assertHolds(actual?.[name], value, `${path}.${name}`)
  } else {
    assert.deepEqual(actual, sent, path)
  }
}

/** Fields that change nothing here. */
const KEPT = {
  templateId: '6a90e4b0-fbff-42d7-bfde-1efd98f07cd7',
  templateVersion: '2.0.0',
  imageUrl: 'https://app.example/logo.png',
  accessUrl: 'https://app.example/',
  logoutReturnUrl: 'https://app.example/bye',
  isManagementApp: false,
  isB2BSelfServiceApp: false,
  associatedRoles: { allowedAudience: 'APPLICATION', roles: [] },
  provisioningConfigurations: { inboundProvisioning: { proxyMode: false } },
  claimConfiguration: {
    dialect: 'LOCAL',
    claimMappings: [],
    requestedClaims: [{ claim: { uri: 'http://wso2.org/claims/username' }, mandatory: true }],
    subject: { claim: { uri: 'http://wso2.org/claims/userid' }, includeUserDomain: false, includeTenantDomain: false },
  },
  advancedConfigurations: {
    saas: false,
    discoverableByEndUsers: true,
    skipLoginConsent: true,
    skipLogoutConsent: true,
    returnAuthenticatedIdpList: true,
    enableAuthorization: false,
    additionalSpProperties: [{ name: 'team', value: 'shop' }],
    trustedAppConfiguration: { isFIDOTrustedApp: false },
  },
  authenticationSequence: { type: 'DEFAULT' },
}
const KEPT_OIDC = {
  grantTypes: ['authorization_code', 'refresh_token'],
  callbackURLs: [CALLBACK],
  allowedOrigins: ['https://app.example'],
  publicClient: false,
  pkce: { mandatory: true, supportPlainTransformAlgorithm: true },
  accessToken: {
    type: 'JWT',
    userAccessTokenExpiryInSeconds: 3600,
    applicationAccessTokenExpiryInSeconds: 3600,
    bindingType: 'cookie',
    validateTokenBinding: false,
    revokeTokensWhenIDPSessionTerminated: false,
  },
  refreshToken: { expiryInSeconds: 86_400, renewRefreshToken: true, extendRenewedRefreshTokenExpiryTime: true },
  idToken: {
    expiryInSeconds: 3600,
    audience: ['https://api.example'],
    idTokenSignedResponseAlg: 'SHA256withRSA',
    encryption: { enabled: false, algorithm: '', method: '' },
  },
  logout: { backChannelLogoutUrl: '', frontChannelLogoutUrl: '' },
  subject: { subjectType: 'public', sectorIdentifierUri: '' },
  scopeValidators: [],
  requestObject: { requestObjectSigningAlg: '', encryption: { algorithm: '', method: '' } },
  subjectToken: { enable: false, applicationSubjectTokenExpiryInSeconds: 180 },
  validateRequestObjectSignature: false,
  isFAPIApplication: false,
}

const SETTINGS = {
  associatedRoles: { allowedAudience: 'APPLICATION', roles: [] },
  advancedConfigurations: { discoverableByEndUsers: false, skipLoginConsent: true, skipLogoutConsent: true },
  claimConfiguration: {
    dialect: 'LOCAL',
    requestedClaims: [{ claim: { uri: 'http://wso2.org/claims/username' }, mandatory: false }],
  },
}
const { claimConfiguration: _, ...WITHOUT_CLAIMS } = SETTINGS
const lifetimes = { type: 'JWT', userAccessTokenExpiryInSeconds: 3600, applicationAccessTokenExpiryInSeconds: 3600 }
const PUBLIC = {
  grantTypes: ['authorization_code', 'refresh_token'],
  callbackURLs: [CALLBACK],
  publicClient: true,
  pkce: { mandatory: true, supportPlainTransformAlgorithm: false },
  refreshToken: { expiryInSeconds: 86_400, renewRefreshToken: true },
}

/** The applications that the official Go SDK creates: in one page, native, on a server, and without users. */
const CREATIONS: (Json & { oidc: Json })[] = [
  {
    ...SETTINGS,
    templateId: '6a90e4b0-fbff-42d7-bfde-1efd98f07cd7',
    oidc: {
      ...PUBLIC,
      allowedOrigins: ['http://127.0.0.1:65535'],
      accessToken: {
        ...lifetimes,
        bindingType: 'sso-session',
        revokeTokensWhenIDPSessionTerminated: true,
        validateTokenBinding: false,
      },
    },
  },
  {
    ...WITHOUT_CLAIMS,
    templateId: 'mobile-application',
    oidc: {
      ...PUBLIC,
      allowedOrigins: [],
      accessToken: {
        ...lifetimes,
        bindingType: 'None',
        revokeTokensWhenIDPSessionTerminated: false,
        validateTokenBinding: false,
      },
    },
  },
  {
    ...SETTINGS,
    templateId: 'b9c5e11e-fc78-484b-9bec-015d247561b8',
    oidc: {
      grantTypes: ['authorization_code'],
      callbackURLs: [CALLBACK],
      allowedOrigins: [],
      publicClient: false,
      accessToken: { ...lifetimes, bindingType: 'cookie', revokeTokensWhenIDPSessionTerminated: true },
      refreshToken: { expiryInSeconds: 86_400, renewRefreshToken: true },
    },
  },
  {
    ...WITHOUT_CLAIMS,
    templateId: 'm2m-application',
    authenticationSequence: { type: 'DEFAULT' },
    oidc: { grantTypes: ['client_credentials'], publicClient: false },
  },
]

/** What an application may be configured with. */
export const clientApplications: Section = {
  title: 'Applications',
  rows: [
    row('CL-50', 'each body of the official Go SDK: 201, GET shows every field', async stage => {
      for (const { oidc, ...settings } of CREATIONS) {
        const body = { ...applicationBody({}, settings), inboundProtocolConfiguration: { oidc } }
        const created = await stage.call('POST', APPLICATIONS, body)
        assert.equal(created.status, 201, JSON.stringify(created.body))
        const { application, oidc: shownOidc } = await shown(stage, idOf(created))
        assertHolds(application, settings)
        assertHolds(shownOidc, oidc)
      }
    }),
    row(
      'CL-51',
      'every field that is only kept: POST, then GET shows it; PUT with it, then GET is equal',
      async stage => {
        const { id } = await addConfigured(stage, KEPT_OIDC, KEPT)
        const before = await shown(stage, id)
        assertHolds(before.application, KEPT)
        assertHolds(before.oidc, KEPT_OIDC)
        await stage.must('PUT', `${APPLICATIONS}/${id}/inbound-protocols/oidc`, KEPT_OIDC)
        assert.deepEqual(await shown(stage, id), before)
      },
    ),
    row('CL-52', 'GET application, PATCH the same JSON: 200, nothing changed; another `clientId`: 400', async stage => {
      const { id } = await addConfigured(stage, KEPT_OIDC, KEPT)
      const before = await shown(stage, id)
      await stage.must('PATCH', `${APPLICATIONS}/${id}`, before.application)
      assert.deepEqual(await shown(stage, id), before)
      const other = { ...before.application, clientId: 'another' }
      assert.equal((await stage.call('PATCH', `${APPLICATIONS}/${id}`, other)).status, 400)
    }),
    row('CL-53', 'GET oidc, PUT the same JSON: 200, GET is equal', async stage => {
      const { id } = await addConfigured(stage, KEPT_OIDC)
      const before = await shown(stage, id)
      await stage.must('PUT', `${APPLICATIONS}/${id}/inbound-protocols/oidc`, before.oidc)
      assert.deepEqual(await shown(stage, id), before)
    }),
    row(
      'CL-54',
      '`regexp=(https://a\\.example/cb|https://b.example/)`: shown literally, both accepted at authorize, `https://aXexample/cb` refused',
      async stage => {
        const callbackURLs = ['regexp=(https://a\\.example/cb|https://b.example/)']
        const client = await addConfigured(stage, { grantTypes: ['authorization_code'], callbackURLs })
        assert.deepEqual((await shown(stage, client.id)).oidc.callbackURLs, callbackURLs)
        for (const [redirect_uri, isAccepted] of [
          ['https://a.example/cb', true],
          ['https://b.example/', true],
          ['https://aXexample/cb', false],
        ] as const) {
          const page = await stage.visit(client, { redirect_uri, scope: 'openid' })
          assert.equal(page.url.startsWith(redirect_uri) && page.status === 0, isAccepted, page.url)
        }
      },
    ),
    row('CL-55', '`regexp=(http://localhost:5173/.*)`: 400 that names the alternative', async stage => {
      const body = applicationBody({
        grantTypes: ['authorization_code'],
        callbackURLs: ['regexp=(http://localhost:5173/.*)'],
      })
      const refused = await stage.call('POST', APPLICATIONS, body)
      assert.equal(refused.status, 400)
      assert.match(refused.body.description, /"http:\/\/localhost:5173\/\.\*" is a regular expression/)
    }),
    row(
      'CL-56',
      '`client_secret_post`: Basic is refused with 401, and the other way round; `private_key_jwt` without a key: 400, with one: assertions of that key, each once',
      async stage => {
        const grantTypes = ['client_credentials']
        const form = { grant_type: 'client_credentials' }
        for (const tokenEndpointAuthMethod of ['client_secret_post', 'client_secret_basic']) {
          const client = await addConfigured(stage, { grantTypes, clientAuthentication: { tokenEndpointAuthMethod } })
          const { clientId: client_id, clientSecret: client_secret = '' } = client
          const isPost = tokenEndpointAuthMethod === 'client_secret_post'
          const inHeader = await stage.token(client, form)
          assert.deepEqual([inHeader.status, inHeader.body.error], isPost ? [401, 'invalid_client'] : [200, undefined])
          const inForm = await stage.token({ id: '', name: '', clientId: client_id }, { ...form, client_secret })
          assert.deepEqual([inForm.status, inForm.body.error], isPost ? [200, undefined] : [401, 'invalid_client'])
        }

        const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
        const oidc = { grantTypes, clientAuthentication: { tokenEndpointAuthMethod: 'private_key_jwt' } }
        assert.equal((await stage.call('POST', APPLICATIONS, applicationBody(oidc))).status, 400)
        const certificate = { type: 'PEM', value: await exportSPKI(publicKey) }
        const client = await addConfigured(stage, oidc, { advancedConfigurations: { certificate } })
        const assertion = (key = privateKey) =>
          new SignJWT({ jti: randomUUID() })
            .setProtectedHeader({ alg: 'ES256', kid: 'as-the-client-likes' })
            .setIssuer(client.clientId)
            .setSubject(client.clientId)
            .setAudience(`${stage.base}/oauth2/token`)
            .setExpirationTime('1m')
            .sign(key)
        const authenticate = (client_assertion: string) =>
          stage.token(
            { id: '', name: '', clientId: client.clientId },
            {
              ...form,
              client_assertion,
              client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
            },
          )
        const first = await assertion()
        assert.equal((await authenticate(first)).status, 200)
        assert.equal((await authenticate(first)).status, 401)
        assert.equal((await authenticate(await assertion((await generateKeyPair('ES256')).privateKey))).status, 401)
        assert.equal((await stage.token(client, form)).status, 401)
      },
    ),
    row(
      'CL-87',
      '`requirePushAuthorizationRequest`: a request that was not pushed is refused, a pushed one works',
      async stage => {
        const pushAuthorizationRequest = { requirePushAuthorizationRequest: true }
        const client = await addConfigured(stage, { grantTypes: ['authorization_code'], pushAuthorizationRequest })
        const { clientId: client_id } = client
        const parameters = { client_id, redirect_uri: CALLBACK, response_type: 'code', scope: 'openid' }
        const plain = new URL((await stage.visit(client, { scope: 'openid' })).url)
        assert.equal(plain.searchParams.get('error'), 'invalid_request')
        const { status, body } = await stage.post('/oauth2/par', client, parameters)
        assert.equal(status, 201, JSON.stringify(body))
        const query = new URLSearchParams({ client_id: client.clientId, request_uri: body.request_uri })
        const { browser } = await signInAt(stage, stage.web)
        const { url } = await browser.open(`${stage.base}/oauth2/authorize?${query}`)
        assert(new URL(url).searchParams.has('code'), url)
      },
    ),
    row(
      'CL-57',
      'pairwise subjects, `frontChannelLogoutUrl`, `isFAPIApplication`, SAML: 400 with the path',
      async stage => {
        for (const [path, oidc, protocols] of [
          ['subject.subjectType', { subject: { subjectType: 'pairwise' } }],
          ['logout.frontChannelLogoutUrl', { logout: { frontChannelLogoutUrl: 'https://app.example/out' } }],
          ['isFAPIApplication', { isFAPIApplication: true }],
          ['saml', {}, { saml: { manualConfiguration: { issuer: 'app' } } }],
        ] as const) {
          const body = applicationBody({ grantTypes: ['authorization_code'], ...oidc })
          Object.assign(body.inboundProtocolConfiguration, protocols)
          const refused = await stage.call('POST', APPLICATIONS, body)
          assert.equal(refused.status, 400, path)
          assert(refused.body.description.includes(path), refused.body.description)
        }
      },
    ),
    row(
      'CL-58',
      '`DEFAULT` with the step `basic`: 201; `USER_DEFINED` with `basic`: BasicAuthenticator',
      async stage => {
        for (const type of ['DEFAULT', 'USER_DEFINED']) {
          const steps = [{ id: 1, options: [{ idp: 'LOCAL', authenticator: 'basic' }] }]
          const sequence = { authenticationSequence: { type, steps, subjectStepId: 1, attributeStepId: 1 } }
          const body = applicationBody({ grantTypes: ['authorization_code'] }, sequence)
          const made = await stage.must('POST', APPLICATIONS, body)
          assert.equal(made.status, 201)
          const { application } = await shown(stage, idOf(made))
          assert.equal(application.authenticationSequence.type, type)
          assert.equal(application.authenticationSequence.steps[0].options[0].authenticator, 'BasicAuthenticator')
        }
      },
    ),
    row('CL-59', 'public client with `client_credentials`: 400; at the endpoint `unauthorized_client`', async stage => {
      const body = applicationBody({ grantTypes: ['client_credentials'], publicClient: true })
      assert.equal((await stage.call('POST', APPLICATIONS, body)).status, 400)
      const client = await addConfigured(stage, { grantTypes: ['authorization_code'], publicClient: true })
      const { status, body: refused } = await stage.token(client, { grant_type: 'client_credentials' })
      assert.deepEqual([status, refused.error], [400, 'unauthorized_client'])
    }),
    row('CL-85', '`applicationEnabled: false`: authorize and token refuse; true again: they work', async stage => {
      const client = await addConfigured(stage, { grantTypes: ['authorization_code', 'client_credentials'] })
      const form = { grant_type: 'client_credentials' }
      await stage.must('PATCH', `${APPLICATIONS}/${client.id}`, { applicationEnabled: false })
      const refused = await stage.token(client, form)
      assert.deepEqual([refused.status, refused.body.error], [401, 'invalid_client'])
      assert.equal((await stage.visit(client, { scope: 'openid' })).status, 400)
      await stage.must('PATCH', `${APPLICATIONS}/${client.id}`, { applicationEnabled: true })
      assert.equal((await stage.token(client, form)).status, 200)
    }),
  ],
}
