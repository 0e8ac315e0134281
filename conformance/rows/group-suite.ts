import { numbered, type Suite } from '../row.ts'
import { scimGroups } from './scim-groups.ts'
import { scimRoles } from './scim-roles.ts'

/** The rows about groups and roles: SCIM, and what they give in tokens. */
export const groupSuite: Suite = {
  title: 'Groups and roles',
  ids: [...numbered('SG-', 10), ...numbered('SR-', 10), ...numbered('ST-', 13)],
  sections: [scimGroups, ...scimRoles],
}
