import assert from 'node:assert/strict'
import { request } from '../requests.ts'
import { row, type Section } from '../row.ts'
import type { Client, Stage } from '../stage.ts'
import { APPLICATIONS, applicationBody, signInAt } from './client-under-test.ts'

const SHOP = 'https://shop.example'
const FOREIGN = 'https://evil.example'
const ORIGIN_ERROR = 'allowedOrigins: each must be an origin, for example https://app.example.com.'
/** The headers that Asgardeo's SDKs send to the APIs. */
const SDK_HEADERS = 'authorization,content-type'

/** An application whose pages come from {@link SHOP}. */
function addShop(stage: Stage): Promise<Client> {
  const grantTypes = ['authorization_code', 'refresh_token', 'password']
  return stage.addApplication(
    { publicClient: true, grantTypes, allowedOrigins: [SHOP] },
    { scopes: ['internal_login'] },
  )
}

function preflight(url: string, origin: string, method = 'PATCH') {
  const headers = {
    origin,
    'access-control-request-method': method,
    'access-control-request-headers': SDK_HEADERS,
  }
  return request(url, { method: 'OPTIONS', headers })
}

function corsOf({ headers }: { headers: Headers }): [origin: string | null, credentials: string | null] {
  return [headers.get('access-control-allow-origin'), headers.get('access-control-allow-credentials')]
}

/** The token request of a page, as the stage's user. */
function tokenFrom(stage: Stage, client: Client, origin: string) {
  const { userName: username, password } = stage.user
  return stage.token(client, { grant_type: 'password', scope: 'openid internal_login', username, password }, { origin })
}

/** Paths with CORS, for requests without credentials of their own. */
const SHARED: readonly string[] = [
  ...['/oauth2/token', '/oauth2/revoke', '/oauth2/introspect', '/oauth2/userinfo', '/oauth2/par', '/oauth2/jwks'],
  ...['/oauth2/device_authorize', '/oauth2/token/.well-known/openid-configuration'],
  ...['/scim2/Me', '/scim2/Users', '/scim2/Schemas', '/api/server/v1/applications', '/api/server/v1/actions/types'],
]

/** What pages of other origins may do. */
export const clientCors: Section = {
  title: 'Pages of other origins (CORS)',
  rows: [
    row(
      'CL-05',
      'token request with an allowed `Origin`: that origin, credentials, `Vary: Origin`; so has its error',
      async stage => {
        const shop = await addShop(stage)
        const issued = await tokenFrom(stage, shop, SHOP)
        const refused = await stage.token(shop, { grant_type: 'password' }, { origin: SHOP })
        assert.deepEqual([issued.status, refused.status], [200, 400])
        for (const response of [issued, refused]) {
          assert.deepEqual(corsOf(response), [SHOP, 'true'])
          assert.match(response.headers.get('vary') ?? '', /\bOrigin\b/)
        }
      },
    ),
    row('CL-06', 'the same with a foreign `Origin`: neither header, and the request is served', async stage => {
      const issued = await tokenFrom(stage, await addShop(stage), FOREIGN)
      assert.deepEqual([issued.status, corsOf(issued)], [200, [null, null]])
    }),
    row(
      'CL-07',
      'preflight for PATCH `/scim2/Me` with `authorization, content-type`: 204, PATCH allowed, the headers repeated, no authentication',
      async stage => {
        await addShop(stage)
        const response = await preflight(`${stage.base}/scim2/Me`, SHOP)
        assert.deepEqual([response.status, corsOf(response)], [204, [SHOP, 'true']])
        assert.match(response.headers.get('access-control-allow-methods') ?? '', /\bPATCH\b/)
        assert.equal(response.headers.get('access-control-allow-headers'), SDK_HEADERS)
      },
    ),
    row('CL-08', 'preflight of a foreign origin: 403 without CORS headers', async stage => {
      await addShop(stage)
      for (const origin of [FOREIGN, 'null']) {
        const response = await preflight(`${stage.base}/scim2/Me`, origin)
        assert.deepEqual([response.status, corsOf(response)], [403, [null, null]], origin)
      }
    }),
    row(
      'CL-09',
      'origin of one application with the token of another, same tenant: readable; other tenant: not',
      async stage => {
        const shop = await addShop(stage)
        const { body } = await tokenFrom(stage, shop, SHOP)
        const origin = `https://${shop.clientId.toLowerCase().replaceAll(/[^a-z0-9]/g, 'x')}.example`
        await stage.addApplication({ grantTypes: ['authorization_code'], allowedOrigins: [origin] })
        const headers = { origin, authorization: `Bearer ${body.access_token}` }
        const me = await request(`${stage.base}/scim2/Me`, { headers })
        assert.deepEqual([me.status, corsOf(me)], [200, [origin, 'true']])
        const elsewhere = await request(`${stage.server.address}/scim2/Me`, { headers })
        assert.deepEqual([elsewhere.status, corsOf(elsewhere)], [401, [null, null]])
      },
    ),
    row('CL-10', 'every path with CORS, with session cookies only: as without them', async stage => {
      const { browser } = await signInAt(stage, stage.web)
      for (const path of SHARED) {
        const url = stage.base + path
        const plain = await (await fetch(url)).text()
        assert.equal((await browser.openOnce(url)).html.length, plain.length, path)
        const posted = await fetch(url, { method: 'POST', body: new URLSearchParams({ token: 'x' }) })
        const page = { url, status: 0, headers: new Headers(), html: '' }
        assert.equal((await browser.submit(page, { token: 'x' })).status, posted.status, path)
      }
    }),
    row('CL-11', '`*`, `null`, a path or another scheme as allowedOrigins: 400', async stage => {
      for (const origin of ['*', 'null', 'https://*.example', 'https://shop.example/path', 'com.example.app://x']) {
        const body = applicationBody({ grantTypes: ['authorization_code'], allowedOrigins: [origin] })
        const response = await stage.call('POST', APPLICATIONS, body)
        assert.deepEqual([response.status, response.body.description], [400, ORIGIN_ERROR], origin)
      }
    }),
  ],
}
