import { numbered, type Suite } from '../row.ts'
import { deployed } from './use-case-deployed.ts'
import { passwordGuard } from './use-case-password.ts'
import { pinAuthenticator } from './use-case-pin.ts'
import { profileGuard } from './use-case-profile.ts'

/** The rows of the ready-made extensions: what the samples of the reference do. */
export const useCaseSuite: Suite = {
  title: 'Ready-made extensions',
  introduction:
    'The extensions of `extensions/`, started with settings as an operator sets them. The running server calls them unless the row states otherwise.',
  ids: numbered('UC-', 27),
  sections: [passwordGuard, profileGuard, pinAuthenticator, deployed],
}
