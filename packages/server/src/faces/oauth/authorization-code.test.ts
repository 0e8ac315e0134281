import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { decodeJwt } from 'jose'
import * as client from 'openid-client'
import { openBrowser } from '../../ground/pages/browser.fixture.ts'
import { type Extension, startExtension, startWorld, type World } from '../../world.fixture.ts'

let world: World
let extension: Extension

before(async () => {
  world = await startWorld()
  extension = await startExtension()
  await world.addAction('PRE_ISSUE_ACCESS_TOKEN', extension.url)
})
after(async () => {
  await extension.close()
  await world.close()
})

const CALLBACK = 'http://127.0.0.1:65535/callback'

test('T1: a standard client signs a user in with code and PKCE, reads userinfo, and refreshes', async () => {
  const application = await world.addApplication({
    grantTypes: ['authorization_code', 'refresh_token'],
    callbackUrls: [CALLBACK],
    skipsConsent: false,
  })
  const user = await world.addUser()
  const configuration = await client.discovery(
    new URL(`${world.base}/oauth2/token`),
    application.clientId,
    application.clientSecret,
    undefined,
    { execute: [client.allowInsecureRequests] },
  )
  const verifier = client.randomPKCECodeVerifier()
  const state = client.randomState()
  const nonce = client.randomNonce()
  const authorization = client.buildAuthorizationUrl(configuration, {
    redirect_uri: CALLBACK,
    scope: 'openid profile email',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  })

  const browser = openBrowser(world.server.address)
  const signIn = await browser.open(authorization.href)
  assert.equal(signIn.status, 200, signIn.html)
  const consent = await browser.submit(signIn, { username: user.userName, password: 'correct horse', step: 'sign-in' })
  assert.match(consent.html, /read your e-mail address/)
  const landing = await browser.submit(consent, { step: 'allow' })
  assert.equal(landing.status, 0, landing.html)

  const tokens = await client.authorizationCodeGrant(configuration, new URL(landing.url), {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
  })
  assert.equal(extension.calls.length, 1)
  assert.equal(tokens.claims()?.sub, user.id)
  assert.equal(tokens.claims()?.['email'], 'mira@example.com')
  assert.equal(decodeJwt(tokens.access_token)['given_name'], 'Mira')

  const info = await client.fetchUserInfo(configuration, tokens.access_token, user.id)
  assert.equal(info.given_name, 'Mira')

  const refreshed = await client.refreshTokenGrant(configuration, tokens.refresh_token ?? '')
  assert.notEqual(refreshed.refresh_token, tokens.refresh_token)
  assert.equal(extension.calls[1]?.body.event.request.grantType, 'refresh_token')

  const introspected = await client.tokenIntrospection(configuration, refreshed.access_token)
  assert.equal(introspected.active, true)
  await client.tokenRevocation(configuration, refreshed.access_token)
  assert.equal((await client.tokenIntrospection(configuration, refreshed.access_token)).active, false)
})
