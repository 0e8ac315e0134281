import assert from 'node:assert/strict'
import type { Browser, Page } from '@preflow/server/testing'
import { createRemoteJWKSet, jwtVerify, UnsecuredJWT } from 'jose'
import type { Json } from '../extension-under-test.ts'
import type { Issued } from '../requests.ts'
import { row, type Section } from '../row.ts'
import { CALLBACK, type Client, type Stage } from '../stage.ts'
import { addConfigured, discover, signInAt, silently } from './client-under-test.ts'

const CODE: Json = { grantTypes: ['authorization_code', 'refresh_token'] }
const TARGET = `${CALLBACK}?state=bye`

function logout(stage: Stage, browser: Browser, parameters: Record<string, string> = {}): Promise<Page> {
  return browser.open(`${stage.base}/oidc/logout?${new URLSearchParams(parameters)}`)
}

/** An error page of the server, and the session goes on. */
async function assertRefused(stage: Stage, page: Page, browser: Browser, client: Client): Promise<void> {
  assert.deepEqual([page.status, new URL(page.url).origin], [400, stage.server.address], page.html)
  assert.equal(await silently(stage, browser, client), 'code')
}

interface SignedIn {
  client: Client
  browser: Browser
  issued: Issued
}

/** One browser with a session in which it used two applications: the tokens of the first end with the session. */
async function signInAtBoth(stage: Stage): Promise<{ bound: SignedIn; free: SignedIn }> {
  const client = await addConfigured(stage, {
    ...CODE,
    accessToken: { bindingType: 'sso-session', revokeTokensWhenIDPSessionTerminated: true },
  })
  const other = await addConfigured(stage, CODE)
  const bound = await signInAt(stage, client)
  const query = { client_id: other.clientId, redirect_uri: CALLBACK, response_type: 'code', scope: 'openid' }
  const { url } = await bound.browser.open(`${stage.base}/oauth2/authorize?${new URLSearchParams(query)}`)
  const code = new URL(url).searchParams.get('code') ?? ''
  const issued = await stage.token(other, { grant_type: 'authorization_code', code, redirect_uri: CALLBACK })
  return { bound: { client, ...bound }, free: { client: other, browser: bound.browser, issued } }
}

async function signOut(stage: Stage, { browser, issued }: Pick<SignedIn, 'browser' | 'issued'>): Promise<void> {
  const page = await logout(stage, browser, { id_token_hint: issued.body.id_token })
  assert.match(page.html, /You are signed out/)
}

const EVERYWHERE = ['introspection', 'userinfo', 'refresh']

/** Where the tokens of a sign-in are accepted. */
async function accepting(stage: Stage, { client, issued }: SignedIn): Promise<string[]> {
  const { access_token: token, refresh_token: refreshToken } = issued.body
  const { body } = await stage.post('/oauth2/introspect', client, { token })
  const userinfo = await fetch(`${stage.base}/oauth2/userinfo`, { headers: { authorization: `Bearer ${token}` } })
  await userinfo.body?.cancel()
  const refreshed = await stage.token(client, { grant_type: 'refresh_token', refresh_token: refreshToken })
  const accepted = [body.active, userinfo.status === 200, refreshed.status === 200]
  return EVERYWHERE.filter((_, index) => accepted[index])
}

/** Sign-out from an application, with and without the page that asks. */
export const clientLogout: Section = {
  title: 'Sign-out',
  rows: [
    row(
      'CL-40',
      'valid hint of this session, registered target: 303 there with `state`, no page; then `prompt=none`: `login_required`',
      async stage => {
        const client = await addConfigured(stage, CODE)
        const { browser, issued } = await signInAt(stage, client)
        const request = { id_token_hint: issued.body.id_token, post_logout_redirect_uri: CALLBACK, state: 'bye' }
        assert.equal((await logout(stage, browser, request)).url, TARGET)
        assert.equal(await silently(stage, browser, client), 'login_required')
      },
    ),
    row(
      'CL-41',
      '`client_id` and target: `skipLogoutConsent` true: no page; false: a page, whose "Stay signed in" leads to the target with `access_denied`',
      async stage => {
        const advancedConfigurations = { skipLoginConsent: true, skipLogoutConsent: true }
        const trusted = await addConfigured(stage, CODE, { advancedConfigurations })
        const asking = await addConfigured(stage, CODE)
        const request = (client: Client) => ({
          client_id: client.clientId,
          post_logout_redirect_uri: CALLBACK,
          state: 'bye',
        })
        const { browser } = await signInAt(stage, asking)
        const page = await logout(stage, browser, request(asking))
        assert.match(page.html, /Sign out\?/)
        assert.equal((await browser.submit(page, {})).url, `${CALLBACK}?error=access_denied&state=bye`)
        assert.equal(await silently(stage, browser, asking), 'code')
        assert.equal((await logout(stage, browser, request(trusted))).url, TARGET)
        assert.equal(await silently(stage, browser, asking), 'login_required')
      },
    ),
    row(
      'CL-43',
      'hint with algorithm none, foreign signature or of another client; target with a query that was not registered: an error, no redirect, the session stays',
      async stage => {
        const client = await addConfigured(stage, CODE)
        const other = await addConfigured(stage, CODE)
        const { browser, issued } = await signInAt(stage, client)
        const hint = String(issued.body.id_token)
        const unsigned = new UnsecuredJWT({ ...issued.idToken }).encode()
        const [header = '', payload = ''] = hint.split('.')
        const foreign = `${header}.${payload}.${'A'.repeat(342)}`
        for (const request of [
          { id_token_hint: unsigned },
          { id_token_hint: foreign },
          { id_token_hint: hint, client_id: other.clientId },
          { id_token_hint: String(issued.body.access_token) },
          { id_token_hint: hint, post_logout_redirect_uri: `${CALLBACK}?foo=bar` },
          { client_id: client.clientId, post_logout_redirect_uri: 'https://elsewhere.example/' },
        ]) {
          const page = await logout(stage, browser, { post_logout_redirect_uri: CALLBACK, ...request })
          await assertRefused(stage, page, browser, client)
        }
      },
    ),
    row('CL-44', 'target without client and hint: never a redirect', async stage => {
      const client = await addConfigured(stage, CODE)
      const { browser } = await signInAt(stage, client)
      const page = await logout(stage, browser, { post_logout_redirect_uri: CALLBACK, state: 'bye' })
      assert.match(page.html, /Sign out\?/)
      const done = await browser.submit(page, { logout: 'yes' })
      assert.deepEqual([done.status, new URL(done.url).origin], [200, stage.server.address])
      assert.match(done.html, /You are signed out/)
      const again = await logout(stage, browser, { post_logout_redirect_uri: CALLBACK })
      assert.match(again.html, /You are signed out/)
    }),
    row('CL-45', 'POST at `/oidc/logout`: as GET', async stage => {
      const client = await addConfigured(stage, CODE)
      const { browser, issued } = await signInAt(stage, client)
      const empty = { url: `${stage.base}/oidc/logout`, status: 200, headers: new Headers(), html: '' }
      const form = { id_token_hint: issued.body.id_token, post_logout_redirect_uri: CALLBACK, state: 'bye' }
      assert.equal((await browser.submit(empty, form)).url, TARGET)
      assert.equal(await silently(stage, browser, client), 'login_required')
    }),
    row('CL-46', 'sign-out without a session: the redirect at once, no script', async stage => {
      const client = await addConfigured(stage, CODE)
      const query = new URLSearchParams({
        client_id: client.clientId,
        post_logout_redirect_uri: CALLBACK,
        state: 'bye',
      })
      const response = await fetch(`${stage.base}/oidc/logout?${query}`, { redirect: 'manual' })
      assert.deepEqual([response.status, response.headers.get('location')], [303, TARGET])
      assert.doesNotMatch(await response.text(), /<script/)
    }),
    row(
      'CL-47',
      '`revokeTokensWhenIDPSessionTerminated`, sign-out: access and refresh token end everywhere; those of an application without it stay',
      async stage => {
        const { bound, free } = await signInAtBoth(stage)
        await signOut(stage, bound)
        assert.deepEqual(await accepting(stage, bound), [])
        assert.deepEqual(await accepting(stage, free), EVERYWHERE)
      },
    ),
    row('CL-48', 'the same, the session expires: the tokens end', async stage => {
      const { bound, free } = await signInAtBoth(stage)
      const expire = "update oidc_artifacts set expires_at = 1 where model = 'Session' and tenant_id = ?"
      stage.server.seed(expire, stage.tenant.id)
      assert.deepEqual(await accepting(stage, bound), [])
      assert.deepEqual(await accepting(stage, free), EVERYWHERE)
    }),
    row(
      'CL-49',
      'back-channel address, sign-out: one `logout_token` with `events`, `sid` and `aud`, without `nonce`',
      async stage => {
        const endpoint = stage.endpoints.endpoint(`/logout/${stage.tenant.id}`)
        const informed = new Promise<void>(resolve => {
          endpoint.answer(() => {
            resolve()
            return { body: '' }
          })
        })
        const client = await addConfigured(stage, { ...CODE, logout: { backChannelLogoutUrl: endpoint.url } })
        const { backchannel_logout_supported, backchannel_logout_session_supported, jwks_uri, issuer } =
          await discover(stage)
        assert.deepEqual([backchannel_logout_supported, backchannel_logout_session_supported], [true, true])
        const session = await signInAt(stage, client)
        await signOut(stage, session)
        await informed
        assert.equal(endpoint.calls.length, 1)
        const keys = createRemoteJWKSet(new URL(jwks_uri))
        const { payload } = await jwtVerify(String(endpoint.calls[0]?.body.logout_token), keys, {
          issuer,
          audience: client.clientId,
          typ: 'logout+jwt',
        })
        assert.deepEqual(payload['events'], { 'http://schemas.openid.net/event/backchannel-logout': {} })
        const { idToken } = session.issued
        assert.deepEqual([payload['sid'], payload.sub], [idToken?.['sid'], idToken?.['sub']])
        assert.ok(payload['sid'] && payload.jti && payload['nonce'] === undefined)
        assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 120)
      },
    ),
  ],
}
