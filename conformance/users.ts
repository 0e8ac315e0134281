import { randomBytes } from 'node:crypto'
import type { ServerUnderTest } from './server-under-test.ts'
import type { Stage } from './stage.ts'

/** A user with what they sign in with. */
export interface Person {
  id: string
  userName: string
  password: string
}

const PASSWORD = 'correct horse battery'
const SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User'

/**
 * Creates a user through SCIM.
 *
 * @param settings.attributes More SCIM attributes.
 * @param settings.below Path of the organization the user belongs to, `/o/branch`. Default: the root organization.
 */
export async function addUser(
  stage: Pick<Stage, 'must'> & { server: ServerUnderTest },
  {
    givenName = 'Mira',
    groups = ['staff', 'eu'],
    below = '',
    attributes = {},
  }: { givenName?: string; groups?: string[]; below?: string; attributes?: object } = {},
): Promise<Person> {
  const userName = `user-${randomBytes(4).toString('hex')}`
  const { body } = await stage.must('POST', `${below}/scim2/Users`, {
    schemas: [SCHEMA],
    userName,
    password: PASSWORD,
    name: { givenName },
    ...attributes,
  })
  // Groups have no API yet.
  stage.server.seed('update users set groups = ? where id = ?', JSON.stringify(groups), body.id)
  return { id: body.id, userName, password: PASSWORD }
}

/** Changes a user's given name through SCIM. */
export async function renameUser({ must }: Pick<Stage, 'must'>, { id }: Person, givenName: string): Promise<void> {
  await must('PATCH', `/scim2/Users/${id}`, {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [{ op: 'replace', path: 'name.givenName', value: givenName }],
  })
}
