/** A server on its defaults, an application, a user and a browser: what a developer has who tries an SDK. */
import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { completeConfiguration, createLog, createServer } from '@preflow/server'
import type { OidcInput, OidcView } from '@preflow/server/management'
import { type BrowserContext, chromium, type Page } from 'playwright-core'

const TENANT = 'demo'
const ADMIN_PASSWORD = 'admin-of-the-journeys'
/** The user who signs in. */
export const MIRA = { userName: 'mira', password: 'Correct-horse-7-battery', givenName: 'Mira' }

const CHROMIUM = [
  process.env['PREFLOW_TEST_CHROMIUM'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find(place => place !== '' && existsSync(place))
const whyNoBrowser = 'Chromium was not found. Install it, or set PREFLOW_TEST_CHROMIUM, to walk the journeys.'

/** The page in which a journey happens, and what went wrong there. */
export interface Walk {
  page: Page
  /** Requests that were refused, and errors in the console. */
  complaints: string[]
}

/** The server with one tenant and one user. */
export interface Stage {
  /** Where the tenant is: `http://127.0.0.1:…/t/demo`. */
  base: string
  issuer: string
  addApplication(oidc: OidcInput, skips?: Record<string, boolean>): Promise<OidcView>
  /** A user's attributes, as the administrator sees them. */
  readUser(): Promise<Record<string, unknown>>
}

/** Registers a test that walks through a browser, or reports that there is none. */
export function journey(title: string, walk: (walk: Walk, stage: Stage) => Promise<void>): void {
  test(title, CHROMIUM === undefined ? { skip: whyNoBrowser } : { timeout: 120_000 }, async () => {
    const context = await openContext()
    try {
      const page = await context.newPage()
      const complaints: string[] = []
      page.on('console', message => {
        // What did not load is listed below, with its address.
        const isError = message.type() === 'error' && !message.text().startsWith('Failed to load resource')
        if (isError) complaints.push(message.text())
      })
      page.on('response', response => {
        if (response.status() >= 400) complaints.push(`${response.status()} ${new URL(response.url()).pathname}`)
      })
      page.on('pageerror', error => complaints.push(error.message))
      await walk({ page, complaints }, await openStage())
    } finally {
      await context.close()
    }
  })
}

/** What to close after the tests of this file, the last first. */
const closers: (() => Promise<unknown>)[] = []
after(async () => {
  for (const close of closers.reverse()) await close()
})

let browser: ReturnType<typeof chromium.launch> | undefined

async function openContext(): Promise<BrowserContext> {
  if (!browser) {
    const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update']
    browser = chromium.launch({ args, ...(CHROMIUM === undefined ? {} : { executablePath: CHROMIUM }) })
    closers.push(async () => (await browser)?.close())
  }
  return (await browser).newContext()
}

let stage: Promise<Stage> | undefined

/** The stage of this file. It closes after the tests. */
export function openStage(): Promise<Stage> {
  stage ??= makeStage()
  return stage
}

async function makeStage(): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-journeys-'))
  const server = await createServer(
    completeConfiguration({
      port: 0,
      dataFolder: folder,
      sealKey: randomBytes(32).toString('base64'),
      adminPassword: ADMIN_PASSWORD,
    }),
    { now: Date.now, newId: randomUUID, randomBytes, log: createLog('silent') },
  )
  await server.listen()
  closers.push(async () => {
    await server.close()
    await rm(folder, { recursive: true })
  })
  const call = async (method: string, url: string, body?: object) => {
    const authorization = `Basic ${Buffer.from(`admin:${ADMIN_PASSWORD}`).toString('base64')}`
    const type = url.includes('/scim2/') ? 'application/scim+json' : 'application/json'
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const response = await fetch(url, { method, headers: { authorization, 'content-type': type }, ...sent })
    const text = await response.text()
    assert.ok(response.ok, `${method} ${url} answered ${response.status}: ${text}`)
    return { location: response.headers.get('location') ?? '', body: text === '' ? undefined : JSON.parse(text) }
  }
  const base = `${server.address}/t/${TENANT}`
  const api = '/api/server/v1'
  await call('POST', `${server.address}${api}/tenants`, {
    ...{ domain: TENANT, name: 'Demo' },
    owners: [{ username: 'boss', password: 'Owner-of-the-journeys-5' }],
  })
  const { body: mira } = await call('POST', `${base}/scim2/Users`, {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    ...{ userName: MIRA.userName, password: MIRA.password },
    name: { givenName: MIRA.givenName, familyName: 'Example' },
    emails: [{ value: 'mira@example.com', primary: true }],
  })
  return {
    base,
    issuer: `${base}/oauth2/token`,
    async addApplication(oidc, skips = { skipLoginConsent: true, skipLogoutConsent: true }) {
      const { location } = await call('POST', `${base}${api}/applications`, {
        name: `app-${randomUUID()}`,
        inboundProtocolConfiguration: { oidc },
        advancedConfigurations: skips,
      })
      const id = location.split('/').at(-1)
      return (await call('GET', `${base}${api}/applications/${id}/inbound-protocols/oidc`)).body
    },
    readUser: async () => (await call('GET', `${base}/scim2/Users/${mira.id}`)).body,
  }
}

/** Lets a program answer on a free port until the tests of this file end. Returns its origin. */
export async function serve(listener: RequestListener): Promise<string> {
  const http = createHttpServer(listener)
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
  closers.push(async () => {
    http.closeAllConnections()
    http.close()
  })
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`
}

/** Fills in the sign-in page. */
export async function signIn(page: Page): Promise<void> {
  await page.getByLabel('User name').fill(MIRA.userName)
  await page.getByLabel('Password').fill(MIRA.password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}
