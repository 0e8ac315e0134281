/** Web applications with the usual libraries, unmodified and on their defaults, in a real browser. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { LegacyAsgardeoNodeClient } from '@asgardeo/node'
import { ExpressAuth } from '@auth/express'
import express from 'express'
import { auth as protectApi } from 'express-oauth2-jwt-bearer'
import openIdConnect from 'express-openid-connect'
import session from 'express-session'
import * as oidc from 'openid-client'
import passport from 'passport'
import { Strategy } from 'passport-openidconnect'
import type { Page } from 'playwright-core'
import { journey, MIRA, type Stage, serve, signIn } from './stage.fixture.ts'

const newSecret = () => randomBytes(32).toString('hex')

/** A confidential application with this callback. */
async function addWebApplication({ addApplication }: Stage, ...callbackURLs: string[]) {
  const { clientId, clientSecret = '' } = await addApplication({
    grantTypes: ['authorization_code', 'refresh_token'],
    callbackURLs,
    accessToken: { type: 'JWT' },
  })
  return { clientId, clientSecret }
}

async function textOf(page: Page): Promise<string> {
  return (await page.locator('body').textContent()) ?? ''
}

journey('@asgardeo/node: sign-in, user, refresh, revocation and sign-out', async ({ complaints, page }, stage) => {
  const app = express()
  const origin = await serve(app)
  const client = new LegacyAsgardeoNodeClient()
  await client.initialize({
    ...(await addWebApplication(stage, origin, `${origin}/callback`)),
    baseUrl: stage.base,
    afterSignInUrl: `${origin}/callback`,
    afterSignOutUrl: origin,
    scopes: ['openid', 'profile'],
  } as never)
  const user = 'user-of-the-journey'
  app.get('/', (_, response) => void response.send('signed out'))
  app.get(['/login', '/callback'], async ({ query }, response) => {
    const { code, session_state, state } = query as Record<string, string>
    const redirect = (url: string) => response.redirect(url)
    const tokens = await client.signIn(redirect, user, code, session_state, state)
    if (!tokens.accessToken) return
    const { username } = await client.getUser(user)
    const before = await client.getAccessToken(user)
    const refreshed = await client.refreshAccessToken(user)
    response.send(`${username} ${refreshed.accessToken !== before}`)
  })
  app.get('/logout', async (_, response) => response.redirect(await client.signOut(user)))

  await page.goto(`${origin}/login`)
  await signIn(page)
  await page.waitForURL(/callback/)
  assert.equal(await textOf(page), `${MIRA.userName} true`)
  await page.goto(`${origin}/logout`)
  await page.waitForURL(/state=sign_out_success/)
  assert.deepEqual(complaints, [])
})

journey('Auth.js with its provider for Asgardeo: a session with name and e-mail', async ({ page }, stage) => {
  const app = express()
  const origin = await serve(app)
  const { default: Asgardeo } = await import('@auth/express/providers/asgardeo')
  const { clientId, clientSecret } = await addWebApplication(stage, `${origin}/auth/callback/asgardeo`)
  app.use(
    // As `/auth/*` of Express 4: the library reads the first parameter of the path.
    /^\/auth\/(.*)/,
    ExpressAuth({
      providers: [Asgardeo({ clientId, clientSecret, issuer: stage.issuer })],
      secret: newSecret(),
      trustHost: true,
    }),
  )
  app.get('/', (_, response) => void response.send('home'))
  await page.goto(`${origin}/auth/signin`)
  await page.getByRole('button', { name: /Asgardeo/ }).click()
  await signIn(page)
  await page.waitForURL(`${origin}/`)
  await page.goto(`${origin}/auth/session`)
  const { user } = JSON.parse(await textOf(page))
  assert.deepEqual([user.name, user.email], ['Mira Example', 'mira@example.com'])
})

journey('express-openid-connect: sign-in, claims and sign-out', async ({ complaints, page }, stage) => {
  const app = express()
  const origin = await serve(app)
  const { clientId, clientSecret } = await addWebApplication(stage, `${origin}/callback`, origin)
  app.use(
    openIdConnect.auth({
      ...{ issuerBaseURL: stage.issuer, baseURL: origin, clientID: clientId, clientSecret },
      ...{ secret: newSecret(), authRequired: false, idpLogout: true },
      authorizationParams: { response_type: 'code' },
    }),
  )
  app.get('/', ({ oidc }, response) => void response.send(oidc.user?.['name'] ?? 'signed out'))
  await page.goto(`${origin}/login`)
  await signIn(page)
  await page.waitForURL(`${origin}/`)
  assert.equal(await textOf(page), 'Mira Example')
  await page.goto(`${origin}/logout`)
  await page.waitForURL(url => url.origin === origin)
  assert.equal(await textOf(page), 'signed out')
  assert.deepEqual(complaints, [])
})

journey('passport-openidconnect: sign-in and profile', async ({ complaints, page }, stage) => {
  const app = express()
  const origin = await serve(app)
  const { clientId: clientID, clientSecret } = await addWebApplication(stage, `${origin}/callback`)
  const strategy = new Strategy(
    {
      ...{
        issuer: stage.issuer,
        clientID,
        clientSecret,
        callbackURL: `${origin}/callback`,
        scope: ['profile', 'email'],
      },
      authorizationURL: `${stage.base}/oauth2/authorize`,
      tokenURL: `${stage.base}/oauth2/token`,
      userInfoURL: `${stage.base}/oauth2/userinfo`,
    },
    (_issuer: string, profile: object, done: (error: null, user: object) => void) => done(null, profile),
  )
  passport.use('preflow', strategy)
  app.use(session({ secret: newSecret(), resave: false, saveUninitialized: false }))
  app.get('/login', passport.authenticate('preflow', { session: false }))
  app.get('/callback', passport.authenticate('preflow', { session: false }), (request, response) => {
    response.json((request as { user?: unknown }).user)
  })
  await page.goto(`${origin}/login`)
  await signIn(page)
  await page.waitForURL(/callback/)
  const { displayName, emails, username } = JSON.parse(await textOf(page))
  assert.deepEqual(
    [displayName, emails[0].value, username ?? MIRA.userName],
    ['Mira Example', 'mira@example.com', MIRA.userName],
  )
  assert.deepEqual(complaints, [])
})

journey(
  'openid-client, and an API with express-oauth2-jwt-bearer: its token is accepted, strictly',
  async (walk, stage) => {
    const { complaints, page } = walk
    const app = express()
    const origin = await serve(app)
    const { clientId, clientSecret } = await addWebApplication(stage, `${origin}/callback`)
    app.use('/api', protectApi({ issuerBaseURL: stage.issuer, audience: clientId, strict: true }))
    app.get('/api', ({ auth }, response) => void response.json(auth?.payload))
    app.get('/callback', (_, response) => void response.send('back'))
    // Express would print refusals.
    app.use(((error, _request, response, _next) => {
      response.status(error.status).end()
    }) satisfies express.ErrorRequestHandler)

    const options = { execute: [oidc.allowInsecureRequests] }
    const config = await oidc.discovery(new URL(stage.issuer), clientId, clientSecret, undefined, options)
    const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
    const [expectedState, expectedNonce] = [oidc.randomState(), oidc.randomNonce()]
    const url = oidc.buildAuthorizationUrl(config, {
      ...{ redirect_uri: `${origin}/callback`, scope: 'openid profile', state: expectedState, nonce: expectedNonce },
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
    })
    await page.goto(url.href)
    await signIn(page)
    await page.waitForURL(/callback/)
    const checks = { pkceCodeVerifier, expectedState, expectedNonce }
    const tokens = await oidc.authorizationCodeGrant(config, new URL(page.url()), checks)
    assert.equal(tokens.claims()?.['name'], 'Mira Example')
    const info = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims()?.sub ?? '')
    assert.equal(info['username'], MIRA.userName)

    const statusOf = async (token: string) =>
      (await fetch(`${origin}/api`, { headers: { authorization: `Bearer ${token}` } })).status
    assert.equal(await statusOf(tokens.access_token), 200)
    assert.equal(await statusOf(tokens.access_token.slice(0, -3)), 401)
    assert.equal(await statusOf(tokens.id_token ?? ''), 401)

    const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')
    assert.equal((await oidc.tokenIntrospection(config, refreshed.access_token)).active, true)
    await oidc.tokenRevocation(config, refreshed.refresh_token ?? '')
    assert.equal((await oidc.tokenIntrospection(config, refreshed.access_token)).active, false)
    assert.deepEqual(complaints, [])
  },
)
