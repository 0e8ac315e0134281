import { tokenClient } from '../client-view.ts'
import type { ActionTypeGuide } from '../guide.ts'
import type { IdTokenEvent } from './event.ts'
import { sample } from './sample.ts'
import { scenarios } from './scenarios.ts'

export const idTokenGuide: ActionTypeGuide<IdTokenEvent> = {
  subject: 'ID tokens',
  optionalMembers: ['organization', 'user.organization', 'user.id', 'user', 'userStore', 'request.grantType'],
  sample,
  scenarios,
  client: tokenClient('an ID token'),
  console: { menu: '_Actions_ → _Pre Issue ID Token_', steps: [] },
}
