import type { User } from '../store/model.ts'
import { setPassword } from '../store/users.ts'
import type { UserChange, UserPorts } from './user-change.ts'

/** Why a password is set, as actions are told. */
export type PasswordOccasion = 'UPDATE' | 'RESET' | 'INVITE'

/** A password that is about to be set. */
export interface PasswordUpdate extends UserChange {
  user: User
  password: string
  action: PasswordOccasion
}

/**
 * Sets the password of a user. Every way to a new password leads through here, so whatever has a say in it is asked here; the
 * first password of a new user is a matter of `register-user.ts`.
 */
export async function updatePassword(
  { db }: UserPorts,
  { tenant, user, password }: PasswordUpdate,
): Promise<{ status: 'updated' }> {
  await setPassword(db, tenant.id, user.id, password)
  return { status: 'updated' }
}
