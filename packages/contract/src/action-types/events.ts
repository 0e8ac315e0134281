import type { AuthenticationEvent } from './authentication/event.ts'
import type { AccessTokenEvent } from './pre-issue-access-token/event.ts'
import type { IdTokenEvent } from './pre-issue-id-token/event.ts'
import type { PasswordEvent } from './pre-update-password/event.ts'
import type { ProfileEvent } from './pre-update-profile/event.ts'

/** The event of each action type. */
export interface Events {
  PRE_ISSUE_ACCESS_TOKEN: AccessTokenEvent
  PRE_UPDATE_PASSWORD: PasswordEvent
  PRE_UPDATE_PROFILE: ProfileEvent
  AUTHENTICATION: AuthenticationEvent
  PRE_ISSUE_ID_TOKEN: IdTokenEvent
}

/** The action types by their name on the wire. */
export type ActionType = keyof Events
