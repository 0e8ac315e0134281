import type { Suite } from './row.ts'
import { authenticationSuite } from './rows/authentication-suite.ts'
import { clientSuite } from './rows/client-suite.ts'
import { configurationSuite } from './rows/configuration-suite.ts'
import { engineSuite } from './rows/engine-suite.ts'
import { flowExtensionSuite } from './rows/flow-extension-suite.ts'
import { groupSuite } from './rows/group-suite.ts'
import { organizationSuite } from './rows/organization-suite.ts'
import { passwordSuite } from './rows/password-suite.ts'
import { profileSuite } from './rows/profile-suite.ts'
import { scimSuite } from './rows/scim-suite.ts'
import { tokenSuite } from './rows/token-suite.ts'
import { useCaseSuite } from './rows/use-case-suite.ts'

/** All specifications whose rows are run. */
export const suites: readonly Suite[] = [
  tokenSuite,
  engineSuite,
  passwordSuite,
  profileSuite,
  organizationSuite,
  authenticationSuite,
  configurationSuite,
  flowExtensionSuite,
  useCaseSuite,
  clientSuite,
  groupSuite,
  scimSuite,
]
