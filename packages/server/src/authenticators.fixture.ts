import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { AuthenticationSequenceInput } from './faces/management/routes/applications.ts'
import type { CustomAuthenticatorInput } from './faces/management/routes/authenticators.ts'
import type { CallSummary } from './faces/management/routes/calls.ts'
import { type Browser, CALLBACK, openBrowser, type Page } from './ground/pages/browser.fixture.ts'
import type { Application, Organization, User } from './ground/store/model.ts'
import { insertOrganization } from './ground/store/organizations.ts'
import type { Extension, World } from './world.fixture.ts'

/** The administrator of the first tenant, who administers all of them. */
const ADMINISTRATOR = `Basic ${Buffer.from('admin:admin-of-the-test').toString('base64')}`

/** Calls the management API of the world's tenant, as its administrator. */
export async function manage(
  world: World,
  method: string,
  path: string,
  body?: object,
  organization?: Organization,
  // biome-ignore lint/suspicious/noExplicitAny: tests assert on what came over the wire, whatever it is
): Promise<{ status: number; body: any }> {
  const place = organization ? `/o/${organization.id}` : ''
  const response = await fetch(`${world.base}${place}/api/server/v1${path}`, {
    method,
    headers: { authorization: ADMINISTRATOR, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
}

/** Creates a custom authenticator for an extension, through the API. */
export async function addAuthenticator(
  world: World,
  name: string,
  extension: Pick<Extension, 'url'>,
  own: Partial<CustomAuthenticatorInput> = {},
  organization?: Organization,
): Promise<void> {
  const body = {
    name,
    displayName: `Door ${name}`,
    endpoint: { uri: extension.url, authentication: { type: 'NONE' }, ...own.endpoint },
    ...own,
  }
  const made = await manage(world, 'POST', '/authenticators/custom', body, organization)
  assert.equal(made.status, 201, JSON.stringify(made.body))
}

/** An organization below the root of the world's tenant. */
export async function addOrganization(world: World): Promise<Organization> {
  const id = randomUUID()
  const { tenant } = world
  const organization = {
    id,
    tenantId: tenant.id,
    parentId: tenant.rootOrganizationId,
    name: 'Branch',
    handle: id,
    depth: 1,
  }
  await insertOrganization(world.db, organization)
  return organization
}

/** The record of the last call. */
export async function lastCall(world: World): Promise<CallSummary> {
  const { body } = await manage(world, 'GET', '/actions/calls?limit=1')
  return body[0]
}

/** Creates a sequence of these steps, each with its options. */
export function sequence(...steps: string[][]): AuthenticationSequenceInput {
  return {
    type: 'USER_DEFINED',
    steps: steps.map((options, index) => ({
      id: index + 1,
      options: options.map(authenticator => ({ idp: 'LOCAL', authenticator })),
    })),
  }
}

/** Creates an application whose users sign in through these steps. */
export async function addApplication(world: World, ...steps: string[][]): Promise<Application> {
  const application = await world.addApplication({ grantTypes: ['authorization_code'], callbackUrls: [CALLBACK] })
  await setSteps(world, application, ...steps)
  return application
}

export async function setSteps(world: World, application: Application, ...steps: string[][]): Promise<void> {
  const changed = await manage(world, 'PATCH', `/applications/${application.id}`, {
    authenticationSequence: sequence(...steps),
  })
  assert.equal(changed.status, 200, JSON.stringify(changed.body))
}

export function authorizeUrl(application: Application, base: string, more: Record<string, string> = {}): string {
  return `${base}/oauth2/authorize?${new URLSearchParams({
    client_id: application.clientId,
    redirect_uri: CALLBACK,
    response_type: 'code',
    scope: 'openid profile',
    state: 's-1',
    ...more,
  })}`
}

/** The parameters that the application got at its callback. */
export function told(page: Page): Record<string, string> {
  assert.ok(page.url.startsWith(CALLBACK), `the browser is at ${page.url}\n${page.html}`)
  return Object.fromEntries(new URL(page.url).searchParams)
}

/** Follows the automatic redirect of a page. */
export function forward(browser: Browser, page: Page): Promise<Page> {
  const [, url] = /http-equiv="refresh" content="0;url=([^"]*)"/.exec(page.html) ?? []
  assert.ok(url, `the page at ${page.url} has no redirect\n${page.html}`)
  return browser.open(new URL(url, page.url).href)
}

/** Enters the password of a user on the page. */
export function enterPassword(browser: Browser, page: Page, user: Pick<User, 'userName'>): Promise<Page> {
  return browser.submit(page, { username: user.userName, password: 'correct horse', step: 'sign-in' })
}

/** Starts a sign-in and returns the page of the browser. */
export async function begin(
  world: World,
  application: Application,
  { base = world.base, more = {}, browser = openBrowser(world.server.address) } = {},
): Promise<{ browser: Browser; page: Page }> {
  return { browser, page: await browser.open(authorizeUrl(application, base, more)) }
}

/** The answers of an authenticator. */
export const answers = {
  redirect: (url: string) => ({ body: { actionStatus: 'INCOMPLETE', operations: [{ op: 'redirect', url }] } }),
  identified: ({ id }: Pick<User, 'id'>, more: object = {}) => ({
    body: { actionStatus: 'SUCCESS', data: { user: { id, claims: [], ...more } } },
  }),
  verified: () => ({ body: { actionStatus: 'SUCCESS' } }),
  failed: (failureReason: string, failureDescription?: string) => ({
    body: { actionStatus: 'FAILED', failureReason, failureDescription },
  }),
  error: () => ({
    status: 500,
    body: { actionStatus: 'ERROR', errorMessage: 'inner words', errorDescription: 'of the extension' },
  }),
}
