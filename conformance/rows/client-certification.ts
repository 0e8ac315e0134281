import assert from 'node:assert/strict'
import type { Browser } from '@preflow/server/testing'
import { openBrowser } from '@preflow/server/testing'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import type { Json } from '../extension-under-test.ts'
import { type Issued, request } from '../requests.ts'
import { row, type Section } from '../row.ts'
import { CALLBACK, type Client, type Stage } from '../stage.ts'
import type { Person } from '../users.ts'

/** A module of a certification plan, acted out by one client in one browser. */
type Module = (suite: Suite) => Promise<void>

interface Suite {
  stage: Stage
  client: Client
  browser: Browser
  /** Sends an authorization request, signs in if there is a form, and returns where the browser lands. */
  authorize(parameters?: Record<string, string>): Promise<URL>
  /** The same, with the tokens of the code. */
  issue(parameters?: Record<string, string>): Promise<Issued>
  userinfo(issued: Issued, init?: RequestInit): Promise<{ status: number; body: Json }>
}

/** A user with claims for every scope. */
async function addFilledUser(stage: Stage): Promise<Person> {
  const person = await stage.addUser()
  await stage.must('PATCH', `/scim2/Users/${person.id}`, {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [
      {
        op: 'replace',
        value: {
          emails: [{ value: 'mira@example.com', primary: true }],
          phoneNumbers: [{ type: 'mobile', value: '+49 30 1234567' }],
        },
      },
    ],
  })
  return person
}

async function openSuite(stage: Stage, person: Person): Promise<Suite> {
  const client = await stage.addApplication({ grantTypes: ['authorization_code', 'refresh_token'] })
  const browser = openBrowser(stage.server.address)
  const authorize: Suite['authorize'] = async (parameters = {}) => {
    const query = new URLSearchParams({
      ...{ client_id: client.clientId, redirect_uri: CALLBACK, response_type: 'code', scope: 'openid' },
      ...{ state: 'state-of-the-suite', nonce: 'nonce-of-the-suite', ...parameters },
    })
    const page = await browser.open(`${stage.base}/oauth2/authorize?${query}`)
    const { userName: username, password } = person
    const isForm = page.html.includes('name="password"')
    return new URL((isForm ? await browser.submit(page, { username, password, step: 'sign-in' }) : page).url)
  }
  return {
    ...{ stage, client, browser, authorize },
    async issue(parameters) {
      const landed = await authorize(parameters)
      assert.equal(landed.searchParams.get('state'), 'state-of-the-suite', landed.search)
      return redeem(stage, client, landed.searchParams.get('code') ?? '')
    },
    userinfo: ({ body }, init = {}) =>
      request(`${stage.base}/oauth2/userinfo`, { headers: { authorization: `Bearer ${body.access_token}` }, ...init }),
  }
}

async function redeem(stage: Stage, client: Client, code: string): Promise<Issued> {
  const issued = await stage.token(client, { grant_type: 'authorization_code', code, redirect_uri: CALLBACK })
  assert.equal(issued.status, 200, JSON.stringify(issued.body))
  return issued
}

const scopeModule =
  (scope: string, ...claims: string[]): Module =>
  async ({ issue, userinfo }) => {
    const { body } = await userinfo(await issue({ scope: `openid ${scope}` }))
    for (const claim of claims) assert(claim in body, `${claim} in ${JSON.stringify(body)}`)
  }

/** An optional parameter changes nothing. */
const goesOnWith =
  (parameters: Record<string, string>): Module =>
  async ({ issue }) => {
    assert.equal((await issue(parameters)).status, 200)
  }

/** Modules by the names of the plan, without `oidcc-`. */
const BASIC: Record<string, Module> = {
  async server({ issue, stage }) {
    const { body, idToken } = await issue()
    assert.deepEqual([idToken?.iss, idToken?.['nonce']], [`${stage.base}/oauth2/token`, 'nonce-of-the-suite'])
    assert.equal(body.token_type, 'Bearer')
  },
  async 'response-type-missing'({ authorize }) {
    assert.equal((await authorize({ response_type: '' })).searchParams.get('error'), 'invalid_request')
  },
  async 'idtoken-signature'({ issue, stage }) {
    const { alg, kid } = decodeProtectedHeader((await issue()).body.id_token)
    const { body } = await request(`${stage.base}/oauth2/jwks`, {})
    assert.equal(alg, 'RS256')
    assert(body.keys.some((key: Json) => key.kid === kid && key.alg === alg))
  },
  async 'userinfo-get'({ issue, userinfo }) {
    const issued = await issue()
    assert.equal((await userinfo(issued)).body.sub, issued.idToken?.sub)
  },
  async 'userinfo-post-header'({ issue, userinfo }) {
    const issued = await issue()
    const headers = { authorization: `Bearer ${issued.body.access_token}` }
    assert.equal((await userinfo(issued, { method: 'POST', headers })).body.sub, issued.idToken?.sub)
  },
  async 'userinfo-post-body'({ issue, userinfo }) {
    const issued = await issue()
    const body = new URLSearchParams({ access_token: issued.body.access_token })
    assert.equal((await userinfo(issued, { method: 'POST', headers: {}, body })).body.sub, issued.idToken?.sub)
  },
  async 'ensure-request-without-nonce-succeeds-for-code-flow'({ issue }) {
    assert.equal('nonce' in ((await issue({ nonce: '' })).idToken ?? {}), false)
  },
  'scope-profile': scopeModule('profile', 'name', 'given_name', 'updated_at'),
  'scope-email': scopeModule('email', 'email'),
  'scope-phone': scopeModule('phone', 'phone_number'),
  'scope-all': scopeModule('profile email address phone', 'name', 'email', 'phone_number'),
  'display-page': goesOnWith({ display: 'page' }),
  'display-popup': goesOnWith({ display: 'popup' }),
  'ui-locales': goesOnWith({ ui_locales: 'se de' }),
  'claims-locales': goesOnWith({ claims_locales: 'se' }),
  'login-hint': goesOnWith({ login_hint: 'mira' }),
  'ensure-request-with-acr-values-succeeds': goesOnWith({ acr_values: '1 2' }),
  'ensure-request-with-unknown-parameter-succeeds': goesOnWith({ extra: 'foobar' }),
  'max-age-10000': async ({ issue }) => {
    const [first, second] = [await issue(), await issue({ max_age: '10000' })]
    assert.equal(second.idToken?.['auth_time'], first.idToken?.['auth_time'])
  },
  async 'prompt-login'({ browser, client, issue, stage }) {
    await issue()
    const query = new URLSearchParams({ client_id: client.clientId, redirect_uri: CALLBACK, prompt: 'login' })
    const page = await browser.open(`${stage.base}/oauth2/authorize?${query}&response_type=code&scope=openid`)
    assert.match(page.html, /name="password"/)
  },
  async 'prompt-none-not-logged-in'({ authorize }) {
    assert.equal((await authorize({ prompt: 'none' })).searchParams.get('error'), 'login_required')
  },
  async 'prompt-none-logged-in'({ issue }) {
    const [first, second] = [await issue(), await issue({ prompt: 'none' })]
    const subjects = [second.idToken?.sub, second.idToken?.['auth_time']]
    assert.deepEqual(subjects, [first.idToken?.sub, first.idToken?.['auth_time']])
  },
  async 'id-token-hint'({ issue }) {
    const first = await issue()
    const second = await issue({ prompt: 'none', id_token_hint: first.body.id_token })
    assert.equal(second.idToken?.sub, first.idToken?.sub)
  },
  async codereuse({ authorize, client, stage, userinfo }) {
    const code = (await authorize()).searchParams.get('code') ?? ''
    const issued = await redeem(stage, client, code)
    const again = await stage.token(client, { grant_type: 'authorization_code', code, redirect_uri: CALLBACK })
    assert.deepEqual([again.status, again.body.error], [400, 'invalid_grant'])
    assert.equal((await userinfo(issued)).status, 401)
  },
  async 'ensure-registered-redirect-uri'({ authorize, stage }) {
    const landed = await authorize({ redirect_uri: `${CALLBACK}/other` })
    assert.equal(landed.origin, stage.server.address)
  },
  async 'unsigned-request-object-supported-correctly-or-rejected-as-unsupported'({ authorize }) {
    const landed = await authorize({ request: 'eyJhbGciOiJub25lIn0.e30.' })
    assert.equal(landed.searchParams.get('error'), 'request_not_supported')
  },
  async 'request-uri-unsigned-supported-correctly-or-rejected-as-unsupported'({ authorize }) {
    const landed = await authorize({ request_uri: 'https://suite.example/request' })
    assert.equal(landed.searchParams.get('error'), 'request_uri_not_supported')
  },
  async 'refresh-token'({ client, issue, stage }) {
    const issued = await issue()
    const other = await stage.addApplication({ grantTypes: ['authorization_code', 'refresh_token'] })
    assert.equal((await stage.refresh(other, issued)).body.error, 'invalid_grant')
    const second = await stage.refresh(client, issued)
    assert.equal(decodeJwt(second.body.id_token).sub, issued.idToken?.sub)
  },
}

/** The plans of the OpenID Foundation, as far as requests over HTTP act them out. */
export const clientCertification: Section = {
  title: 'OpenID certification',
  rows: [
    row(
      'CL-60',
      `modules of the Basic OP plan, acted out over HTTP: ${Object.keys(BASIC).join(', ')}: none fails`,
      async stage => {
        const person = await addFilledUser(stage)
        const failed: string[] = []
        for (const [name, act] of Object.entries(BASIC)) {
          await act(await openSuite(stage, person)).catch(error => failed.push(`${name}: ${error.message}`))
        }
        assert.deepEqual(failed, [])
      },
    ),
  ],
}
