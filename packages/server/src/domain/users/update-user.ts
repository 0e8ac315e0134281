import { isDeepStrictEqual } from 'node:util'
import { type PasswordEvent, present } from '@preflow/contract'
import { changedClaimsOf } from '../../ground/claims/document-claims.ts'
import type { Problem } from '../../ground/problem.ts'
import { maySignIn } from '../../ground/store/account-state.ts'
import type { User } from '../../ground/store/model.ts'
import { findUserByUserName, updateUser as storeUser } from '../../ground/store/users.ts'
import { inTurnOfAdministrators, isLastAdministrator } from '../access/last-administrator.ts'
import { reachOfUser } from '../access/reach.ts'
import { callPasswordAction, callProfileAction } from './call-actions.ts'
import type { Profile, UserChange, UserPorts } from './user-change.ts'
import { resetVerifiedFlags } from './verified-flags.ts'

/** A change of a user before it is stored. */
export interface UserUpdate extends UserChange {
  /** The user before the change. */
  user: User
  /** The complete new profile. A missing attribute is removed. Absent: the profile stays. */
  profile?: Profile
  /** Claims of verified flags that the change sets explicitly. Other flags are reset if their address or number changes. */
  statedFlags?: readonly string[]
  /** Absent: the password stays. */
  password?: string
  /** The grant of the access token with which users change their own password. It survives, with its session. */
  keptGrantId?: string
  /** The reason for the new password, as its event states it. */
  action: Exclude<PasswordEvent['action'], 'REGISTER'>
}

export type UserUpdated =
  | {
      status: 'updated'
      user: User
      /** The URIs of the claims that changed. */
      changedClaims: string[]
    }
  | { status: 'user_name_taken' }
  /** `sentence`: the rule that the password breaks. */
  | { status: 'password_broke_rule'; sentence: string }
  /** The change would deactivate the last active administrator of the tenant. */
  | { status: 'last_administrator' }
  /** Another request changed or deleted the user during an extension call. Nothing is stored. */
  | { status: 'changed_meanwhile' }
  | { status: 'refused'; problem: Problem }

/**
 * Changes a user. Every change of a password or profile goes through this function, so the actions are called here: first the
 * password's, then the profile's. Only if both succeed is anything stored, and then everything at once. The reference stores the
 * password before it calls the profile action.
 */
export async function updateUser(ports: UserPorts, update: UserUpdate): Promise<UserUpdated> {
  const { db, now } = ports
  const { keptGrantId, organization, password, statedFlags, user } = update
  const profile = update.profile
    ? { ...update.profile, document: resetVerifiedFlags(user.document, update.profile.document, statedFlags) }
    : user
  const changedClaims = [...changedClaimsOf(user.document, profile.document).keys()]
  const isProfileSame =
    isDeepStrictEqual(profile.document, user.document) &&
    profile.userName === user.userName &&
    profile.isActive === user.isActive
  if (isProfileSame && password === undefined) return { status: 'updated', user, changedClaims }
  if (password !== undefined) {
    const isManager = (await reachOfUser(db, user)).size > 0
    const sentence = await ports.passwordRules.findBroken(password, { userName: profile.userName, isManager })
    if (sentence !== undefined) return { status: 'password_broke_rule', sentence }
  }

  // Looked up first, so that no extension is called for a change that cannot succeed.
  const holder = await findUserByUserName(db, user.tenantId, profile.userName, organization.id)
  if (holder && holder.id !== user.id) return { status: 'user_name_taken' }
  const isSwitchedOff = maySignIn(user, now()) && !maySignIn(profile, now())
  if (isSwitchedOff && (await isLastAdministrator(db, user))) return { status: 'last_administrator' }
  const problem =
    (password === undefined ? undefined : await callPasswordAction(ports, { ...update, password })) ??
    (await callProfileAction(ports, { ...update, profile }))
  if (problem) return { status: 'refused', problem }

  const { document, isActive, userName } = profile
  // It is the version of the user, so it must differ after every change.
  const updatedAt = Math.max(now(), user.updatedAt + 1)
  const changed: User = { ...user, document, isActive, userName, updatedAt }
  const stored = { readAt: user.updatedAt, ...present({ keptGrantId, password }) }
  const status = isSwitchedOff
    ? // Checked again: during the extension call another administrator may have been deactivated.
      await inTurnOfAdministrators(db, user.tenantId, async tx =>
        (await isLastAdministrator(tx, user)) ? 'last_administrator' : storeUser(tx, changed, stored),
      )
    : await storeUser(db, changed, stored)
  return status === 'updated' ? { status, user: changed, changedClaims } : { status }
}
