import assert from 'node:assert/strict'
import { type Operation, present } from '@preflow/contract'
import type { ActionInput } from '@preflow/server/management'
import type { Json } from '../extension-under-test.ts'
import type { Issued } from '../requests.ts'
import type { Row } from '../row.ts'
import type { Client, Stage } from '../stage.ts'

export const AT = 'PRE_ISSUE_ACCESS_TOKEN'
export const IDT = 'PRE_ISSUE_ID_TOKEN'

/** Grants with long names. */
export const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token'

export const MACHINE_FORM = { grant_type: 'client_credentials' }

const OPERATIONS = { '+': 'add', '-': 'remove', '~': 'replace' } as const
const PLACES: Record<string, string> = {
  S: '/accessToken/scopes',
  A: '/accessToken/claims/aud',
  C: '/accessToken/claims',
  R: '/refreshToken/claims',
  P: '/response/parameters',
  I: '/idToken/claims',
}

/**
 * An operation in the notation of the rows: `+S/-` adds, `-S/-` removes, `~S/-` replaces.
 *
 * @example op('~S/1', 'profile')
 */
export function op(notation: string, value?: unknown): Operation {
  const [, sign = '', place = '', rest = ''] = /^([+~-])([A-Z])(.*)$/s.exec(notation) ?? []
  return {
    op: OPERATIONS[sign as keyof typeof OPERATIONS],
    path: PLACES[place] + rest,
    ...present({ value }),
  }
}

/** The value that adds a claim or a response parameter. */
export const named = (name: unknown, value: unknown) => ({ name, value })

/** A rule with one OR group per argument. All expressions of a group must hold. */
export function rule(...groups: [field: string, operator: string, value: string][][]): {
  rule: NonNullable<ActionInput['rule']>
} {
  return {
    rule: {
      condition: 'OR',
      rules: groups.map(group => ({
        condition: 'AND',
        expressions: group.map(([field, operator, value]) => ({ field, operator, value })),
      })),
    },
  }
}

/** Returns the request if it succeeded. Otherwise the row fails with the reason. */
export function issued(answered: Issued): Issued {
  assert.equal(answered.status, 200, JSON.stringify(answered.body))
  return answered
}

export function passwordForm({ user }: Pick<Stage, 'user'>, scope: string): Record<string, string> {
  return { grant_type: 'password', username: user.userName, password: user.password, scope }
}

/** How often the extensions of both token actions were called so far. */
export function called(stage: Stage): { access: number; id: number } {
  return { access: stage.extension(AT).calls.length, id: stage.extension(IDT).calls.length }
}

/** The last request to the extension, in full. */
export function lastRequest(stage: Stage, type: typeof AT | typeof IDT = AT): Json {
  return stage.extension(type).calls.at(-1)?.body
}

export function lastEvent(stage: Stage, type: typeof AT | typeof IDT = AT): Json {
  return lastRequest(stage, type)?.event
}

/** The paths that were offered for an operation. */
export function offered(stage: Stage, operation: string, type: typeof AT | typeof IDT = AT): string[] {
  return lastRequest(stage, type).allowedOperations.find((entry: Json) => entry.op === operation).paths
}

/** The value of a claim in the last event. */
export function shown(stage: Stage, name: string, type: typeof AT | typeof IDT = AT): unknown {
  const event = lastEvent(stage, type)
  return (event.accessToken ?? event.idToken).claims.find((claim: Json) => claim.name === name)?.value
}

export function claimNames(stage: Stage, type: typeof AT | typeof IDT = AT): string[] {
  const event = lastEvent(stage, type)
  return (event.accessToken ?? event.idToken).claims.map((claim: Json) => claim.name)
}

/** An application that may request tokens from the authorize endpoint. */
export async function addFrontApplication(stage: Stage): Promise<Client> {
  return stage.addApplication({
    grantTypes: ['authorization_code', 'implicit', 'refresh_token'],
    hybridFlow: { enable: true, responseType: 'code id_token,code id_token token' },
  })
}

/** The response of the authorize endpoint for a response type other than `code`. */
export async function land(stage: Stage, client: Client, responseType: string): Promise<URLSearchParams> {
  const { hash } = await stage.authorize(client, { response_type: responseType, scope: 'openid profile', nonce: 'n-1' })
  return new URLSearchParams(hash.slice(1))
}

/**
 * Signs in a device: requests a code, enters and confirms it in the browser of the stage's user, and gets the tokens.
 */
export async function connectDevice(stage: Stage, client: Client, scope: string): Promise<Issued> {
  const { browser } = stage
  const { body } = await stage.post('/oauth2/device_authorize', client, { scope })
  let page = await browser.open(body.verification_uri_complete)
  // With scripts, the first page enters the code itself.
  for (let step = 0; step < 3 && !page.html.includes('your device?'); step++) page = await browser.submit(page, {})
  page = await browser.submit(page, { confirm: 'yes' })
  if (page.html.includes('name="password"')) {
    const { userName: username, password } = stage.user
    page = await browser.submit(page, { username, password, step: 'sign-in' })
  }
  assert.match(page.html, /Your device is connected/)
  return stage.token(client, { grant_type: DEVICE_CODE, device_code: body.device_code })
}

/** A row about one step of the engine that no request shows by itself. */
export function inEngine(about: Row): Row {
  return { ...about, how: 'tested through the exports of @preflow/engine' }
}

/** An organization below the root that the user of the stage belongs to: they administer it. */
export async function joinBranch(stage: Stage): Promise<Json> {
  const { body: branch } = await stage.must('POST', '/api/server/v1/organizations', { name: 'Branch' })
  const role = `administrator-${branch.id}`
  stage.server.seed('insert into role_members (role_id, user_id) values (?, ?)', role, stage.user.id)
  return branch
}
