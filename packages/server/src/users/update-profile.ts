import type { User } from '../store/model.ts'
import { findUserByUserName, updateUser } from '../store/users.ts'
import type { UserChange, UserPorts } from './user-change.ts'

/** What of a user may change beside the password. */
export type Profile = Pick<User, 'userName' | 'claims' | 'isActive'>

/** A profile that is about to change. */
export interface ProfileUpdate extends UserChange {
  /** As it is. */
  user: User
  /** As it shall be: complete, so a claim that is missing is removed. */
  profile: Profile
  action: 'UPDATE'
}

export type ProfileUpdated = { status: 'updated'; user: User; changedClaims: string[] } | { status: 'user_name_taken' }

/**
 * Changes the profile of a user. Every way to another profile leads through here, so whatever has a say in it is asked here.
 *
 * @returns The user as they are now, and the URIs of the claims that changed; or that the new user name is taken.
 */
export async function updateProfile(
  { db, now }: UserPorts,
  { organization, profile, user }: ProfileUpdate,
): Promise<ProfileUpdated> {
  const changedClaims = changesOf(user.claims, profile.claims)
  if (changedClaims.length === 0 && profile.userName === user.userName && profile.isActive === user.isActive) {
    return { status: 'updated', user, changedClaims }
  }
  const holder = await findUserByUserName(db, user.tenantId, profile.userName, organization.id)
  if (holder && holder.id !== user.id) return { status: 'user_name_taken' }
  const changed = { ...user, ...profile, updatedAt: now() }
  if (!(await updateUser(db, changed))) return { status: 'user_name_taken' }
  return { status: 'updated', user: changed, changedClaims }
}

/** The URIs of claims that differ, in no particular order. */
export function changesOf(before: User['claims'], after: User['claims']): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    uri => JSON.stringify(before[uri]) !== JSON.stringify(after[uri]),
  )
}
