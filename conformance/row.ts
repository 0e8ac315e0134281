import { present } from '@preflow/contract'
import type { Stage } from './stage.ts'

/**
 * The prefix of a row number: `T` token actions, `E` engine and management, `PW-` requests, `PC-` credentials and `PR-`
 * results of the password action, `PF-` profile action, `OR-` organizations, `AU-` custom authentication, `CF-`
 * configuration, `FX-` flow extension, `UC-` services of the use cases, `CL-` clients, `SG-` groups, `SR-` roles,
 * `ST-` scopes by roles, and `SU-`, `SF-`, `SE-`, `SK-`, `SA-`, `SB-` the rest of SCIM.
 */
export type RowPrefix =
  | 'T'
  | 'E'
  | `${'PW' | 'PC' | 'PR' | 'PF' | 'OR' | 'AU' | 'CF' | 'FX' | 'UC' | 'CL' | 'SG' | 'SR' | 'ST' | ScimFamily}-`

/** Users, filters, Entra ID, Okta, account states, bulk requests. */
type ScimFamily = 'SU' | 'SF' | 'SE' | 'SK' | 'SA' | 'SB'

/**
 * The number of a row: `T83`, `PW-04`. Tests and documents cite rows by number. docs/reference/conformance.md lists
 * them all.
 */
export type RowId = `${RowPrefix}${number}`

/** Does what a row describes, from outside, and asserts what it expects. */
export type Check = (stage: Stage) => Promise<void>

/** A deliberate difference from the row. `check` tests what happens instead. */
export interface Different {
  /** The reason, in one sentence. */
  differs: string
  check: Check
}

/** Preflow has nothing that the row could apply to. */
export interface NotApplicable {
  /** The reason, in one sentence. */
  notApplicable: string
  /** What happens instead, if anything. */
  check?: Check
}

/** One row of the specification: given and expected. */
export interface Row {
  id: RowId
  /** Given and expected, in the notation of the specification. */
  title: string
  /** On the platform that reproduces the reference. `Different` here means on every platform. */
  reference: Check | Different | NotApplicable
  /** On the platform `preflow`. */
  preflow: 'same' | Different
  /** What is tested instead of the running server, if the server cannot produce what the row needs. */
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
  /** Explains the titles of the rows to readers, as Markdown. */
  introduction?: string
  /** All required rows, in order. None may be missing. */
  ids: readonly RowId[]
  sections: readonly Section[]
}

/**
 * The numbers from 1 to `count`, with two digits after a dash.
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

/**
 * @example row('T219', 'AT FAILED, code reused: `invalid_grant`', differs('a refusal consumes nothing', async stage => {}))
 */
export function differs(reason: string, check: Check): Different {
  return { differs: reason, check }
}

export function notApplicable(reason: string, check?: Check): NotApplicable {
  return { notApplicable: reason, ...present({ check }) }
}

export function rowsOf(suite: Suite): Row[] {
  return suite.sections.flatMap(({ rows }) => rows)
}

/** The verdict on a row, as a string. */
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
