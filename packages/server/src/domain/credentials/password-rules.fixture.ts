import { createPasswordRules, type PasswordRules } from './password-rules.ts'

/** The rules of a server with default settings. */
export const DEFAULT_PASSWORD_RULES: PasswordRules = await createPasswordRules({
  passwordMinLength: 8,
  passwordMinLengthManagement: 15,
  refusesCommonPasswords: true,
  passwordWords: ['preflow'],
})
