import { localClaimUri, type PasswordEvent, type UserClaim } from '@preflow/contract'
import { allow, type DecisionFor, deny, type Handler } from '@preflow/extension'
import type { CredentialReader, CredentialReading } from '@preflow/extension/credential'
import * as z from 'zod/mini'
import { readOptions } from './options.ts'
import {
  type PasswordReaction,
  passwordReactionSchema,
  reactToNotCheckable,
  reactToUnreadable,
} from './password-reaction.ts'

export interface PasswordRulesOptions {
  /** Minimum characters, counted as people count them: `😀` is one. Default 8; 0: no limit. */
  minLength?: number
  /** Maximum characters. Default 256. */
  maxLength?: number
  /**
   * Claim URIs of attributes whose words may not be in the password. Configure the action to send them. Of an e-mail
   * address the part before the `@` counts. Default {@link CONTEXT_CLAIMS}.
   */
  contextClaims?: string[]
  /** More words or phrases that may not be in any password: the name of the company, of the product. Default: none. */
  words?: string[]
  /** Shorter words of an attribute are ignored, in characters. Default 4. */
  minWordLength?: number
  /** The password is hashed with SHA-256, so length and words cannot be checked. Default `error`. */
  whenNotCheckable?: PasswordReaction
}

/** Attributes that people build passwords from, and that others know. */
export const CONTEXT_CLAIMS: readonly string[] = [
  'username',
  'emailaddress',
  'emailAddresses',
  'givenname',
  'middleName',
  'lastname',
  'fullname',
  'displayName',
  'nickname',
  'organization',
].map(localClaimUri)

export const passwordRulesOptionsSchema: z.ZodMiniType<Required<PasswordRulesOptions>> = z
  .strictObject({
    minLength: z._default(z.int().check(z.gte(0)), 8),
    maxLength: z._default(z.int().check(z.gte(1)), 256),
    contextClaims: z._default(z.array(z.string().check(z.minLength(1))), [...CONTEXT_CLAIMS]),
    words: z._default(z.array(z.string().check(z.minLength(1))), []),
    minWordLength: z._default(z.int().check(z.gte(1)), 4),
    whenNotCheckable: z._default(passwordReactionSchema, 'error'),
  })
  .check(
    z.refine(({ minLength, maxLength }) => minLength <= maxLength, {
      path: ['minLength'],
      message: 'must not be above maxLength',
    }),
  )

/**
 * Rejects passwords that are too short or too long, or that contain words of the user's own attributes.
 *
 * Comparison ignores case and accents.
 *
 * @see NIST SP 800-63B, section 3.1.1.2: length, and context-specific words, and no rules of composition.
 */
export function passwordRules(
  options: PasswordRulesOptions,
  { credential }: { credential: CredentialReader },
): Handler<'PRE_UPDATE_PASSWORD'> {
  const settings = readOptions('passwordRules', passwordRulesOptionsSchema, options)
  const { minLength, maxLength, minWordLength } = settings
  const ownWords = settings.words.map(fold)
  const contextClaims = new Set(settings.contextClaims)

  /** The reason and the sentence of the first rule that the password breaks. */
  function broken(text: string, claims: readonly UserClaim[]): [reason: string, description: string] | undefined {
    const length = lengthOf(text)
    if (length < minLength) return ['password_too_short', `The password must have at least ${minLength} characters.`]
    if (length > maxLength) return ['password_too_long', `The password must have at most ${maxLength} characters.`]
    const folded = fold(text)
    const contains = (word: string) => folded.includes(word)
    for (const { uri, value } of claims) {
      if (!contextClaims.has(uri)) continue
      for (const one of typeof value === 'string' ? [value] : value) {
        if (wordsIn(one, minWordLength).some(contains)) {
          return [
            'password_contains_personal_data',
            'The password must not contain your name or user name or e-mail address. Please choose a different one.',
          ]
        }
      }
    }
    if (ownWords.some(contains)) {
      return [
        'password_contains_forbidden_word',
        'The password contains a word that is easy to guess. Please choose a different one.',
      ]
    }
    return undefined
  }

  function decide(reading: CredentialReading, event: PasswordEvent): DecisionFor<'PRE_UPDATE_PASSWORD'> {
    if (!reading.ok) return reactToUnreadable('passwordRules', reading)
    if (reading.credential.kind !== 'plain') {
      return reactToNotCheckable(settings.whenNotCheckable, `passwordRules: ${reading.credential.kind}, not checkable`)
    }
    const rule = broken(reading.credential.text, event.user.claims ?? [])
    if (!rule) return allow([], { why: 'passwordRules: plain, kept' })
    const [reason, description] = rule
    return deny(reason, description, { why: `passwordRules: plain, ${reason}` })
  }

  return event => {
    const reading = credential(event)
    return reading instanceof Promise ? reading.then(later => decide(later, event)) : decide(reading, event)
  }
}

/**
 * A value and its parts that are long enough, normalized for comparison: `PRIMARY/ines.diver@heron.example` is
 * `ines.diver`, `ines` and `diver`.
 */
function wordsIn(value: string, minLength: number): string[] {
  const folded = fold(value)
  const at = folded.indexOf('@')
  const name = folded.slice(folded.indexOf('/') + 1, at < 0 ? undefined : at).trim()
  const parts = name.split(isAscii(name) ? /[^a-z0-9]+/ : /[^\p{L}\p{N}]+/u)
  return (parts.length > 1 ? [name, ...parts] : [name]).filter(word => lengthOf(word) >= minLength)
}

/** Normalizes letters that people consider equal: removes case, accents and typographic variants. */
function fold(text: string): string {
  return (isAscii(text) ? text : text.normalize('NFKD').replaceAll(/\p{M}/gu, '')).toLowerCase()
}

/** Characters as people count them, as far as code points allow. */
function lengthOf(text: string): number {
  return isAscii(text) ? text.length : [...text].length
}

/** Most names and passwords are ASCII, and Unicode's own rules cost ten times as much. */
function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x7f) return false
  return true
}
