import { type ActionType, contractRevision, type Platform, present } from '@preflow/contract'
import type { Delivery, OperationVerdict, Outcome } from '@preflow/engine'
import type { Explanation } from '@preflow/extension/node'
import { type Paint, plain } from '../verify/paint.ts'
import type { Target } from './action-call.ts'
import { clientView } from './client-view.ts'
import type { Sent } from './send-event.ts'

export interface Report extends Sent {
  type: ActionType
  scenario: string
  version: string
  platform: Platform
  target: Target
}

export function isUsable({ status }: Outcome): boolean {
  return status === 'success' || status === 'failed' || status === 'incomplete'
}

/** The body of the answer, unredacted: the event is a sample that the developer sent. */
function answerBody(delivery: Delivery | undefined): unknown {
  if (!delivery?.ok) return undefined
  const text = new TextDecoder().decode(delivery.body)
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

export function asJson({ explanation, type, scenario, version, platform, outcome, request, delivery }: Report): object {
  const { trace, ...decided } = outcome
  const { event: _, ...ending } = decided as { event?: unknown }
  return {
    actionType: type,
    scenario,
    apiVersion: version,
    platform: platform.name,
    contract: contractRevision(platform, type),
    isUsable: isUsable(outcome),
    outcome: ending,
    clientSees: clientView(type, outcome) ?? null,
    request: trace.request ? { ...trace.request, body: request === undefined ? null : JSON.parse(request.body) } : null,
    answer: trace.answer ? { ...trace.answer, body: answerBody(delivery) } : null,
    attempts: trace.attempts,
    ...present({ explanation }),
    durationMs: trace.durationMs,
  }
}

const marks = { applied: '✓', rejected: '✗', not_allowed: '–' } as const

export function asText(report: Report, paint: Paint, isFull: boolean): string {
  const { type, scenario, version, platform, target, outcome, request, delivery } = report
  const { trace } = outcome
  const lines = [
    `${paint.strong(`${type} ${scenario}`)} to ${shownUrl(target.url)}`,
    paint.faint(
      `as ${platform.title} sends it: contract ${contractRevision(platform, type)}, action version ${version}`,
    ),
    '',
  ]
  if (isFull && request) lines.push('Request', indented(JSON.parse(request.body)), '')
  for (const [n, { status, durationMs, failure }] of trace.attempts.entries()) {
    const words = status === undefined ? 'No answer' : `Status ${status}`
    const times = trace.attempts.length > 1 ? `, attempt ${n + 1} of ${trace.attempts.length}` : ''
    const why = failure ? `: ${plain(failure.message)}` : '.'
    lines.push(`${words} after ${Math.round(durationMs)} ms${times}${why}`)
  }
  if (isFull && delivery?.ok) lines.push('', 'Answer', indented(answerBody(delivery)), '')
  lines.push(
    ...verdictLines(outcome, paint),
    ...explanationLines(report.explanation, paint),
    ending(type, outcome, platform, paint),
    '',
  )
  return lines.join('\n')
}

function verdictLines(outcome: Outcome, paint: Paint): string[] {
  if (outcome.status !== 'success' && outcome.status !== 'incomplete') return []
  const { operations } = outcome
  const word = outcome.status === 'success' ? 'SUCCESS' : 'INCOMPLETE'
  if (operations.length === 0) return [`${word} without operations.`]
  return [
    `${word} with ${operations.length} ${operations.length === 1 ? 'operation' : 'operations'}:`,
    ...operationLines(operations, paint),
  ]
}

/** What the extension omitted, and where it threw. */
function explanationLines(explanation: Explanation | undefined, paint: Paint): string[] {
  if (!explanation) return []
  const { reports, thrown } = explanation
  return [
    ...(reports.length > 0
      ? ['The extension reports:', ...reports.map(report => paint.doubtful(plain(`  ${report}`)))]
      : []),
    ...(thrown
      ? [paint.bad(plain(`Its handler threw ${[thrown.name, thrown.code, thrown.at].filter(Boolean).join(' ')}`))]
      : []),
  ]
}

/** One line per operation: its verdict, the operation and the reason. */
export function operationLines(operations: readonly OperationVerdict[], paint: Paint): string[] {
  const rows = operations.map(({ op, path, verdict, reason }) => {
    const color = verdict === 'applied' ? paint.good : verdict === 'rejected' ? paint.bad : paint.doubtful
    const what = plain(`${op}${path === undefined ? '' : ` ${path}`}`)
    return { what, verdict, reason: plain(reason), color, mark: marks[verdict] }
  })
  const width = Math.max(...rows.map(({ what }) => what.length))
  return rows.map(({ what, verdict, reason, color, mark }) =>
    color(`  ${mark} ${verdict.replace('_', ' ').padEnd(11)}  ${what.padEnd(width)}  ${reason}`),
  )
}

function ending(type: ActionType, outcome: Outcome, { title }: Platform, paint: Paint): string {
  const seen = plain(clientView(type, outcome) ?? '')
  switch (outcome.status) {
    case 'success':
    case 'incomplete':
      return paint.good(`The client would see ${seen}.`)
    case 'failed':
      return paint.good(`The extension refused. The client would see ${seen}.`)
    case 'error':
    case 'continued':
      return paint.bad(`${title} cannot use it: ${plain(outcome.error.message)}\nThe client would see ${seen}.`)
    case 'skipped':
      return paint.bad(`${title} would not call the extension: ${outcome.why}`)
    default:
      return outcome satisfies never
  }
}

export function indented(document: unknown): string {
  const lines = typeof document === 'string' ? document.split(/\r?\n/) : JSON.stringify(document, null, 2).split('\n')
  const text = lines.map(plain).join('\n')
  return text.replaceAll(/^/gm, '  ')
}

/** The URL without parts that may be secret. */
function shownUrl(url: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}
