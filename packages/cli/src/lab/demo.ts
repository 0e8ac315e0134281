import { randomBytes, randomInt } from 'node:crypto'
import { actionTypes, present } from '@preflow/contract'
import type { OidcInput } from '@preflow/server/management'
import type { RunningExtension } from './host-extensions.ts'
import type { Demo, DemoUser } from './state.ts'

/** What the demonstration needs from the running lab. */
export interface DemoSetting {
  /** The address of the server, without a trailing slash. */
  server: string
  adminPassword: string
  /** The extensions for which it creates actions and authenticators, and the key for calling them. */
  extensions: readonly RunningExtension[]
  extensionKey: string
  /** The key of the enrolment API of pin-authenticator. */
  pinAdminKey: string
}

/** The name of the web application. */
export const WEB_APPLICATION = 'Web shop'

const TENANT = 'demo'

/**
 * Creates the demonstration tenant through the server's own REST API: an application for machines, a web application,
 * an API with two scopes, two users, one of them in a group, and the actions and authenticators that call the extensions.
 *
 * Everything that exists is found by its name and not changed, so an interrupted start can be continued.
 *
 * @param setting.callbackUrl The callback URL of the web application.
 */
export async function createDemo(setting: DemoSetting & { callbackUrl: string }): Promise<Demo> {
  const { callbackUrl } = setting
  const users: DemoUser[] = [
    { userName: 'mira', password: password() },
    { userName: 'jonas', password: password() },
  ]
  const root = client(setting.server, setting.adminPassword)
  await root.makeUnlessThere('/api/server/v1/tenants', { domain: TENANT })
  const api = client(`${setting.server}/t/${TENANT}`, setting.adminPassword)

  const shop = await shopApi(api)
  // New actions are inactive, so that none is called about the passwords below. Actions of an interrupted start now
  // call the extensions of this start.
  const { actions } = await makeActions(api, setting)
  for (const { userName, password } of users) {
    const id = await api.makeUnlessThere('/scim2/Users', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
      userName,
      name: { givenName: userName === 'mira' ? 'Mira' : 'Jonas', familyName: 'Example' },
      emails: [{ value: `${userName}@example.com`, primary: true }],
    })
    // A separate request, so that a user of an interrupted start also gets the password that is shown.
    await api.call('PATCH', `/scim2/Users/${id}`, {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [{ op: 'replace', path: 'password', value: password }],
    })
  }
  await joinGroup(api, users[0]?.userName ?? '')
  // Before any application exists, so that no client gets a token without a decision of the action.
  for (const path of actions) await api.call('POST', `${path}/activate`)
  const m2m = await application(api, shop, {
    name: 'Nightly export',
    inboundProtocolConfiguration: {
      oidc: {
        grantTypes: ['client_credentials'],
        accessToken: { type: 'JWT', applicationAccessTokenExpiryInSeconds: 3600 },
      },
    },
  })
  const web = await application(api, shop, {
    name: WEB_APPLICATION,
    inboundProtocolConfiguration: {
      oidc: {
        grantTypes: ['authorization_code', 'refresh_token', 'password'],
        callbackURLs: [callbackUrl],
        accessToken: { type: 'JWT', userAccessTokenExpiryInSeconds: 3600 },
        refreshToken: { expiryInSeconds: 86_400, renewRefreshToken: true },
      },
    },
  })
  const spa = await singlePageApplication(api, shop)
  const demo = { tenant: TENANT, m2m, web: { ...web, callbackUrl }, spa, users }
  const signIn = await makeAuthenticators(api, setting, demo)
  return { ...demo, users: signIn.users }
}

/** The group of the first user: events show it as `user.groups`, tokens as the claim `groups`. */
export const GROUP = 'shop-staff'

async function joinGroup(api: Api, userName: string): Promise<void> {
  const id = await findUser(api, userName)
  if (id === undefined) return
  const schemas = ['urn:ietf:params:scim:schemas:core:2.0:Group']
  const groupId = await api.makeUnlessThere('/scim2/Groups', { schemas, displayName: GROUP })
  await api.call('PATCH', `/scim2/Groups/${groupId}`, {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [{ op: 'add', path: 'members', value: [{ value: id }] }],
  })
}

async function findUser(api: Api, userName: string): Promise<string | undefined> {
  const filter = encodeURIComponent(`userName eq "${userName}"`)
  const found = (await api.call('GET', `/scim2/Users?filter=${filter}`)) as { Resources?: Listed[] }
  return found.Resources?.[0]?.id
}

/** The API with the scopes that the applications may get. Returns its id. */
function shopApi(api: Api): Promise<string> {
  return api.makeUnlessThere('/api/server/v1/api-resources', {
    name: 'Shop API',
    identifier: 'https://api.shop.example',
    requiresAuthorization: true,
    scopes: [
      { name: 'orders.read', displayName: 'Read orders' },
      { name: 'orders.write', displayName: 'Change orders' },
    ],
  })
}

/** The usual addresses of development servers: React, Vite, Angular and others. */
export const DEVELOPMENT_ORIGINS: readonly string[] = [
  ...[3000, 4173, 4200, 5173, 8080, 8081].map(port => `http://localhost:${port}`),
  ...[3000, 5173].map(port => `https://localhost:${port}`),
]

/** A public application for SDKs: its client id is fixed, and it needs no consent. */
async function singlePageApplication(api: Api, apiResource: string): Promise<{ clientId: string }> {
  const { clientId } = await application(api, apiResource, {
    name: 'Demo SPA',
    advancedConfigurations: { skipLoginConsent: true, skipLogoutConsent: true },
    inboundProtocolConfiguration: {
      oidc: {
        clientId: 'demo-spa',
        publicClient: true,
        pkce: { mandatory: true },
        grantTypes: ['authorization_code', 'refresh_token'],
        // Some SDKs return to the path, others to the origin.
        callbackURLs: DEVELOPMENT_ORIGINS.flatMap(origin => [origin, `${origin}/`]),
        allowedOrigins: [...DEVELOPMENT_ORIGINS],
        accessToken: { type: 'JWT', userAccessTokenExpiryInSeconds: 3600 },
        refreshToken: { expiryInSeconds: 86_400, renewRefreshToken: true },
      },
    },
  })
  return { clientId }
}

/**
 * Adds the actions, authenticators and the application that a demonstration tenant of an older lab lacks.
 *
 * @returns The demonstration afterwards, and a line for each part that conflicts with what somebody else created.
 * @throws {ApiError} If the server refuses a request; 401 if the password is not the administrator's.
 */
export async function addMissing(setting: DemoSetting, demo: Demo): Promise<{ demo: Demo; lines: string[] }> {
  const api = client(`${setting.server}/t/${TENANT}`, setting.adminPassword)
  const { actions, lines } = await makeActions(api, setting)
  for (const path of actions) await api.call('POST', `${path}/activate`)
  await joinGroup(api, demo.users[0]?.userName ?? '')
  const signIn = await makeAuthenticators(api, setting, demo)
  const spa = demo.spa ?? (await singlePageApplication(api, await shopApi(api)))
  return { demo: { ...demo, spa, users: signIn.users }, lines: [...lines, ...signIn.lines] }
}

/** An unexpected answer of the server. */
export class ApiError extends Error {
  override name = 'ApiError'
  status: number

  constructor(status: number, request: string, text: string) {
    super(`${request} answered ${status}: ${text}`)
    this.status = status
  }
}

type Api = ReturnType<typeof client>

/** Creates the missing actions, inactive, and sets the current endpoints of all. Returns their paths. */
async function makeActions(api: Api, { extensions, extensionKey }: DemoSetting) {
  const actions: string[] = []
  const lines: string[] = []
  for (const { name, type, url: uri, action } of extensions) {
    if (!action) continue
    const path = `/api/server/v1/actions/${actionTypes[type].path}`
    const listed = (await api.call('GET', path)) as Listed[]
    let id = listed.find(there => there.name === action.name)?.id
    if (id === undefined && listed.length > 0) {
      lines.push(
        `${TENANT} has an action for ${type} already, so the lab did not change it. To call ${name}, set its endpoint to ${uri} and its header x-api-key to the extensionKey in lab.json.`,
      )
      continue
    }
    const authentication = { type: 'API_KEY', properties: { header: 'x-api-key', value: extensionKey } }
    id ??= await api.makeUnlessThere(path, { ...action, endpoint: { ...action.endpoint, uri, authentication } })
    // A separate request, because the action of an interrupted start still has the earlier endpoint.
    await api.call('PATCH', `${path}/${id}`, { endpoint: { uri, authentication } })
    actions.push(`${path}/${id}`)
  }
  return { actions, lines }
}

/**
 * Creates the missing authenticators and sets the current endpoints of all. Adds a step for each to the sign-in of the
 * web application, and prepares the users for it.
 */
async function makeAuthenticators(
  api: Api,
  { extensions, extensionKey, pinAdminKey }: DemoSetting,
  { users, web }: Pick<Demo, 'users' | 'web'>,
): Promise<{ users: DemoUser[]; lines: string[] }> {
  const lines: string[] = []
  let equipped = users
  for (const { name, url: uri, authenticator } of extensions) {
    if (!authenticator) continue
    const path = '/api/server/v1/authenticators'
    const authentication = { type: 'API_KEY', properties: { header: 'x-api-key', value: extensionKey } }
    const body = { ...authenticator, endpoint: { ...authenticator.endpoint, uri, authentication } }
    const listed = (await api.call('GET', path)) as Listed[]
    const there = listed.find(known => known.name === authenticator.name)
    // The authenticator of an interrupted start still has the earlier endpoint.
    if (there) await api.call('PUT', `${path}/custom/${there.id}`, body)
    else await api.call('POST', `${path}/custom`, body)
    equipped = await Promise.all(equipped.map(user => givePin(api, user, { url: uri, adminKey: pinAdminKey })))
    if (!(await addStep(api, web.clientId, authenticator.name))) {
      lines.push(
        `The sign-in of ${WEB_APPLICATION} was changed by somebody, so the lab did not change it. To call ${name}, add a step with ${authenticator.name} to its authenticationSequence.`,
      )
    }
  }
  return { users: equipped, lines }
}

/** Adds the authenticator as a step after the password. Returns `false` if the first step is not the password. */
async function addStep(api: Api, clientId: string, authenticator: string): Promise<boolean> {
  const path = '/api/server/v1/applications'
  const filter = encodeURIComponent(`clientId eq ${clientId}`)
  const { applications } = (await api.call('GET', `${path}?filter=${filter}`)) as { applications: Listed[] }
  const [found] = applications
  if (!found) return false
  const { authenticationSequence } = (await api.call('GET', `${path}/${found.id}`)) as {
    authenticationSequence: { type: string; steps: { options: { authenticator: string }[] }[] }
  }
  const { steps, type } = authenticationSequence
  if (steps.some(({ options }) => options.some(option => option.authenticator === authenticator))) return true
  if (type !== 'DEFAULT') return false
  const step = (id: number, name: string) => ({ id, options: [{ idp: 'LOCAL', authenticator: name }] })
  await api.call('PATCH', `${path}/${found.id}`, {
    authenticationSequence: { type: 'USER_DEFINED', steps: [step(1, 'BasicAuthenticator'), step(2, authenticator)] },
  })
  return true
}

const PIN_TRIES = 20

/** Sets a user's PIN through the extension's own API, which rejects simple ones. Skips deleted users. */
async function givePin(
  api: Api,
  user: DemoUser,
  { url, adminKey }: { url: string; adminKey: string },
): Promise<DemoUser> {
  const id = await findUser(api, user.userName)
  if (id === undefined) return user
  for (let left = PIN_TRIES; ; left--) {
    const pin = String(randomInt(1_000_000)).padStart(6, '0')
    const response = await fetch(`${url}/pins/${id}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ pin, username: user.userName }),
    })
    if (response.ok) return { ...user, pin }
    const problem = await response.text()
    if (response.status !== 400 || left === 0) throw new ApiError(response.status, `PUT ${url}/pins/…`, problem)
  }
}

async function application(
  api: Api,
  apiResource: string,
  body: { name: string; advancedConfigurations?: object; inboundProtocolConfiguration: { oidc: OidcInput } },
): Promise<{ clientId: string; clientSecret: string }> {
  const id = await api.makeUnlessThere('/api/server/v1/applications', body)
  await api.makeUnlessThere(`/api/server/v1/applications/${id}/authorized-apis`, {
    id: apiResource,
    policyIdentifier: 'NO POLICY',
    scopes: ['orders.read', 'orders.write'],
  })
  const path = `/api/server/v1/applications/${id}/inbound-protocols/oidc`
  const inbound = (await api.call('GET', path)) as { clientId: string; clientSecret: string; callbackURLs?: string[] }
  const { oidc } = body.inboundProtocolConfiguration
  const isCalledBackHere = oidc.callbackURLs?.every(url => inbound.callbackURLs?.includes(url)) ?? true
  // The callback URL of an interrupted start may be an earlier one.
  if (!isCalledBackHere) await api.call('PUT', path, oidc)
  return { clientId: inbound.clientId, clientSecret: inbound.clientSecret }
}

interface Listed {
  id: string
  name?: string
  domain?: string
  userName?: string
  displayName?: string
  identifier?: string
}

function client(base: string, adminPassword: string) {
  const authorization = `Basic ${Buffer.from(`admin:${adminPassword}`).toString('base64')}`

  async function send(method: string, path: string, body?: unknown): Promise<Response> {
    return fetch(base + path, {
      method,
      headers: {
        authorization,
        accept: 'application/json',
        ...(body !== undefined && {
          'content-type': path.startsWith('/scim2') ? 'application/scim+json' : 'application/json',
        }),
      },
      ...present({ body: body === undefined ? undefined : JSON.stringify(body) }),
    })
  }

  async function call(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await send(method, path, body)
    if (!response.ok) throw new ApiError(response.status, `${method} ${path}`, await response.text())
    const text = await response.text()
    return text === '' ? undefined : JSON.parse(text)
  }

  /** Creates the resource, or finds the one with the same name if the server reports a conflict. Returns its id. */
  async function makeUnlessThere(path: string, body: Record<string, unknown>): Promise<string> {
    const response = await send('POST', path, body)
    if (response.ok) {
      const made = (await response.json().catch(() => undefined)) as { id?: string } | undefined
      return made?.id ?? response.headers.get('location')?.split('/').at(-1) ?? ''
    }
    const problem = await response.text()
    if (response.status !== 400 && response.status !== 409) {
      throw new ApiError(response.status, `POST ${path}`, problem)
    }
    const listed = (await call('GET', path)) as Listed[] | Record<string, Listed[]>
    // A list is either the whole answer or one member of it, as `schemas` in SCIM.
    const entries = Array.isArray(listed) ? listed : Object.values(listed).flat()
    const there = entries.find(
      entry =>
        typeof entry === 'object' &&
        (('id' in body && entry.id === body['id']) ||
          (['domain', 'userName', 'displayName', 'name'] as const).some(
            key => key in body && entry[key] === body[key],
          )),
    )
    if (!there) throw new ApiError(response.status, `POST ${path}`, problem)
    return there.id
  }

  return { call, makeUnlessThere }
}

function password(): string {
  return randomBytes(12).toString('base64url')
}
