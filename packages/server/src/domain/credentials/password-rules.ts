import { createHash } from 'node:crypto'
import { openCommonPasswords } from '@preflow/corpus'

/** The operator's settings for new passwords. */
export interface PasswordSettings {
  /** Minimum number of characters. */
  passwordMinLength: number
  /** Minimum number of characters for a user with permissions beyond self-service. */
  passwordMinLengthManagement: number
  /** Whether the passwords of the included list of common passwords are refused. */
  refusesCommonPasswords: boolean
  /** Words that no password may contain. Case does not matter. */
  passwordWords: readonly string[]
}

/** The user of a new password. */
export interface PasswordOwner {
  userName: string
  /** Whether the user has permissions beyond self-service. */
  isManager: boolean
}

export interface PasswordRules {
  /** Returns the first rule that a new password breaks, as a sentence for the user. Nothing if it breaks none. */
  findBroken(password: string, owner: PasswordOwner): Promise<string | undefined>
}

/** Longer passwords cost hashing time, and no user types them. */
const MAX_LENGTH = 1024

/**
 * Creates the rules for every new password. They are checked before any action is called. There are no composition rules.
 *
 * @see NIST SP 800-63B, section 3.1.1.2.
 */
export async function createPasswordRules(settings: PasswordSettings): Promise<PasswordRules> {
  const common = settings.refusesCommonPasswords ? await openCommonPasswords() : undefined
  const words = settings.passwordWords.map(fold)

  return {
    async findBroken(password, { isManager, userName }) {
      const length = [...password.normalize('NFC')].length
      const minLength = isManager
        ? Math.max(settings.passwordMinLengthManagement, settings.passwordMinLength)
        : settings.passwordMinLength
      if (length < minLength) return `A password must have at least ${minLength} characters.`
      if (length > MAX_LENGTH || password.length > MAX_LENGTH) {
        return `A password must have at most ${MAX_LENGTH} characters.`
      }
      if (/\p{Cc}/u.test(password)) return 'A password must not contain control characters.'
      const folded = fold(password)
      // Users write their user name with and without the domain.
      if ([fold(userName), fold(userName.replace(/@.*/s, ''))].includes(folded)) {
        return 'A password must not be the user name.'
      }
      if (words.some(word => folded.includes(word))) {
        return 'This password contains a word that is easy to guess here. Choose another.'
      }
      if (common && (await common.has(createHash(common.digest).update(folded).digest()))) {
        return 'This password is one of the most common ones. Choose another.'
      }
      return undefined
    },
  }
}

function fold(text: string): string {
  return text.normalize('NFC').toLowerCase()
}
