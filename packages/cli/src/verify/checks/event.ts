import { randomUUID } from 'node:crypto'
import { actionTypeGuides, type Scenario } from '@preflow/contract/guides'
import { scenariosOf } from '../../events/scenarios.ts'
import { decisionOf, isDecided, isError } from '../answer.ts'
import { type AskingCheck, type Check, createProblems, notChecked, passed, type Subject } from '../check.ts'
import type { Exchange, Telling } from '../session.ts'
import {
  claimsWithoutValue,
  has,
  inManyScripts,
  listsAsTexts,
  textsAsLists,
  type Variant,
  veryLarge,
  withEmptyLists,
  withNewMembers,
  without,
} from '../variants.ts'

const references = new WeakMap<Subject, Map<string, Promise<Exchange | undefined>>>()

/** The answer to a scenario as it is, in the newest contract; asked once. */
function reference(subject: Subject, scenario: Scenario): Promise<Exchange | undefined> {
  const known = references.get(subject) ?? new Map<string, Promise<Exchange | undefined>>()
  references.set(subject, known)
  const asked =
    known.get(scenario.name) ??
    subject.session
      .tell(subject.type, scenario, { isOnce: true, isPrivate: true, variant: 'once more' })
      .then(([exchange]) => exchange)
  known.set(scenario.name, asked)
  return asked
}

/** The answer to the scenario as it is, as a platform told it that told this variant. */
function inSameContract(
  { told }: Subject,
  { name }: Scenario,
  { judgements: [judgement] }: Exchange,
): Exchange | undefined {
  return told.find(
    ({ judgements, label }) => label === name && judgements.some(({ platform }) => platform === judgement?.platform),
  )
}

const UNREADABLE = 'The answers cannot be read; the checks of answers say why.'

/** A variant of a scenario. */
interface Varied {
  scenario: Scenario
  variant: string
  rewrite: Variant
  /** Whether the decision must stay the same; otherwise it must stay one. */
  sameDecision: boolean
  /** Only some configurations send it. */
  isAdvice?: true
}

/** A check that sends variants and compares each with the scenario as it is. */
function comparing(
  described: Omit<AskingCheck, 'scope' | 'run'>,
  variants: (subject: Subject) => readonly Varied[],
): AskingCheck {
  return {
    ...described,
    scope: 'type',
    async run(subject) {
      const problems = createProblems()
      const isUnusableAnyway = subject.told.some(exchange => decisionOf(exchange).status === 'unusable')
      let isComparable = true
      let isCompared = false
      for (const { scenario, variant, rewrite, sameDecision, isAdvice = false } of variants(subject)) {
        if (subject.session.isTooSlow(subject.type)) return notChecked('It stopped answering in time.')
        const usual = await reference(subject, scenario)
        if (!usual || !isDecided(decisionOf(usual))) continue
        const telling = { variant, rewrite, inEachContract: true }
        for (const exchange of await subject.session.tell(subject.type, scenario, telling)) {
          const before = decisionOf(inSameContract(subject, scenario, exchange) ?? usual)
          if (!isDecided(before)) continue
          isCompared = true
          const after = decisionOf(exchange)
          if (after.status === before.status) continue
          // Where such answers come without the variant as well, the variant is not what is wrong.
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
      if (!isCompared) return notChecked('There is no decided event with anything to vary in it.')
      return isComparable ? finding : notChecked(UNREADABLE)
    },
  }
}

/** The first answer and one that decides otherwise; empty when all decide alike. */
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
    title: 'What happens on platforms is decided',
    why: 'An ERROR is no decision: the client gets a server error, whoever it is and whatever it asked for.',
    mend: 'Answer SUCCESS or FAILED for every event of a type you handle. ERROR with status 400 is for what you cannot read.',
    level: 'must',
    scope: 'type',
    run({ told }) {
      const problems = createProblems()
      const decisions = told.map(exchange => ({ exchange, decision: decisionOf(exchange) }))
      const isAnyDecided = decisions.some(({ decision }) => isDecided(decision))
      const unreadable = decisions.filter(({ decision }) => decision.status === 'unusable')
      if (unreadable.length === decisions.length) return notChecked(UNREADABLE)
      const declined = new Set<string>()
      for (const { exchange, decision } of decisions) {
        if (!isError(decision) || !exchange.delivery.ok) continue
        const { status } = exchange.delivery
        if (status === 400 && isAnyDecided) declined.add(exchange.label)
        else problems.add(`It is answered with status ${status} and ${decision.words}.`, exchange)
      }
      const notes = [
        ...(declined.size > 0 ? [`declined with 400: ${[...declined].join(', ')}`] : []),
        ...(unreadable.length > 0 ? [`${unreadable.length} of ${decisions.length} answers cannot be read`] : []),
      ]
      return problems.finding(notes.join('; ') || undefined)
    },
  },
  {
    id: 'event.revisions',
    title: 'Every contract revision is decided alike',
    why: 'Older platforms send less of the same event. What they leave out must not change who gets in.',
    mend: 'Treat organization, refreshToken, session, response, claims, groups and requestId as optional.',
    level: 'must',
    scope: 'type',
    async run({ session, type, told }) {
      const problems = createProblems()
      if (told.every(exchange => decisionOf(exchange).status === 'unusable')) return notChecked(UNREADABLE)
      for (const [label, exchanges] of Map.groupBy(told, exchange => exchange.label)) {
        const [first, other] = differing(exchanges)
        if (!first || !other) continue
        const scenario = scenariosOf(type).find(({ name }) => name === label)
        const again = scenario ? await session.tell(type, scenario, { isPrivate: true, variant: 'once more' }) : []
        if (differing(again).length > 0) {
          problems.add(`${inWords(first)}, but ${inWords(other)}.`, other)
        } else {
          const [once, twice] = [first, other].map(exchange => decisionOf(exchange).words)
          problems.add(
            `${once} or ${twice}, whatever the revision: the answers come and go. Look for a limit or a race.`,
            other,
          )
        }
      }
      return problems.finding()
    },
  },
  {
    id: 'event.retry',
    title: 'The same call twice is decided alike',
    why: 'Platforms try once more after a timeout or a 503. The first try may have arrived.',
    mend: 'Keep nothing of a call that the same call would trip over; key what you must keep by requestId or flowId.',
    level: 'must',
    scope: 'type',
    async run(subject) {
      const { session, type, usual } = subject
      const identity = { requestId: randomUUID(), flowId: randomUUID() }
      const telling: Telling = { isOnce: true, isPrivate: true, identity, variant: 'sent twice' }
      const [first] = await session.tell(type, usual, telling)
      const [second] = await session.tell(type, usual, telling)
      if (!first || !second) return notChecked('There is no event to send twice.')
      const before = decisionOf(first)
      const after = decisionOf(second)
      if (!isDecided(before)) return notChecked('The event is not decided anyway.')
      if (before.key === after.key) return passed()
      const problems = createProblems()
      problems.add(`${before.words} becomes ${after.words}.`, second)
      return problems.finding()
    },
  },
  comparing(
    {
      id: 'event.new-members',
      title: 'Members that a newer platform adds change nothing',
      why: 'Platforms add members within a version. An extension that refuses what it does not know breaks on their next update.',
      mend: 'Ignore what you do not know, at every depth.',
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
      why: 'Not every flow has a user, a scope or an organization, and what is empty is left out.',
      mend: 'Read optional members with a default.',
      level: 'must',
    },
    ({ rich, type, told }) => {
      const { event } = told.find(({ label }) => label === rich.name)?.request ?? { event: {} }
      const absent = actionTypeGuides[type].optionalMembers
        .filter(path => has(event, path))
        .map(path => ({ scenario: rich, variant: `without ${path}`, rewrite: without(path), sameDecision: false }))
      return [...absent, { scenario: rich, variant: 'with empty lists', rewrite: withEmptyLists, sameDecision: false }]
    },
  ),
  comparing(
    {
      id: 'event.claim-forms',
      title: 'A claim may be a text or a list, and may have no value',
      why: 'Attributes with several values come as lists, even with one value in them; what is empty has no value.',
      mend: 'Read claims with a function that makes a list of either form.',
      level: 'must',
    },
    ({ rich }) => [
      // Attributes with one value come so only where an administrator has made them multi-valued.
      {
        scenario: rich,
        variant: 'with texts as lists of one',
        rewrite: textsAsLists,
        sameDecision: true,
        isAdvice: true,
      },
      { scenario: rich, variant: 'with lists as texts', rewrite: listsAsTexts, sameDecision: false },
      { scenario: rich, variant: 'with claims without a value', rewrite: claimsWithoutValue, sameDecision: false },
    ],
  ),
  comparing(
    {
      id: 'event.scripts',
      title: 'Names may be in any script',
      why: 'People and organizations have names with quotes, commas and letters of every script.',
      mend: 'Treat values as data: no interpolation into SQL, HTML, URLs, header lines or reasons.',
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
      why: 'A user in many groups makes an event of some ten kilobytes.',
      mend: 'Read at least 64 KiB; 256 KiB is a good limit.',
      level: 'must',
    },
    ({ rich }) => [{ scenario: rich, variant: 'of 48 KiB', rewrite: veryLarge, sameDecision: false }],
  ),
  {
    id: 'event.version',
    title: 'The version header may be absent or unknown',
    why: 'x-wso2-api-version came after the first release with actions, and a version that is not known yet will come.',
    mend: 'Without the header, decide; with a version you do not know, decide or answer 400 with ERROR.',
    level: 'should',
    scope: 'type',
    async run(subject) {
      const { session, type, usual } = subject
      const problems = createProblems()
      const before = await reference(subject, usual)
      if (!before || !isDecided(decisionOf(before))) return notChecked('The event is not decided anyway.')
      for (const [version, mustDecide] of [
        [undefined, true],
        ['v9', false],
      ] as const) {
        const variant = version === undefined ? 'without x-wso2-api-version' : `with x-wso2-api-version ${version}`
        const [exchange] = await session.tell(type, usual, { variant, headers: { 'x-wso2-api-version': version } })
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
