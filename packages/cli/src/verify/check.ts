import type { KeyObject } from 'node:crypto'
import { type ActionType, type Platform, present } from '@preflow/contract'
import type { Scenario } from '@preflow/contract/guides'
import { type Consequence, consequencesOf, type Judged, kindOf } from './answer.ts'
import type { Exchange, Session } from './session.ts'

/** One problem, with all places where it occurs. */
export interface Problem {
  text: string
  /** Advice, although the check is a `must`: no platform is affected. */
  isAdvice?: true
  /** Titles of the affected platforms, if not all are. */
  on?: string[]
  /** Labels of the requests whose answers have it. */
  seenIn: string[]
  /** The worst effect on platforms. Empty if no platform is affected. */
  consequences: Consequence[]
}

/** A problem of one answer. */
export interface Remark {
  text: string
  /** See {@link Problem.isAdvice}. */
  isAdvice?: boolean
  /** Titles of the affected platforms, if not all are. */
  on?: readonly string[]
}

/** The result of a check. */
export type Finding =
  | { result: 'passed'; note?: string }
  | { result: 'failed'; problems: Problem[] }
  | { result: 'not checked'; why: string }

/** What a check may use. */
export interface Subject {
  type: ActionType
  session: Session
  /** The answers to the first calls, one per action type. */
  discovery: readonly Discovered[]
  /** The answers to the events of platforms, as each of them sends it. */
  eventExchanges: readonly Exchange[]
  /** A scenario that the extension decides, preferably with SUCCESS. */
  usual: Scenario
  /** The decided scenario whose event has the most members. */
  rich: Scenario
  /** The public key with which passwords for this extension are encrypted. */
  encryptionKey?: KeyObject
}

/** The first answer for one action type. */
export interface Discovered {
  type: ActionType
  exchange: Exchange | undefined
  /** `decides`: SUCCESS, FAILED or INCOMPLETE. `unclear`: any other answer that is not a refusal. */
  answer: 'decides' | 'refuses' | 'unclear' | 'silent'
}

interface Described {
  /** `answer.alphabet`: the group and the name. Never changes. */
  id: string
  /** What is true if it passes. */
  title: string
  why: string
  fix: string
  /** A failed `must` fails the run; a `should` is advice. */
  level: 'must' | 'should'
  /** The types that it applies to. Default: all. */
  types?: readonly ActionType[]
}

/** A check that calls the extension. */
export interface SendingCheck extends Described {
  /** `extension`: runs once, with the first action type, because it does not depend on the type. */
  scope: 'type' | 'extension'
  /** Whether it also runs if the extension gave no usable answer. */
  alsoWithoutAnswer?: boolean
  run(subject: Subject): Promise<Finding> | Finding
}

/** A check that inspects every answer of the run. */
export interface ReadingCheck extends Described {
  /** Whether it also inspects the answers to broken requests. */
  ofProbes?: boolean
  /** The answers that it applies to. If there are none, the check did not run, and the report shows `unseen`. */
  regards?: { test(exchange: Exchange): boolean; unseen: string }
  /** The problems of one answer. */
  inspect(exchange: Exchange): readonly (string | Remark)[]
}

export type Check = SendingCheck | ReadingCheck

export function isSending(check: Check): check is SendingCheck {
  return 'run' in check
}

export function isReading(check: Check): check is ReadingCheck {
  return 'inspect' in check
}

/** The result of one check for one action type. */
export interface CheckResult {
  check: Check
  type: ActionType
  finding: Finding
}

/** Whether a result fails the run. */
export function isFailing({ check, finding }: Pick<CheckResult, 'check' | 'finding'>): boolean {
  return check.level === 'must' && finding.result === 'failed' && finding.problems.some(({ isAdvice }) => !isAdvice)
}

/** The group of a check: the part before the dot. */
export function groupOf({ id }: Pick<Check, 'id'>): string {
  return id.slice(0, id.indexOf('.'))
}

export const passed = (note?: string): Finding => ({ result: 'passed', ...present({ note }) })
export const notChecked = (why: string): Finding => ({ result: 'not checked', why })

/** Collects problems, each message once. */
export function createProblems(): {
  /** @param seen The exchange that has it, or a description of the place if no platform would see it. */
  add(remark: string | Remark, seen: Exchange | string): void
  finding(note?: string): Finding
} {
  const collected = new Map<
    string,
    { isAdvice: boolean; on: Set<string>; seenIn: Set<string>; worst: Map<Platform, Judged> }
  >()
  return {
    add(remark, seen) {
      const { text, isAdvice = false, on = [] } = typeof remark === 'string' ? { text: remark } : remark
      const known = collected.get(text) ?? { isAdvice, on: new Set(), seenIn: new Set(), worst: new Map() }
      collected.set(text, known)
      for (const title of on) known.on.add(title)
      known.seenIn.add(typeof seen === 'string' ? seen : seen.label)
      if (typeof seen === 'string') return
      for (const { platform, outcome } of seen.judgements) {
        const before = known.worst.get(platform)
        if (!before || GRAVITY[kindOf(outcome)] > GRAVITY[kindOf(before.outcome)]) {
          known.worst.set(platform, { type: seen.type, platform, outcome })
        }
      }
    },
    finding: note =>
      collected.size === 0
        ? passed(note)
        : {
            result: 'failed',
            problems: [...collected].map(([text, { isAdvice, on, seenIn, worst }]) => ({
              text,
              ...(isAdvice && { isAdvice }),
              ...(on.size > 0 && on.size < worst.size && { on: [...on] }),
              seenIn: [...seenIn],
              consequences: consequencesOf([...worst.values()]),
            })),
          },
  }
}

const GRAVITY: Readonly<Record<Consequence['kind'], number>> = { usable: 0, partial: 1, declined: 2, broken: 3 }
