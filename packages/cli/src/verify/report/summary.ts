import { type CheckResult, isFailing } from '../check.ts'
import type { VerificationResult } from '../verify.ts'

/** The verdict of a check over all action types. `advised`: there is a problem, but no platform fails. */
export type Verdict = 'passed' | 'failed' | 'advised' | 'not checked'

export function verdictOf(results: readonly CheckResult[]): Verdict {
  if (results.some(isFailing)) return 'failed'
  if (results.some(({ finding }) => finding.result === 'failed')) return 'advised'
  return results.some(({ finding }) => finding.result === 'passed') ? 'passed' : 'not checked'
}

/** The results by check, in their order. */
function byCheck({ results }: Pick<VerificationResult, 'results'>): readonly (readonly CheckResult[])[] {
  return [...Map.groupBy(results, ({ check }) => check).values()]
}

export interface Summary {
  passed: number
  failed: number
  advised: number
  notChecked: number
}

/** The number of checks per verdict. */
export function summaryOf(result: Pick<VerificationResult, 'results'>): Summary {
  const verdicts = byCheck(result).map(verdictOf)
  const count = (wanted: Verdict) => verdicts.filter(verdict => verdict === wanted).length
  return {
    passed: count('passed'),
    failed: count('failed'),
    advised: count('advised'),
    notChecked: count('not checked'),
  }
}

/** `1 check`, `2 checks`. */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}
