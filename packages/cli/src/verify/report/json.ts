import { consequencesOf, decisionOf, judgedOf } from '../answer.ts'
import { groupOf } from '../check.ts'
import { notCheckable } from '../checks/checks.ts'
import type { VerificationResult } from '../verify.ts'
import { summaryOf, verdictOf } from './summary.ts'

/** The report for programs. New members may be added; none is renamed or removed. */
export function jsonReport(result: VerificationResult): object {
  const { url, discovery, types, platforms, results, cells, eventExchanges, timings, requests, durationMs, isPassed } =
    result
  return {
    url: withoutSecrets(url),
    passed: isPassed,
    summary: summaryOf(result),
    requests,
    durationMs: Math.round(durationMs),
    actionTypes: discovery.map(({ type, answer, exchange }) => ({
      actionType: type,
      isVerified: types.includes(type),
      answer,
      decision: exchange ? decisionOf(exchange).words : null,
    })),
    timings: timings.map(({ type, timing }) => ({ actionType: type, ...rounded(timing) })),
    platforms: platforms.map(({ name, title }) => ({
      name,
      title,
      actionTypes: cells
        .filter(({ platform }) => platform.name === name)
        .map(({ type, state, usable, partial, declined, broken }) => ({
          actionType: type,
          state,
          usable,
          partial,
          declined,
          broken,
        })),
    })),
    checks: results.map(({ check, type, finding }) => ({
      id: check.id,
      group: groupOf(check),
      title: check.title,
      level: check.level,
      actionType: type,
      result: verdictOf([{ check, type, finding }]),
      ...(finding.result === 'passed' && finding.note !== undefined && { note: finding.note }),
      ...(finding.result === 'not checked' && { why: finding.why }),
      ...(finding.result === 'failed' && { problems: finding.problems, why: check.why, fix: check.fix }),
    })),
    answers: eventExchanges.map(exchange => ({
      actionType: exchange.type,
      scenario: exchange.label,
      decision: decisionOf(exchange).words,
      status: exchange.delivery.ok ? exchange.delivery.status : null,
      durationMs: Math.round(exchange.durationMs),
      platforms: exchange.judgements.map(({ platform }) => platform.name),
      consequences: consequencesOf(judgedOf(exchange)),
    })),
    notCheckable,
  }
}

function rounded(timing: object): object {
  return Object.fromEntries(Object.entries(timing).map(([name, value]) => [name, Math.round(value * 10) / 10]))
}

/** The query may contain a key. */
function withoutSecrets(url: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}
