import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { present } from '@preflow/contract'
import { type Browser, openBrowser } from '@preflow/server/testing'
import type { Json } from '../extension-under-test.ts'
import { type Issued, idOf, request } from '../requests.ts'
import { CALLBACK, type Client, type Stage } from '../stage.ts'

export const APPLICATIONS = '/api/server/v1/applications'

/** The discovery document of the stage's tenant. */
export async function discover(stage: Stage): Promise<Json> {
  return (await request(`${stage.base}/oauth2/token/.well-known/openid-configuration`, {})).body
}

/** The body that creates an application, with values that no type of ours allows. */
export function applicationBody(oidc: Json, more: Json = {}): Json {
  return {
    name: `app-${randomBytes(6).toString('hex')}`,
    inboundProtocolConfiguration: { oidc: { callbackURLs: [CALLBACK], ...oidc } },
    ...more,
  }
}

/** Registers an application with settings of any kind, as its developer knows it. */
export async function addConfigured(stage: Stage, oidc: Json, more: Json = {}): Promise<Client> {
  const body = applicationBody(oidc, { advancedConfigurations: { skipLoginConsent: true }, ...more })
  const id = idOf(await stage.must('POST', APPLICATIONS, body))
  const { clientId, clientSecret } = (await stage.must('GET', `${APPLICATIONS}/${id}/inbound-protocols/oidc`)).body
  return { id, name: body.name, clientId, ...present({ clientSecret }) }
}

/** A browser in which the stage's user is signed in, and the tokens that the client got there. */
export async function signInAt(
  stage: Stage,
  client: Client,
  parameters: Record<string, string> = {},
): Promise<{ browser: Browser; issued: Issued }> {
  const browser = openBrowser(stage.server.address)
  const query = new URLSearchParams({
    client_id: client.clientId,
    redirect_uri: CALLBACK,
    response_type: 'code',
    scope: 'openid',
    ...parameters,
  })
  const page = await browser.open(`${stage.base}/oauth2/authorize?${query}`)
  const { userName: username, password } = stage.user
  const landed = await browser.submit(page, { username, password, step: 'sign-in' })
  const code = new URL(landed.url).searchParams.get('code') ?? ''
  const issued = await stage.token(client, { grant_type: 'authorization_code', code, redirect_uri: CALLBACK })
  assert.equal(issued.status, 200, JSON.stringify(issued.body))
  return { browser, issued }
}

/** Whether the browser has a session: what a silent request ends with. */
export async function silently(stage: Stage, browser: Browser, client: Client): Promise<'code' | string> {
  const query = new URLSearchParams({
    client_id: client.clientId,
    redirect_uri: CALLBACK,
    response_type: 'code',
    scope: 'openid',
    prompt: 'none',
  })
  const { searchParams } = new URL((await browser.open(`${stage.base}/oauth2/authorize?${query}`)).url)
  return searchParams.has('code') ? 'code' : String(searchParams.get('error'))
}
