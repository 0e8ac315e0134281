/**
 * Fixtures for the tests: a platform that calls the extension, a browser with cookies, and the extension on its own
 * port.
 */
import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { present } from '@preflow/contract'
import { type Configuration, createPinAuthenticator, type Log, type PinAuthenticator } from './index.ts'

export const apiKey = 'platform-key-'.repeat(3)
export const adminKey = 'administrator-key-'.repeat(3)
export const pin = '482915'

/** The settings with their defaults, and fast hashing. */
export const defaults: Configuration = {
  mode: 'second_factor',
  publicUrl: 'https://pin.example.com',
  platformUrls: ['https://id.example.com'],
  caller: 'api-key',
  callerSecrets: [apiKey],
  callerUsername: undefined,
  callerHeader: 'x-api-key',
  return: 'code',
  starterHeader: 'x-forwarded-for',
  addressHeader: undefined,
  callerAuthentication: { type: 'apiKey', header: 'x-api-key', keys: [apiKey] },
  adminKeys: [adminKey],
  pepper: 'pepper-'.repeat(6),
  previousPepper: undefined,
  database: ':memory:',
  minPinLength: 6,
  hashCostLog2: 4,
  entryAttempts: 5,
  userAttempts: 10,
  accountAttempts: 100,
  lockSeconds: 900,
  maxLockSeconds: 86_400,
  entrySeconds: 300,
  resultSeconds: 60,
  language: 'en',
  texts: {},
  hostname: '127.0.0.1',
  port: 0,
  graceMs: 1000,
}

/** Listens on a free port of this machine. */
export async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The extension on a port, with a clock that the test moves and a log that it reads. */
export interface RunningAuthenticator extends AsyncDisposable {
  url: string
  authenticator: PinAuthenticator
  clock: { now: number }
  log: Log[]
  /** Calls the enrolment API. */
  administer(method: string, userId: string, body?: unknown): Promise<Response>
  /** Calls the endpoint as the platform does. */
  call(request?: CallOptions): Promise<{ status: number; answer: Answer }>
}

export interface CallOptions {
  flowId?: string
  requestId?: string
  event?: object
  key?: string
  /** What the returning browser brought. Default: the code that a browser last got for the flow; `null`: none. */
  returnCode?: string | string[] | null
  /** Replaces the whole body. */
  body?: unknown
}

export interface Answer {
  actionStatus: string
  operations?: { op: string; url: string }[]
  data?: { user?: { id: string; claims: unknown[]; groups?: string[]; userStore?: { name: string } } }
  failureReason?: string
  failureDescription?: string
  errorMessage?: string
  errorDescription?: string
}

export const ines = { id: 'b1d2b7a4-6a0c-4d0e-8c38-0a1d7e3f9a55', userIdentitySource: 'LOCAL', sub: 'ines' }

/** What the platform sends in step 2, after Ines has entered her password. */
export const stepTwo = {
  tenant: { id: '417', name: 'heron.example' },
  organization: { id: '5d0c9d0e-0a51-4a5d-8a34-7f6d7a3c2b10', name: 'Heron', orgHandle: 'heron.example', depth: 0 },
  user: ines,
  userStore: { id: 'UFJJTUFSWQ==', name: 'PRIMARY' },
  application: { id: 'c0ffee00-1111-4222-8333-444455556666', name: 'Gauge Board' },
  currentStepIndex: 2,
  authenticatedSteps: [{ index: 1, name: 'BasicAuthenticator' }],
}

/** The same in step 1, before a user is known. */
export const stepOne = {
  tenant: stepTwo.tenant,
  organization: stepTwo.organization,
  application: stepTwo.application,
  currentStepIndex: 1,
}

export async function startAuthenticator(settings: Partial<Configuration> = {}): Promise<RunningAuthenticator> {
  const server = createServer()
  const url = await listen(server)
  const clock = { now: 1_790_000_000_000 }
  const log: Log[] = []
  const authenticator = await createPinAuthenticator(
    { ...defaults, publicUrl: url, ...settings },
    { now: () => clock.now, randomBytes, log: line => log.push(line) },
  )
  server.on('request', getRequestListener(authenticator.fetch, { overrideGlobalObjects: false }))
  return {
    url,
    authenticator,
    clock,
    log,
    administer: (method, userId, body) =>
      fetch(`${url}/pins/${encodeURIComponent(userId)}`, {
        method,
        headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
        ...present({ body: body === undefined ? undefined : JSON.stringify(body) }),
      }),
    call: async ({ flowId = randomUUID(), requestId, event = stepTwo, key = apiKey, returnCode, body } = {}) => {
      const code = returnCode === undefined ? returnCodes.get(flowId) : returnCode
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'x-api-key': key, 'content-type': 'application/json', 'x-wso2-api-version': 'v1' },
        body: JSON.stringify(
          body ?? {
            actionType: 'AUTHENTICATION',
            flowId,
            event: code == null ? event : returned(event, [code].flat()),
            allowedOperations: [{ op: 'redirect' }],
            ...present({ requestId }),
          },
        ),
      })
      return { status: response.status, answer: (await response.json()) as Answer }
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
      await authenticator.close()
    },
  }
}

/** The codes that browsers got, by flow. A platform forwards what the returning browser brings. */
const returnCodes = new Map<string, string>()

function noteReturnCode(back: string | undefined): void {
  const query = back === undefined ? undefined : URL.parse(back)?.searchParams
  const code = query?.get('returnCode')
  if (code) returnCodes.set(query?.get('flowId') ?? '', code)
}

/** The event of a call after the browser returned with these codes. */
function returned(event: object, value: string[]): object {
  const { request = {} } = event as { request?: { additionalParams?: object[] } }
  const additionalParams = [...(request.additionalParams ?? []), { name: 'returnCode', value }]
  return { ...event, request: { ...request, additionalParams } }
}

/** The page as a browser shows it. */
export interface Shown {
  status: number
  headers: Headers
  html: string
  /** The hidden fields of the form. Absent without a form. */
  form?: { action: string; attempt: string; token: string }
  /** Content of the element with `role="alert"`. */
  alert?: string
  /** The address to which the page forwards automatically. */
  forward?: string
  /** The button that is a link. */
  link?: string
}

/** A browser: it stores cookies and fills in forms. */
export interface Browser {
  cookies: Map<string, string>
  open(url: string): Promise<Shown>
  /** Fills in the form of a page and sends it. `fields` replace what the form would send. */
  send(page: Shown, fields: Record<string, string>): Promise<Shown>
}

/** @param address Of the browser, as a proxy in front of the extension reports it. */
export function createBrowser(address?: string): Browser {
  const cookies = new Map<string, string>()
  const request = async (url: string, init: RequestInit): Promise<Shown> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { ...init.headers, cookie, ...present({ 'x-forwarded-for': address }) }
    const response = await fetch(url, { ...init, redirect: 'manual', headers })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      cookies.set(name, value)
    }
    return show(response, await response.text())
  }
  return {
    cookies,
    open: url => request(url, {}),
    send: async (page, fields) => {
      assert.ok(page.form, 'the page has a form')
      const { action, ...hidden } = page.form
      return request(action, { method: 'POST', body: new URLSearchParams({ ...hidden, ...fields }) })
    },
  }
}

function show({ status, headers }: Response, html: string): Shown {
  const find = (pattern: RegExp) => pattern.exec(html)?.[1]?.replaceAll('&amp;', '&')
  const [action, attempt, token] = [
    find(/<form method="post" action="([^"]*)"/),
    find(/name="attempt" value="([^"]*)"/),
    find(/name="token" value="([^"]*)"/),
  ]
  const optional = {
    alert: find(/role="alert">([^<]*)</),
    forward: find(/http-equiv="refresh" content="\d+;url=([^"]*)"/),
    link: find(/class="button" href="([^"]*)"/),
    form: action === undefined ? undefined : { action, attempt: attempt ?? '', token: token ?? '' },
  }
  noteReturnCode(optional.forward ?? optional.link)
  return {
    status,
    headers,
    html,
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  }
}

/** Starts a sign-in and opens its page, as the browser that the platform has redirected. */
export async function begin(
  running: RunningAuthenticator,
  options: CallOptions = {},
  browser: Browser = createBrowser(),
): Promise<{ flowId: string; url: string; browser: Browser; page: Shown }> {
  const { flowId = randomUUID() } = options
  const { answer } = await running.call({ ...options, flowId })
  assert.equal(answer.actionStatus, 'INCOMPLETE', JSON.stringify(answer))
  const url = answer.operations?.[0]?.url ?? ''
  return { flowId, url, browser, page: await browser.open(url) }
}

/** A platform that redirects browsers to the extension, and requests the result when they return. */
export interface RunningPlatform extends AsyncDisposable {
  url: string
  /** The extension's endpoint. Set it before the first sign-in. */
  endpoint: string
  /** The answers of the extension, call by call. */
  answers: Answer[]
}

/** `/authorize` starts a sign-in, `/t/{tenant}/commonauth` continues it, and the application shows its result. */
export async function startPlatform(): Promise<RunningPlatform> {
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', platform.url)
    const redirect = (to: string) => response.writeHead(302, { location: to }).end()
    if (url.pathname === '/app') {
      const page = `<!doctype html><html lang="en"><title>Gauge Board</title><h1>${url.searchParams.get('result')}</h1>`
      return response.writeHead(200, { 'content-type': 'text/html' }).end(page)
    }
    const flowId = url.pathname === '/authorize' ? randomUUID() : url.searchParams.get('flowId')
    if (flowId === null || !/^\/(authorize|t\/heron\.example\/commonauth)$/.test(url.pathname)) {
      return response.writeHead(404).end()
    }
    const code = url.searchParams.get('returnCode')
    const answer = await fetch(platform.endpoint, {
      method: 'POST',
      headers: { 'x-api-key': apiKey, 'content-type': 'application/json' },
      body: JSON.stringify({
        actionType: 'AUTHENTICATION',
        flowId,
        requestId: randomUUID(),
        event: code === null ? stepTwo : returned(stepTwo, [code]),
        allowedOperations: [{ op: 'redirect' }],
      }),
    }).then(reply => reply.json() as Promise<Answer>)
    platform.answers.push(answer)
    const next = answer.operations?.[0]?.url
    // The application has another origin than the platform, as in practice.
    const application = platform.url.replace('127.0.0.1', 'localhost')
    return redirect(next ? `${next}&spId=c0ffee00` : `${application}/app?result=${answer.actionStatus}`)
  })
  const platform: RunningPlatform = {
    url: await listen(server),
    endpoint: '',
    answers: [],
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
  return platform
}
