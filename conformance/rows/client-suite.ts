import type { RowId, Suite } from '../row.ts'
import { clientApplications } from './client-applications.ts'
import { clientCertification } from './client-certification.ts'
import { clientClaims } from './client-claims.ts'
import { clientCors } from './client-cors.ts'
import { clientDiscovery } from './client-discovery.ts'
import { clientKeys } from './client-keys.ts'
import { clientLogout } from './client-logout.ts'
import { clientProfile } from './client-profile.ts'

/** The numbers of rows, written as they follow each other in the sections. */
function listed(...sections: string[]): RowId[] {
  return sections.flatMap(numbers => numbers.split(' ').map((number): RowId => `CL-${number}` as RowId))
}

/** The rows about standard clients and official SDKs on the defaults. */
export const clientSuite: Suite = {
  title: 'Clients',
  introduction: [
    'What official SDKs, tools and standard clients of OAuth 2 and OpenID Connect need, so that they work on the defaults without changes. Where',
    "the reference's own behaviour is not safe to copy, the row states what is done instead.",
  ].join('\n'),
  ids: listed(
    '01 21 22 25', // keys
    '05 06 07 08 09 10 11', // CORS
    '12 13 14 15', // profile
    '23 30 32 63 33', // discovery and authorize
    '40 41 43 44 45 46 47 48 49', // sign-out
    '65 66 67 68 69', // claims
    '50 51 52 53 54 55 56 87 57 58 59 85', // applications
    '60', // certification
  ),
  sections: [
    clientKeys,
    clientCors,
    clientProfile,
    clientDiscovery,
    clientLogout,
    clientClaims,
    clientApplications,
    clientCertification,
  ],
}
