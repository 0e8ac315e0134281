import { numbered, type Suite } from '../row.ts'
import { passwordCertificates, passwordInPlain } from './password-credential.ts'
import { passwordClaims, passwordEnvelope } from './password-event.ts'
import { passwordAnswers, passwordAttempts } from './password-results.ts'
import { passwordRules, passwordTriggering } from './password-triggering.ts'

/** The rows of the password action. */
export const passwordSuite: Suite = {
  title: 'Password action',
  introduction: [
    'Ines is a user of the tenant, the administrator another one. R and D are `failureReason` and `failureDescription` of an answer.',
    'A call is written as initiator / action: USER / UPDATE.',
  ].join('\n'),
  ids: [...numbered('PW-', 40), ...numbered('PC-', 19), ...numbered('PR-', 30)],
  sections: [
    passwordTriggering,
    passwordRules,
    passwordEnvelope,
    passwordClaims,
    passwordInPlain,
    passwordCertificates,
    passwordAnswers,
    passwordAttempts,
  ],
}
