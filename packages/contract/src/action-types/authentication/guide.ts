import { type ClientView, quoted } from '../client-view.ts'
import type { ActionTypeGuide } from '../guide.ts'
import type { AuthenticationData, AuthenticationEvent } from './event.ts'
import { sample } from './sample.ts'
import { scenarios } from './scenarios.ts'

const client: ClientView = {
  success: ({ data }) => {
    const id = (data as { user?: { id?: string } } | undefined)?.user?.id
    return id === undefined ? 'the next step, with the user of the step before' : `the next step, as user ${id}`
  },
  // An authenticator of type VERIFICATION may omit the user of an earlier step. Without an earlier step, the answer
  // must name a user.
  unusable: ({ event, data }) =>
    'user' in event || (data as AuthenticationData | undefined)?.user?.id
      ? undefined
      : 'The answer names no user, and nobody is known from an earlier step. Send data.user.id.',
  failed: (reason, description) => `the application again, with error=${reason}${quoted(description)}`,
  error: 'the application again, with error=authentication_processing_error',
  incomplete: url => `a redirect to ${url}`,
}

export const authenticationGuide: ActionTypeGuide<AuthenticationEvent> = {
  subject: 'sign-ins',
  optionalMembers: ['organization', 'userStore', 'request', 'authenticatedSteps', 'user.claims', 'user.groups'],
  sample,
  scenarios,
  client,
  console: {
    menu: '_Connections_ → _New Connection_ → _Custom Authenticator (Service-Based)_',
    steps: ['_Applications_ → the application → _Login Flow_: add it as a step.'],
  },
}
