/** The schema of groups: the one table for parsing, patching, filtering, selection and `/Schemas`. */
import {
  AUDIENCE_OF_ROLE,
  COMMON,
  complex,
  membership,
  type ResourceType,
  reference,
  type Schema,
  string,
} from './attribute.ts'

/** Maximum number of members in one request. Larger groups need several requests. */
const MAX_MEMBERS = 20_000

const coreGroup: Schema = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:Group',
  name: 'Group',
  description: 'Group',
  attributes: [
    string('displayName', 'The name of the group.', { required: true, uniqueness: 'server' }),
    complex(
      'members',
      'The users in the group.',
      [
        string('value', 'The id of the user.', { caseExact: true }),
        string('display', 'The user name.'),
        reference('$ref', 'The URI of the user.', ['User']),
        string('type', 'The type of the member.', { canonicalValues: ['User'] }),
      ],
      { multiValued: true, maxValues: MAX_MEMBERS },
    ),
    membership('roles', 'The roles that every member has.', AUDIENCE_OF_ROLE),
  ],
}

export const groupType: ResourceType = {
  name: 'Group',
  endpoint: '/Groups',
  description: 'Group',
  common: COMMON,
  core: coreGroup,
  extensions: [],
}
