import { actionTypes } from '@preflow/contract'
import { type Consequence, consequencesOf, decisionOf, judgedOf } from '../answer.ts'
import { type Check, type CheckResult, groupOf, type Problem } from '../check.ts'
import { groups, notCheckable } from '../checks/checks.ts'
import type { Paint } from '../paint.ts'
import type { Exchange } from '../session.ts'
import type { Cell, VerificationResult } from '../verify.ts'
import { count, summaryOf, verdictOf } from './summary.ts'

/** So many labels are named before the rest is counted. */
const MAX_LABELS = 3

/** The report for people. */
export function textReport(result: VerificationResult, paint: Paint): string {
  return [
    heading(result, paint),
    matrix(result, paint),
    ...Object.entries(groups).map(([group, title]) => groupReport(group, title, result, paint)),
    answersReport(result, paint),
    result.told.length === 0
      ? ''
      : `${paint.strong('What cannot be seen from outside')}\n${notCheckable.map(text => `  - ${text}\n`).join('')}`,
    `${summary(result, paint)}\n`,
  ]
    .filter(part => part !== '')
    .join('\n')
}

function heading({ url, types, requests, durationMs, timings }: VerificationResult, paint: Paint): string {
  const { origin, pathname } = new URL(url)
  const seconds = (durationMs / 1000).toFixed(1)
  const times = timings.map(
    ({ type, timing: { firstMs, medianMs, slowestMs } }) =>
      `  ${type}: first answer after ${ms(firstMs)}, half of them within ${ms(medianMs)}, slowest ${ms(slowestMs)}\n`,
  )
  const asked = types.length === 0 ? 'no action type was decided' : `decides ${types.join(', ')}`
  return `${paint.strong(`${origin}${pathname}`)} ${asked}\n${paint.faint(
    `  ${count(requests, 'request')} in ${seconds} s\n${times.join('')}`,
  )}`
}

const ms = (duration: number) => `${duration < 10 ? duration.toFixed(1) : Math.round(duration)} ms`

function cellText({ state, usable, declined, broken }: Cell): string {
  const all = usable + declined + broken
  switch (state) {
    case 'works':
      return 'works'
    case 'declines':
      return usable === 0 ? 'declines all' : `works, declines ${declined} of ${all}`
    case 'breaks':
      return broken === all ? 'breaks' : `breaks at ${broken} of ${all}`
    case 'absent':
      return '–'
    case 'not checked':
      return 'not checked'
    default:
      return state satisfies never
  }
}

function matrix({ types, platforms, cells }: VerificationResult, paint: Paint): string {
  if (types.length === 0) return ''
  const colorOf: Record<Cell['state'], (text: string) => string> = {
    works: paint.good,
    declines: paint.doubtful,
    breaks: paint.bad,
    absent: paint.faint,
    'not checked': paint.faint,
  }
  const nameWidth = Math.max(...platforms.map(({ title }) => title.length))
  const widths = types.map(type =>
    Math.max(
      actionTypes[type].path.length,
      ...cells.filter(cell => cell.type === type).map(cell => cellText(cell).length),
    ),
  )
  const head = types.map((type, n) => actionTypes[type].path.padEnd(widths[n] ?? 0)).join('  ')
  const rows = platforms.map(platform => {
    const columns = types.map((type, n) => {
      const cell = cells.find(candidate => candidate.platform === platform && candidate.type === type)
      return cell ? colorOf[cell.state](cellText(cell).padEnd(widths[n] ?? 0)) : ''
    })
    return `  ${platform.title.padEnd(nameWidth)}  ${columns.join('  ')}`.trimEnd()
  })
  return `${`  ${' '.repeat(nameWidth)}  ${head}`.trimEnd()}\n${rows.join('\n')}\n`
}

function groupReport(group: string, title: string, { results }: VerificationResult, paint: Paint): string {
  const byCheck = Map.groupBy(
    results.filter(({ check }) => groupOf(check) === group),
    ({ check }) => check,
  )
  if (byCheck.size === 0) return ''
  const lines = [...byCheck].flatMap(([check, ofCheck]) => checkReport(check, ofCheck, paint))
  return `${paint.strong(title)}\n${lines.join('\n')}\n`
}

function checkReport(check: Check, results: readonly CheckResult[], paint: Paint): string[] {
  const verdict = verdictOf(results)
  const { mark, color } = {
    passed: { mark: '✓', color: paint.good },
    failed: { mark: '✗', color: paint.bad },
    advised: { mark: '!', color: paint.doubtful },
    'not checked': { mark: '–', color: paint.faint },
  }[verdict]
  const lines = [`  ${color(mark)} ${check.title} ${paint.faint(check.id)}`]
  if (verdict === 'not checked') {
    const whys = results.flatMap(({ finding }) => (finding.result === 'not checked' ? finding.why : []))
    return [`${lines[0]}${paint.faint(`: ${[...new Set(whys)].join(' ')}`)}`]
  }
  const isOfSeveralTypes = results.length > 1
  for (const { type, finding } of results) {
    const about = isOfSeveralTypes ? `${type}: ` : ''
    if (finding.result === 'passed' && finding.note !== undefined)
      lines.push(paint.faint(`      ${about}${finding.note}`))
    if (finding.result === 'failed') {
      for (const problem of finding.problems) lines.push(...problemLines(problem, about, color, paint))
    }
  }
  if (verdict === 'failed' || verdict === 'advised') {
    lines.push(...wrapped(`Why: ${check.why}`, '      '), ...wrapped(`Mend: ${check.mend}`, '      '), '')
  }
  return lines
}

function problemLines(
  { text, on, seenIn, consequences }: Problem,
  about: string,
  color: (text: string) => string,
  paint: Paint,
): string[] {
  const where = on ? ` On ${on.join('; ')}.` : ''
  const isHarmless = consequences.every(({ kind }) => kind === 'usable')
  return [
    ...wrapped(`${about}${text}${where}`, '      ').map(color),
    ...wrapped(`in: ${shortened(seenIn)}`, '        ').map(paint.faint),
    ...(isHarmless ? [] : consequenceTexts(consequences).flatMap(({ text: told }) => wrapped(told, '        '))),
  ]
}

function shortened(labels: readonly string[]): string {
  const others = labels.length - MAX_LABELS
  return `${labels.slice(0, MAX_LABELS).join('; ')}${others > 0 ? `; and ${others} more` : ''}`
}

const verbs: Readonly<Record<Consequence['kind'], string>> = {
  usable: 'works on',
  declined: 'declined on',
  broken: 'breaks on',
}

/** `breaks on WSO2 Identity Server 7.1: … The client sees 500 …`; where it works, that is all there is to say. */
function consequenceTexts(consequences: readonly Consequence[]): { kind: Consequence['kind']; text: string }[] {
  const working = consequences.filter(({ kind }) => kind === 'usable').flatMap(({ platforms }) => platforms)
  const others = consequences
    .filter(({ kind }) => kind !== 'usable')
    .map(({ kind, platforms, client, why }) => {
      const reason = why === undefined ? '' : `${why} `
      return { kind, text: `${verbs[kind]} ${platforms.join('; ')}: ${reason}The client sees ${client}` }
    })
  return working.length > 0 ? [{ kind: 'usable', text: `${verbs.usable} ${working.join('; ')}` }, ...others] : others
}

function answersReport({ told, types }: VerificationResult, paint: Paint): string {
  if (told.length === 0) return ''
  const parts = types.flatMap(type => {
    const byOccasion = Map.groupBy(
      told.filter(exchange => exchange.type === type),
      ({ label }) => label,
    )
    // Occasions of which platforms make the same are told together.
    const byOpinion = Map.groupBy(
      [...byOccasion].map(([label, exchanges]) => ({ label, lines: opinionLines(exchanges, paint) })),
      ({ lines }) => lines.join('\n'),
    )
    return [
      `  ${type}`,
      ...[...byOpinion.values()].flatMap(same => [
        ...wrapped(same.map(({ label }) => label).join(', '), '    '),
        ...(same[0]?.lines ?? []),
      ]),
    ]
  })
  return `${paint.strong('What each platform makes of the answers')}\n${parts.join('\n')}\n`
}

/** What was decided, and what platforms make of it. */
function opinionLines(exchanges: readonly Exchange[], paint: Paint): string[] {
  const colors = { usable: paint.good, declined: paint.doubtful, broken: paint.bad }
  const all = exchanges.flatMap(({ judgements }) => judgements).length
  const byDecision = Map.groupBy(exchanges, exchange => decisionOf(exchange).words)
  return [...byDecision].flatMap(([words, same]) => {
    const consequences = consequencesOf(same.flatMap(judgedOf))
    const [first] = consequences
    const isUnanimous = new Set(consequences.map(({ kind }) => kind)).size === 1 && byDecision.size === 1
    if (first?.kind === 'usable' && isUnanimous) return [`      ${words}: ${colors.usable(`works on all ${all}`)}`]
    return [
      `      ${words}`,
      ...consequenceTexts(consequences).flatMap(({ kind, text }) => wrapped(text, '        ').map(colors[kind])),
    ]
  })
}

function summary(result: VerificationResult, paint: Paint): string {
  const { passed, failed, advised, notChecked } = summaryOf(result)
  const words = [
    `${count(passed, 'check')} passed`,
    failed > 0 ? paint.bad(`${failed} failed`) : '0 failed',
    advised > 0 ? paint.doubtful(`${advised} advised`) : undefined,
    notChecked > 0 ? `${notChecked} not checked` : undefined,
  ]
  return `${words.filter(word => word !== undefined).join(', ')}.`
}

/** Lines of at most 110 characters. */
function wrapped(text: string, indent: string): string[] {
  const lines: string[] = []
  let line = indent
  for (const word of text.split(' ')) {
    if (line.length + word.length > 110 && line !== indent) {
      lines.push(line.trimEnd())
      line = indent
    }
    line += `${word} `
  }
  return [...lines, line.trimEnd()]
}
