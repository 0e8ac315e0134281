import { type AuthenticationEvent, authentication } from './action-types/authentication.ts'
import type { ActionTypeDescriptor } from './action-types/descriptor.ts'
import { type AccessTokenEvent, preIssueAccessToken } from './action-types/pre-issue-access-token.ts'
import { type IdTokenEvent, preIssueIdToken } from './action-types/pre-issue-id-token.ts'
import { type PasswordEvent, preUpdatePassword } from './action-types/pre-update-password.ts'
import { type ProfileEvent, preUpdateProfile } from './action-types/pre-update-profile.ts'

export type {
  ActionType,
  ActionTypeDescriptor,
  ClaimTexts,
  EditablePlace,
  InClear,
  IndexBase,
  Offer,
  OfferedPath,
  RuleField,
  Since,
} from './action-types/descriptor.ts'

/** The event of each action type. */
export interface Events {
  PRE_ISSUE_ACCESS_TOKEN: AccessTokenEvent
  PRE_UPDATE_PASSWORD: PasswordEvent
  PRE_UPDATE_PROFILE: ProfileEvent
  AUTHENTICATION: AuthenticationEvent
  PRE_ISSUE_ID_TOKEN: IdTokenEvent
}

/** The table of action types, in the order of the reference's enumeration. Adding one is a descriptor and a line here. */
export const actionTypes: { [T in keyof Events]: ActionTypeDescriptor<Events[T]> } = {
  PRE_ISSUE_ACCESS_TOKEN: preIssueAccessToken,
  PRE_UPDATE_PASSWORD: preUpdatePassword,
  PRE_UPDATE_PROFILE: preUpdateProfile,
  AUTHENTICATION: authentication,
  PRE_ISSUE_ID_TOKEN: preIssueIdToken,
}

/**
 * Types whose management path is known and which nothing implements, here as in the reference: the management API answers
 * 501 for their `path` instead of calling the path wrong.
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
