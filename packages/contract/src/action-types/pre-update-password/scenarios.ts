import type { InitiatorType } from '../../event.ts'
import { localClaimUri } from '../../local-dialect.ts'
import { heron, ines, SAMPLE_PASSWORD, SAMPLE_PASSWORD_HASH, tenant, userStore } from '../cast.ts'
import type { Scenario } from '../scenario.ts'
import type { PasswordCredential, PasswordEvent } from './event.ts'

const clear: PasswordCredential = { type: 'PASSWORD', format: 'PLAIN_TEXT', value: SAMPLE_PASSWORD }
const hashed: PasswordCredential = {
  type: 'PASSWORD',
  format: 'HASH',
  value: SAMPLE_PASSWORD_HASH,
  additionalData: { algorithm: 'SHA256' },
}

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
      // A user who is being registered has no id yet.
      ...(action !== 'REGISTER' && { id: ines.id }),
      organization: heron,
      claims: [
        { uri: localClaimUri('username'), value: ines.name },
        { uri: localClaimUri('emailaddress'), value: ines.email },
        { uri: localClaimUri('mobileNumbers'), value: ['+4670000001'] },
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
): Scenario<PasswordEvent> => ({
  name,
  flow: name,
  initiator,
  about,
  event: () => update(initiator, action, clear),
})

/** When a password is set: every flow that a rule can name, and one with a hash. */
export const scenarios: readonly Scenario<PasswordEvent>[] = [
  flow('userInitiatedPasswordUpdate', 'USER', 'UPDATE', 'A user changes the password.'),
  flow('userInitiatedPasswordReset', 'USER', 'RESET', 'A user has forgotten the password.'),
  flow('userInitiatedRegistration', 'USER', 'REGISTER', 'A user registers.'),
  flow('adminInitiatedPasswordUpdate', 'ADMIN', 'UPDATE', 'An administrator sets a password.'),
  flow(
    'adminInitiatedPasswordReset',
    'ADMIN',
    'RESET',
    'A user follows the link of a reset that an administrator forced.',
  ),
  flow('adminInitiatedUserInviteToSetPassword', 'ADMIN', 'INVITE', 'An invited user sets the first password.'),
  flow('adminInitiatedRegistration', 'ADMIN', 'REGISTER', 'An administrator creates a user with a password.'),
  flow('applicationInitiatedPasswordUpdate', 'APPLICATION', 'UPDATE', 'An application sets a password.'),
  flow('applicationInitiatedRegistration', 'APPLICATION', 'REGISTER', 'An application creates a user with a password.'),
  {
    name: 'hashed',
    flow: 'hashed',
    initiator: 'USER',
    about: 'A user changes the password. The action shares hashes.',
    event: () => update('USER', 'UPDATE', hashed),
  },
]
