import type { Suite } from '../row.ts'
import { clientDiscovery } from './client-discovery.ts'
import { clientKeys } from './client-keys.ts'

/** The rows about standard clients and official SDKs on the defaults. */
export const clientSuite: Suite = {
  title: 'Clients',
  introduction: [
    'What official SDKs, tools and standard clients of OAuth 2 and OpenID Connect need, so that they work on the defaults without changes. Where',
    "the reference's own behaviour is not safe to copy, the row says what is done instead.",
  ].join('\n'),
  ids: ['CL-01', 'CL-21', 'CL-22', 'CL-25', 'CL-23', 'CL-30', 'CL-32', 'CL-33'],
  sections: [clientKeys, clientDiscovery],
}
