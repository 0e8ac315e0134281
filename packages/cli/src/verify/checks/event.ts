import { randomUUID } from 'node:crypto'
import { actionTypeGuides, type Scenario } from '@preflow/contract/guides'
import { scenariosOf } from '../../events/scenarios.ts'
import { decisionOf, isDecided, isError } from '../answer.ts'
import { type Check, createProblems, notChecked, passed, type SendingCheck, type Subject } from '../check.ts'
import type { Exchange, SendOptions } from '../session.ts'
import {
  claimsWithoutValue,
  has,
  inManyScripts,
  listsAsStrings,
  stringsAsLists,
  type Variant,
  veryLarge,
  withEmptyLists,
  withNewMembers,
  without,
} from '../variants.ts'

const references = new WeakMap<Subject, Map<string, Promise<Exchange | undefined>>>()

/** The answer to an unchanged scenario in the newest contract, requested once. */
function reference(subject: Subject, scenario: Scenario): Promise<Exchange | undefined> {
  const known = references.get(subject) ?? new Map<string, Promise<Exchange | undefined>>()
  references.set(subject, known)
  const asked =
    known.get(scenario.name) ??
    subject.session
      .sendScenario(subject.type, scenario, { isOnce: true, isPrivate: true, variant: 'again' })
      .then(([exchange]) => exchange)
  known.set(scenario.name, asked)
  return asked
}

/** The answer to the unchanged scenario, from a platform that sent this variant. */
function inSameContract(
  { eventExchanges }: Subject,
  { name }: Scenario,
  { judgements: [judgement] }: Exchange,
): Exchange | undefined {
  return eventExchanges.find(
    ({ judgements, label }) => label === name && judgements.some(({ platform }) => platform === judgement?.platform),
  )
}

const UNREADABLE = 'The answers are unreadable. The checks of answers explain why.'

/** A variant of a scenario. */
interface Varied {
  scenario: Scenario
  variant: string
  rewrite: Variant
  /** Whether the decision must stay the same. Otherwise it must only remain a decision. */
  sameDecision: boolean
  /** Only some configurations send it. */
  isAdvice?: true
}

/** A check that sends variants and compares each with the unchanged scenario. */
function comparing(
  described: Omit<SendingCheck, 'scope' | 'run'>,
  variants: (subject: Subject) => readonly Varied[],
): SendingCheck {
  return {
    ...described,
    scope: 'type',
    async run(subject) {
      const problems = createProblems()
      const isUnusableAnyway = subject.eventExchanges.some(exchange => decisionOf(exchange).status === 'unusable')
      let isComparable = true
      let isCompared = false
      for (const { scenario, variant, rewrite, sameDecision, isAdvice = false } of variants(subject)) {
        if (subject.session.isTooSlow(subject.type)) return notChecked('It stopped answering in time.')
        const usual = await reference(subject, scenario)
        if (!usual || !isDecided(decisionOf(usual))) continue
        const options = { variant, rewrite, inEachContract: true }
        for (const exchange of await subject.session.sendScenario(subject.type, scenario, options)) {
          const before = decisionOf(inSameContract(subject, scenario, exchange) ?? usual)
          if (!isDecided(before)) continue
          isCompared = true
          const after = decisionOf(exchange)
          if (after.status === before.status) continue
          // If such answers also occur without the variant, the variant is not the cause.
          if (after.status === 'unusable' && isUnusableAnyway) {
            isComparable = false
            continue
          }
          if (isError(after) || after.status === 'unusable' || sameDecision) {
            problems.add({ text: `${before.words} becomes ${after.words}: ${variant}.`, isAdvice }, exchange)
          }
        }
      }
      const finding = problems.finding()
      if (finding.result === 'failed') return finding
      if (!isCompared) return notChecked('No decided event has a member to vary.')
      return isComparable ? finding : notChecked(UNREADABLE)
    },
  }
}

/** The first answer and one with another decision; empty if all are equal. */
function differing([first, ...others]: readonly Exchange[]): Exchange[] {
  const other = first && others.find(exchange => decisionOf(exchange).status !== decisionOf(first).status)
  return first && other ? [first, other] : []
}

function inWords(exchange: Exchange): string {
  return `${decisionOf(exchange).words} for ${exchange.judgements.map(({ platform }) => platform.title).join('; ')}`
}

export const eventChecks: readonly Check[] = [
  {
    id: 'event.decides',
    title: 'Events of platforms are decided',
    why: 'An ERROR is not a decision: every client gets a server error.',
    fix: 'Answer SUCCESS or FAILED for every event of a type you handle. Use ERROR with status 400 only for unreadable events.',
    level: 'must',
    scope: 'type',
    run({ eventExchanges }) {
      const problems = createProblems()
      const decisions = eventExchanges.map(exchange => ({ exchange, decision: decisionOf(exchange) }))
      const isAnyDecided = decisions.some(({ decision }) => isDecided(decision))
      const unreadable = decisions.filter(({ decision }) => decision.status === 'unusable')
      if (unreadable.length === decisions.length) return notChecked(UNREADABLE)
      const declined = new Set<string>()
      for (const { exchange, decision } of decisions) {
        if (!isError(decision) || !exchange.delivery.ok) continue
        const { status } = exchange.delivery
        if (status === 400 && isAnyDecided) declined.add(exchange.label)
        else problems.add(`The answer has status ${status} and ${decision.words}.`, exchange)
      }
      const notes = [
        ...(declined.size > 0 ? [`declined with 400: ${[...declined].join(', ')}`] : []),
        ...(unreadable.length > 0 ? [`${unreadable.length} of ${decisions.length} answers are unreadable`] : []),
      ]
      return problems.finding(notes.join('; ') || undefined)
    },
  },
  {
    id: 'event.revisions',
    title: 'Every contract revision gets the same decision',
    why: 'Older platforms send less of the same event. The missing parts must not change the decision.',
    fix: 'Treat organization, refreshToken, session, response, claims, groups and requestId as optional.',
    level: 'must',
    scope: 'type',
    async run({ session, type, eventExchanges }) {
      const problems = createProblems()
      if (eventExchanges.every(exchange => decisionOf(exchange).status === 'unusable')) return notChecked(UNREADABLE)
      for (const [label, exchanges] of Map.groupBy(eventExchanges, exchange => exchange.label)) {
        const [first, other] = differing(exchanges)
        if (!first || !other) continue
        const scenario = scenariosOf(type).find(({ name }) => name === label)
        const again = scenario ? await session.sendScenario(type, scenario, { isPrivate: true, variant: 'again' }) : []
        if (differing(again).length > 0) {
          problems.add(`${inWords(first)}, but ${inWords(other)}.`, other)
        } else {
          const [once, twice] = [first, other].map(exchange => decisionOf(exchange).words)
          problems.add(
            `${once} or ${twice}, regardless of the revision: the answers vary. Check for a limit or a race condition.`,
            other,
          )
        }
      }
      return problems.finding()
    },
  },
  {
    id: 'event.retry',
    title: 'The same call twice gets the same decision',
    why: 'Platforms try again after a timeout or a 503. The first attempt may have arrived.',
    fix: 'Store nothing of a call that makes the repeated call fail. Use requestId or flowId as the key of what you store.',
    level: 'must',
    scope: 'type',
    async run(subject) {
      const { session, type, usual } = subject
      const identity = { requestId: randomUUID(), flowId: randomUUID() }
      const options: SendOptions = { isOnce: true, isPrivate: true, identity, variant: 'sent twice' }
      const [first] = await session.sendScenario(type, usual, options)
      const [second] = await session.sendScenario(type, usual, options)
      if (!first || !second) return notChecked('There is no event to send twice.')
      const before = decisionOf(first)
      const after = decisionOf(second)
      if (!isDecided(before)) return notChecked('The event was not decided in the first place.')
      if (before.key === after.key) return passed()
      const problems = createProblems()
      problems.add(`${before.words} becomes ${after.words}.`, second)
      return problems.finding()
    },
  },
  comparing(
    {
      id: 'event.new-members',
      title: 'New members of a newer platform change nothing',
      why: 'Platforms add members within a version. An extension that rejects unknown members breaks with their next update.',
      fix: 'Ignore unknown members at every depth.',
      level: 'must',
    },
    ({ rich }) => [
      { scenario: rich, variant: 'with members of a newer platform', rewrite: withNewMembers, sameDecision: true },
    ],
  ),
  comparing(
    {
      id: 'event.optional-members',
      title: 'Optional members may be absent or empty',
      why: 'Not every flow has a user, a scope or an organization. Empty members are omitted.',
      fix: 'Read optional members with a default.',
      level: 'must',
    },
    ({ rich, type, eventExchanges }) => {
      const { event } = eventExchanges.find(({ label }) => label === rich.name)?.request ?? { event: {} }
      const absent = actionTypeGuides[type].optionalMembers
        .filter(path => has(event, path))
        .map(path => ({ scenario: rich, variant: `without ${path}`, rewrite: without(path), sameDecision: false }))
      return [...absent, { scenario: rich, variant: 'with empty lists', rewrite: withEmptyLists, sameDecision: false }]
    },
  ),
  comparing(
    {
      id: 'event.claim-forms',
      title: 'A claim may be a string or a list, and may have no value',
      why: 'Attributes with several values are sent as lists, even with one value. Empty ones have no value.',
      fix: 'Read claims with a function that returns a list for both forms.',
      level: 'must',
    },
    ({ rich }) => [
      // Single-valued attributes are sent as lists only if an administrator made them multi-valued.
      {
        scenario: rich,
        variant: 'with strings as lists of one',
        rewrite: stringsAsLists,
        sameDecision: true,
        isAdvice: true,
      },
      { scenario: rich, variant: 'with lists as strings', rewrite: listsAsStrings, sameDecision: false },
      { scenario: rich, variant: 'with claims without a value', rewrite: claimsWithoutValue, sameDecision: false },
    ],
  ),
  comparing(
    {
      id: 'event.scripts',
      title: 'Names may be in any script',
      why: 'Names of people and organizations contain quotes, commas and letters of every script.',
      fix: 'Treat values as data. Do not insert them into SQL, HTML, URLs, header lines or reasons.',
      level: 'must',
    },
    ({ rich }) => [
      { scenario: rich, variant: 'with names in many scripts', rewrite: inManyScripts, sameDecision: false },
    ],
  ),
  comparing(
    {
      id: 'event.large',
      title: 'A large event is read',
      why: 'The event of a user with many groups has tens of kilobytes.',
      fix: 'Read at least 64 KiB; 256 KiB is a good limit.',
      level: 'must',
    },
    ({ rich }) => [{ scenario: rich, variant: 'of 48 KiB', rewrite: veryLarge, sameDecision: false }],
  ),
  {
    id: 'event.version',
    title: 'The version header may be absent or unknown',
    why: 'The first release with actions did not send x-wso2-api-version, and future releases will send new versions.',
    fix: 'Without the header, decide. With an unknown version, decide or answer 400 with ERROR.',
    level: 'should',
    scope: 'type',
    async run(subject) {
      const { session, type, usual } = subject
      const problems = createProblems()
      const before = await reference(subject, usual)
      if (!before || !isDecided(decisionOf(before))) return notChecked('The event was not decided in the first place.')
      for (const [version, mustDecide] of [
        [undefined, true],
        ['v9', false],
      ] as const) {
        const variant = version === undefined ? 'without x-wso2-api-version' : `with x-wso2-api-version ${version}`
        const [exchange] = await session.sendScenario(type, usual, {
          variant,
          headers: { 'x-wso2-api-version': version },
        })
        if (!exchange) continue
        const after = decisionOf(exchange)
        const isOrderly = isError(after) && !mustDecide && exchange.delivery.ok && exchange.delivery.status === 400
        if (after.status === decisionOf(before).status || isOrderly) continue
        problems.add(`${decisionOf(before).words} becomes ${after.words}.`, exchange)
      }
      return problems.finding()
    },
  },
]
