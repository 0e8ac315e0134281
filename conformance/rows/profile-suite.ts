import { numbered, type Suite } from '../row.ts'
import { profileClaims } from './profile-changes.ts'
import { profileResults, profileRules } from './profile-results.ts'

/** The rows of the profile action. */
export const profileSuite: Suite = {
  title: 'Profile action',
  introduction: [
    'Ines is a user of the tenant. `request.claims` has the future values of the attributes that change. `user.claims` has the current values of',
    'the attributes that the action requests. R and D are `failureReason` and `failureDescription` of an answer.',
  ].join('\n'),
  ids: numbered('PF-', 26),
  sections: [profileClaims, profileRules, profileResults],
}
