/** How passwords and profiles change on a stage, and the events that their actions get. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { localClaimUri } from '@preflow/contract'
import { openBrowser, type Page } from '@preflow/server/testing'
import type { Answer, Json } from '../extension-under-test.ts'
import type { Answered } from '../requests.ts'
import { CONSOLE_SCOPES, type Stage } from '../stage.ts'
import { type ActionSettings, actionPath } from '../stage-actions.ts'
import { type Person, patchOf, replacing } from '../users.ts'

export const PASSWORD_ACTION = 'PRE_UPDATE_PASSWORD'
export const PROFILE_ACTION = 'PRE_UPDATE_PROFILE'
type AccountAction = typeof PASSWORD_ACTION | typeof PROFILE_ACTION

/** SCIM extensions of users. */
export const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
export const WSO2 = 'urn:scim:wso2:schema'

/** Local claims that rows use. */
export const CLAIMS = {
  department: localClaimUri('department'),
  emailAddresses: localClaimUri('emailAddresses'),
  groups: localClaimUri('groups'),
  mobile: localClaimUri('mobile'),
  mobileNumbers: localClaimUri('mobileNumbers'),
  nickname: localClaimUri('nickname'),
  title: localClaimUri('title'),
} as const

/** The password that rows set. */
export const NEW_PASSWORD = 'Blue-Heron_42!'

/** Creates the active password action. By default it gets passwords in plain text. */
export function configurePassword(stage: Stage, settings: ActionSettings = {}): Promise<string> {
  return stage.configure(PASSWORD_ACTION, { passwordSharing: { format: 'PLAIN_TEXT' }, ...settings })
}

/**
 * Turns the password action into version 1, which the API can no longer create, to simulate an action from that time.
 *
 * @param id Id of the action.
 */
export function downgrade({ server }: Stage, id: string): void {
  server.seed("update actions set version = 'v1' where id = ?", id)
}

/** Adds an attribute to an action that the server no longer has, to simulate an older action. */
export function askForUnknownAttribute({ server }: Stage, id: string): void {
  const attributes = JSON.stringify([localClaimUri('eyeColour'), CLAIMS.department])
  server.seed("update actions set settings = json_set(settings, '$.attributes', json(?)) where id = ?", attributes, id)
}

/** `Authorization` with an access token of a user. */
export async function asUser(stage: Stage, { userName, password }: Person): Promise<string> {
  return bearer(stage, { grant_type: 'password', username: userName, password })
}

/** `Authorization` with an access token of the tenant's administrator. */
export function asAdministrator(stage: Stage): Promise<string> {
  return asUser(stage, stage.administrator)
}

/** `Authorization` with an access token of an application itself. */
export function asApplication(stage: Stage): Promise<string> {
  return bearer(stage, { grant_type: 'client_credentials' })
}

async function bearer(stage: Stage, form: Record<string, string>): Promise<string> {
  const { body } = await stage.token(stage.console, { ...form, scope: CONSOLE_SCOPES.join(' ') })
  assert.equal(typeof body.access_token, 'string', JSON.stringify(body))
  return `Bearer ${body.access_token}`
}

/** PATCH of a user, by default as the administrator. */
export async function patchUser(
  stage: Stage,
  { id }: Person,
  operations: object[],
  authorization?: string,
): Promise<Answered> {
  return stage.call('PATCH', `/scim2/Users/${id}`, patchOf(...operations), authorization)
}

/** PATCH of one's own account. */
export async function patchMe(stage: Stage, person: Person, ...operations: object[]): Promise<Answered> {
  return stage.call('PATCH', '/scim2/Me', patchOf(...operations), await asUser(stage, person))
}

/** Sets a user's password through SCIM, by default as the administrator. */
export function setPassword(
  stage: Stage,
  person: Person,
  { authorization, password = NEW_PASSWORD }: { authorization?: string; password?: string } = {},
): Promise<Answered> {
  return patchUser(stage, person, [replacing('password', password)], authorization)
}

/** The user changes the password to {@link NEW_PASSWORD}, with the current password as proof. */
export async function changeOwnPassword(stage: Stage, person: Person): Promise<Answered> {
  const change = { currentPassword: person.password, newPassword: NEW_PASSWORD }
  return stage.call('POST', '/api/users/v1/me/change-password', change, await asUser(stage, person))
}

/** Creates a user through SCIM with {@link NEW_PASSWORD}, by default as the administrator. */
export async function register(
  stage: Stage,
  { authorization, attributes = {} }: { authorization?: string; attributes?: object } = {},
): Promise<Answered & { userName: string }> {
  const userName = `user-${randomBytes(4).toString('hex')}`
  const user = { userName, password: NEW_PASSWORD, ...attributes }
  return { ...(await stage.call('POST', '/scim2/Users', user, authorization)), userName }
}

/** How many users have this name. */
export async function countUsers({ must }: Stage, userName: string): Promise<number> {
  const filter = encodeURIComponent(`userName eq "${userName}"`)
  return (await must('GET', `/scim2/Users?filter=${filter}`)).body.totalResults
}

/** A link where the user sets a password. */
export async function invite(stage: Stage, userName: string): Promise<string> {
  const { body } = await stage.must(
    'POST',
    '/api/users/v1/offline-invite-link',
    { username: userName },
    await asAdministrator(stage),
  )
  return body
}

/** Opens such a link and sets {@link NEW_PASSWORD}. */
export async function acceptInvitation({ server }: Stage, link: string): Promise<Page> {
  const browser = openBrowser(server.address)
  return browser.submit(await browser.open(link), { password: NEW_PASSWORD, again: NEW_PASSWORD })
}

/** Whether this is the user's password. */
export async function opens(stage: Stage, { userName }: Pick<Person, 'userName'>, password: string): Promise<boolean> {
  const form = { grant_type: 'password', username: userName, password, scope: 'internal_login' }
  const { body, status } = await stage.token(stage.console, form)
  if (status !== 200) assert.equal(body.error, 'invalid_grant')
  return status === 200
}

/** The password is unchanged. */
export async function assertUnchanged(stage: Stage, person: Person): Promise<void> {
  assert(await opens(stage, person, person.password), 'the old password no longer works')
}

/** The request of the only call. */
export function onlyRequest(stage: Stage, type: AccountAction = PASSWORD_ACTION): Json {
  const { calls } = stage.extension(type)
  assert.equal(calls.length, 1, `calls of ${type}`)
  return calls[0]?.body
}

/** The event of the only call. */
export function onlyEvent(stage: Stage, type: AccountAction = PASSWORD_ACTION): Json {
  return onlyRequest(stage, type).event
}

export function assertNotCalled(stage: Stage, type: AccountAction = PASSWORD_ACTION): void {
  assert.equal(stage.extension(type).calls.length, 0, `calls of ${type}`)
}

/** Initiator and action of the password change in the only call. */
export function assertCalledAs(stage: Stage, initiatorType: string, action: string, userId: string | undefined): void {
  const event = onlyEvent(stage)
  assert.deepEqual([event.initiatorType, event.action, event.user.id], [initiatorType, action, userId])
}

/** The claims of an event by URI, because their order is undefined. */
export function claimsOf(claims: Json[] | undefined): Record<string, Json> | undefined {
  return claims && Object.fromEntries(claims.map(({ uri, ...claim }) => [uri, claim]))
}

/** The extension returns these answers in sequence. The last one repeats. */
export function answerInTurn(stage: Stage, type: AccountAction, ...answers: Answer[]): void {
  let given = 0
  stage.extension(type).answer(() => answers[Math.min(given++, answers.length - 1)] as Answer)
}

/** A request to the management API for an action while none is configured. */
export async function create(stage: Stage, type: AccountAction, settings: ActionSettings): Promise<Answered> {
  const { uri = stage.extension(type).url, authentication = { type: 'NONE' }, ...more } = settings
  return stage.call('POST', actionPath(type), { name: 'Under test', endpoint: { uri, authentication }, ...more })
}
