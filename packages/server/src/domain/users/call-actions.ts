import type { Problem } from '../../ground/problem.ts'
import { extensionProblems } from '../actions/extension-problems.ts'
import type { Triggered } from '../actions/trigger-action.ts'
import { type PasswordChange, passwordEvent, passwordFacts } from './password-event.ts'
import { changedClaims, type ProfileChange, profileEvent, profileFacts } from './profile-event.ts'
import type { UserPorts } from './user-change.ts'

/** The error that the call record shows for the client, if the action cannot be called. */
const INTERNAL_ERROR = 'status 500'

/** Calls the organization's password action. Returns nothing if the password may be set. */
export async function callPasswordAction(
  { trigger }: Pick<UserPorts, 'trigger'>,
  change: PasswordChange,
): Promise<Problem | undefined> {
  const { organization, tenant } = change
  const triggered = await trigger({
    type: 'PRE_UPDATE_PASSWORD',
    tenant,
    organization,
    facts: passwordFacts(change),
    refusedWith: INTERNAL_ERROR,
    eventFor: (platform, action) => passwordEvent(change, action, platform),
  })
  return problemFrom(triggered)
}

/**
 * Calls the organization's profile action. Returns nothing if the profile may change, or if the change does not concern the
 * action.
 */
export async function callProfileAction(
  { trigger }: Pick<UserPorts, 'trigger'>,
  change: ProfileChange,
): Promise<Problem | undefined> {
  const { organization, tenant } = change
  const claims = changedClaims(change)
  if (claims.length === 0) return undefined
  const triggered = await trigger({
    type: 'PRE_UPDATE_PROFILE',
    tenant,
    organization,
    facts: profileFacts(change, claims),
    refusedWith: INTERNAL_ERROR,
    eventFor: (_, action) => profileEvent(change, claims, action),
  })
  return problemFrom(triggered)
}

function problemFrom(triggered: Triggered): Problem | undefined {
  switch (triggered.status) {
    case 'skipped':
    case 'continued':
    case 'success':
      return undefined
    case 'failed':
      return extensionProblems.refused(triggered)
    case 'incomplete':
    case 'error':
      return extensionProblems.notCalled(triggered)
    default:
      return triggered satisfies never
  }
}
