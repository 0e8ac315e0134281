import type { KeyObject } from 'node:crypto'
import { type ActionType, type Platform, present } from '@preflow/contract'
import type { Scenario } from '@preflow/contract/guides'
import { type Consequence, consequencesOf, type Judged, kindOf } from './answer.ts'
import type { Exchange, Session } from './session.ts'

/** One thing that is wrong, wherever it was seen. */
export interface Problem {
  text: string
  /** Advice, although the check is a `must`: it is wrong where no platform goes. */
  isAdvice?: true
  /** Titles of the platforms on which it is wrong, where it is not wrong on all of them. */
  on?: string[]
  /** Labels of the requests whose answers show it. */
  seenIn: string[]
  /** The worst that platforms make of these answers. Empty where no platform is concerned. */
  consequences: Consequence[]
}

/** What is wrong with one answer. */
export interface Remark {
  text: string
  /** See {@link Problem.isAdvice}. */
  isAdvice?: boolean
  /** Titles of the platforms that say so, where it is not for all to say. */
  on?: readonly string[]
}

/** What a check found. */
export type Finding =
  | { result: 'passed'; note?: string }
  | { result: 'failed'; problems: Problem[] }
  | { result: 'not checked'; why: string }

/** What a check may look at. */
export interface Subject {
  type: ActionType
  session: Session
  /** What the extension was asked first: each action type once. */
  discovery: readonly Discovered[]
  /** The answers to what happens on platforms, as each of them sends it. */
  told: readonly Exchange[]
  /** A scenario the extension decides, preferably with SUCCESS. */
  usual: Scenario
  /** The decided scenario whose event has most in it. */
  rich: Scenario
  /** The public key to which passwords are encrypted for this extension. */
  encryptionKey?: KeyObject
}

/** What one action type was answered at first. */
export interface Discovered {
  type: ActionType
  exchange: Exchange | undefined
  /** `decides`: SUCCESS, FAILED or INCOMPLETE. `unclear`: anything else that is no refusal. */
  answer: 'decides' | 'refuses' | 'unclear' | 'silent'
}

interface Described {
  /** `answer.alphabet`: the group and the check, stable. */
  id: string
  /** What holds when it passes. */
  title: string
  why: string
  mend: string
  /** A `must` that fails makes the run fail; a `should` is advice. */
  level: 'must' | 'should'
  /** The types it makes sense for. Default: all. */
  types?: readonly ActionType[]
}

/** A check that asks something of the extension. */
export interface AskingCheck extends Described {
  /** `extension`: asked once, with the first action type, because it does not depend on the type. */
  scope: 'type' | 'extension'
  /** Whether it has something to say when the extension gave no answer that could be looked at. */
  alsoWithoutAnswer?: boolean
  run(subject: Subject): Promise<Finding> | Finding
}

/** A check that looks at every answer of the run. */
export interface ReadingCheck extends Described {
  /** Whether it also looks at the answers to requests with something wrong in them. */
  ofProbes?: boolean
  /** Answers that have what it is about. When none has, nothing was checked, and the report says `unseen`. */
  regards?: { test(exchange: Exchange): boolean; unseen: string }
  /** What is wrong with one answer. */
  inspect(exchange: Exchange): readonly (string | Remark)[]
}

export type Check = AskingCheck | ReadingCheck

export function isAsking(check: Check): check is AskingCheck {
  return 'run' in check
}

export function isReading(check: Check): check is ReadingCheck {
  return 'inspect' in check
}

/** One check for one action type. */
export interface CheckResult {
  check: Check
  type: ActionType
  finding: Finding
}

/** Whether a result fails the run. */
export function isFailing({ check, finding }: Pick<CheckResult, 'check' | 'finding'>): boolean {
  return check.level === 'must' && finding.result === 'failed' && finding.problems.some(({ isAdvice }) => !isAdvice)
}

/** The group of a check: the word before the dot. */
export function groupOf({ id }: Pick<Check, 'id'>): string {
  return id.slice(0, id.indexOf('.'))
}

export const passed = (note?: string): Finding => ({ result: 'passed', ...present({ note }) })
export const notChecked = (why: string): Finding => ({ result: 'not checked', why })

/** Collects problems, the same text once. */
export function createProblems(): {
  /** @param seen The exchange that shows it, or words for where it was seen when no platform would see it. */
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
