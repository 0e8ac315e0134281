import type { User } from '../store/model.ts'
import { insertUser } from '../store/users.ts'
import type { Profile } from './update-profile.ts'
import type { UserChange, UserPorts } from './user-change.ts'

/** A user who is about to be. */
export interface Registration extends UserChange {
  profile: Profile
  /** Absent: nobody can sign in as the user until one is set. */
  password?: string
  action: 'REGISTER'
}

export type Registered = { status: 'registered'; user: User } | { status: 'user_name_taken' }

/** Creates a user. Every way to a new user leads through here, so whatever has a say in it is asked here. */
export async function registerUser(
  { db, newId, now }: UserPorts,
  { organization, password, profile, tenant }: Registration,
): Promise<Registered> {
  const createdAt = now()
  const user: User = {
    id: newId(),
    tenantId: tenant.id,
    organizationId: organization.id,
    ...profile,
    groups: [],
    isAdministrator: false,
    createdAt,
    updatedAt: createdAt,
  }
  return (await insertUser(db, user, password)) ? { status: 'registered', user } : { status: 'user_name_taken' }
}
