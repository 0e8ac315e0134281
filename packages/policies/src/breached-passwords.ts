import type { Corpus, DigestKind } from '@preflow/corpus'
import { allow, type Context, type DecisionFor, deny, type Handler } from '@preflow/extension'
import type { Credential, CredentialReader, CredentialReading } from '@preflow/extension/credential'
import * as z from 'zod/mini'
import type { BreachCounter } from './breached-passwords-api.ts'
import { readOptions } from './options.ts'
import {
  denyDescriptionSchema,
  denyReasonSchema,
  type PasswordReaction,
  passwordReactionSchema,
  reactToNotCheckable,
  reactToPassword,
  reactToUnreadable,
} from './password-reaction.ts'

export interface BreachedPasswordsOptions {
  /**
   * A password is rejected if the range API has seen it at least this often. Default 1. For a corpus, the build
   * decides.
   */
  minimumCount?: number
  /** A source is unavailable, and no other has the password. Default `deny`: the user may retry later. */
  whenUnavailable?: PasswordReaction
  /** The password is hashed with SHA-256 and there is no SHA-256 corpus to compare it with. Default `error`. */
  whenNotCheckable?: PasswordReaction
  /** Reason for programs if a password is breached. Default `password_compromised`. */
  reason?: string
  /** Message for people. */
  description?: string
}

/** The sources of the policy, in this order. Each is optional, but at least one is required. */
export interface BreachedPasswordsPorts {
  /** Reads the password of an event: `createCredentialReader` of `@preflow/extension/credential`. */
  credential: CredentialReader
  /** The operator's own corpora, see `@preflow/corpus`. */
  corpora?: readonly Corpus[]
  /** A short list in lower case: `openCommonPasswords` of `@preflow/corpus`. */
  common?: Corpus
  /** The Pwned Passwords range API: {@link createPwnedPasswords}. */
  count?: BreachCounter
  /** Hashes the UTF-8 bytes of a string. Default: `crypto.subtle`; on Node `crypto.hash` is several times cheaper. */
  digest?: PasswordDigest
}

/** Hashes the UTF-8 bytes of a string. */
export type PasswordDigest = (kind: DigestKind, text: string) => Uint8Array | Promise<Uint8Array>

export const breachedPasswordsOptionsSchema: z.ZodMiniType<Required<BreachedPasswordsOptions>> = z.strictObject({
  minimumCount: z._default(z.int().check(z.gte(1)), 1),
  whenUnavailable: z._default(passwordReactionSchema, 'deny'),
  whenNotCheckable: z._default(passwordReactionSchema, 'error'),
  reason: z._default(denyReasonSchema, 'password_compromised'),
  description: z._default(
    denyDescriptionSchema,
    'This password is known from data breaches and is not safe. Please choose a different one.',
  ),
})

/** The result of one source. `perhaps` is a hit of a filter, which has one false positive in 65,536. */
type Answer = 'found' | 'perhaps' | 'absent' | { unavailable: string }

interface Source {
  name: string
  /** The digest of its entries. */
  digest: DigestKind
  /** Whether its `absent` overrides another source's `perhaps`. */
  settles: boolean
  /** Whether it contains only lower case, so that a capital letter does not make a common password good. */
  isLowerCase: boolean
  ask(digest: Uint8Array, context: PasswordContext): Answer | Promise<Answer>
}

/** Milliseconds of the budget that are reserved for the answer. */
const RESERVE_MS = 100

/**
 * Rejects passwords that are known from breaches.
 *
 * A plain password is looked up in every source until one has it. A hashed one is looked up in the sources with
 * SHA-256. If none of the operator's corpora has SHA-256, `whenNotCheckable` decides about passwords that are not in
 * the short list. The range API, if it is used, confirms a filter's hit.
 *
 * @throws {TypeError} If there is no source at all, which would allow everything.
 */
export function breachedPasswords(
  options: BreachedPasswordsOptions,
  ports: BreachedPasswordsPorts,
): Handler<'PRE_UPDATE_PASSWORD'> {
  const settings = readOptions('breachedPasswords', breachedPasswordsOptionsSchema, options)
  const { credential, digest = subtleDigest } = ports
  const sources = sourcesOf(ports, settings.minimumCount)
  if (sources.length === 0) throw new TypeError('breachedPasswords: give at least one of corpora, common and count.')
  const checksHashes = (ports.corpora ?? []).some(corpus => corpus.digest === 'sha256')

  function decide(reading: CredentialReading, context: PasswordContext): PasswordDecision | Promise<PasswordDecision> {
    if (!reading.ok) return reactToUnreadable('breachedPasswords', reading)
    const { credential: password } = reading
    const search = searchFrom(0, {}, password, context)
    return search instanceof Promise ? search.then(later => judge(later, password)) : judge(search, password)
  }

  /** Checks the sources in sequence, synchronously as long as they answer synchronously. */
  function searchFrom(
    first: number,
    found: Finding,
    password: Credential,
    context: PasswordContext,
  ): Finding | Promise<Finding> {
    for (let index = first; index < sources.length; index++) {
      const source = sources[index] as Source
      // A source with another digest than the shared one has no result.
      if (password.kind === 'sha256' && source.digest !== 'sha256') continue
      const answer = ask(source, password, context)
      if (answer instanceof Promise) {
        return answer.then(later =>
          take(found, source, later) ? found : searchFrom(index + 1, found, password, context),
        )
      }
      if (take(found, source, answer)) break
    }
    return found
  }

  function ask(source: Source, password: Credential, context: PasswordContext): Answer | Promise<Answer> {
    if (password.kind === 'sha256') return source.ask(password.digest, context)
    const bytes = digest(source.digest, source.isLowerCase ? password.text.toLowerCase() : password.text)
    return bytes instanceof Promise ? bytes.then(later => source.ask(later, context)) : source.ask(bytes, context)
  }

  function judge({ knownTo, unavailable }: Finding, { kind }: Credential): PasswordDecision {
    if (knownTo !== undefined) {
      return deny(settings.reason, settings.description, { why: `breachedPasswords: ${kind}, found in ${knownTo}` })
    }
    if (kind === 'sha256' && !checksHashes) {
      return reactToNotCheckable(
        settings.whenNotCheckable,
        'breachedPasswords: sha256, no corpus by SHA-256 to check it',
      )
    }
    if (unavailable !== undefined) {
      return reactToPassword(settings.whenUnavailable, {
        reason: 'check_unavailable',
        description: 'The password could not be checked right now. Please try again in a few minutes.',
        why: `breachedPasswords: ${kind}, ${unavailable}`,
      })
    }
    return allow([], { why: `breachedPasswords: ${kind}, not found` })
  }

  return (event, context) => {
    const reading = credential(event)
    return reading instanceof Promise ? reading.then(later => decide(later, context)) : decide(reading, context)
  }
}

type PasswordContext = Context<'PRE_UPDATE_PASSWORD'>
type PasswordDecision = DecisionFor<'PRE_UPDATE_PASSWORD'>

/** The results of the sources so far. */
interface Finding {
  /** The source that has the password, or that suspects it without contradiction. */
  knownTo?: string
  unavailable?: string
}

/** Adds a result. Returns whether it ends the search. */
function take(found: Finding, source: Source, answer: Answer): boolean {
  if (typeof answer === 'object') found.unavailable = `${source.name} unavailable (${answer.unavailable})`
  else if (answer !== 'absent') found.knownTo = source.name
  else if (source.settles) delete found.knownTo
  return answer === 'found'
}

function sourcesOf({ corpora = [], common, count }: BreachedPasswordsPorts, minimumCount: number): Source[] {
  return [
    ...corpora.map(corpus => corpusSource('the corpus', corpus)),
    ...(common ? [{ ...corpusSource('the common passwords', common), isLowerCase: true }] : []),
    ...(count ? [rangeSource(count, minimumCount)] : []),
  ]
}

function corpusSource(name: string, corpus: Corpus): Source {
  const yes = corpus.kind === 'filter' ? 'perhaps' : 'found'
  const answerOf = (isKnown: boolean): Answer => (isKnown ? yes : 'absent')
  return {
    name,
    digest: corpus.digest,
    settles: false,
    isLowerCase: false,
    ask: digest => {
      const known = corpus.has(digest)
      // The message of a disk failure is for the operator. The log has its class.
      return typeof known === 'boolean' ? answerOf(known) : known.then(answerOf, () => ({ unavailable: 'read error' }))
    },
  }
}

function rangeSource(count: BreachCounter, minimumCount: number): Source {
  const answerOf = (found: Awaited<ReturnType<BreachCounter>>): Answer => {
    if (found.kind === 'unavailable') return { unavailable: found.why }
    return found.count >= minimumCount ? 'found' : 'absent'
  }
  return {
    name: 'the range API',
    digest: 'sha1',
    settles: true,
    isLowerCase: false,
    ask: (digest, context) => {
      const found = count(digest, { remainingMs: Math.max(0, context.remainingMs() - RESERVE_MS) })
      return found instanceof Promise ? found.then(answerOf) : answerOf(found)
    },
  }
}

const subtleNames: Record<DigestKind, string> = { sha1: 'SHA-1', sha256: 'SHA-256' }

const subtleDigest: PasswordDigest = async (kind, text) =>
  new Uint8Array(await crypto.subtle.digest(subtleNames[kind], new TextEncoder().encode(text)))
