import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Json } from '../extension-under-test.ts'
import type { Answered } from '../requests.ts'
import type { Stage } from '../stage.ts'
import { patchOf } from '../users.ts'

export const CORE = 'urn:ietf:params:scim:schemas:core:2.0:User'
export const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
export const WSO2 = 'urn:scim:wso2:schema'
export const CUSTOM = 'urn:scim:schemas:extension:custom:User'

/** A name that no other row uses. */
export const newName = (begin = 'scim') => `${begin}-${randomBytes(5).toString('hex')}`

/** Creates a user through SCIM, and returns the resource. */
export async function makeUser(stage: Stage, attributes: object = {}): Promise<Json> {
  return (await stage.must('POST', '/scim2/Users', { userName: newName(), ...attributes })).body
}

/** Creates a group through SCIM, and returns the resource. */
export async function makeGroup(stage: Stage, members: readonly Json[] = [], more: object = {}): Promise<Json> {
  const values = members.map(({ id }) => ({ value: id }))
  const group = { displayName: newName('group'), members: values, ...more }
  return (await stage.must('POST', '/scim2/Groups', group)).body
}

export function read(stage: Stage, { meta }: Json): Promise<Answered> {
  return stage.call('GET', pathOf(meta.location))
}

function pathOf(location: string): string {
  return location.slice(location.indexOf('/scim2'))
}

/** Sends a PATCH with these operations. */
export function patch(stage: Stage, { meta }: Json, ...operations: object[]): Promise<Answered> {
  return stage.call('PATCH', pathOf(meta.location), patchOf(...operations))
}

/** Changes a new user, and returns the resource as it is stored afterwards. */
export async function patched(stage: Stage, before: object, ...operations: object[]): Promise<Json> {
  const user = await makeUser(stage, before)
  const { body, status } = await patch(stage, user, ...operations)
  assert.equal(status, 200, JSON.stringify(body))
  return (await read(stage, user)).body
}

/** The operations are refused for a new user with this scimType, and change nothing. */
export async function assertRefused(stage: Stage, before: object, scimType: string, ...operations: object[]) {
  const user = await makeUser(stage, before)
  const { body, status } = await patch(stage, user, ...operations)
  assert.deepEqual([status, body.scimType], [400, scimType], JSON.stringify(operations))
  assert.deepEqual((await read(stage, user)).body, user)
}

/** The users that a filter finds. */
export async function find(stage: Stage, filter: string, more: Record<string, string> = {}): Promise<Json> {
  return (await stage.must('GET', `/scim2/Users?${new URLSearchParams({ filter, ...more })}`)).body
}

/** The ids of the users that a filter finds. */
export async function idsOf(stage: Stage, filter: string): Promise<string[]> {
  return (await find(stage, filter, { count: '200' })).Resources.map(({ id }: Json) => id)
}
