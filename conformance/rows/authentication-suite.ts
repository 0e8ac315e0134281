import { numbered, type Suite } from '../row.ts'
import { federated, identification, incomplete, laterSteps, refusals } from './authentication-answers.ts'
import { browsers } from './authentication-browser.ts'
import { configuration } from './authentication-configuration.ts'
import { credentials } from './authentication-endpoint.ts'
import { requests } from './authentication-request.ts'

/** The rows of custom authentication: extensions that sign users in. */
export const authenticationSuite: Suite = {
  title: 'Custom authentication',
  introduction: [
    'An authenticator identifies users of the tenant (IDENTIFICATION) or verifies the user of an earlier step (VERIFICATION, a second factor).',
    'R and D are `failureReason` and `failureDescription` of an answer.',
  ].join('\n'),
  ids: numbered('AU-', 50),
  sections: [
    requests,
    incomplete,
    identification,
    federated,
    laterSteps,
    refusals,
    credentials,
    configuration,
    browsers,
  ],
}
