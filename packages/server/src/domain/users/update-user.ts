import { isDeepStrictEqual } from 'node:util'
import { type PasswordEvent, present } from '@preflow/contract'
import { changedClaimsOf } from '../../ground/claims/document-claims.ts'
import type { Problem } from '../../ground/problem.ts'
import { inTransaction } from '../../ground/store/database.ts'
import type { User } from '../../ground/store/model.ts'
import { findUserByUserName, updateUser as storeUser } from '../../ground/store/users.ts'
import { reachOfUser } from '../access/reach.ts'
import { askAboutPassword, askAboutProfile } from './call-actions.ts'
import { isLastAdministrator } from './last-administrator.ts'
import type { Profile, UserChange, UserPorts } from './user-change.ts'
import { resetVerifiedFlags } from './verified-flags.ts'

/** A user who is about to change. */
export interface UserUpdate extends UserChange {
  /** As it is. */
  user: User
  /** As it shall be: complete, so an attribute that is missing is removed. Absent: stays. */
  profile?: Profile
  /** Claims of verified flags that the change states itself. Others are reset when what they are about changes. */
  statedFlags?: readonly string[]
  /** Absent: stays. */
  password?: string
  /** Why the password is set, as its action is told. */
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
  /** The user is the last active administrator of the tenant, and was to be switched off. */
  | { status: 'last_administrator' }
  /** Somebody else changed or deleted the user while an extension was asked. Nothing was stored. */
  | { status: 'changed_meanwhile' }
  | { status: 'refused'; problem: Problem }

/**
 * Changes a user. Every way to another password or profile leads through here, so whatever has a say in it is asked here: first
 * the password's action, then the profile's. Only when both agree is anything stored, and then everything at once; the reference
 * stores the password before it asks about the profile.
 */
export async function updateUser(ports: UserPorts, update: UserUpdate): Promise<UserUpdated> {
  const { db, now } = ports
  const { organization, password, statedFlags, user } = update
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

  // Looked up first, so that no extension acts on a change that cannot be.
  const holder = await findUserByUserName(db, user.tenantId, profile.userName, organization.id)
  if (holder && holder.id !== user.id) return { status: 'user_name_taken' }
  const isSwitchedOff = user.isActive && !profile.isActive
  if (isSwitchedOff && (await isLastAdministrator(db, user))) return { status: 'last_administrator' }
  const problem =
    (password === undefined ? undefined : await askAboutPassword(ports, { ...update, password })) ??
    (await askAboutProfile(ports, { ...update, profile }))
  if (problem) return { status: 'refused', problem }

  const { document, isActive, userName } = profile
  // Never the same twice: it is the version of the user.
  const updatedAt = Math.max(now(), user.updatedAt + 1)
  const changed: User = { ...user, document, isActive, userName, updatedAt }
  const stored = { readAt: user.updatedAt, ...present({ password }) }
  const status =
    isSwitchedOff && user.isAdministrator
      ? // Looked up again, because an extension may have taken seconds in which another one left.
        await inTransaction(db, async tx =>
          (await isLastAdministrator(tx, user)) ? 'last_administrator' : storeUser(tx, changed, stored),
        )
      : await storeUser(db, changed, stored)
  return status === 'updated' ? { status, user: changed, changedClaims } : { status }
}
