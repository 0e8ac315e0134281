import { randomBytes } from 'node:crypto'
import type { Call } from './requests.ts'

/** A user with credentials. */
export interface Person {
  id: string
  userName: string
  password: string
}

/** Properties of a new user. */
export interface PersonSettings {
  givenName?: string
  groups?: string[]
  /** Path of the user's organization, `/o/branch`. Default: the root organization. */
  below?: string
  /** More SCIM attributes. */
  attributes?: object
}

/** The initial password of every user of the rows. */
export const PASSWORD = 'correct horse battery'

const USER_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User'
const GROUP_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:Group'
const PATCH_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'

/** Creates a user through SCIM, in groups of these names. */
export async function addUser(
  { call, must }: { call: Call; must: Call },
  { givenName = 'Mira', groups = ['staff', 'eu'], below = '', attributes = {} }: PersonSettings = {},
): Promise<Person> {
  const userName = `user-${randomBytes(4).toString('hex')}`
  const { body } = await must('POST', `${below}/scim2/Users`, {
    schemas: [USER_SCHEMA],
    userName,
    password: PASSWORD,
    name: { givenName },
    ...attributes,
  })
  for (const group of groups) await joinGroup({ call, must }, `${below}/scim2/Groups`, group, body.id)
  return { id: body.id, userName, password: PASSWORD }
}

/** Makes a user a member of a group, which is created unless it exists. */
async function joinGroup(
  { call, must }: { call: Call; must: Call },
  groupsUrl: string,
  displayName: string,
  userId: string,
): Promise<void> {
  const members = [{ value: userId }]
  const { status } = await call('POST', groupsUrl, { schemas: [GROUP_SCHEMA], displayName, members })
  if (status === 201) return
  const filter = encodeURIComponent(`displayName eq "${displayName}"`)
  const { body } = await must('GET', `${groupsUrl}?filter=${filter}&attributes=id`)
  await must('PATCH', `${groupsUrl}/${body.Resources[0].id}`, patchOf({ op: 'add', path: 'members', value: members }))
}

/** Changes a user's given name through SCIM. */
export async function renameUser({ must }: { must: Call }, { id }: Person, givenName: string): Promise<void> {
  await must('PATCH', `/scim2/Users/${id}`, patchOf(replacing('name.givenName', givenName)))
}

/** The body of a SCIM PATCH. */
export function patchOf(...Operations: object[]): object {
  return { schemas: [PATCH_SCHEMA], Operations }
}

/** An operation of a SCIM PATCH. */
export function replacing(path: string, value: unknown): object {
  return { op: 'replace', path, value }
}
