import { interactionPolicy } from 'oidc-provider'
import { AUTHENTICATOR_MISSING } from '../../domain/sign-in/flow.ts'
import { sequenceOf, stepsPassedBefore } from '../../domain/sign-in/sequence.ts'
import type { User } from '../../ground/store/model.ts'
import { applicationOf } from './adapter.ts'
import { generationOf } from './seam/sessions.ts'

/**
 * When a browser with a session must sign in again: the application requires more steps than the session has, or the user of the
 * session no longer exists.
 */
export function signInPolicy() {
  const policy = interactionPolicy.base()
  policy.get('login')?.checks.add(accountGone())
  policy.get('login')?.checks.add(authenticatorMissing())
  return policy
}

/** oidc-provider does not check whether the user of a session still exists. */
function accountGone() {
  return new interactionPolicy.Check(
    'account_gone',
    'The user of the session was deleted or deactivated',
    'login_required',
    ({ oidc: { account, session } }) =>
      session?.accountId !== undefined &&
      // The password may have changed between the sign-in and here.
      (account as { user?: User } | undefined)?.user?.generation !== generationOf(session),
  )
}

function authenticatorMissing() {
  return new interactionPolicy.Check(
    AUTHENTICATOR_MISSING,
    'The application requires a sign-in with more steps',
    'login_required',
    ({ oidc: { client, session } }) => {
      if (session?.accountId === undefined) return false
      const sequence = sequenceOf(applicationOf(client))
      return stepsPassedBefore(sequence, session.amr).length < sequence.steps.length
    },
  )
}
