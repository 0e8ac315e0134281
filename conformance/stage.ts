import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type ActionType, type Platform, platforms, present } from '@preflow/contract'
import type { ApplicationInput, OidcInput, OidcView } from '@preflow/server/management'
import { type Browser, openBrowser, type Page } from '@preflow/server/testing'
import { type EndpointServer, type Json, startEndpoints } from './extension-under-test.ts'
import {
  type Answered,
  basic,
  type Call,
  callsBelow,
  decodeTokens,
  expectOk,
  type Issued,
  idOf,
  request,
} from './requests.ts'
import { ADMINISTRATOR, type ServerUnderTest } from './server-under-test.ts'
import { openStageActions, type StageActions } from './stage-actions.ts'
import { addUser, PASSWORD, type Person, type PersonSettings } from './users.ts'

/** An application, as its developer sees it. */
export interface Client {
  /** The value of `application` in rules. */
  id: string
  name: string
  clientId: string
  /** Absent: a public client. */
  clientSecret?: string
}

/** The record of one action call: the response of `GET /actions/calls/{id}`. */
export interface CallRecord {
  actionType: ActionType
  status: string
  reason: string
  details: Json
}

/** Settings of an application beside those of OpenID Connect. */
export interface ApplicationSettings {
  /** Of the stage's API, or of the server's own. */
  scopes?: string[]
  asksForConsent?: boolean
  /** Local claims that the scopes may bring at most. Default: all of the scopes. */
  requestedClaims?: string[]
}

/**
 * A tenant for one row at a time. It has the fixtures of the specification as applications and users, and an active
 * access token action whose extension answers SUCCESS. A row uses only its addresses and credentials.
 */
export interface Stage extends Omit<StageActions, 'reset'> {
  /** Address of the server. */
  platform: Platform
  server: ServerUnderTest
  /** `http://127.0.0.1:…/t/acme` */
  base: string
  tenant: { id: string; domain: string }
  /** The root organization, as events show it. */
  organization: { id: string; name: string; orgHandle: string; depth: number }
  /** Fixture F-USER: Mira, in the groups staff and eu. */
  user: Person
  /** An administrator who belongs to the tenant. */
  administrator: Person
  /** Fixture F-USER, `web1`: code, password and refresh grant, 1800 s, refresh token 7200 s, one more audience. */
  web: Client
  /** Fixture F-CC, `m2m-7`: client credentials, 3600 s. */
  machine: Client
  /**
   * The application with which users and administrators manage accounts: password grant and client credentials, for the
   * scopes of users.
   */
  console: Client
  /** Other endpoints, for example a token endpoint. */
  endpoints: EndpointServer

  /** Registers an application. `scopes` are the scopes of the stage's API that it may request. */
  addApplication(oidc: OidcInput, more?: ApplicationSettings): Promise<Client>
  addUser(settings?: PersonSettings): Promise<Person>
  /** A request to the management API or SCIM below the tenant's path, as the administrator of the server. */
  call: Call
  /** The same, but any status other than 2xx fails the row. */
  must: Call
  /** Posts a form as the client. A path with a host is used as it is, not below the tenant's path. */
  post(path: string, client: Client, form: Record<string, string>, headers?: Record<string, string>): Promise<Answered>
  /** Sends a token request. */
  token(client: Client, form: Record<string, string>, headers?: Record<string, string>): Promise<Issued>
  /** Sends a refresh request. */
  refresh(client: Client, previous: Issued, more?: Record<string, string>): Promise<Issued>
  /** A browser. After the first sign-in, the stage's user stays signed in there. */
  browser: Browser
  /** Opens the authorize endpoint and signs in if required. Ends at the consent page or at the callback. */
  visit(client: Client, parameters: Record<string, string>): Promise<Page>
  /** The same, and gives consent if required. Ends at the callback. */
  authorize(client: Client, parameters: Record<string, string>): Promise<URL>
  /** Gets a code for these scopes and exchanges it. */
  redeem(client: Client, scope: string, headers?: Record<string, string>): Promise<Issued>
  /** The call records behind a response, in order. */
  callsBehind(answered: Answered): Promise<CallRecord[]>
}

/** Address of the applications. Nothing listens there, because the browser only reads the URL. */
export const CALLBACK = 'http://127.0.0.1:65535/callback'

/** The scopes of F-USER. */
export const USER_SCOPES = 'openid cart.read orders.write'

/** The scopes of `console`. */
export const CONSOLE_SCOPES = [
  'internal_user_mgt_create',
  'internal_user_mgt_list',
  'internal_user_mgt_view',
  'internal_user_mgt_update',
  'internal_user_mgt_delete',
  'internal_login',
  'internal_user_password_update',
  'internal_offline_invite',
]

const API_SCOPES = ['cart.read', 'orders.write', 'jobs.run', 'a', 'b', 'read:metrics']
const API = '/api/server/v1'

/** A stage, with a function that resets it between rows. */
export interface OpenStage extends Stage {
  /** Reverts the changes of a row to the actions. */
  reset(): Promise<void>
  close(): Promise<void>
}

/** Sets up a tenant of the server as a stage, through the APIs that every administrator has. */
export async function openStage(server: ServerUnderTest): Promise<OpenStage> {
  const tenant = await addTenant(server)
  const base = `${server.address}/t/${tenant.domain}`
  const call = callsBelow(base, basic(ADMINISTRATOR.userName, ADMINISTRATOR.password))
  const must: Call = async (method, path, ...more) => expectOk(await call(method, path, ...more), `${method} ${path}`)
  const addApplication = await openApplications(must)

  const newUser: Stage['addUser'] = settings => addUser({ call, must }, settings)
  const user = await newUser()
  const { web, machine, console } = await addClients(addApplication)
  const endpoints = await startEndpoints()
  const actions = openStageActions(endpoints, must)
  await actions.configure('PRE_ISSUE_ACCESS_TOKEN')
  const clients = tokensBelow(base)
  const browser = openBrowser(server.address)
  const signingIn = signingInAt(base, browser, user)
  const organization = readOrganization(await clients.token(machine, { grant_type: 'client_credentials' }))
  await actions.reset()

  return {
    platform: platforms[server.configuration.platform],
    server,
    base,
    tenant,
    organization,
    user,
    administrator: tenant.owner,
    web,
    machine,
    console,
    endpoints,
    ...actions,
    addApplication,
    addUser: newUser,
    call,
    must,
    ...clients,
    browser,
    ...signingIn,
    async redeem(client, scope, headers) {
      const landing = await signingIn.authorize(client, { scope })
      const code = landing.searchParams.get('code')
      assert(code !== null, `no code: ${landing.search}`)
      return clients.token(client, { grant_type: 'authorization_code', code, redirect_uri: CALLBACK }, headers)
    },
    async callsBehind({ headers }) {
      const ids = (headers.get('x-preflow-call-id') ?? '').split(', ').filter(id => id !== '')
      return Promise.all(ids.map(async id => (await must('GET', `${API}/actions/calls/${id}`)).body))
    },
    close: () => endpoints.close(),
  }
}

async function addTenant(server: ServerUnderTest): Promise<{ id: string; domain: string; owner: Person }> {
  const domain = `acme-${randomBytes(4).toString('hex')}`
  const call = callsBelow(server.address, basic(ADMINISTRATOR.userName, ADMINISTRATOR.password))
  const owner = { username: 'boss', password: PASSWORD }
  const made = await call('POST', `${API}/tenants`, { domain, name: 'Acme', owners: [owner] })
  const id = idOf(expectOk(made, 'the tenant'))
  const { body } = expectOk(await call('GET', `${API}/tenants/${id}`), 'the tenant')
  return { id, domain, owner: { id: body.owners[0].id, userName: owner.username, password: PASSWORD } }
}

/** Publishes the stage's API and returns how to register applications. */
async function openApplications(must: Call): Promise<Stage['addApplication']> {
  const { body: shop } = await must('POST', `${API}/api-resources`, {
    name: 'Shop',
    identifier: 'https://api.shop.test',
    scopes: API_SCOPES.map(name => ({ name })),
  })
  const filter = encodeURIComponent('type eq SYSTEM')
  const { body: system } = await must('GET', `${API}/api-resources?filter=${filter}`)

  return async (oidc, { scopes = [], asksForConsent = false, requestedClaims = [] } = {}) => {
    const name = `app-${randomBytes(6).toString('hex')}`
    const input: ApplicationInput = {
      name,
      inboundProtocolConfiguration: { oidc: { callbackURLs: [CALLBACK], ...oidc } },
      advancedConfigurations: { skipLoginConsent: !asksForConsent },
      claimConfiguration: {
        requestedClaims: requestedClaims.map(name => ({ claim: { uri: `http://wso2.org/claims/${name}` } })),
      },
    }
    const id = idOf(await must('POST', `${API}/applications`, input))
    const authorize = async (apiId: string, wanted: string[]) => {
      if (wanted.length === 0) return
      const body = { id: apiId, policyIdentifier: 'No Policy', scopes: wanted }
      await must('POST', `${API}/applications/${id}/authorized-apis`, body)
    }
    await authorize(
      shop.id,
      scopes.filter(scope => API_SCOPES.includes(scope)),
    )
    await authorize(
      system.APIResources[0].id,
      scopes.filter(scope => !API_SCOPES.includes(scope)),
    )
    const view: OidcView = (await must('GET', `${API}/applications/${id}/inbound-protocols/oidc`)).body
    const { clientId, clientSecret } = view
    return { id, name, clientId, ...present({ clientSecret }) }
  }
}

/** The applications of every stage. */
async function addClients(add: Stage['addApplication']): Promise<Pick<Stage, 'web' | 'machine' | 'console'>> {
  return {
    web: await add(
      {
        clientId: 'web1',
        grantTypes: ['authorization_code', 'password', 'refresh_token'],
        accessToken: { userAccessTokenExpiryInSeconds: 1800, accessTokenAttributes: ['given_name', 'groups'] },
        refreshToken: { expiryInSeconds: 7200 },
        idToken: { audience: ['https://api.shop.test'] },
      },
      { scopes: ['cart.read', 'orders.write'], requestedClaims: ['givenname', 'groups'] },
    ),
    machine: await add({ clientId: 'm2m-7', grantTypes: ['client_credentials'] }),
    console: await add({ grantTypes: ['password', 'client_credentials'] }, { scopes: CONSOLE_SCOPES }),
  }
}

/** Client requests to the OAuth endpoints below an address. */
function tokensBelow(base: string): Pick<Stage, 'post' | 'token' | 'refresh'> {
  const post: Stage['post'] = (path, client, form, headers = {}) => {
    const { clientId, clientSecret } = client
    const url = path.startsWith('/') ? base + path : path
    return clientSecret === undefined
      ? request(url, { method: 'POST', headers, body: new URLSearchParams({ client_id: clientId, ...form }) })
      : request(url, {
          method: 'POST',
          headers: { authorization: basic(clientId, clientSecret), ...headers },
          body: new URLSearchParams(form),
        })
  }
  const token: Stage['token'] = async (client, form, headers) =>
    decodeTokens(await post('/oauth2/token', client, form, headers))
  return {
    post,
    token,
    refresh: (client, previous, more = {}) =>
      token(client, { grant_type: 'refresh_token', refresh_token: String(previous.body.refresh_token), ...more }),
  }
}

/** How the user signs in with the browser. */
function signingInAt(base: string, browser: Browser, user: Person): Pick<Stage, 'visit' | 'authorize'> {
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
  return {
    visit,
    async authorize(client, parameters) {
      let page = await visit(client, parameters)
      if (page.status === 200) page = await browser.submit(page, { step: 'allow' })
      assert.equal(page.status, 0, page.html)
      return new URL(page.url)
    },
  }
}

/** The members of the root organization that are in every token of the tenant. */
function readOrganization({ accessToken }: Issued): Stage['organization'] {
  return {
    id: String(accessToken?.['org_id']),
    name: String(accessToken?.['org_name']),
    orgHandle: String(accessToken?.['org_handle']),
    depth: 0,
  }
}
