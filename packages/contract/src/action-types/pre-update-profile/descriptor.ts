import type { ActionTypeDescriptor } from '../descriptor.ts'
import { type ProfileEvent, profileEventSchema } from './event.ts'

export const preUpdateProfile: ActionTypeDescriptor<ProfileEvent> = {
  type: 'PRE_UPDATE_PROFILE',
  path: 'preUpdateProfile',
  displayName: 'Pre Update Profile',
  description: 'Configure an extension point for modifying user profile via a custom service.',
  category: 'PRE_POST',
  latestVersion: 'v1',
  revisions: ['1.0'],
  since: [],
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
        values: ['adminInitiatedProfileUpdate', 'applicationInitiatedProfileUpdate', 'userInitiatedProfileUpdate'],
      },
    },
    {
      // At run time the value is a list of all claims in the update, and `equals` means that the list contains the
      // claim.
      name: 'claim',
      displayName: 'claim',
      value: {
        kind: 'reference',
        valueAttribute: 'claimURI',
        displayAttribute: 'displayName',
        links: [{ href: '/claim-dialects/local/claims?exclude-hidden-claims=true', rel: 'values' }],
      },
    },
  ],
  places: [],
  offers: [],
  serverErrorReasons: [],
  // A removed attribute is sent as `""` or `[]`.
  sentWhenEmpty: ['value', 'updatingValue'],
  inClear: {
    initiatorType: true,
    action: true,
    request: { claims: [{ uri: true }] },
    tenant: true,
    organization: true,
    user: { id: true, sharedUserId: true, organization: true, claims: [{ uri: true }] },
    userStore: true,
  },
  eventSchema: profileEventSchema,
}
