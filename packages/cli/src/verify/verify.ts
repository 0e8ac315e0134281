import type { KeyObject } from 'node:crypto'
import { type ActionType, actionTypes, contractRevision, type Platform, present } from '@preflow/contract'
import type { Scenario } from '@preflow/contract/guides'
import type { Target } from '../events/action-call.ts'
import { scenariosOf } from '../events/scenarios.ts'
import { type Consequence, decisionOf, isDecided, isRefusal, kindOf } from './answer.ts'
import {
  type Check,
  type CheckResult,
  createProblems,
  type Discovered,
  type Finding,
  isFailing,
  isReading,
  isSending,
  notChecked,
  type ReadingCheck,
  type SendingCheck,
  type Subject,
} from './check.ts'
import { checksFor } from './checks/checks.ts'
import { type Timing, timingOf } from './checks/time.ts'
import { createSession, type Exchange, type Session } from './session.ts'

/** What to verify, and how. */
export interface Verification {
  target: Target
  /** The platforms to verify for. */
  platforms: readonly Platform[]
  /** Absent: those that the extension decides. */
  types?: readonly ActionType[]
  /** The authenticator only verifies a user whom an earlier step has identified. */
  isVerification?: boolean
  /** RSA: passwords are also sent encrypted with it. */
  encryptionKey?: KeyObject
  signal: AbortSignal
  /** Called after each answer, with the number of answers. */
  onAnswer?(answers: number): void
}

/** What one platform does with the answers for one action type. */
export interface Cell {
  platform: Platform
  type: ActionType
  /** `absent`: the platform has no such type. */
  state: 'works' | 'declines' | 'breaks' | 'absent' | 'not checked'
  usable: number
  /** How many usable answers have operations that the platform does not apply. */
  partial: number
  declined: number
  broken: number
}

/** Everything in a report. */
export interface VerificationResult {
  url: string
  discovery: readonly Discovered[]
  /** The types that were verified. */
  types: readonly ActionType[]
  /** Whether they were found by calling the extension instead of set by the user. */
  isInferred: boolean
  platforms: readonly Platform[]
  results: readonly CheckResult[]
  cells: readonly Cell[]
  /** The answers to the events of platforms. */
  eventExchanges: readonly Exchange[]
  timings: readonly { type: ActionType; timing: Timing }[]
  requests: number
  durationMs: number
  /** Whether something was decided and no check of level `must` failed. */
  isPassed: boolean
}

/**
 * Verifies that an extension follows the contract. First finds the action types that it decides, then sends it the
 * events of every platform, then requests that no platform would send, and runs the checks over all answers.
 *
 * Rejects only if the signal aborts.
 */
export async function verify(verification: Verification): Promise<VerificationResult> {
  const { target, platforms, signal, encryptionKey, onAnswer } = verification
  const startedAt = performance.now()
  let answers = 0
  const session = createSession(target, platforms, {
    signal,
    onSent: () => {
      answers += 1
      onAnswer?.(answers)
    },
  })
  try {
    const asked = verification.types ?? typesOf(platforms)
    const scenarios: Scenarios = type => scenariosFor(type, verification)
    const discovery = await discover(session, asked, scenarios)
    const types = verification.types ?? claimed(discovery)
    const subjects: Subject[] = []
    for (const type of types) {
      const eventExchanges = await sendEvents(session, type, scenarios)
      subjects.push({
        type,
        session,
        discovery,
        eventExchanges,
        ...chooseUsual(type, eventExchanges, scenarios),
        ...present({ encryptionKey }),
      })
    }
    const results = await runChecks(subjects, discovery, session, scenarios)
    const eventExchanges = subjects.flatMap(subject => subject.eventExchanges)
    return {
      url: target.url,
      discovery,
      types,
      isInferred: verification.types === undefined,
      platforms,
      results,
      cells: platforms.flatMap(platform => types.map(type => cellOf(platform, type, subjects))),
      eventExchanges,
      timings: types.flatMap(type => {
        const timing = timingOf(session.exchanges, type)
        return timing ? [{ type, timing }] : []
      }),
      requests: answers,
      durationMs: performance.now() - startedAt,
      isPassed: eventExchanges.some(exchange => isDecided(decisionOf(exchange))) && !results.some(isFailing),
    }
  } finally {
    await session.close()
  }
}

function typesOf(platforms: readonly Platform[]): ActionType[] {
  return (Object.keys(actionTypes) as ActionType[]).filter(type =>
    platforms.some(platform => contractRevision(platform, type) !== undefined),
  )
}

/** The scenarios of each type. */
type Scenarios = (type: ActionType) => readonly Scenario[]

/** For an authenticator that only verifies, omits the scenarios without a user: it is never called in them. */
function scenariosFor(type: ActionType, { isVerification = false, platforms: [platform] }: Verification) {
  if (!isVerification || actionTypes[type].category !== 'IN_FLOW' || !platform) return scenariosOf(type)
  return scenariosOf(type).filter(scenario => 'user' in scenario.event(platform))
}

/**
 * Calls each type with its simplest event and, unless that is decided, with its fullest: a second factor needs a user.
 */
async function discover(session: Session, types: readonly ActionType[], scenarios: Scenarios): Promise<Discovered[]> {
  return Promise.all(
    types.map(async (type): Promise<Discovered> => {
      const asking = [scenarios(type)[0], fullest(scenarios(type), session.platforms[0])]
      let discovered: Discovered = { type, exchange: undefined, answer: 'silent' }
      for (const scenario of new Set(asking)) {
        if (!scenario) continue
        const [exchange] = await session.sendScenario(type, scenario, {
          isOnce: true,
          isPrivate: true,
          variant: 'first call',
        })
        if (exchange) discovered = { type, exchange, answer: answerKind(exchange) }
        if (discovered.answer === 'decides' || discovered.answer === 'silent') break
      }
      return discovered
    }),
  )
}

/** The scenario whose event has the most members. */
function fullest(scenarios: readonly Scenario[], platform: Platform | undefined): Scenario | undefined {
  const length = (scenario: Scenario) => (platform ? JSON.stringify(scenario.event(platform)).length : 0)
  return scenarios.toSorted((a, b) => length(b) - length(a))[0]
}

function answerKind(exchange: Exchange): Discovered['answer'] {
  if (!exchange.delivery.ok) return 'silent'
  if (isDecided(decisionOf(exchange))) return 'decides'
  // ERROR with 500 may be a defect that the checks should report. ERROR with 400 means that the type is not handled.
  return isRefusal(exchange) && exchange.delivery.status < 500 ? 'refuses' : 'unclear'
}

/** The types that it decides. If there are none, those with unclear answers, which the checks will explain. */
function claimed(discovery: readonly Discovered[]): ActionType[] {
  const by = (wanted: Discovered['answer']) =>
    discovery.filter(({ answer }) => answer === wanted).map(({ type }) => type)
  if (by('decides').length > 0) return by('decides')
  // If nothing is answered, one type is enough to find out why.
  return by('unclear').length > 0 ? by('unclear') : by('silent').slice(0, 1)
}

/** Sends an extension every event of platforms, one after the other. */
async function sendEvents(session: Session, type: ActionType, scenarios: Scenarios): Promise<Exchange[]> {
  const eventExchanges: Exchange[] = []
  for (const scenario of scenarios(type)) {
    if (session.isTooSlow(type) || isUnreachable(eventExchanges)) break
    eventExchanges.push(...(await session.sendScenario(type, scenario)))
  }
  return eventExchanges
}

/** After a connection error, nothing else is sent. */
function isUnreachable(eventExchanges: readonly Exchange[]): boolean {
  return (
    eventExchanges.length > 0 &&
    eventExchanges.every(({ delivery }) => !delivery.ok && delivery.error.code !== 'deadline')
  )
}

function chooseUsual(
  type: ActionType,
  eventExchanges: readonly Exchange[],
  scenarios: Scenarios,
): Pick<Subject, 'usual' | 'rich'> {
  const [plainest] = scenarios(type)
  if (!plainest) throw new TypeError(`${type}: the table has no scenario`)
  const named = (name: string | undefined) => scenarios(type).find(scenario => scenario.name === name)
  const decided = eventExchanges.filter(exchange => isDecided(decisionOf(exchange)))
  const agreed = decided.filter(exchange => decisionOf(exchange).status !== 'FAILED')
  const bySize = (agreed.length > 0 ? agreed : decided).toSorted(
    (a, b) => JSON.stringify(b.request?.event).length - JSON.stringify(a.request?.event).length,
  )
  const usual = named((agreed[0] ?? decided[0])?.label) ?? plainest
  return { usual, rich: named(bySize[0]?.label) ?? usual }
}

/** Runs the checks that call the extension, in their order, then the others over all answers. */
async function runChecks(
  subjects: readonly Subject[],
  discovery: readonly Discovered[],
  session: Session,
  scenarios: Scenarios,
): Promise<CheckResult[]> {
  const checks = checksFor(session.target.authentication)
  const found = new Map<Check, CheckResult[]>()
  for (const check of checks.filter(isSending)) {
    const results: CheckResult[] = []
    for (const subject of concernedBy(check, subjects, discovery, session, scenarios)) {
      results.push({ check, type: subject.type, finding: await runCheck(check, subject) })
    }
    found.set(check, results)
  }
  for (const check of checks.filter(isReading)) {
    found.set(
      check,
      subjects
        .filter(({ type }) => isFor(check, type))
        .map(({ type }) => ({ check, type, finding: read(check, type, session.exchanges) })),
    )
  }
  return checks.flatMap(check => found.get(check) ?? [])
}

function concernedBy(
  check: SendingCheck,
  subjects: readonly Subject[],
  discovery: readonly Discovered[],
  session: Session,
  scenarios: Scenarios,
): readonly Subject[] {
  const [first] = discovery
  if (subjects.length === 0 && first && check.alsoWithoutAnswer) {
    return [{ type: first.type, session, discovery, eventExchanges: [], ...chooseUsual(first.type, [], scenarios) }]
  }
  const concerned = check.scope === 'extension' ? subjects.slice(0, 1) : subjects
  return concerned.filter(({ type }) => isFor(check, type))
}

function isFor({ types }: Check, type: ActionType): boolean {
  return types?.includes(type) ?? true
}

async function runCheck(check: SendingCheck, subject: Subject): Promise<Finding> {
  if (!check.alsoWithoutAnswer) {
    if (subject.session.isTooSlow(subject.type)) return notChecked('It stopped answering in time.')
    if (!subject.eventExchanges.some(({ delivery }) => delivery.ok)) return notChecked('No event got an answer.')
  }
  return check.run(subject)
}

function read(check: ReadingCheck, type: ActionType, exchanges: readonly Exchange[]): Finding {
  const regarded = exchanges.filter(exchange => exchange.type === type && (exchange.isEvent || check.ofProbes === true))
  const problems = createProblems()
  for (const exchange of regarded) {
    for (const text of check.inspect(exchange)) problems.add(text, exchange)
  }
  const finding = problems.finding()
  if (finding.result === 'failed') return finding
  const answered = regarded.filter(({ delivery }) => delivery.ok)
  if (answered.length === 0) return notChecked('There was no answer to inspect.')
  if (check.regards && !answered.some(check.regards.test)) return notChecked(check.regards.unseen)
  return finding
}

function cellOf(platform: Platform, type: ActionType, subjects: readonly Subject[]): Cell {
  const counts = { usable: 0, partial: 0, declined: 0, broken: 0 }
  if (contractRevision(platform, type) === undefined) return { platform, type, state: 'absent', ...counts }
  const count = (kind: Consequence['kind']) => {
    counts[kind] += 1
    if (kind === 'partial') counts.usable += 1
  }
  for (const { eventExchanges } of subjects.filter(subject => subject.type === type)) {
    for (const { judgements } of eventExchanges) {
      for (const { outcome } of judgements.filter(judgement => judgement.platform === platform)) count(kindOf(outcome))
    }
  }
  const { usable, declined, broken } = counts
  if (broken > 0) return { platform, type, state: 'breaks', ...counts }
  if (usable + declined === 0) return { platform, type, state: 'not checked', ...counts }
  return { platform, type, state: declined > 0 ? 'declines' : 'works', ...counts }
}
