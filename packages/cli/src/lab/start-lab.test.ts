import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { present } from '@preflow/contract'
import * as oidc from 'openid-client'
import { type Browser, openBrowser, type Page } from './browser.fixture.ts'
import { instructions } from './instructions.ts'
import { startTestLab } from './lab.fixture.ts'
import type { Lab } from './start-lab.ts'

const at = (time: string) => Date.parse(`2026-11-18T${time}:00Z`)

describe('the lab', () => {
  let folder: string
  let lab: Lab
  let time = at('10:00')
  const lines: string[] = []

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'preflow-lab-'))
    lab = await startTestLab(folder, {}, line => void lines.push(line), { now: () => time })
  })
  after(async () => {
    await lab.close()
    await rm(folder, { recursive: true })
  })

  async function token(headers: Record<string, string>): Promise<{ status: number; body: Record<string, unknown> }> {
    const { clientId, clientSecret } = lab.demo.m2m
    const response = await fetch(`${lab.server}/t/demo/oauth2/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`, ...headers },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }

  async function management(path: string): Promise<Record<string, unknown>> {
    const response = await fetch(`${lab.server}/t/demo${path}`, {
      headers: { authorization: `Basic ${Buffer.from(`admin:${lab.adminPassword}`).toString('base64')}` },
    })
    assert.equal(response.status, 200)
    return (await response.json()) as Record<string, unknown>
  }

  test('an address with a good reputation gets a token with the lifetime of the application', async () => {
    const { status, body } = await token({ 'x-client-source-ip': '205.210.31.51' })
    assert.equal(status, 200)
    assert.equal(body['expires_in'], 3600)
    const [, payload = ''] = String(body['access_token']).split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
    assert.equal(claims.exp - claims.iat, 3600)
    assert.equal(claims.iss, `${lab.server}/t/demo/oauth2/token`)
  })

  for (const [when, seconds] of [
    ['09:00', 900],
    ['16:59', 900],
    ['17:00', 300],
    ['08:59', 300],
  ] as const) {
    test(`a doubtful address gets ${seconds} seconds at ${when} UTC`, async () => {
      time = at(when)
      const { status, body } = await token({ 'x-client-source-ip': '14.102.69.58' })
      assert.deepEqual([status, body['expires_in']], [200, seconds])
    })
  }

  test('a bad reputation is refused with the message of the policy', async () => {
    const { status, body } = await token({ 'x-client-source-ip': '103.159.198.178' })
    assert.equal(status, 400)
    assert.equal(body['error'], 'access_denied')
    assert.equal(body['error_description'], 'Access token issuance is blocked due to high IP risk.')
  })

  test('a blocked country is refused, and the client gets the id of the call record', async () => {
    const { status, body } = await token({ 'x-client-source-ip': '175.45.176.0' })
    assert.equal(status, 400)
    assert.equal(body['error'], 'access_denied')
    assert.equal(body['error_description'], 'Access token issuance is blocked from your region KP.')
    const call = await management(`/api/server/v1/actions/calls/${body['call_id']}`)
    assert.equal(call['id'], body['call_id'])
    assert.equal(call['status'], 'failed')
  })

  test('an application on this machine counts as an address with a good reputation', async () => {
    const { status, body } = await token({})
    assert.deepEqual([status, body['expires_in']], [200, 3600])
    assert.match(instructions(lab), /token-guard sees applications on this machine as 205\.210\.31\.51/)
  })

  test('a single-page application at a usual development server signs in, refreshes and signs out without consent', async () => {
    const redirectUri = 'http://localhost:5173/'
    const config = await oidc.discovery(
      new URL(`${lab.server}/t/demo/oauth2/token`),
      lab.demo.spa?.clientId ?? '',
      undefined,
      oidc.None(),
      { execute: [oidc.allowInsecureRequests] },
    )
    const verifier = oidc.randomPKCECodeVerifier()
    const url = oidc.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope: 'openid profile email',
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    const [{ userName, password } = { userName: '', password: '' }] = lab.demo.users
    const browser = openBrowser()
    const callback = await browser
      .submit(await browser.open(url.href), { username: userName, password, step: 'sign-in' })
      .catch(
        // Nothing listens there, so the browser of the test stops at the address.
        (error: { url?: string }) => assert.fail(String(error)),
      )
    const seen: string[] = []
    config[oidc.customFetch] = async (target, options) => {
      const headers = { ...options.headers, origin: 'http://localhost:5173' }
      const response = await fetch(target, { ...options, headers } as RequestInit)
      seen.push(response.headers.get('access-control-allow-origin') ?? '')
      return response
    }
    const tokens = await oidc.authorizationCodeGrant(config, new URL(callback.url), { pkceCodeVerifier: verifier })
    assert.equal(tokens.claims()?.['email'], 'mira@example.com')
    assert.ok((await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')).access_token)
    assert.deepEqual(new Set(seen), new Set(['http://localhost:5173']))
  })

  test('the printed passwords are correct, but alone get no token if the sign-in also requires a PIN', async () => {
    const [{ userName, password } = { userName: '', password: '' }] = lab.demo.users
    const basic = (name: string, secret: string) => `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`
    const me = await fetch(`${lab.server}/t/demo/scim2/Me`, { headers: { authorization: basic(userName, password) } })
    assert.equal(me.status, 200)
    const { clientId, clientSecret } = lab.demo.web
    const response = await fetch(`${lab.server}/t/demo/oauth2/token`, {
      method: 'POST',
      headers: { authorization: basic(clientId, clientSecret), 'x-client-source-ip': '205.210.31.51' },
      body: new URLSearchParams({ grant_type: 'password', username: userName, password }),
    })
    assert.equal(response.status, 400)
    assert.match(await response.text(), /Users of this application sign in with more than a password/)
  })

  async function ask(
    name: string,
    event: object,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    const { extensionKey } = JSON.parse(await readFile(join(folder, 'lab.json'), 'utf8')) as { extensionKey: string }
    const response = await fetch(`${lab.extensionsUrl}/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': extensionKey, ...headers },
      body: JSON.stringify(event),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }

  const tenant = { id: 't1', name: 'demo' }
  const passwordEvent = (value: string) => ({
    actionType: 'PRE_UPDATE_PASSWORD',
    event: {
      initiatorType: 'USER',
      action: 'UPDATE',
      tenant,
      user: { id: 'u1', updatingCredential: { type: 'PASSWORD', format: 'PLAIN_TEXT', value } },
      userStore: { id: 'UFJJTUFSWQ==', name: 'PRIMARY' },
    },
  })
  const profileEvent = (name: string, value: string) => ({
    actionType: 'PRE_UPDATE_PROFILE',
    event: {
      initiatorType: 'USER',
      action: 'UPDATE',
      request: { claims: [{ uri: `http://wso2.org/claims/${name}`, value }] },
      tenant,
      user: { id: 'u1' },
      userStore: { id: 'UFJJTUFSWQ==', name: 'PRIMARY' },
    },
  })

  test('an active action calls each extension except scope-limiter, with the members that its rules need', async () => {
    const claims = (...names: string[]) => names.map(name => `http://wso2.org/claims/${name}`)
    for (const [path, name, attributes, passwordSharing] of [
      ['preIssueAccessToken', 'token-guard', undefined, undefined],
      [
        'preUpdatePassword',
        'password-guard',
        claims('username', 'emailaddress', 'givenname', 'lastname', 'groups'),
        { format: 'PLAIN_TEXT' },
      ],
      ['preUpdateProfile', 'profile-guard', claims('emailaddress', 'department', 'groups'), undefined],
    ] as const) {
      const actions = `/api/server/v1/actions/${path}`
      const [{ id, status }, ...others] = (await management(actions)) as unknown as [{ id: string; status: string }]
      assert.deepEqual([status, others], ['ACTIVE', []])
      const action = await management(`${actions}/${id}`)
      assert.equal((action['endpoint'] as { uri: string }).uri, `${lab.extensionsUrl}/${name}`)
      assert.deepEqual([action['attributes'], action['passwordSharing']], [attributes, passwordSharing])
    }
  })

  test('every extension requires the key of the lab', async () => {
    const names = lab.extensions.map(({ name }) => name)
    assert.deepEqual(names, ['token-guard', 'password-guard', 'profile-guard', 'scope-limiter', 'pin-authenticator'])
    for (const name of names) {
      assert.equal((await ask(name, {}, { 'x-api-key': 'a-key-that-is-not-of-the-lab' })).status, 401, name)
      assert.equal((await ask(name, {})).status, 400, name)
    }
  })

  test('the extensions share their health checks', async () => {
    for (const probe of ['livez', 'readyz']) assert.equal((await fetch(`${lab.extensionsUrl}/${probe}`)).status, 200)
  })

  test('the web application requires a PIN after the password, and every user of the start-up message has one', async () => {
    const { clientId } = lab.demo.web
    const { applications } = (await management('/api/server/v1/applications')) as unknown as {
      applications: { id: string; clientId: string }[]
    }
    const { id } = applications.find(application => application.clientId === clientId) ?? {}
    const { authenticationSequence } = await management(`/api/server/v1/applications/${id}`)
    const { steps } = authenticationSequence as { steps: { options: { authenticator: string }[] }[] }
    assert.deepEqual(
      steps.map(({ options }) => options.map(({ authenticator }) => authenticator)),
      [['BasicAuthenticator'], ['custom-pin']],
    )
    const authenticators = (await management('/api/server/v1/authenticators')) as unknown as Record<string, unknown>[]
    const pin = authenticators.find(({ name }) => name === 'custom-pin')
    assert.deepEqual([pin?.['displayName'], pin?.['isEnabled'], pin?.['tags']], ['PIN', true, ['Custom', '2FA']])
    for (const user of lab.demo.users) {
      assert.match(user.pin ?? '', /^\d{6}$/)
      assert.ok(instructions(lab).includes(`${user.userName} / ${user.password}, PIN ${user.pin}\n`))
    }
  })

  test('the data of pin-authenticator is readable only by its owner, and enrolment requires the key in the lab’s state', async () => {
    for (const file of ['lab.json', 'pin-authenticator.sqlite']) {
      assert.equal((await stat(join(folder, file))).mode & 0o777, 0o600, file)
    }
    const { pinSecrets } = JSON.parse(await readFile(join(folder, 'lab.json'), 'utf8'))
    const [{ userName } = { userName: '' }] = lab.demo.users
    const { Resources } = (await management(`/scim2/Users?filter=userName%20eq%20${userName}`)) as {
      Resources: { id: string }[]
    }
    const url = `${lab.extensionsUrl}/pin-authenticator/pins/${Resources[0]?.id}`
    const statusWith = async (key: string) => (await fetch(url, { headers: { authorization: `Bearer ${key}` } })).status
    assert.deepEqual([await statusWith(pinSecrets.adminKey), await statusWith(pinSecrets.pepper)], [200, 401])
  })

  test('password-guard knows common passwords and those of the stand-in, and accepts an unknown one', async () => {
    for (const [password, reason] of [
      ['password1', 'password_compromised'],
      ['Summer2026!', 'password_compromised'],
      ['short', 'password_too_short'],
    ] as const) {
      const { status, body } = await ask('password-guard', passwordEvent(password))
      assert.deepEqual([status, body['actionStatus'], body['failureReason']], [200, 'FAILED', reason])
    }
    const { body } = await ask('password-guard', passwordEvent('seven-otters-in-a-canoe'))
    assert.deepEqual(body, { actionStatus: 'SUCCESS' })
  })

  for (const [name, refused, taken, reason] of [
    ['emailaddress', 'mira@example.net', 'Mira.M@example.com', 'attribute_value_malformed'],
    ['emailaddress', '', 'mira@example.com', 'attribute_not_removable'],
    ['department', 'Cooking', 'Engineering', 'attribute_value_not_allowed'],
  ] as const) {
    test(`profile-guard accepts ${taken} as ${name}, but not “${refused}”`, async () => {
      const { status, body } = await ask('profile-guard', profileEvent(name, refused))
      assert.deepEqual([status, body['actionStatus'], body['failureReason']], [200, 'FAILED', reason])
      assert.deepEqual((await ask('profile-guard', profileEvent(name, taken))).body, { actionStatus: 'SUCCESS' })
    })
  }

  /** A request by the second user, so that the password of the first stays the printed one. */
  async function asJonas(
    method: string,
    path: string,
    body: object,
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    const [, { userName, password } = { userName: '', password: '' }] = lab.demo.users
    const response = await fetch(`${lab.server}/t/demo${path}`, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from(`${userName}:${password}`).toString('base64')}`,
        'content-type': path.startsWith('/scim2') ? 'application/scim+json' : 'application/json',
      },
      body: JSON.stringify(body),
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) }
  }

  const replace = (path: string, value: unknown) => ({
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [{ op: 'replace', path, value }],
  })

  async function lastCall(): Promise<Record<string, unknown>> {
    const [call = {}] = (await management('/api/server/v1/actions/calls')) as unknown as Record<string, unknown>[]
    return call
  }

  const DEPARTMENT = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department'

  for (const [path, refused, taken, scimType, detail] of [
    [
      'emails',
      [{ value: 'jonas@example.net', primary: true }],
      [{ value: 'j.example@example.com', primary: true }],
      'attribute_value_malformed',
      'The account must have an e-mail address of example.com.',
    ],
    [
      DEPARTMENT,
      'Cooking',
      'Sales',
      'attribute_value_not_allowed',
      'The department must be Engineering or HR or Sales.',
    ],
  ] as const) {
    test(`a user may change ${path} as the rules of profile-guard allow, and the record of a refusal has the reason`, async () => {
      const { status, body } = await asJonas('PATCH', '/scim2/Me', replace(path, refused))
      assert.deepEqual([status, body['scimType'], body['detail']], [400, scimType, detail])
      const call = await lastCall()
      assert.deepEqual([call['actionType'], call['status']], ['PRE_UPDATE_PROFILE', 'failed'])
      assert.equal(call['reason'], `FAILED: ${scimType}: ${detail}`)
      assert.equal((await asJonas('PATCH', '/scim2/Me', replace(path, taken))).status, 200)
    })
  }

  test('mira is in a group, which the event of a profile change shows', async () => {
    const users = await management('/scim2/Users?filter=groups.display%20eq%20%22shop-staff%22')
    const [mira] = users['Resources'] as { id: string; userName: string }[]
    assert.deepEqual([users['totalResults'], mira?.userName], [1, 'mira'])
    const changed = await fetch(`${lab.server}/t/demo/scim2/Users/${mira?.id}`, {
      method: 'PATCH',
      headers: {
        authorization: `Basic ${Buffer.from(`admin:${lab.adminPassword}`).toString('base64')}`,
        'content-type': 'application/scim+json',
      },
      body: JSON.stringify(replace('nickName', 'Heron')),
    })
    assert.equal(changed.status, 200)
    const call = await lastCall()
    assert.deepEqual([call['actionType'], call['status']], ['PRE_UPDATE_PROFILE', 'success'])
    const record = await management(`/api/server/v1/actions/calls/${call['id']}`)
    // The record hides values, but not which members there were.
    assert.match(JSON.stringify(record), /"groups":\["<string>"\]/)
  })

  test('a password that is common or contains the user’s name is rejected, and the record has the reason', async () => {
    for (const [password, reason] of [
      ['Summer2026!', 'password_compromised'],
      ['jonas-in-the-rain', 'password_contains_personal_data'],
    ] as const) {
      const { status, body } = await asJonas('PATCH', '/scim2/Me', replace('password', password))
      assert.deepEqual([status, body['scimType']], [400, reason])
      const call = await lastCall()
      assert.deepEqual([call['actionType'], call['status']], ['PRE_UPDATE_PASSWORD', 'failed'])
      assert.equal(call['reason'], `FAILED: ${reason}: ${body['detail']}`)
    }
  })

  test('an administrator may create a user with an unknown password, but not with a common one', async () => {
    const create = (password: string) =>
      fetch(`${lab.server}/t/demo/scim2/Users`, {
        method: 'POST',
        headers: {
          authorization: `Basic ${Buffer.from(`admin:${lab.adminPassword}`).toString('base64')}`,
          'content-type': 'application/scim+json',
        },
        body: JSON.stringify({
          schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
          userName: 'newcomer',
          password,
        }),
      })
    const refused = await create('Summer2026!')
    assert.equal(refused.status, 400)
    assert.equal(((await refused.json()) as { scimType: string }).scimType, 'password_compromised')
    assert.equal((await create('seven-otters-in-a-canoe')).status, 201)
  })

  test('change-password accepts an unknown password and rejects a common one', async () => {
    const [, jonas = { password: '' }] = lab.demo.users
    const change = (newPassword: string) =>
      asJonas('POST', '/api/users/v1/me/change-password', { currentPassword: jonas.password, newPassword })
    const { status, body } = await change('Summer2026!')
    assert.equal(status, 400)
    assert.match(String(body['description']), /known from data breaches/)
    assert.equal((await change('nine-herons-at-noon')).status, 204)
    jonas.password = 'nine-herons-at-noon'
    const taken = await asJonas('PATCH', '/scim2/Me', replace('password', 'ten-herons-at-noon'))
    assert.equal(taken.status, 200)
    jonas.password = 'ten-herons-at-noon'
  })

  test('scope-limiter removes all scopes but one', async () => {
    const { body } = await ask('scope-limiter', {
      actionType: 'PRE_ISSUE_ACCESS_TOKEN',
      event: {
        request: { clientId: 'c1', grantType: 'client_credentials', scopes: ['orders.read', 'orders.write'] },
        tenant,
        accessToken: { tokenType: 'JWT', scopes: ['orders.read', 'orders.write'], claims: [] },
      },
      allowedOperations: [{ op: 'remove', paths: ['/accessToken/scopes/'] }],
    })
    assert.deepEqual(body, {
      actionStatus: 'SUCCESS',
      operations: [{ op: 'remove', path: '/accessToken/scopes/1' }],
    })
  })

  test('the log has a line per decision, without the address', () => {
    const decisions = lines.filter(line => line.startsWith('token-guard '))
    assert.ok(decisions.length >= 5)
    // A security event has the address of the client.
    const others = lines.filter(line => !line.includes('"securityEvent"')).join('\n')
    assert.doesNotMatch(others, /175\.45|103\.159/)
    assert.doesNotMatch(lines.join('\n'), /password1|Summer2026|otters|herons|example\.net|Cooking/)
    for (const decision of ['password-guard deny password_compromised', 'profile-guard allow', 'scope-limiter allow']) {
      assert.ok(lines.some(line => line.startsWith(decision)))
    }
  })

  test('the requests in the start-up message have the results that it describes', {
    skip: spawnSync('curl', ['--version']).error !== undefined && 'curl is not installed',
  }, async () => {
    const text = instructions(lab)
    const run = async (command: string) =>
      (await promisify(execFile)('sh', ['-c', command], { cwd: join(import.meta.dirname, '../../../..') })).stdout
    const answers: string[] = []
    for (const [, command = ''] of text.matchAll(/^ {2}(curl (?:.*\\\n)*.*)$/gm)) {
      answers.push(await run(`${command} -w ' %{http_code}'`))
    }
    const [, calls = ''] = /^ {2}(.*npm run -s preflow -- calls)$/m.exec(text) ?? []
    answers.push(await run(calls))
    const expected = [
      /"expires_in":3600.* 200$/,
      /"expires_in":(900|300).* 200$/,
      /access_denied.*KP.* 400$/,
      /password_compromised.* 400$/,
      /attribute_value_malformed.* 400$/,
      /PRE_UPDATE_PROFILE\n {2}failed: FAILED: attribute_value_malformed/,
    ]
    assert.equal(answers.length, expected.length)
    for (const [index, pattern] of expected.entries()) assert.match(answers[index] ?? '', pattern)
  })
})

describe('a start', () => {
  let folder: string
  const lines: string[] = []
  const labs: Lab[] = []
  const held: Server[] = []

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'preflow-lab-'))
    lines.length = 0
  })
  afterEach(async () => {
    for (const lab of labs.splice(0)) await lab.close()
    for (const server of held.splice(0)) server.close()
    await rm(folder, { recursive: true })
  })

  async function start(environment: Record<string, string> = {}): Promise<Lab> {
    const lab = await startTestLab(folder, environment, line => void lines.push(line))
    labs.push(lab)
    return lab
  }

  /** Stops a lab and lets the next start use other ports. */
  async function closeAndHold(lab: Lab): Promise<void> {
    await lab.close()
    for (const port of Object.values(placesOf(lab))) {
      const server = createServer().listen(Number(port), '127.0.0.1')
      await once(server, 'listening')
      held.push(server)
    }
  }

  /** Makes another start use the ports of this one, after it is closed. */
  function placesOf({ extensionsUrl, webUrl }: Lab): Record<string, string> {
    return { PREFLOW_EXTENSIONS_PORT: new URL(extensionsUrl).port, PREFLOW_WEB_PORT: new URL(webUrl).port }
  }

  /** From the password page through the PIN to the application. */
  async function enterAll({ demo, extensionsUrl }: Lab, browser: Browser, page: Page): Promise<Page> {
    const [{ userName, password, pin } = { userName: '', password: '' }] = demo.users
    const asked = await browser.submit(page, { username: userName, password, step: 'sign-in' })
    assert.ok(asked.url.startsWith(`${extensionsUrl}/pin-authenticator/pin?`), asked.url)
    return browser.submit(await browser.submit(asked, { pin: pin ?? '' }), { step: 'allow' })
  }

  async function tokenStatus({ server, demo: { m2m } }: Lab): Promise<number> {
    const response = await fetch(`${server}/t/demo/oauth2/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${m2m.clientId}:${m2m.clientSecret}`).toString('base64')}`,
        'x-client-source-ip': '205.210.31.51',
      },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    })
    await response.arrayBuffer()
    return response.status
  }

  /** A request by the administrator, in a lab whose first start had this password. */
  async function manage({ server }: Lab, path: string, method = 'GET', body?: object): Promise<unknown> {
    const response = await fetch(`${server}/t/demo${path}`, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from('admin:administrator-1').toString('base64')}`,
        'content-type': 'application/json',
      },
      ...present({ body: body && JSON.stringify(body) }),
    })
    assert.ok(response.ok, `${method} ${path}: ${response.status}`)
    const text = await response.text()
    return text === '' ? undefined : JSON.parse(text)
  }

  async function pointTokenAction(lab: Lab, uri: string): Promise<void> {
    const path = '/api/server/v1/actions/preIssueAccessToken'
    const [{ id }] = (await manage(lab, path)) as [{ id: string }]
    await manage(lab, `${path}/${id}`, 'PATCH', { endpoint: { uri, authentication: await keyOf() } })
  }

  /** The key that the extensions of the lab require. */
  async function keyOf() {
    const { extensionKey } = JSON.parse(await readFile(join(folder, 'lab.json'), 'utf8')) as { extensionKey: string }
    return { type: 'API_KEY', properties: { header: 'x-api-key', value: extensionKey } }
  }

  test('after another finds everything unchanged', async () => {
    const first = await start()
    await first.close()
    const second = await start(placesOf(first))
    assert.deepEqual(second.demo, first.demo)
    assert.equal(second.adminPassword, undefined)
    assert.deepEqual(lines, [])
    assert.equal(await tokenStatus(second), 200)
  })

  test('with other ports updates the endpoints and the callback URL, and reports it once', async () => {
    const first = await start()
    await closeAndHold(first)
    const second = await start()
    const said = [
      ['Guard tokens by address', 'token-guard'],
      ['Guard new passwords', 'password-guard'],
      ['Guard profile changes', 'profile-guard'],
    ].map(
      ([action, name]) =>
        `The endpoint of the action “${action}” of demo is now ${second.extensionsUrl}/${name}. It was ${first.extensionsUrl}/${name}, the earlier address of ${name}.`,
    )
    const at = ({ extensionsUrl }: Lab) => `${extensionsUrl}/pin-authenticator`
    said.push(
      `The endpoint of the authenticator “custom-pin” of demo is now ${at(second)}. It was ${at(first)}, the earlier address of pin-authenticator.`,
    )
    said.push(
      `The callback URL of the application “Web shop” of demo is now ${second.webUrl}/callback. It was ${first.webUrl}/callback.`,
    )
    assert.deepEqual(lines, said)
    await first.close()
    assert.equal(await tokenStatus(second), 200)
    const browser = openBrowser()
    const page = await browser.submit(await browser.open(second.webUrl), {})
    assert.match((await enterAll(second, browser, page)).url, new RegExp(`^${second.webUrl}/callback\\?code=`))
    await second.close()
    await start(placesOf(second))
    assert.deepEqual(
      lines.filter(line => line.includes(' of demo ')),
      said,
    )
  })

  test('on the data of a running lab is refused, and does not change that lab', async () => {
    const first = await start()
    const inUse = /^Error: Another lab uses the data in \S+\. Stop that lab, or set PREFLOW_DATA to another folder/
    await assert.rejects(start(), inUse)
    const main = fileURLToPath(new URL('../main.ts', import.meta.url))
    await assert.rejects(
      promisify(execFile)(process.execPath, ['--conditions=@preflow/source', main, 'lab'], {
        env: { PREFLOW_DATA: folder },
      }),
      { code: 1, stderr: /\npreflow lab: Another lab uses the data in / },
    )
    assert.equal(await tokenStatus(first), 200)
    await first.close()
    assert.equal(await tokenStatus(await start()), 200)
  })

  test('issues no token before the token action is active', async t => {
    const requests: { method: string; path: string; actions: string[] }[] = []
    const send = globalThis.fetch
    t.mock.method(globalThis, 'fetch', async (url: string, init: RequestInit = {}) => {
      const { origin, pathname } = new URL(url)
      const isApplication = init.method === 'POST' && pathname === '/t/demo/api/server/v1/applications'
      if (isApplication) {
        const listed = await send(`${origin}/t/demo/api/server/v1/actions/preIssueAccessToken`, {
          headers: init.headers as Record<string, string>,
        })
        const actions = ((await listed.json()) as { status: string }[]).map(({ status }) => status)
        requests.push({ method: 'POST', path: pathname, actions })
      }
      return send(url, init)
    })
    await start()
    // Without an application, no client can request a token.
    assert.ok(requests.length >= 2)
    for (const { actions } of requests) assert.deepEqual(actions, ['ACTIVE'])
  })

  test('with another address for this machine, or none, passes it to the extension', async () => {
    const withoutHeader = async ({ server, demo: { m2m } }: Lab) => {
      const authorization = `Basic ${Buffer.from(`${m2m.clientId}:${m2m.clientSecret}`).toString('base64')}`
      const body = new URLSearchParams({ grant_type: 'client_credentials' })
      return (await fetch(`${server}/t/demo/oauth2/token`, { method: 'POST', headers: { authorization }, body })).json()
    }
    const asItIs = await start({ PREFLOW_LOOPBACK_ADDRESS: 'off' })
    assert.match(JSON.stringify(await withoutHeader(asItIs)), /access_denied.*client address is private/)
    await asItIs.close()
    const blocked = await start({ PREFLOW_LOOPBACK_ADDRESS: '175.45.176.0' })
    assert.match(JSON.stringify(await withoutHeader(blocked)), /blocked from your region KP/)
    await blocked.close()
    const wrong = start({ PREFLOW_LOOPBACK_ADDRESS: 'here' })
    await assert.rejects(wrong, /PREFLOW_LOOPBACK_ADDRESS: must be an IP address or off\./)
  })

  test('at a fixed port uses localhost in its URL, as SDKs do, and also answers at 127.0.0.1', async () => {
    const reserved = createServer().listen(0, '127.0.0.1')
    await once(reserved, 'listening')
    const { port } = reserved.address() as AddressInfo
    reserved.close()
    await once(reserved, 'close')
    const { server } = await start({ PREFLOW_PORT: String(port) })
    assert.equal(server, `http://localhost:${port}`)
    for (const host of ['localhost', '127.0.0.1']) {
      const url = `http://${host}:${port}/t/demo/oauth2/token/.well-known/openid-configuration`
      const { issuer } = (await (await fetch(url)).json()) as { issuer: string }
      assert.equal(issuer, `${server}/t/demo/oauth2/token`)
    }
  })

  test('reports its progress', async () => {
    const steps: string[] = []
    const progress = (step: string) => void steps.push(step)
    for (const _ of ['the first', 'a later one']) {
      await (await startTestLab(folder, {}, () => {}, { progress })).close()
    }
    assert.deepEqual(steps, [
      'Opening the extensions …',
      'Starting the identity server …',
      'Creating the demonstration tenant (only on the first start) …',
      'Opening the extensions …',
      'Starting the identity server …',
    ])
  })

  test('reports a misspelt variable, but no variable that it reads itself', async () => {
    await start({ PREFLOW_REPUTATION_PROT: '0', PREFLOW_LOG_LEVEL: 'error' })
    assert.deepEqual(lines, [
      'PREFLOW_REPUTATION_PROT is not a setting and has no effect. Did you mean PREFLOW_REPUTATION_PORT?',
    ])
  })

  test('keeps an endpoint that was changed by hand, and states how to change it', async () => {
    const first = await start({ PREFLOW_ADMIN_PASSWORD: 'administrator-1' })
    const own = 'http://127.0.0.1:9/own'
    await pointTokenAction(first, own)
    await closeAndHold(first)
    const second = await start()
    const said = lines.filter(line => line.includes('does not call'))
    assert.equal(said.length, 1)
    const [, path = '', body = ''] = /does not call.*PATCH (\S+) with (\{.*\})\.$/.exec(said[0] ?? '') ?? []
    const kept = await manage(second, path.replace('/t/demo', ''))
    assert.equal((kept as { endpoint: { uri: string } }).endpoint.uri, own)
    const key = (await keyOf()).properties.value
    await manage(
      second,
      path.replace('/t/demo', ''),
      'PATCH',
      JSON.parse(body.replace('<extensionKey of lab.json>', key)),
    )
    assert.equal(await tokenStatus(second), 200)
  })

  test('keeps the endpoint of an authenticator that was changed by hand, and states how to change it', async () => {
    const first = await start({ PREFLOW_ADMIN_PASSWORD: 'administrator-1' })
    const path = `/api/server/v1/authenticators/custom/${Buffer.from('custom-pin').toString('base64url')}`
    const uriOf = async (lab: Lab) => ((await manage(lab, path)) as { endpoint: { uri: string } }).endpoint.uri
    const own = 'http://127.0.0.1:9/own'
    await manage(first, path, 'PUT', { displayName: 'PIN', endpoint: { uri: own, authentication: await keyOf() } })
    // Another authenticator, which was never meant to call the extension.
    const other = { uri: 'http://127.0.0.1:9/other', authentication: { type: 'NONE' } }
    await manage(first, '/api/server/v1/authenticators/custom', 'POST', {
      name: 'custom-other',
      displayName: 'Other',
      endpoint: other,
    })
    await closeAndHold(first)
    const second = await start()
    const said = lines.filter(line => line.includes('authenticator'))
    assert.deepEqual(said, [
      `The authenticator “custom-pin” of demo does not call pin-authenticator, so the lab did not change it. To call pin-authenticator, PUT /t/demo${path} with its present body, but with {"endpoint":{"uri":"${second.extensionsUrl}/pin-authenticator","authentication":{"type":"API_KEY","properties":{"header":"x-api-key","value":"<extensionKey of lab.json>"}}}}.`,
    ])
    assert.equal(await uriOf(second), own)
  })

  test('keeps a callback URL that was changed by hand, and states how to change it', async () => {
    const first = await start({ PREFLOW_ADMIN_PASSWORD: 'administrator-1' })
    const { clientId } = first.demo.web
    const { applications } = (await manage(first, '/api/server/v1/applications')) as {
      applications: { id: string; clientId: string }[]
    }
    const { id } = applications.find(application => application.clientId === clientId) ?? {}
    const path = `/api/server/v1/applications/${id}/inbound-protocols/oidc`
    const own = ['http://127.0.0.1:9/own']
    const settings = (await manage(first, path)) as { grantTypes: string[] }
    await manage(first, path, 'PUT', { grantTypes: settings.grantTypes, callbackURLs: own })
    await closeAndHold(first)
    const second = await start()
    const said = lines.filter(line => line.includes('Web shop'))
    assert.deepEqual(said, [
      `The application “Web shop” of demo has another callback URL, so the lab did not change it. To sign in here, add ${second.webUrl}/callback to its callbackURLs.`,
    ])
    assert.deepEqual(((await manage(second, path)) as { callbackURLs: string[] }).callbackURLs, own)
    await second.close()
    await start(placesOf(second))
    assert.equal(lines.filter(line => line.includes('Web shop')).length, 1)
  })

  test('updates an action that was pointed to another extension of its type by hand', async () => {
    const first = await start({ PREFLOW_ADMIN_PASSWORD: 'administrator-1' })
    await pointTokenAction(first, `${first.extensionsUrl}/scope-limiter`)
    await closeAndHold(first)
    const second = await start()
    const from = `${first.extensionsUrl}/scope-limiter`
    const to = `${second.extensionsUrl}/scope-limiter`
    assert.deepEqual(
      lines.filter(line => line.includes('Guard tokens')),
      [
        `The endpoint of the action “Guard tokens by address” of demo is now ${to}. It was ${from}, the earlier address of scope-limiter.`,
      ],
    )
  })

  describe('on the data of a lab that had only token-guard', () => {
    const types = ['preUpdatePassword', 'preUpdateProfile']

    async function statusesOf(lab: Lab): Promise<unknown[]> {
      const listed = await Promise.all(types.map(type => manage(lab, `/api/server/v1/actions/${type}`)))
      return (listed as { status: string }[][]).flat().map(({ status }) => status)
    }

    beforeEach(async () => {
      const lab = await start({ PREFLOW_ADMIN_PASSWORD: 'administrator-1' })
      for (const type of types) {
        const path = `/api/server/v1/actions/${type}`
        const [{ id }] = (await manage(lab, path)) as [{ id: string }]
        await manage(lab, `${path}/${id}`, 'DELETE')
      }
      await manage(lab, await shopOf(lab), 'PATCH', { authenticationSequence: { type: 'DEFAULT' } })
      await manage(lab, PIN, 'DELETE')
      await lab.close()
      await rm(join(folder, 'pin-authenticator.sqlite'))
      const file = join(folder, 'lab.json')
      const { extensionKey, demo, endpoints } = JSON.parse(await readFile(file, 'utf8'))
      for (const user of demo.users) delete user.pin
      delete demo.spa
      await writeFile(file, JSON.stringify({ extensionKey, demo, endpoint: endpoints['token-guard'] }))
      lines.length = 0
    })

    const PIN = `/api/server/v1/authenticators/custom/${Buffer.from('custom-pin').toString('base64url')}`

    async function shopOf(lab: Lab): Promise<string> {
      const listed = (await manage(lab, '/api/server/v1/applications?filter=name%20eq%20%22Web%20shop%22')) as {
        applications: [{ id: string }]
      }
      return `/api/server/v1/applications/${listed.applications[0].id}`
    }

    /** The pages of a sign-in by their headings, with or without the PIN. */
    async function reached(lab: Lab): Promise<RegExpExecArray | null> {
      const browser = openBrowser()
      const page = await browser.submit(await browser.open(lab.webUrl), {})
      const [{ userName, password } = { userName: '', password: '' }] = lab.demo.users
      const next = await browser.submit(page, { username: userName, password, step: 'sign-in' })
      return /Allow access|Enter your PIN/.exec(next.text)
    }

    const lack =
      'No action of the demonstration calls password-guard, profile-guard, and pin-authenticator, because it is older than they are.'
    const advice =
      'To add what is missing, start once with PREFLOW_ADMIN_PASSWORD set to the password of the administrator.'

    test('works as before, and reports what is missing until the password is set', async () => {
      const without = await start()
      assert.deepEqual(
        lines.filter(line => line.includes('No action of')),
        [`${lack} ${advice}`],
      )
      assert.equal(await tokenStatus(without), 200)
      assert.match(instructions(without), /password-guard +\S+ \(no action calls it\)/)
      assert.match(instructions(without), /pin-authenticator +\S+ \(no action calls it\)/)
      assert.doesNotMatch(instructions(without), /Summer2026|PIN|demo-spa/)
      assert.equal((await reached(without))?.[0], 'Allow access')
      await without.close()

      lines.length = 0
      await (await start({ PREFLOW_ADMIN_PASSWORD: 'something-else' })).close()
      assert.deepEqual(
        lines.filter(line => line.includes('No action of')),
        [`${lack} PREFLOW_ADMIN_PASSWORD is not that password. ${advice}`],
      )

      lines.length = 0
      const given = await start({ PREFLOW_ADMIN_PASSWORD: 'administrator-1' })
      assert.deepEqual(await statusesOf(given), ['ACTIVE', 'ACTIVE'])
      assert.match(instructions(given), /Summer2026!/)
      assert.match(instructions(given), /client id {2}demo-spa/)
      const browser = openBrowser()
      const page = await browser.submit(await browser.open(given.webUrl), {})
      assert.match((await enterAll(given, browser, page)).text, /Signed in as Mira/)
      await given.close()
      const { port } = new URL(given.extensionsUrl)
      const next = await start({ PREFLOW_EXTENSIONS_PORT: port })
      assert.ok(!lines.some(line => line.includes('No action of')))
      assert.match(instructions(next), /Summer2026!/)
      assert.equal((await reached(next))?.[0], 'Enter your PIN')
    })

    test('keeps a sign-in that somebody changed meanwhile', async () => {
      const without = await start()
      const own = { uri: 'http://127.0.0.1:9/own', authentication: { type: 'NONE' } }
      const door = { name: 'custom-own', displayName: 'Own', endpoint: own }
      await manage(without, '/api/server/v1/authenticators/custom', 'POST', door)
      const shop = await shopOf(without)
      const options = [{ idp: 'LOCAL', authenticator: 'custom-own' }]
      const arranged = { type: 'USER_DEFINED', steps: [{ id: 1, options }] }
      await manage(without, shop, 'PATCH', { authenticationSequence: arranged })
      await without.close()
      const given = await start({ PREFLOW_ADMIN_PASSWORD: 'administrator-1' })
      assert.ok(
        lines.some(line =>
          line.startsWith('The sign-in of Web shop was changed by somebody, so the lab did not change it.'),
        ),
      )
      const { authenticationSequence } = (await manage(given, shop)) as { authenticationSequence: typeof arranged }
      assert.deepEqual(authenticationSequence.steps, arranged.steps)
    })

    test('keeps an action that somebody created meanwhile', async () => {
      const without = await start()
      await manage(without, '/api/server/v1/actions/preUpdatePassword', 'POST', {
        name: 'My own',
        endpoint: { uri: 'http://127.0.0.1:9/own', authentication: { type: 'NONE' } },
        passwordSharing: { format: 'PLAIN_TEXT' },
      })
      await without.close()
      const given = await start({ PREFLOW_ADMIN_PASSWORD: 'administrator-1' })
      assert.ok(lines.some(line => line.startsWith('demo has an action for PRE_UPDATE_PASSWORD already')))
      assert.deepEqual(await statusesOf(given), ['INACTIVE', 'ACTIVE'])
    })
  })

  test('does not create a deleted action again', async () => {
    const environment = { PREFLOW_ADMIN_PASSWORD: 'administrator-1' }
    const first = await start(environment)
    const path = '/api/server/v1/actions/preUpdateProfile'
    const [{ id }] = (await manage(first, path)) as [{ id: string }]
    await manage(first, `${path}/${id}`, 'DELETE')
    await first.close()
    assert.deepEqual(await manage(await start(environment), path), [])
  })

  test('if browsers cannot return to its address, sends them to this machine after the PIN, and reports it', async () => {
    const { server } = await start({ PREFLOW_HOST: '0.0.0.0' })
    const { port } = new URL(server)
    assert.deepEqual(lines, [
      `pin-authenticator sends browsers back to http://127.0.0.1:${port}, because http://0.0.0.0:${port} is neither https nor this machine. Set PREFLOW_PUBLIC_URL to the address at which browsers reach the server.`,
    ])
  })

  test('calls the real Pwned Passwords only if configured, and shows which one it calls', async () => {
    const url = 'https://api.pwnedpasswords.com'
    const offline = await start()
    assert.match(instructions(offline), /breached passwords +http:\S+ \(a stand-in; set PREFLOW_PWNED_PASSWORDS=on to/)
    await offline.close()
    const online = await start({ PREFLOW_PWNED_PASSWORDS: 'on' })
    assert.match(instructions(online), new RegExp(`breached passwords +${url} \\(Pwned Passwords\\)`))
    assert.ok(!lines.some(line => line.includes('PWNED')))
    await online.close()
    await assert.rejects(
      start({ PREFLOW_PWNED_PASSWORDS: 'yes' }),
      /^Error: PREFLOW_PWNED_PASSWORDS: must be on or off\.$/,
    )
  })

  test('continues where the first one was interrupted', async () => {
    const environment = { PREFLOW_ADMIN_PASSWORD: 'administrator-1' }
    const first = await start(environment)
    const state = JSON.parse(await readFile(join(folder, 'lab.json'), 'utf8'))
    // As if it had ended after the last request, before it stored the result.
    const interrupted = { extensionKey: state.extensionKey, adminPassword: 'administrator-1' }
    await first.close()
    await writeFile(join(folder, 'lab.json'), JSON.stringify(interrupted))
    const second = await start(environment)
    assert.deepEqual(second.demo.m2m, first.demo.m2m)
    assert.equal(await tokenStatus(second), 200)
    const browser = openBrowser()
    const page = await browser.submit(await browser.open(second.webUrl), {})
    assert.match((await enterAll(second, browser, page)).url, new RegExp(`^${second.webUrl}/callback\\?code=`))
  })
})

for (const variable of ['PREFLOW_PORT', 'PREFLOW_EXTENSIONS_PORT', 'PREFLOW_REPUTATION_PORT', 'PREFLOW_WEB_PORT']) {
  test(`a port in use is reported with ${variable}, and nothing keeps running`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'preflow-lab-'))
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise(resolve => other.once('listening', resolve))
    const { port } = other.address() as AddressInfo
    try {
      await assert.rejects(
        startTestLab(folder, { [variable]: String(port) }),
        new RegExp(`${port}.*in use.*${variable}`),
      )
    } finally {
      other.close()
      await rm(folder, { recursive: true })
    }
  })
}

test('a data folder that cannot be created is reported with advice', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-lab-'))
  const file = join(folder, 'file')
  await writeFile(file, '')
  try {
    for (const unusable of [file, join(file, 'below')]) {
      await assert.rejects(startTestLab(unusable), {
        message: `The data folder ${unusable} cannot be used: a file exists where a folder should be. Set PREFLOW_DATA to another folder.`,
      })
    }
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('a data folder that the system does not allow stops the start', {
  skip: process.platform !== 'linux' && 'only Linux has /proc',
  timeout: 10_000,
}, async () => {
  await assert.rejects(
    startTestLab('/proc/preflow'),
    /\/proc\/preflow cannot be used: a folder cannot be created there/,
  )
})

test('an unreadable state stops the start with a message', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-lab-'))
  await writeFile(join(folder, 'lab.json'), '{ not json')
  try {
    await assert.rejects(startTestLab(folder), /lab\.json is not readable\. Move/)
  } finally {
    await rm(folder, { recursive: true })
  }
})
