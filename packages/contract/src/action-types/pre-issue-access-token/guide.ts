import { tokenClient } from '../client-view.ts'
import type { ActionTypeGuide } from '../guide.ts'
import type { AccessTokenEvent } from './event.ts'
import { sample } from './sample.ts'
import { scenarios } from './scenarios.ts'

export const accessTokenGuide: ActionTypeGuide<AccessTokenEvent> = {
  subject: 'access tokens',
  optionalMembers: [
    'organization',
    'user.organization',
    'user',
    'userStore',
    'request.scopes',
    'request.additionalHeaders',
    'request.additionalParams',
    'accessToken.scopes',
    'refreshToken',
    'session',
    'response',
  ],
  sample,
  scenarios,
  client: tokenClient('an access token'),
  console: {
    menu: '_Actions_ → _Pre Issue Access Token_',
    steps: [
      'The applications must get JWT access tokens: _Applications_ → the application → _Protocol_ → _Access Token_ → _JWT_.',
    ],
  },
}
