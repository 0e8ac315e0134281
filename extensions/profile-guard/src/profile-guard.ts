import { present } from '@preflow/contract'
import {
  allow,
  type Context,
  type DecisionFor,
  type DecisionRecord,
  defineExtension,
  deny,
  type Extension,
  fail,
  type Handler,
} from '@preflow/extension'
import { attributeName, attributeValues, combine, isRemoval, profileChanges, profileRules } from '@preflow/policies'
import { type AlertOptions, type AlertOutcome, alertMessages } from './alert.ts'
import type { Configuration, Fallback } from './configuration.ts'
import type { Directory } from './directory.ts'
import type { OutboxMessage } from './outbox.ts'

/** Where alerts go. */
export interface AlertPort {
  /** Stores messages so that they survive the process; see the outbox. */
  add(messages: readonly OutboxMessage[]): Promise<number>
  /** Reports that something was added. */
  wake(): void
}

/** The dependencies of profile-guard. */
export interface ProfileGuardPorts {
  /** Required if attributes are looked up. */
  directory?: Directory
  /** Required unless alerts are `off`. */
  alerts?: AlertPort
  /** Receives one record per call. */
  log?(record: DecisionRecord): void
  onError?(error: unknown): void
  /** Milliseconds since the epoch. Default `Date.now`. */
  now?(): number
}

type ProfileHandler = Handler<'PRE_UPDATE_PROFILE'>
type ProfileDecision = DecisionFor<'PRE_UPDATE_PROFILE'>

/** The shares of the remaining time for the directory and then for the outbox. Both must leave time to answer. */
const DIRECTORY_SHARE = 0.8
const OUTBOX_SHARE = 0.9

/**
 * Checks profile updates with rules and a directory, and sends alerts about sensitive changes to the security team and
 * the owner.
 *
 * The answer is sent after its alerts are stored, but before they are sent.
 */
export function createProfileGuard(configuration: Configuration, ports: ProfileGuardPorts): Extension {
  const { directory, alerts, log, onError, now } = ports
  const { callerAuthentication: caller, budgetMs, maxBodyBytes } = configuration
  const policies = [profileRules({ rules: configuration.rules })]
  if (directory) policies.push(directoryPolicy(configuration, directory))
  const decide = combine(...policies)
  return defineExtension(
    { preUpdateProfile: alerts ? alerting(decide, configuration, alerts) : decide },
    { caller, budgetMs, maxBodyBytes, ...present({ log, onError, now }) },
  )
}

/** The decision if something that it needs is unavailable. */
const fallbacks: Record<Fallback, (description: string, why: string) => ProfileDecision> = {
  deny: (description, why) => deny('temporarily_unavailable', description, { why }),
  allow: (_description, why) => allow([], { why }),
  error: (description, why) => fail('temporarily_unavailable', description, { why }),
}

/**
 * Rejects values that the directory does not have. For a removal there is nothing to look up, so only the rules apply.
 */
function directoryPolicy(configuration: Configuration, directory: Directory): ProfileHandler {
  const lookedUp = new Set(configuration.directoryClaims)
  return async (event, context) => {
    const changes = profileChanges(event).filter(change => lookedUp.has(change.uri) && !isRemoval(change))
    if (changes.length === 0) return allow([], { why: 'directory: not called' })
    const remainingMs = context.remainingMs() * DIRECTORY_SHARE
    const answers = await Promise.all(
      changes.map(async ({ uri, after }) => ({
        name: attributeName(uri),
        answer: await directory.knows(attributeValues(after), event.user.id, { remainingMs }),
      })),
    )
    const unknown = answers.filter(({ answer }) => answer === 'unknown').map(({ name }) => name)
    if (unknown.length > 0) {
      const descriptions = unknown.map(name => `The value of ${name} is not in the directory.`)
      return deny('attribute_value_unknown', descriptions.join(' '), { why: `directory: no ${unknown.join(', ')}` })
    }
    if (answers.some(({ answer }) => answer === 'unavailable')) {
      const description = 'The directory is unavailable. Try again later.'
      return fallbacks[configuration.directoryUnavailable](description, 'directory: unavailable')
    }
    return allow([], { why: 'directory: known' })
  }
}

const OUTCOMES: Record<ProfileDecision['decision'], AlertOutcome> = {
  allow: 'allowed',
  deny: 'refused',
  fail: 'undecided',
  redirect: 'undecided',
}

/** Stores the alerts of an update before it is answered. */
function alerting(decide: ProfileHandler, configuration: Configuration, port: AlertPort): ProfileHandler {
  const options: AlertOptions = {
    watched: configuration.watchedClaims,
    emailClaims: configuration.emailClaims,
    team: configuration.alertTo,
    shown: configuration.shownClaims,
    tellsOfRefused: configuration.alertRefused,
  }
  return async (event, context) => {
    const decision = await decide(event, context)
    const call = { outcome: OUTCOMES[decision.decision], requestId: context.requestId, now: context.now() }
    const { messages, lacksPreviousAddress } = alertMessages(event, call, options)
    if (lacksPreviousAddress) context.log({ previousAddress: 'unknown' })
    if (messages.length === 0) return decision
    const isKept = await keep(messages, port, context)
    // A refused update is not stored, with or without an alert.
    if (isKept || decision.decision !== 'allow') return decision
    const description = 'The required notification of this change cannot be sent. Try again later.'
    return fallbacks[configuration.outboxUnavailable](description, 'alerts: the outbox is unavailable')
  }
}

async function keep(
  messages: readonly OutboxMessage[],
  port: AlertPort,
  context: Context<'PRE_UPDATE_PROFILE'>,
): Promise<boolean> {
  try {
    const added = await within(port.add(messages), context.remainingMs() * OUTBOX_SHARE)
    context.log({ alerts: added, repeated: messages.length - added })
    port.wake()
    return true
  } catch (error) {
    context.log({ alerts: 0, outbox: (error as { code?: string }).code ?? 'unavailable' })
    return false
  }
}

/** After the deadline, a write may still succeed: rather one alert too many than one too few. */
function within<T>(promise: Promise<T>, limitMs: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(Object.assign(new Error('late'), { code: 'timeout' })), limitMs)
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
