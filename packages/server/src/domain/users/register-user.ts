import type { Problem } from '../../ground/problem.ts'
import type { User } from '../../ground/store/model.ts'
import { findUserByUserName, insertUser } from '../../ground/store/users.ts'
import { callPasswordAction } from './call-actions.ts'
import type { Profile, UserChange, UserPorts } from './user-change.ts'

/** A registration before it is stored. */
export interface Registration extends UserChange {
  profile: Profile
  /** Absent: the user cannot sign in until a password is set. */
  password?: string
}

export type Registered =
  | { status: 'registered'; user: User }
  | { status: 'user_name_taken' }
  /** `sentence`: the rule that the password breaks. */
  | { status: 'password_broke_rule'; sentence: string }
  | { status: 'refused'; problem: Problem }

/**
 * Creates a user. Every registration goes through this function, so the password action is called here, if there is a password.
 */
export async function registerUser(ports: UserPorts, registration: Registration): Promise<Registered> {
  const { organization, password, profile, tenant } = registration
  const { db, passwordRules } = ports
  if (password !== undefined) {
    const sentence = await passwordRules.findBroken(password, { userName: profile.userName, isManager: false })
    if (sentence !== undefined) return { status: 'password_broke_rule', sentence }
  }
  // Looked up first, so that no extension is called for a registration that cannot succeed.
  if (await findUserByUserName(db, tenant.id, profile.userName, organization.id)) return { status: 'user_name_taken' }
  if (password !== undefined) {
    const problem = await callPasswordAction(ports, { ...registration, user: profile, password, action: 'REGISTER' })
    if (problem) return { status: 'refused', problem }
  }
  const createdAt = ports.now()
  const user: User = {
    id: ports.newId(),
    tenantId: tenant.id,
    organizationId: organization.id,
    ...profile,
    groups: [],
    roles: [],
    isAdministrator: false,
    createdAt,
    updatedAt: createdAt,
  }
  return (await insertUser(db, user, password)) ? { status: 'registered', user } : { status: 'user_name_taken' }
}
