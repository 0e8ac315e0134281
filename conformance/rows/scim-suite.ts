import { numbered, type Suite } from '../row.ts'
import { scimBulk } from './scim-bulk.ts'
import { scimClients } from './scim-clients.ts'
import { scimFilters } from './scim-filters.ts'
import { scimStates } from './scim-states.ts'
import { scimUsers } from './scim-users.ts'

/** The rows of SCIM: users, filters, provisioning clients, account states and bulk requests. */
export const scimSuite: Suite = {
  title: 'SCIM',
  introduction: [
    'The rows of Entra ID and Okta name the client that needs each behaviour. [WSO2’s documentation](https://is.docs.wso2.com/) has the',
    '34 forms of SU-01.',
  ].join('\n'),
  ids: [
    ...numbered('SU-', 27),
    ...numbered('SF-', 20),
    ...numbered('SE-', 13),
    ...numbered('SK-', 5),
    ...numbered('SA-', 9),
    ...numbered('SB-', 8),
  ],
  sections: [scimUsers, scimFilters, scimClients, scimStates, scimBulk],
}
