import { interactionPolicy } from 'oidc-provider'
import { AUTHENTICATOR_MISSING } from '../../domain/sign-in/flow.ts'
import { sequenceOf, stepsPassedBefore } from '../../domain/sign-in/sequence.ts'
import { applicationOf } from './adapter.ts'

/**
 * When the sign-in page is shown though the browser has a session: when the session went through less than the application asks
 * for, and when its user is gone.
 */
export function signInPolicy() {
  const policy = interactionPolicy.base()
  policy.get('login')?.checks.add(accountGone())
  policy.get('login')?.checks.add(authenticatorMissing())
  return policy
}

/** oidc-provider takes for granted that the user of a session is there. */
function accountGone() {
  return new interactionPolicy.Check(
    'account_gone',
    'The user of the session is gone or was disabled',
    'login_required',
    ({ oidc: { account, session } }) => session?.accountId !== undefined && !account,
  )
}

function authenticatorMissing() {
  return new interactionPolicy.Check(
    AUTHENTICATOR_MISSING,
    'The application asks for a sign-in with more steps',
    'login_required',
    ({ oidc: { client, session } }) => {
      if (session?.accountId === undefined) return false
      const sequence = sequenceOf(applicationOf(client))
      return stepsPassedBefore(sequence, session.amr).length < sequence.steps.length
    },
  )
}
