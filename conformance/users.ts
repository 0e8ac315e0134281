import { randomBytes } from 'node:crypto'
import type { Call } from './requests.ts'
import type { ServerUnderTest } from './server-under-test.ts'

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
const PATCH_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'

/** Creates a user through SCIM. */
export async function addUser(
  { must, server }: { must: Call; server: Pick<ServerUnderTest, 'seed'> },
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
  // There is no API for groups yet.
  server.seed('update users set groups = ? where id = ?', JSON.stringify(groups), body.id)
  return { id: body.id, userName, password: PASSWORD }
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
