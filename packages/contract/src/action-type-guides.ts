/**
 * What tools and tests know about each action type besides the contract. It is a separate entry,
 * `@preflow/contract/guides`, so that no extension bundles it.
 */
import { authenticationGuide } from './action-types/authentication/guide.ts'
import type { Events } from './action-types/events.ts'
import type { ActionTypeGuide } from './action-types/guide.ts'
import { accessTokenGuide } from './action-types/pre-issue-access-token/guide.ts'
import { idTokenGuide } from './action-types/pre-issue-id-token/guide.ts'
import { passwordGuide } from './action-types/pre-update-password/guide.ts'
import { profileGuide } from './action-types/pre-update-profile/guide.ts'

export { PUBLIC_ADDRESS, SAMPLE_PASSWORD, SAMPLE_PASSWORD_HASH } from './action-types/cast.ts'
export type { ClientView } from './action-types/client-view.ts'
export type { ActionTypeGuide } from './action-types/guide.ts'
export type { Scenario } from './action-types/scenario.ts'

/** The guides by action type. */
export const actionTypeGuides: { [T in keyof Events]: ActionTypeGuide<Events[T]> } = {
  PRE_ISSUE_ACCESS_TOKEN: accessTokenGuide,
  PRE_UPDATE_PASSWORD: passwordGuide,
  PRE_UPDATE_PROFILE: profileGuide,
  AUTHENTICATION: authenticationGuide,
  PRE_ISSUE_ID_TOKEN: idTokenGuide,
}
