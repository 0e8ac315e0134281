import type { Handlers } from '@preflow/extension'
import { combine } from '@preflow/policies'
// sample of imports
import { breachedPasswords } from './policies/breached-passwords.ts'
import { country } from './policies/country.ts'
import { hours } from './policies/hours.ts'
import { passwordRules } from './policies/password-rules.ts'
import { profileRules } from './policies/profile-rules.ts'
import { reputation } from './policies/reputation.ts'
import { restoreLifetime } from './policies/restore-lifetime.ts'
import { scopes } from './policies/scopes.ts'
import { sourceAddress } from './policies/source-address.ts'
// end of sample
import type { Ports } from './ports.ts'

/** The decisions. Policies are evaluated in this order, and the first that denies decides. */
export function createHandlers(ports: Ports): Handlers {
  return {
    // sample of handlers
    preIssueAccessToken: combine(
      sourceAddress(),
      country(ports),
      reputation(ports),
      hours(),
      restoreLifetime(),
      scopes(),
    ),
    preUpdateProfile: combine(profileRules()),
    preUpdatePassword: combine(passwordRules(ports), breachedPasswords(ports)),
    // end of sample
  }
}
