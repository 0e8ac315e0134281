import type { DecisionRecord } from '../decision-record.ts'

/**
 * One decision for the author of an extension: the decision, what was left out and why, and where a handler threw.
 *
 * `preIssueAccessToken allow: 2 operations, in 1.2 ms`
 */
export function readableLines(record: DecisionRecord): string {
  const { actionType, decision, durationMs, operations, reason, reports, thrown, why } = record
  const told = [
    reason === undefined ? decision : `${decision} ${reason}`,
    ...(operations.length > 0 ? [`${operations.length} ${operations.length === 1 ? 'operation' : 'operations'}`] : []),
    ...(why === undefined ? [] : [why]),
    `in ${durationMs.toFixed(1)} ms`,
  ]
  return [`${actionType ?? 'call'}: ${told.join(', ')}`, ...reports.map(report => `  ${report}`), ...thrownLine(thrown)]
    .map(line => `${line}\n`)
    .join('')
}

function thrownLine(thrown: DecisionRecord['thrown']): string[] {
  if (!thrown) return []
  const { name, code, at } = thrown
  return [`  The handler threw ${[name, code, at].filter(part => part !== undefined).join(' ')}`]
}

/** What the author of an extension learns about one of its decisions. */
export interface Explanation {
  reports: string[]
  thrown?: NonNullable<DecisionRecord['thrown']>
}

/** The header with which a tool on the same machine requests an {@link Explanation}, and the header with it. */
export const EXPLAIN_HEADER = 'x-preflow-explain'
export const EXPLANATION_HEADER = 'x-preflow-explanation'

/** The value of {@link EXPLANATION_HEADER}; undefined if there is nothing to explain. */
export function explanationOf({ decision, reports, thrown }: DecisionRecord): string | undefined {
  if (decision === 'refused' || (reports.length === 0 && !thrown)) return undefined
  const explanation: Explanation = { reports, ...(thrown && { thrown }) }
  return encodeURIComponent(JSON.stringify(explanation))
}
