import { present } from '@preflow/contract'
import type { Stage } from './stage.ts'

/**
 * What the number of a row begins with: `T` token actions, `E` engine and management, `PW-` requests, `PC-` credentials and `PR-`
 * results of the password action, `PF-` profile action, `OR-` organizations, `AU-` custom authentication, `CF-` configuration,
 * `FX-` flow extension, `UC-` services of the use cases, `CL-` clients.
 */
export type RowPrefix = 'T' | 'E' | `${'PW' | 'PC' | 'PR' | 'PF' | 'OR' | 'AU' | 'CF' | 'FX' | 'UC' | 'CL'}-`

/** The number of a row: `T83`, `PW-04`. Tests and documents cite a row by it; docs/reference/conformance.md lists them all. */
export type RowId = `${RowPrefix}${number}`

/** Does from outside what a row says, and asserts what it expects. */
export type Check = (stage: Stage) => Promise<void>

/** Deliberately other than the row says. `check` shows what happens instead. */
export interface Different {
  /** Why, in one sentence. */
  differs: string
  check: Check
}

/** Nothing here that the row could be about. */
export interface NotApplicable {
  /** Why, in one sentence. */
  notApplicable: string
  /** What happens instead, where something does. */
  check?: Check
}

/** One row of the specification: something is given, something is expected. */
export interface Row {
  id: RowId
  /** Given and expected, in the notation of the specification. */
  title: string
  /** On the platform that reproduces the reference. `Different` here means on every platform. */
  reference: Check | Different | NotApplicable
  /** On the platform `preflow`. */
  preflow: 'same' | Different
  /** What is asked instead of the running server, where that gives nobody a way to arrange what the row needs. */
  how?: string
}

/** Rows about one subject, in the order of the specification. */
export interface Section {
  title: string
  rows: readonly Row[]
}

/** All rows of one specification. */
export interface Suite {
  title: string
  /** What a reader needs to understand the titles of the rows, as Markdown. */
  introduction?: string
  /** Every row there has to be, in its order. None may be missing. */
  ids: readonly RowId[]
  sections: readonly Section[]
}

/**
 * The numbers from 1 to `count`, of two digits after a dash.
 *
 * @example numbered('T', 2) // T1, T2
 * @example numbered('PW-', 2) // PW-01, PW-02
 */
export function numbered(prefix: RowPrefix, count: number): RowId[] {
  const digits = prefix.endsWith('-') ? 2 : 1
  return Array.from({ length: count }, (_, index): RowId => {
    const number = String(index + 1).padStart(digits, '0') as `${number}`
    return `${prefix}${number}`
  })
}

export function row(
  id: RowId,
  title: string,
  reference: Check | Different | NotApplicable,
  preflow: 'same' | Different = 'same',
): Row {
  return { id, title, reference, preflow }
}

/** @example row('T219', 'AT FAILED, code reused: `invalid_grant`', differs('a refusal burns nothing', async stage => {})) */
export function differs(reason: string, check: Check): Different {
  return { differs: reason, check }
}

export function notApplicable(reason: string, check?: Check): NotApplicable {
  return { notApplicable: reason, ...present({ check }) }
}

export function rowsOf(suite: Suite): Row[] {
  return suite.sections.flatMap(({ rows }) => rows)
}

/** What became of a row, in words. */
export function verdictOf({ reference, preflow }: Row): { kind: Kind; reason?: string } {
  if (typeof reference !== 'function') {
    return 'notApplicable' in reference
      ? { kind: 'not applicable', reason: reference.notApplicable }
      : { kind: 'differs everywhere', reason: reference.differs }
  }
  return preflow === 'same' ? { kind: 'holds' } : { kind: 'differs on preflow', reason: preflow.differs }
}

export const KINDS = ['holds', 'differs on preflow', 'differs everywhere', 'not applicable'] as const
export type Kind = (typeof KINDS)[number]
