import type { ActionTypeDescriptor } from './action-types/descriptor.ts'
import { type AccessTokenEvent, preIssueAccessToken } from './action-types/pre-issue-access-token.ts'
import { type IdTokenEvent, preIssueIdToken } from './action-types/pre-issue-id-token.ts'

export type { ActionType, ActionTypeDescriptor, EditablePlace, RuleField } from './action-types/descriptor.ts'

/** The event of each action type. */
export interface Events {
  PRE_ISSUE_ACCESS_TOKEN: AccessTokenEvent
  PRE_ISSUE_ID_TOKEN: IdTokenEvent
}

/** The table of action types, in the order of the reference's enumeration. Adding one is a descriptor and a line here. */
export const actionTypes: { [T in keyof Events]: ActionTypeDescriptor<Events[T]> } = {
  PRE_ISSUE_ACCESS_TOKEN: preIssueAccessToken,
  PRE_ISSUE_ID_TOKEN: preIssueIdToken,
}
