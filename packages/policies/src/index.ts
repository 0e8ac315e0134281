export { type AbuseIpDbOptions, type AbuseIpDbPorts, abuseIpDbOptionsSchema, createAbuseIpDb } from './abuse-ipdb.ts'
export { type Answers, type AnswersOptions, createAnswers } from './answers.ts'
export {
  type BreachedPasswordsOptions,
  type BreachedPasswordsPorts,
  breachedPasswords,
  breachedPasswordsOptionsSchema,
  type PasswordDigest,
} from './breached-passwords.ts'
export {
  type BreachCount,
  type BreachCounter,
  createPwnedPasswords,
  type PwnedPasswordsOptions,
  type PwnedPasswordsPorts,
  pwnedPasswordsOptionsSchema,
} from './breached-passwords-api.ts'
export { type CatalogEntry, catalog } from './catalog.ts'
export { combine } from './combine.ts'
export {
  type CountryFinding,
  type CountryLookup,
  type CountryOptions,
  country,
  countryOptionsSchema,
} from './country.ts'
export {
  createHours,
  type Hours,
  type HoursOptions,
  hours,
  hoursOptionsSchema,
  hoursSchema,
  type Weekday,
} from './hours.ts'
export { fetchGet, type GetAnswer, type HttpGet } from './http-get.ts'
export {
  denyDescriptionSchema,
  denyReasonSchema,
  type PasswordReaction,
  passwordReactionSchema,
} from './password-reaction.ts'
export {
  CONTEXT_CLAIMS,
  type PasswordRulesOptions,
  passwordRules,
  passwordRulesOptionsSchema,
} from './password-rules.ts'
export {
  type AttributeValue,
  attributeName,
  attributeValues,
  foldText,
  isRemoval,
  type ProfileChange,
  type ProfileRule,
  type ProfileRulesOptions,
  type ProfileUpdate,
  profileChanges,
  profileRuleSchema,
  profileRules,
  profileRulesOptionsSchema,
} from './profile-rules.ts'
export { type Reaction, react, reactionSchema } from './reaction.ts'
export {
  type Reputation,
  type ReputationLookup,
  type ReputationOptions,
  reputation,
  reputationOptionsSchema,
} from './reputation.ts'
export { type RestoreLifetimeOptions, restoreLifetime, restoreLifetimeOptionsSchema } from './restore-lifetime.ts'
export { type ScopesOptions, scopes, scopesOptionsSchema } from './scopes.ts'
export {
  classifyAddress,
  readSourceAddress,
  type SourceAddress,
  type SourceAddressOptions,
  sourceAddress,
  sourceAddressOptionsSchema,
  type TrustedHeader,
  trustedHeaderSchema,
} from './source-address.ts'
