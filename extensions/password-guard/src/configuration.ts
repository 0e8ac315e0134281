import type { ServiceConfiguration } from '@preflow/extension/service'
import type { Setting, Settings } from '@preflow/extension/settings'
import {
  CONTEXT_CLAIMS,
  denyDescriptionSchema,
  denyReasonSchema,
  type PasswordReaction,
  passwordReactionSchema,
} from '@preflow/policies'
import * as z from 'zod/mini'

const REACTIONS = '`deny`, `allow`, or `error`, which a platform reports as a server error'

const reaction = (fallback: PasswordReaction, about: string): Setting<PasswordReaction> => ({
  schema: passwordReactionSchema,
  text: 'text',
  default: fallback,
  about: `${about}: ${REACTIONS}.`,
})

const flag = (about: string): Setting<boolean> => ({
  schema: z.boolean('must be true or false'),
  text: 'flag',
  default: true,
  about,
})

const key = (about: string): Setting<string | undefined> => ({
  schema: z.string().check(z.minLength(1)),
  text: 'text',
  default: undefined,
  about,
  secret: true,
})

/** The settings of password-guard, besides those of every extension. The README shows this table. */
export const settings = {
  decryptionKey: key(
    'Private key that decrypts passwords: RSA, as PEM or JWK, or the path of a file with it. Required if the action has a certificate.',
  ),
  previousDecryptionKey: key('The previous private key, while you replace the certificate of the action.'),
  checksRules: flag('Whether length and words are checked.'),
  minLength: {
    schema: z.int().check(z.gte(0)),
    text: 'number',
    default: 8,
    about: 'Minimum length of a password in characters.',
  } as Setting<number>,
  maxLength: {
    schema: z.int().check(z.gte(1)),
    text: 'number',
    default: 256,
    about: 'Maximum length of a password in characters.',
  } as Setting<number>,
  contextClaims: {
    schema: z.array(z.string().check(z.minLength(1))),
    text: 'list',
    default: [...CONTEXT_CLAIMS],
    about:
      'Claim URIs whose words may not be in the password; of an e-mail address, the part before the `@`. Configure the action to send these attributes.',
  } as Setting<string[]>,
  forbiddenWords: {
    schema: z.array(z.string().check(z.minLength(1))),
    text: 'list',
    default: [],
    about: 'Words that may not be in any password, for example the name of the company.',
  } as Setting<string[]>,
  minWordLength: {
    schema: z.int().check(z.gte(1)),
    text: 'number',
    default: 4,
    about: 'Shorter words of an attribute are ignored, in characters.',
  } as Setting<number>,
  rulesNotCheckable: reaction('error', 'If the password is hashed, so that length and words cannot be checked'),
  checksCommonPasswords: flag('Whether the included list of 49,233 common passwords is checked.'),
  corpora: {
    schema: z.array(z.string().check(z.minLength(1))),
    text: 'list',
    default: [],
    about: 'Corpora of breached passwords, files created by `preflow passwords build`. They are checked first.',
  } as Setting<string[]>,
  corpusCheck: {
    schema: z.enum(['content', 'header']),
    text: 'text',
    default: 'content',
    about:
      'What of a corpus is compared with its checksum at the start: `content`, about a second per gigabyte, or `header`.',
  } as Setting<'content' | 'header'>,
  asksRangeApi: flag(
    'Whether the Pwned Passwords range API is used. It receives five digits of the SHA-1 of the password.',
  ),
  rangeApiUrl: {
    schema: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }),
    text: 'text',
    default: 'https://api.pwnedpasswords.com',
    about: 'URL of the range API.',
  } as Setting<string>,
  rangeApiTimeoutMs: {
    schema: z.int().check(z.gte(1), z.lte(10_000)),
    text: 'number',
    default: 1200,
    about: 'Maximum milliseconds for a response of the range API.',
  } as Setting<number>,
  rangeApiCacheSeconds: {
    schema: z.int().check(z.gte(0)),
    text: 'number',
    default: 86_400,
    about: 'Seconds for which a response of the range API is cached.',
  } as Setting<number>,
  rangeApiCacheBytes: {
    schema: z.int().check(z.gte(0)),
    text: 'number',
    default: 64 * 1024 * 1024,
    about: 'Maximum memory for cached responses, in bytes.',
  } as Setting<number>,
  minimumCount: {
    schema: z.int().check(z.gte(1)),
    text: 'number',
    default: 1,
    about: 'A password is rejected if the range API has seen it at least this often.',
  } as Setting<number>,
  whenUnavailable: reaction('deny', 'If a corpus or the range API is unavailable and no other source has the password'),
  whenNotCheckable: reaction(
    'error',
    'If the password is hashed and not common, and no corpus has SHA-256 digests to compare it with',
  ),
  reason: {
    schema: denyReasonSchema,
    text: 'text',
    default: 'password_compromised',
    about: 'Reason for programs if a password is breached.',
  } as Setting<string>,
  description: {
    schema: denyDescriptionSchema,
    text: 'text',
    default: 'This password is known from data breaches and is not safe. Please choose a different one.',
    about: 'Message for people if a password is breached.',
  } as Setting<string>,
} satisfies Settings

/** The values of {@link settings} and of the settings of every extension. */
export type Configuration = ServiceConfiguration<typeof settings>

/** Finds conflicts between settings that are valid on their own. */
export function contradictions(c: Configuration): string[] {
  const problems: string[] = []
  if (!c.checksCommonPasswords && c.corpora.length === 0 && !c.asksRangeApi) {
    problems.push(
      'PASSWORD_GUARD_CHECKS_COMMON_PASSWORDS: must be true if there are no corpora and the range API is not used, because nothing would be checked.',
    )
  }
  if (c.previousDecryptionKey !== undefined && c.decryptionKey === undefined) {
    problems.push('PASSWORD_GUARD_DECRYPTION_KEY: missing. The previous key is only for the time of a replacement.')
  }
  if (c.checksRules && c.minLength > c.maxLength) {
    problems.push('PASSWORD_GUARD_MIN_LENGTH: must not be above PASSWORD_GUARD_MAX_LENGTH.')
  }
  if (c.asksRangeApi && c.rangeApiTimeoutMs >= c.budgetMs) {
    problems.push(
      'PASSWORD_GUARD_RANGE_API_TIMEOUT_MS: must be below PASSWORD_GUARD_BUDGET_MS, to leave time for an answer.',
    )
  }
  return problems
}
