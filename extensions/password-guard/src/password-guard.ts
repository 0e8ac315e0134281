import { present } from '@preflow/contract'
import type { Corpus } from '@preflow/corpus'
import { type DecisionRecord, defineExtension, type Extension, type Handler } from '@preflow/extension'
import { type CredentialReader, createCredentialReader } from '@preflow/extension/credential'
import { type BreachCounter, breachedPasswords, combine, type PasswordDigest, passwordRules } from '@preflow/policies'
import type { Configuration } from './configuration.ts'

/** The dependencies of password-guard. */
export interface PasswordGuardPorts {
  /** Reads shared passwords, and decrypts encrypted ones. Default: one without keys. */
  credential?: CredentialReader
  /** The operator's own corpora. */
  corpora?: readonly Corpus[]
  /** The list of common passwords. */
  common?: Corpus
  /** The range API. */
  count?: BreachCounter
  /** Default: `crypto.subtle`. */
  digest?: PasswordDigest
  /** Receives one record per call. */
  log?(record: DecisionRecord): void
  onError?(error: unknown): void
  /** Milliseconds since the epoch. Default `Date.now`. */
  now?(): number
}

/**
 * Checks new passwords by length, words and known breaches.
 *
 * @throws {TypeError} If there is no source of breached passwords.
 * @example
 * const guard = createPasswordGuard(configuration, { common: await openCommonPasswords() })
 */
export function createPasswordGuard(configuration: Configuration, ports: PasswordGuardPorts): Extension {
  const { credential = createCredentialReader(), log, onError, now } = ports
  const { callerAuthentication: caller, budgetMs, maxBodyBytes } = configuration
  return defineExtension(
    { preUpdatePassword: combine(...policies(configuration, { ...ports, credential })) },
    { caller, budgetMs, maxBodyBytes, ...present({ log, onError, now }) },
  )
}

/** The cheap check first. */
function policies(
  c: Configuration,
  { credential, corpora, common, count, digest }: PasswordGuardPorts & { credential: CredentialReader },
): Handler<'PRE_UPDATE_PASSWORD'>[] {
  const rules = passwordRules(
    {
      minLength: c.minLength,
      maxLength: c.maxLength,
      contextClaims: c.contextClaims,
      words: c.forbiddenWords,
      minWordLength: c.minWordLength,
      whenNotCheckable: c.rulesNotCheckable,
    },
    { credential },
  )
  const breached = breachedPasswords(
    {
      minimumCount: c.minimumCount,
      whenUnavailable: c.whenUnavailable,
      whenNotCheckable: c.whenNotCheckable,
      reason: c.reason,
      description: c.description,
    },
    {
      credential,
      ...present({ corpora, common, count, digest }),
    },
  )
  return c.checksRules ? [rules, breached] : [breached]
}
