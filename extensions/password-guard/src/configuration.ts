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

/** Every setting of password-guard besides those that every extension has. The README shows this table. */
export const settings = {
  decryptionKey: key(
    'Private key that opens encrypted passwords: RSA, as PEM or JWK, or the path of a file with it. Needed when the action has a certificate.',
  ),
  previousDecryptionKey: key('A second one, while the certificate of the action is replaced.'),
  checksRules: flag('Whether length and words are checked.'),
  minLength: {
    schema: z.int().check(z.gte(0)),
    text: 'number',
    default: 8,
    about: 'Fewest characters of a password.',
  } as Setting<number>,
  maxLength: {
    schema: z.int().check(z.gte(1)),
    text: 'number',
    default: 256,
    about: 'Most characters of a password.',
  } as Setting<number>,
  contextClaims: {
    schema: z.array(z.string().check(z.minLength(1))),
    text: 'list',
    default: [...CONTEXT_CLAIMS],
    about:
      'Claim URIs whose words may not be in the password; of an e-mail address, the part before the `@`. The action must be configured to send these attributes.',
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
    about: 'Shorter words of an attribute are no reason to refuse, in characters.',
  } as Setting<number>,
  rulesNotCheckable: reaction('error', 'When the password arrives hashed, which tells neither length nor words'),
  checksCommonPasswords: flag('Whether the list that comes with password-guard is asked: 49,233 common passwords.'),
  corpora: {
    schema: z.array(z.string().check(z.minLength(1))),
    text: 'list',
    default: [],
    about: 'Corpora of breached passwords, files made by `preflow passwords build`; asked before everything else.',
  } as Setting<string[]>,
  corpusCheck: {
    schema: z.enum(['content', 'header']),
    text: 'text',
    default: 'content',
    about:
      'What of a corpus is compared with its checksum at the start: `content`, about a second per gigabyte, or `header`.',
  } as Setting<'content' | 'header'>,
  asksRangeApi: flag(
    'Whether the Pwned Passwords range API is asked. It is sent five digits of the SHA-1 of the password.',
  ),
  rangeApiUrl: {
    schema: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }),
    text: 'text',
    default: 'https://api.pwnedpasswords.com',
    about: 'Where the range API is.',
  } as Setting<string>,
  rangeApiTimeoutMs: {
    schema: z.int().check(z.gte(1), z.lte(10_000)),
    text: 'number',
    default: 1200,
    about: 'Milliseconds that the range API may take.',
  } as Setting<number>,
  rangeApiCacheSeconds: {
    schema: z.int().check(z.gte(0)),
    text: 'number',
    default: 86_400,
    about: 'Seconds that an answer of the range API is remembered.',
  } as Setting<number>,
  rangeApiCacheBytes: {
    schema: z.int().check(z.gte(0)),
    text: 'number',
    default: 64 * 1024 * 1024,
    about: 'Memory that remembered answers may take, in bytes.',
  } as Setting<number>,
  minimumCount: {
    schema: z.int().check(z.gte(1)),
    text: 'number',
    default: 1,
    about: 'How often the range API must have seen a password for it to be refused.',
  } as Setting<number>,
  whenUnavailable: reaction('deny', 'When a corpus or the range API cannot be asked and nothing else has the password'),
  whenNotCheckable: reaction(
    'error',
    'When the password arrives hashed, is not common, and no corpus holds SHA-256 to check it against',
  ),
  reason: {
    schema: denyReasonSchema,
    text: 'text',
    default: 'password_compromised',
    about: 'What programs are told of a breached password.',
  } as Setting<string>,
  description: {
    schema: denyDescriptionSchema,
    text: 'text',
    default: 'This password is known from data breaches and is not safe. Please choose a different one.',
    about: 'What people are told of a breached password.',
  } as Setting<string>,
} satisfies Settings

/** The values of {@link settings} and of those that every extension has. */
export type Configuration = ServiceConfiguration<typeof settings>

/** What is wrong between settings that are right by themselves. */
export function contradictions(c: Configuration): string[] {
  const problems: string[] = []
  if (!c.checksCommonPasswords && c.corpora.length === 0 && !c.asksRangeApi) {
    problems.push(
      'PASSWORD_GUARD_CHECKS_COMMON_PASSWORDS: must be true when there are no corpora and the range API is not asked, because nothing would be checked.',
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
      'PASSWORD_GUARD_RANGE_API_TIMEOUT_MS: must be below PASSWORD_GUARD_BUDGET_MS, so that an answer can still be given.',
    )
  }
  return problems
}
