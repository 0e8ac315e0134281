import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type ActionType, actionTypes, type Platform, platforms } from '@preflow/contract'
import type { ActionInput, ApiResourceView, ApplicationInput, OidcInput, OidcView } from '@preflow/contract/management'
import { decodeJwt, type JWTPayload } from 'jose'
import { type Browser, openBrowser, type Page } from './browser.ts'
import { type EndpointServer, type ExtensionUnderTest, type Json, startEndpoints } from './extension-under-test.ts'
import { ADMINISTRATOR, type ServerUnderTest } from './server-under-test.ts'
import { addUser, type Person } from './users.ts'

/** An application, as its developer knows it. */
export interface Client {
  /** What rules mean by `application`. */
  id: string
  name: string
  clientId: string
  /** Absent: a public client. */
  clientSecret?: string
}

/** What an HTTP request of a row got. */
export interface Answered {
  status: number
  headers: Headers
  /** Read as JSON where it is some. */
  body: Json
}

/** What the token endpoint answered, with its tokens decoded. */
export interface Issued extends Answered {
  /** Absent when there is none, or an opaque one. */
  accessToken?: JWTPayload
  idToken?: JWTPayload
  /** Of the access token, from its own claims. */
  lifetimeSeconds?: number
}

/** One kept call of an action: what `GET /actions/calls/{id}` answers. */
export interface CallRecord {
  actionType: ActionType
  status: string
  reason: string
  details: Json
}

/** What an action is made of, beside name and endpoint; the endpoint's own members are given flat. */
export type ActionSettings = Partial<Omit<ActionInput, 'endpoint'>> & Partial<ActionInput['endpoint']>

/**
 * A tenant for one row at a time: the fixtures of the specification as applications and a user, with an active access token
 * action whose extension says SUCCESS. Nothing of it is told to the row but addresses and credentials.
 */
export interface Stage {
  /** Of the server. */
  platform: Platform
  server: ServerUnderTest
  /** `http://127.0.0.1:…/t/acme` */
  base: string
  tenant: { id: string; domain: string }
  /** The root organization, as events show it. */
  organization: { id: string; name: string; orgHandle: string; depth: number }
  /** Fixture F-USER: Mira, in the groups staff and eu. */
  user: Person
  /** Fixture F-USER, `web1`: code, password and refresh grant, 1800 s, refresh token 7200 s, one audience more. */
  web: Client
  /** Fixture F-CC, `m2m-7`: client credentials, 3600 s. */
  machine: Client
  /** Endpoints beside the extensions, for example a token endpoint. */
  endpoints: EndpointServer

  /** The extension behind the action of this type. */
  extension(type: ActionType): ExtensionUnderTest
  /** Makes the active action of this type anew, with these settings and the defaults of the API. Returns its id. */
  configure(type: ActionType, settings?: ActionSettings): Promise<string>
  /** Deletes the action of this type. */
  remove(type: ActionType): Promise<void>
  /** Registers an application. `scopes` are those of the stage's API it may ask for. */
  addApplication(oidc: OidcInput, more?: { scopes?: string[]; asksForConsent?: boolean }): Promise<Client>
  addUser(settings?: Parameters<typeof addUser>[1]): Promise<Person>
  /** A request to the management API or SCIM below the tenant's path, as the administrator. */
  call(method: string, path: string, body?: unknown): Promise<Answered>
  /** The same; anything but 2xx fails the row. */
  must(method: string, path: string, body?: unknown): Promise<Answered>
  /** Posts a form as the client. A path with a host goes there instead of below the tenant's. */
  post(path: string, client: Client, form: Record<string, string>, headers?: Record<string, string>): Promise<Answered>
  /** Asks the token endpoint. */
  token(client: Client, form: Record<string, string>, headers?: Record<string, string>): Promise<Issued>
  /** Asks it for a refresh. */
  refresh(client: Client, previous: Issued, more?: Record<string, string>): Promise<Issued>
  /** A browser in which the stage's user is signed in after the first time. */
  browser: Browser
  /** Goes to the authorize endpoint and signs in where asked. Ends at a page that asks for consent, or at the callback. */
  visit(client: Client, parameters: Record<string, string>): Promise<Page>
  /** The same, and agrees where asked. Ends at the callback. */
  authorize(client: Client, parameters: Record<string, string>): Promise<URL>
  /** A code for these scopes, exchanged. */
  redeem(client: Client, scope: string, headers?: Record<string, string>): Promise<Issued>
  /** What the server kept of the calls behind an answer, in their order. */
  callsBehind(answered: Answered): Promise<CallRecord[]>
}

/** Where the applications live: nobody listens there, the browser only looks at the address. */
export const CALLBACK = 'http://127.0.0.1:65535/callback'

/** The scopes of F-USER. */
export const USER_SCOPES = 'openid cart.read orders.write'

const API_SCOPES = ['cart.read', 'orders.write', 'jobs.run', 'a', 'b', 'read:metrics']
const API = '/api/server/v1'

/** A stage with what tidies it up between rows. */
export interface OpenStage extends Stage {
  /** Takes back what a row did to the actions. */
  reset(): Promise<void>
  close(): Promise<void>
}

/** Sets up a tenant of the server as a stage, through the APIs that any administrator has. */
export async function openStage(server: ServerUnderTest): Promise<OpenStage> {
  const domain = `acme-${randomBytes(4).toString('hex')}`
  const base = `${server.address}/t/${domain}`
  const endpoints = await startEndpoints()
  const browser = openBrowser(server.address)
  const authorization = basic(ADMINISTRATOR.userName, ADMINISTRATOR.password)

  const manage = (root: string) => (method: string, path: string, body?: unknown) =>
    ask(root + path, {
      method,
      headers: {
        authorization,
        ...(body === undefined ? {} : { 'content-type': path.includes('/scim2/') ? SCIM : JSON_TYPE }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  const call: Stage['call'] = manage(base)
  const must: Stage['must'] = async (method, path, body) =>
    expectOk(await call(method, path, body), `${method} ${path}`)

  const made = expectOk(await manage(server.address)('POST', `${API}/tenants`, { domain, name: 'Acme' }), 'the tenant')
  const tenantId = idOf(made)
  const { body: api } = await must('POST', `${API}/api-resources`, {
    name: 'Shop',
    identifier: 'https://api.shop.test',
    scopes: API_SCOPES.map(name => ({ name })),
  })

  const post: Stage['post'] = (path, client, form, headers = {}) => {
    const { clientId, clientSecret } = client
    return ask(path.startsWith('/') ? base + path : path, {
      method: 'POST',
      headers: { ...(clientSecret === undefined ? {} : { authorization: basic(clientId, clientSecret) }), ...headers },
      body: new URLSearchParams(clientSecret === undefined ? { client_id: clientId, ...form } : form),
    })
  }

  const token: Stage['token'] = async (client, form, headers) =>
    decodeTokens(await post('/oauth2/token', client, form, headers))

  const extensions = new Map<ActionType, ExtensionUnderTest>()
  const extension: Stage['extension'] = type => {
    const known = extensions.get(type) ?? endpoints.extension(`/${type}`)
    extensions.set(type, known)
    return known
  }

  /** Ids of the actions that stand. */
  const actions = new Map<ActionType, string>()
  /** Types whose action may be another than every row starts with. */
  const touched = new Set<ActionType>()

  const pathOf = (type: ActionType) => `${API}/actions/${actionTypes[type].path}`
  const remove: Stage['remove'] = async type => {
    touched.add(type)
    const id = actions.get(type)
    if (id === undefined) return
    await must('DELETE', `${pathOf(type)}/${id}`)
    actions.delete(type)
  }
  const configure: Stage['configure'] = async (type, settings = {}) => {
    await remove(type)
    const { uri = extension(type).url, authentication = { type: 'NONE' }, ...others } = settings
    const { allowedHeaders, allowedParameters, signing, ...more } = others
    const { body } = await must('POST', pathOf(type), {
      name: 'Under test',
      endpoint: {
        uri,
        authentication,
        ...(allowedHeaders ? { allowedHeaders } : {}),
        ...(allowedParameters ? { allowedParameters } : {}),
        ...(signing ? { signing } : {}),
      },
      ...more,
    })
    actions.set(type, body.id)
    await must('POST', `${pathOf(type)}/${body.id}/activate`)
    return body.id
  }

  const addApplication: Stage['addApplication'] = async (oidc, { scopes = [], asksForConsent = false } = {}) => {
    const name = `app-${randomBytes(6).toString('hex')}`
    const input: ApplicationInput = {
      name,
      inboundProtocolConfiguration: { oidc: { callbackURLs: [CALLBACK], ...oidc } },
      advancedConfigurations: { skipLoginConsent: !asksForConsent },
    }
    const id = idOf(await must('POST', `${API}/applications`, input))
    if (scopes.length > 0) {
      const { id: apiId }: ApiResourceView = api
      await must('POST', `${API}/applications/${id}/authorized-apis`, {
        id: apiId,
        policyIdentifier: 'No Policy',
        scopes,
      })
    }
    const view: OidcView = (await must('GET', `${API}/applications/${id}/inbound-protocols/oidc`)).body
    const { clientId, clientSecret } = view
    return { id, name, clientId, ...(clientSecret === undefined ? {} : { clientSecret }) }
  }

  const tenant = { id: tenantId, domain }
  const newUser: Stage['addUser'] = settings => addUser({ server, must }, settings)
  const user = await newUser()
  const web = await addApplication(
    {
      clientId: 'web1',
      grantTypes: ['authorization_code', 'password', 'refresh_token'],
      accessToken: { userAccessTokenExpiryInSeconds: 1800, accessTokenAttributes: ['given_name', 'groups'] },
      refreshToken: { expiryInSeconds: 7200 },
      idToken: { audience: ['https://api.shop.test'] },
    },
    { scopes: ['cart.read', 'orders.write'] },
  )
  const machine = await addApplication({ clientId: 'm2m-7', grantTypes: ['client_credentials'] })
  await configure('PRE_ISSUE_ACCESS_TOKEN')
  touched.clear()

  const visit: Stage['visit'] = async (client, parameters) => {
    const query = new URLSearchParams({
      client_id: client.clientId,
      redirect_uri: CALLBACK,
      response_type: 'code',
      ...parameters,
    })
    const page = await browser.open(`${base}/oauth2/authorize?${query}`)
    if (!page.html.includes('name="password"')) return page
    return browser.submit(page, { username: user.userName, password: user.password, step: 'sign-in' })
  }

  const authorize: Stage['authorize'] = async (client, parameters) => {
    let page = await visit(client, parameters)
    if (page.status === 200) page = await browser.submit(page, { step: 'allow' })
    assert.equal(page.status, 0, page.html)
    return new URL(page.url)
  }

  return {
    platform: platforms[server.configuration.platform],
    server,
    base,
    tenant,
    organization: await readOrganization(),
    user,
    web,
    machine,
    endpoints,
    extension,
    configure,
    remove,
    addApplication,
    addUser: newUser,
    call,
    must,
    post,
    token,
    refresh: (client, previous, more = {}) =>
      token(client, { grant_type: 'refresh_token', refresh_token: String(previous.body.refresh_token), ...more }),
    browser,
    visit,
    authorize,
    async redeem(client, scope, headers) {
      const landing = await authorize(client, { scope })
      const code = landing.searchParams.get('code')
      assert(code !== null, `no code: ${landing.search}`)
      return token(client, { grant_type: 'authorization_code', code, redirect_uri: CALLBACK }, headers)
    },
    async callsBehind({ headers }) {
      const ids = (headers.get('x-preflow-call-id') ?? '').split(', ').filter(id => id !== '')
      return Promise.all(ids.map(async id => (await must('GET', `${API}/actions/calls/${id}`)).body))
    },
    async reset() {
      for (const known of extensions.values()) known.reset()
      for (const type of touched) {
        if (type === 'PRE_ISSUE_ACCESS_TOKEN') await configure(type)
        else await remove(type)
      }
      touched.clear()
    },
    close: () => endpoints.close(),
  }

  /** The root organization's id is in every token of the tenant. */
  async function readOrganization(): Promise<Stage['organization']> {
    const { accessToken } = await token(machine, { grant_type: 'client_credentials' })
    extension('PRE_ISSUE_ACCESS_TOKEN').reset()
    return {
      id: String(accessToken?.['org_id']),
      name: String(accessToken?.['org_name']),
      orgHandle: String(accessToken?.['org_handle']),
      depth: 0,
    }
  }
}

const JSON_TYPE = 'application/json'
const SCIM = 'application/scim+json'

async function ask(url: string, init: RequestInit): Promise<Answered> {
  const response = await fetch(url, { ...init, redirect: 'manual' })
  const text = await response.text()
  const isJson = /[/+]json/.test(response.headers.get('content-type') ?? '')
  return { status: response.status, headers: response.headers, body: isJson && text !== '' ? JSON.parse(text) : text }
}

function expectOk(answered: Answered, what: string): Answered {
  assert(answered.status < 300, `${what} answered ${answered.status}: ${JSON.stringify(answered.body)}`)
  return answered
}

function idOf({ headers }: Answered): string {
  return headers.get('location')?.split('/').at(-1) ?? ''
}

function basic(name: string, secret: string): string {
  return `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`
}

export function decodeTokens(answered: Answered): Issued {
  const { access_token, id_token } = answered.body
  const isJwt = typeof access_token === 'string' && access_token.split('.').length === 3
  const accessToken = isJwt ? decodeJwt(access_token) : undefined
  return {
    ...answered,
    ...(accessToken ? { accessToken, lifetimeSeconds: (accessToken.exp ?? 0) - (accessToken.iat ?? 0) } : {}),
    ...(typeof id_token === 'string' ? { idToken: decodeJwt(id_token) } : {}),
  }
}
