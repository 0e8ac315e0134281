import type { InitiatorType, PasswordEvent } from '@preflow/contract'
import { credentialOf } from '@preflow/engine'
import { heron, ines, SAMPLE_PASSWORD, tenant, userStore } from './cast.ts'
import type { Occasion } from './occasion.ts'

function update(
  initiatorType: InitiatorType,
  action: PasswordEvent['action'],
  updatingCredential: PasswordEvent['user']['updatingCredential'],
): PasswordEvent {
  return {
    initiatorType,
    action,
    tenant,
    organization: heron,
    user: {
      // Who is being registered has no id yet.
      ...(action !== 'REGISTER' && { id: ines.id }),
      organization: heron,
      claims: [
        { uri: 'http://wso2.org/claims/username', value: ines.name },
        { uri: 'http://wso2.org/claims/emailaddress', value: ines.email },
        { uri: 'http://wso2.org/claims/mobileNumbers', value: ['+4670000001'] },
      ],
      groups: ['ops', 'hydrology'],
      updatingCredential,
    },
    userStore,
  }
}

const flow = (
  name: string,
  initiator: InitiatorType,
  action: PasswordEvent['action'],
  about: string,
): Occasion<PasswordEvent> => ({
  name,
  flow: name,
  initiator,
  about,
  event: () => update(initiator, action, credentialOf(SAMPLE_PASSWORD)),
})

/** When a password is set: every flow that a rule can name, and once as a hash. */
export const passwordOccasions: readonly Occasion<PasswordEvent>[] = [
  flow('userInitiatedPasswordUpdate', 'USER', 'UPDATE', 'A user changes the password.'),
  flow('userInitiatedPasswordReset', 'USER', 'RESET', 'A user has forgotten the password.'),
  flow('userInitiatedRegistration', 'USER', 'REGISTER', 'Somebody registers.'),
  flow('adminInitiatedPasswordUpdate', 'ADMIN', 'UPDATE', 'An administrator sets a password.'),
  flow('adminInitiatedPasswordReset', 'ADMIN', 'RESET', 'A user follows the link of a reset an administrator forced.'),
  flow('adminInitiatedUserInviteToSetPassword', 'ADMIN', 'INVITE', 'An invited user sets the first password.'),
  flow('adminInitiatedRegistration', 'ADMIN', 'REGISTER', 'An administrator creates a user with a password.'),
  flow('applicationInitiatedPasswordUpdate', 'APPLICATION', 'UPDATE', 'An application sets a password.'),
  flow('applicationInitiatedRegistration', 'APPLICATION', 'REGISTER', 'An application creates a user with a password.'),
  {
    name: 'hashed',
    flow: 'hashed',
    initiator: 'USER',
    about: 'A user changes the password; the action is set to share hashes.',
    event: () => update('USER', 'UPDATE', credentialOf(SAMPLE_PASSWORD, 'SHA256_HASHED')),
  },
]
