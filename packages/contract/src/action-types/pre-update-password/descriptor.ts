import type { ActionTypeDescriptor } from '../descriptor.ts'
import { type PasswordEvent, passwordEventSchema } from './event.ts'

export const preUpdatePassword: ActionTypeDescriptor<PasswordEvent> = {
  type: 'PRE_UPDATE_PASSWORD',
  path: 'preUpdatePassword',
  displayName: 'Pre Update Password',
  description: 'Configure an extension point for modifying user password via a custom service.',
  category: 'PRE_POST',
  latestVersion: 'v2',
  revisions: ['1.0', '1.1', '2.0'],
  since: [
    { revision: '1.1', path: '/organization' },
    { revision: '1.1', path: '/user/organization' },
    { revision: '1.1', path: '/user/claims' },
    { revision: '1.1', path: '/user/groups' },
    { revision: '2.0', path: '/action', value: 'REGISTER' },
  ],
  mayBeConfiguredByOrganization: true,
  disclosedByDefault: 'nothing',
  mayListHeaders: false,
  mayListAttributes: true,
  mayRedirect: false,
  ruleFields: [
    {
      name: 'flow',
      displayName: 'flow',
      value: {
        kind: 'options',
        values: [
          'adminInitiatedPasswordReset',
          'adminInitiatedPasswordUpdate',
          'adminInitiatedUserInviteToSetPassword',
          'applicationInitiatedPasswordUpdate',
          'userInitiatedPasswordReset',
          'userInitiatedPasswordUpdate',
          'adminInitiatedRegistration',
          'applicationInitiatedRegistration',
          'userInitiatedRegistration',
        ],
      },
    },
  ],
  places: [],
  offers: [],
  serverErrorReasons: [],
  sentWhenEmpty: [],
  inClear: {
    initiatorType: true,
    action: true,
    tenant: true,
    organization: true,
    user: {
      id: true,
      organization: true,
      claims: [{ uri: true }],
      updatingCredential: { type: true, format: true, additionalData: true },
    },
    userStore: true,
  },
  eventSchema: passwordEventSchema,
}
