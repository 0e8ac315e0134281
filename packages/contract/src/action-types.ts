import { authentication } from './action-types/authentication/descriptor.ts'
import type { ActionTypeDescriptor } from './action-types/descriptor.ts'
import type { Events } from './action-types/events.ts'
import { preIssueAccessToken } from './action-types/pre-issue-access-token/descriptor.ts'
import { preIssueIdToken } from './action-types/pre-issue-id-token/descriptor.ts'
import { preUpdatePassword } from './action-types/pre-update-password/descriptor.ts'
import { preUpdateProfile } from './action-types/pre-update-profile/descriptor.ts'

export type {
  ActionTypeDescriptor,
  ClaimReasons,
  EditablePlace,
  IndexBase,
  Offer,
  OfferedPath,
  Revision,
  RuleField,
  Since,
} from './action-types/descriptor.ts'
export type { ActionType, Events } from './action-types/events.ts'
export type { InClear } from './action-types/in-clear.ts'

/**
 * The table of action types, in the order of the reference's enumeration. `action-type-guides.ts` has what tools and
 * tests know besides.
 */
export const actionTypes: { [T in keyof Events]: ActionTypeDescriptor<Events[T]> } = {
  PRE_ISSUE_ACCESS_TOKEN: preIssueAccessToken,
  PRE_UPDATE_PASSWORD: preUpdatePassword,
  PRE_UPDATE_PROFILE: preUpdateProfile,
  AUTHENTICATION: authentication,
  PRE_ISSUE_ID_TOKEN: preIssueIdToken,
}

/**
 * Types whose management path is known but which nothing implements, here as in the reference. The management API
 * answers 501 for their `path`.
 */
export const unimplementedActionTypes: readonly {
  type: string
  path: string
  displayName: string
  description: string
  category: 'PRE_POST'
}[] = [
  {
    type: 'PRE_REGISTRATION',
    path: 'preRegistration',
    displayName: 'Pre Registration',
    description: 'Configure an extension point for modifying user registration via a custom service.',
    category: 'PRE_POST',
  },
]
