import assert from 'node:assert/strict'
import { decodeJwt } from 'jose'
import { request } from '../requests.ts'
import { row, type Section } from '../row.ts'
import { CALLBACK, type Stage } from '../stage.ts'
import { discover } from './client-under-test.ts'

const CODE_AND_REFRESH = ['authorization_code', 'refresh_token']

/** Posts an authorization request as a form of the browser. */
function postAuthorize(stage: Stage, form: Record<string, string>) {
  const url = `${stage.base}/oauth2/authorize`
  return stage.browser.submit({ url, status: 200, headers: new Headers(), html: '' }, form)
}

/** Discovery documents and the authorize endpoint. */
export const clientDiscovery: Section = {
  title: 'Discovery and the authorize endpoint',
  rows: [
    row(
      'CL-23',
      '`/.well-known/oauth-authorization-server/t/{tenant}/oauth2/token` and the other forms: the issuer of the tenant; an unknown path: 404',
      async stage => {
        const { issuer } = await discover(stage)
        assert.equal(issuer, `${stage.base}/oauth2/token`)
        const { address } = stage.server
        const path = stage.base.slice(address.length)
        for (const name of ['oauth-authorization-server', 'openid-configuration']) {
          for (const url of [
            `${address}/.well-known/${name}${path}/oauth2/token`,
            `${stage.base}/oauth2/token/.well-known/${name}`,
            `${stage.base}/.well-known/${name}`,
          ]) {
            assert.equal((await request(url, {})).body.issuer, issuer, url)
          }
          const root = await request(`${address}/.well-known/${name}/oauth2/token`, {})
          assert.equal(root.body.issuer, `${address}/oauth2/token`)
          for (const unknown of ['/nothing', `${path}/oauth2`, '/t/nobody/oauth2/token']) {
            assert.equal((await request(`${address}/.well-known/${name}${unknown}`, {})).status, 404, unknown)
          }
        }
      },
    ),
    row('CL-30', 'POST at the authorize endpoint: the same journey as GET, the session counts', async stage => {
      const client = await stage.addApplication({ grantTypes: CODE_AND_REFRESH })
      const form = { client_id: client.clientId, redirect_uri: CALLBACK, response_type: 'code', scope: 'openid' }
      const page = await postAuthorize(stage, { ...form, state: 'first', nonce: 'n-1' })
      const { userName: username, password } = stage.user
      const landed = page.html.includes('name="password"')
        ? await stage.browser.submit(page, { username, password, step: 'sign-in' })
        : page
      const first = new URL(landed.url).searchParams
      assert.equal(first.get('state'), 'first')
      const code = first.get('code') ?? ''
      const issued = await stage.token(client, { grant_type: 'authorization_code', code, redirect_uri: CALLBACK })
      assert.equal(issued.idToken?.['nonce'], 'n-1')

      const again = new URL((await postAuthorize(stage, { ...form, prompt: 'none', state: 'again' })).url)
      assert(again.searchParams.has('code'), again.search)
      const refused = new URL((await postAuthorize(stage, { ...form, response_type: 'nothing' })).url)
      assert.equal(refused.searchParams.get('error'), 'unsupported_response_type')
      const stranger = await postAuthorize(stage, { ...form, redirect_uri: 'https://elsewhere.example/' })
      assert.deepEqual([stranger.status, new URL(stranger.url).origin], [400, stage.server.address])
    }),
    row('CL-32', 'POST at the authorize endpoint with `response_mode=direct`: 400 in JSON', async stage => {
      const url = `${stage.base}/oauth2/authorize`
      const form = { client_id: stage.web.clientId, response_type: 'code', response_mode: 'direct' }
      const { status, body } = await request(url, { method: 'POST', body: new URLSearchParams(form) })
      assert.deepEqual([status, body.error], [400, 'unsupported_response_mode'])
    }),
    row(
      'CL-63',
      '`response_mode=form_post`, success and error: a form that is posted, nothing in the query',
      async stage => {
        const client = await stage.addApplication({ grantTypes: CODE_AND_REFRESH })
        const parameters = { scope: 'openid', state: 's', response_mode: 'form_post' }
        const success = await stage.visit(client, parameters)
        const error = await stage.visit(client, { ...parameters, response_type: 'nothing' })
        for (const [page, member] of [
          [success, 'code'],
          [error, 'error'],
        ] as const) {
          assert.equal(new URL(page.url).origin, stage.server.address)
          assert.match(page.html, new RegExp(`<form method="post" action="${CALLBACK}">`))
          for (const name of [member, 'state', 'iss']) assert.match(page.html, new RegExp(`name="${name}" value=".+"`))
          assert.match(page.headers.get('content-security-policy') ?? '', /script-src 'sha256-[\w+/=]+'$/)
        }
      },
    ),
    row('CL-33', 'refreshed ID token: no `nonce`, the same `auth_time` and `sub`', async stage => {
      const client = await stage.addApplication({ grantTypes: CODE_AND_REFRESH })
      const landing = await stage.authorize(client, { scope: 'openid', nonce: 'n-1' })
      const code = landing.searchParams.get('code') ?? ''
      const first = await stage.token(client, { grant_type: 'authorization_code', code, redirect_uri: CALLBACK })
      const second = await stage.refresh(client, first)
      const [before, after] = [decodeJwt(first.body.id_token), decodeJwt(second.body.id_token)]
      assert.equal(before['nonce'], 'n-1')
      assert.equal('nonce' in after, false)
      assert.equal(typeof before['auth_time'], 'number')
      assert.deepEqual([after['auth_time'], after.sub], [before['auth_time'], before.sub])
    }),
  ],
}
