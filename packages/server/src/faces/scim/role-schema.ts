/** The schema of roles: the one table for parsing, patching, filtering, selection and `/Schemas`. */
import {
  type Attribute,
  COMMON,
  complex,
  READ_ONLY,
  type ResourceType,
  reference,
  type Schema,
  string,
} from './attribute.ts'

/** Maximum number of members in one request. Larger roles need several requests. */
const MAX_MEMBERS = 20_000

/** A list of users, groups or permissions. A list of roles contains it only if the client selects it. */
const members = (name: string, description: string, value: string, more: Partial<Attribute> = {}): Attribute =>
  complex(
    name,
    description,
    [
      string('value', value, { caseExact: true }),
      string('display', 'The name.'),
      reference('$ref', 'The URI.', ['uri']),
      string('type', 'Whether the membership is direct.'),
    ],
    { multiValued: true, maxValues: MAX_MEMBERS, ...more },
  )

const role: Schema = {
  id: 'urn:ietf:params:scim:schemas:extension:2.0:Role',
  name: 'Role',
  description: 'Role',
  attributes: [
    string('displayName', 'The name of the role.', { required: true, uniqueness: 'server' }),
    complex('audience', 'Where the role applies. It cannot be changed. Default: the organization.', [
      string('value', 'The id of the organization or application.', { caseExact: true }),
      string('display', 'Its name.'),
      string('type', 'Whether it is an organization or an application.', {
        canonicalValues: ['organization', 'application'],
      }),
    ]),
    members('permissions', 'The scopes that the role gives.', 'The scope.'),
    members('users', 'The users who have the role directly.', 'The id of the user.'),
    members('groups', 'The groups whose members have the role.', 'The id of the group.'),
    members(
      'associatedApplications',
      'The applications that accept the role.',
      'The id of the application.',
      READ_ONLY,
    ),
  ],
}

export const roleType: ResourceType = {
  name: 'Role',
  endpoint: '/v2/Roles',
  description: 'Role',
  common: COMMON.filter(({ name }) => name !== 'externalId'),
  core: role,
  extensions: [],
}

/** The lists that clients can change, each with its own permission. */
export const PARTS = ['permissions', 'users', 'groups'] as const
export type Part = (typeof PARTS)[number]

/** Attributes that a list of roles contains only if the client selects them. */
export const ON_REQUEST: readonly string[] = [...PARTS, 'associatedApplications']
