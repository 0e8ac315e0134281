import { scimClient } from '../client-view.ts'
import type { ActionTypeGuide } from '../guide.ts'
import type { ProfileEvent } from './event.ts'
import { sample } from './sample.ts'
import { scenarios } from './scenarios.ts'

export const profileGuide: ActionTypeGuide<ProfileEvent> = {
  subject: 'profile updates',
  optionalMembers: [
    'organization',
    'user.organization',
    'user.id',
    'user.claims',
    'user.groups',
    'userStore',
    'request',
  ],
  sample,
  scenarios,
  client: scimClient('the profile'),
  console: {
    menu: '_Actions_ → _Pre Update Profile_',
    steps: [
      '_User attributes_: every attribute that a rule requires, and those with e-mail addresses. The stored values of others are not sent.',
    ],
  },
}
