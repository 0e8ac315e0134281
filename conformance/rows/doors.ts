/** Custom authenticators that rows create, and browsers that sign in with them. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { present } from '@preflow/contract'
import type { CustomAuthenticatorInput } from '@preflow/server/management'
import { type Browser, openBrowser, type Page } from '@preflow/server/testing'
import type { Answer, ExtensionUnderTest, Json } from '../extension-under-test.ts'
import { decodeTokens, type Issued } from '../requests.ts'
import { CALLBACK, type Client, type Stage } from '../stage.ts'
import type { Person } from '../users.ts'

export const API = '/api/server/v1'

/** The name of the password page among the authenticators. */
export const PASSWORD_PAGE = 'BasicAuthenticator'

/** Where the extensions of the rows redirect browsers. */
export const PAGE = 'https://door.example/entry?h=0f9c'

/** A custom authenticator with the extension behind it. */
export interface Door {
  name: string
  extension: ExtensionUnderTest
}

/** The settings of a door. By default, anyone may call its extension. */
type DoorSettings = Partial<Omit<CustomAuthenticatorInput, 'endpoint'>> & {
  endpoint?: Partial<CustomAuthenticatorInput['endpoint']>
  /** Path of its organization, `/o/…`. Default: the root organization. */
  below?: string
}

/** The body that creates a custom authenticator. */
export function doorInput({ below: _, endpoint, ...own }: DoorSettings = {}): CustomAuthenticatorInput {
  return {
    name: `custom-door-${randomBytes(4).toString('hex')}`,
    displayName: 'Door code',
    endpoint: { uri: 'https://door.example/hook', authentication: { type: 'NONE' }, ...endpoint },
    ...own,
  }
}

/** Creates a custom authenticator through the API. Its extension answers SUCCESS by default. */
export async function addDoor(stage: Stage, settings: DoorSettings = {}): Promise<Door> {
  const { below = '', endpoint } = settings
  const input = doorInput(settings)
  const extension = stage.endpoints.extension(`/${input.name}${below}`)
  await stage.must('POST', `${below}${API}/authenticators/custom`, {
    ...input,
    endpoint: { ...input.endpoint, uri: extension.url, ...endpoint },
  })
  return { name: input.name, extension }
}

/** The sequence of these steps, each with its options, in the form of an application. */
export function sequence(...steps: string[][]): object {
  return {
    authenticationSequence: {
      type: 'USER_DEFINED',
      steps: steps.map((options, index) => ({
        id: index + 1,
        options: options.map(authenticator => ({ idp: 'LOCAL', authenticator })),
      })),
    },
  }
}

/** An application whose users sign in with these steps. */
export async function addSignIn(stage: Stage, ...steps: string[][]): Promise<Client> {
  const application = await stage.addApplication({ grantTypes: ['authorization_code'] })
  await stage.must('PATCH', `${API}/applications/${application.id}`, sequence(...steps))
  return application
}

/** A door, and an application that has it as its only step. */
export async function addDoorWithSignIn(
  stage: Stage,
  settings: DoorSettings = {},
): Promise<Door & { application: Client }> {
  const door = await addDoor(stage, settings)
  return { ...door, application: await addSignIn(stage, [door.name]) }
}

/** Starts a sign-in in a new browser and returns where it ends. */
export async function begin(
  { base, server }: Stage,
  application: Client,
  {
    below = '',
    parameters = {},
    browser = openBrowser(server.address),
  }: { below?: string; parameters?: Record<string, string>; browser?: Browser } = {},
): Promise<{ browser: Browser; page: Page }> {
  const query = new URLSearchParams({
    client_id: application.clientId,
    redirect_uri: CALLBACK,
    response_type: 'code',
    scope: 'openid profile',
    ...parameters,
  })
  return { browser, page: await browser.open(`${base}${below}/oauth2/authorize?${query}`) }
}

/** Starts a sign-in whose extension redirects the browser. `back` is the URL to which the browser returns. */
export async function sendAway(
  stage: Stage,
  { application, extension }: Door & { application: Client },
  options: Parameters<typeof begin>[2] = {},
): Promise<{ browser: Browser; page: Page; flowId: string; back: string }> {
  extension.answer(() => answers.redirect(PAGE))
  const { browser, page } = await begin(stage, application, options)
  assert(page.url.startsWith(PAGE), `${page.url}\n${page.html}`)
  const { flowId } = lastCallOf(extension).body
  return { browser, page, flowId, back: `${stage.base}/commonauth?flowId=${flowId}` }
}

/** Signs in with the password first, and continues to the next step. */
export async function passPassword(stage: Stage, application: Client): Promise<{ browser: Browser; page: Page }> {
  const { browser, page } = await begin(stage, application)
  return { browser, page: await forward(browser, await enterPassword(browser, page, stage.user)) }
}

export function enterPassword(browser: Browser, page: Page, { userName, password }: Person): Promise<Page> {
  return browser.submit(page, { username: userName, password, step: 'sign-in' })
}

/** Where a page redirects by itself. */
export function forwardOf({ html, url }: Page): string {
  const [, target = ''] = /http-equiv="refresh" content="\d+;url=([^"]*)"/.exec(html) ?? []
  assert.notEqual(target, '', `the page at ${url} leads nowhere\n${html}`)
  return new URL(target.replaceAll('&amp;', '&'), url).href
}

/** Follows that redirect. */
export function forward(browser: Browser, page: Page): Promise<Page> {
  return browser.open(forwardOf(page))
}

/** What the application got at its callback. */
export function landed({ html, url }: Page): Record<string, string> {
  assert(url.startsWith(CALLBACK), `the browser is at ${url}\n${html}`)
  return Object.fromEntries(new URL(url).searchParams)
}

/**
 * The tokens for the code that the browser brought to the application.
 *
 * @param below Path of the organization that the user signed in to, `/o/…`. Default: the root organization.
 */
export async function redeemed(stage: Stage, application: Client, page: Page, below = ''): Promise<Issued> {
  const { code, ...others } = landed(page)
  assert(code !== undefined, JSON.stringify(others))
  const form = { grant_type: 'authorization_code', code, redirect_uri: CALLBACK }
  const issued = decodeTokens(await stage.post(`${below}/oauth2/token`, application, form))
  assert.equal(issued.status, 200, JSON.stringify(issued.body))
  return issued
}

/** The user who is signed in, from the ID token. */
export async function subjectOf(stage: Stage, application: Client, page: Page): Promise<string | undefined> {
  return (await redeemed(stage, application, page)).idToken?.sub
}

/** The last request to the extension. */
export function lastCallOf({ calls }: ExtensionUnderTest): { body: Json; headers: Record<string, unknown> } {
  const call = calls.at(-1)
  assert(call !== undefined, 'the extension was not called')
  return call
}

/** The record of the last call of an authenticator. */
export async function lastRecord(stage: Stage): Promise<Json> {
  const { body } = await stage.must('GET', `${API}/actions/calls?actionType=AUTHENTICATION&limit=1`)
  return body[0]
}

/** The application gets the general error. Only the record of the call has the cause. */
export async function assertProcessingError(stage: Stage, page: Page, why: RegExp): Promise<void> {
  const { error, error_description = '' } = landed(page)
  assert.equal(error, 'authentication_processing_error')
  const { id, reason } = await lastRecord(stage)
  const sentence = 'An error occurred while authenticating user with Door code.'
  assert.equal(error_description, `${sentence} The id of the call is ${id}.`)
  assert.match(reason, why)
}

/** Possible answers of the extension behind an authenticator. */
export const answers = {
  redirect: (url: string): Answer => ({
    body: { actionStatus: 'INCOMPLETE', operations: [{ op: 'redirect', url }] },
  }),
  incomplete: (operations?: unknown): Answer => ({
    body: { actionStatus: 'INCOMPLETE', ...present({ operations }) },
  }),
  identified: ({ id }: { id: string }, more: object = {}): Answer => ({
    body: { actionStatus: 'SUCCESS', data: { user: { id, claims: [], ...more } } },
  }),
  success: (data?: object): Answer => ({ body: { actionStatus: 'SUCCESS', ...present({ data }) } }),
  failed: (failureReason: string, failureDescription?: string): Answer => ({
    body: { actionStatus: 'FAILED', ...present({ failureReason, failureDescription }) },
  }),
  error: (): Answer => ({
    status: 500,
    body: { actionStatus: 'ERROR', errorMessage: 'inner words', errorDescription: 'of the extension' },
  }),
} as const

export const claim = (name: string, value: unknown): { uri: string; value: unknown } => ({
  uri: `http://wso2.org/claims/${name}`,
  value,
})
