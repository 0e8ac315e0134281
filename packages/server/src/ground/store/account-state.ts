/** Whether an account is locked or disabled. Administrators set it as attributes of the user. */
import type { User, UserDocument } from './model.ts'

const WSO2 = 'urn:scim:wso2:schema'

/** The attributes with which administrators lock and disable accounts, below the schema of WSO2. */
export const STATE_ATTRIBUTES = ['accountLocked', 'accountDisabled', 'unlockTime'] as const

export type AccountState = 'UNLOCKED' | 'LOCKED' | 'DISABLED'

/** @param now Epoch milliseconds. A lock with an `unlockTime` other than 0 ends then. */
export function accountStateOf(document: UserDocument, now: number): AccountState {
  const state = document[WSO2] as { [Name in (typeof STATE_ATTRIBUTES)[number]]?: unknown } | undefined
  if (state?.accountDisabled === true) return 'DISABLED'
  if (state?.accountLocked !== true) return 'UNLOCKED'
  const until = Number(state.unlockTime ?? 0)
  return until === 0 || until > now ? 'LOCKED' : 'UNLOCKED'
}

/** Whether a user may sign in and use tokens: active, and neither locked nor disabled. */
export function maySignIn({ document, isActive }: Pick<User, 'document' | 'isActive'>, now: number): boolean {
  return isActive && accountStateOf(document, now) === 'UNLOCKED'
}
