import { type ActionType, actionTypes, type Platform } from '@preflow/contract'
import { wrapped } from '../../wrap.ts'
import { type Consequence, consequencesOf, decisionOf, isDecided, judgedOf } from '../answer.ts'
import { type Check, type CheckResult, groupOf, type Problem } from '../check.ts'
import { groups, notCheckable } from '../checks/checks.ts'
import { type Paint, plain } from '../paint.ts'
import type { Exchange } from '../session.ts'
import type { Cell, VerificationResult } from '../verify.ts'
import { count, summaryOf, verdictOf } from './summary.ts'

/** This many labels are listed, and the others counted. */
const MAX_LABELS = 3
/** Longer lines are hard to read, even on a wide terminal. */
const MAX_COLUMNS = 110
/** The minimum width for line breaks. */
const MIN_COLUMNS = 40

/**
 * The report for people.
 *
 * @param terminalColumns The width of the terminal. Default: wide enough.
 */
export function textReport(
  result: VerificationResult,
  paint: Paint,
  terminalColumns = Number.POSITIVE_INFINITY,
): string {
  const columns = Math.max(MIN_COLUMNS, Math.min(MAX_COLUMNS, terminalColumns))
  const layout: Layout = { paint, wrapped: (text, indent) => wrapped(plain(text), indent, columns) }
  return [
    heading(result, layout),
    matrix(result, paint, terminalColumns),
    ...Object.entries(groups).map(([group, title]) => groupReport(group, title, result, layout)),
    answersReport(result, layout),
    result.eventExchanges.length === 0
      ? ''
      : `${paint.strong('What cannot be checked from outside')}\n${notCheckable.map(text => `  - ${text}\n`).join('')}`,
    `${summary(result, paint)}\n`,
  ]
    .filter(part => part !== '')
    .join('\n')
}

interface Layout {
  paint: Paint
  /** Wraps a string into indented lines. */
  wrapped(text: string, indent: string): string[]
}

function heading(result: VerificationResult, { paint, wrapped }: Layout): string {
  const { url, types, eventExchanges, requests, durationMs, timings } = result
  const { origin, pathname } = new URL(url)
  const seconds = (durationMs / 1000).toFixed(1)
  const times = timings.map(
    ({ type, timing: { firstMs, medianMs, slowestMs } }) =>
      `  ${type}: first answer after ${ms(firstMs)}, half of them within ${ms(medianMs)}, slowest ${ms(slowestMs)}\n`,
  )
  const decided = types.filter(type => eventExchanges.some(each => each.type === type && isDecided(decisionOf(each))))
  const undecided = types.filter(type => !decided.includes(type))
  const asked = [
    ...(decided.length > 0 ? [`decides ${decided.join(', ')}`] : ['decides nothing']),
    ...(undecided.length > 0 ? [`called with ${undecided.join(', ')}`] : []),
  ].join('; ')
  return `${paint.strong(`${origin}${pathname}`)} ${asked}\n${paint.faint(
    `  ${count(requests, 'request')} in ${seconds} s\n${times.join('')}`,
  )}${hintsAt(result)
    .flatMap(hint => wrapped(hint, '  '))
    .map(line => `${paint.doubtful(line)}\n`)
    .join('')}`
}

/** The types that the extension is meant for, which calling it cannot find out. */
function hintsAt({ discovery, isInferred, types }: VerificationResult): string[] {
  if (!isInferred) return []
  const option = (type: ActionType) => `--type ${actionTypes[type].path}`
  const failed = discovery
    .filter(({ type }) => !types.includes(type))
    .flatMap(({ type, exchange }) => {
      if (!exchange?.delivery.ok || exchange.delivery.status < 500) return []
      return [
        `It fails for ${type} (status ${exchange.delivery.status}, ${decisionOf(exchange).words}), so that type was not verified. If it is meant for it, add ${option(type)}.`,
      ]
    })
  const many =
    types.length > 1
      ? [
          `It was called with every action type, and verified for those that it decides. If it is meant for one, for example ${types[0]}, add ${option(types[0] as ActionType)}.`,
        ]
      : []
  return [...failed, ...many]
}

const ms = (duration: number) => `${duration < 10 ? duration.toFixed(1) : Math.round(duration)} ms`

function cellText({ state, usable, partial, declined, broken }: Cell): string {
  const all = usable + declined + broken
  const works = partial === 0 ? 'works' : `works in part at ${partial} of ${all}`
  switch (state) {
    case 'works':
      return works
    case 'declines':
      return usable === 0 ? 'declines all' : `${works}, declines ${declined} of ${all}`
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

function matrix({ types, platforms, cells }: VerificationResult, paint: Paint, terminalColumns: number): string {
  if (types.length === 0) return ''
  const colors: Record<Cell['state'], (text: string) => string> = {
    works: paint.good,
    declines: paint.doubtful,
    breaks: paint.bad,
    absent: paint.faint,
    'not checked': paint.faint,
  }
  const colorOf = ({ state, partial }: Cell) => (state === 'works' && partial > 0 ? paint.doubtful : colors[state])
  const nameWidth = Math.max(...platforms.map(({ title }) => title.length))
  const widths = types.map(type =>
    Math.max(
      actionTypes[type].path.length,
      ...cells.filter(cell => cell.type === type).map(cell => cellText(cell).length),
    ),
  )
  const cellOf = (platform: Platform, type: ActionType) =>
    cells.find(cell => cell.platform === platform && cell.type === type)
  const width = 2 + nameWidth + widths.reduce((sum, each) => sum + 2 + each, 0)
  if (width > terminalColumns) {
    // The columns do not fit side by side, so they are listed one below the other.
    return types
      .map(type => {
        const rows = platforms.map(platform => {
          const cell = cellOf(platform, type)
          return `  ${platform.title.padEnd(nameWidth)}  ${cell ? colorOf(cell)(cellText(cell)) : ''}`
        })
        return `${actionTypes[type].path}\n${rows.join('\n')}\n`
      })
      .join('\n')
  }
  const head = types.map((type, n) => actionTypes[type].path.padEnd(widths[n] ?? 0)).join('  ')
  const rows = platforms.map(platform => {
    const columns = types.map((type, n) => {
      const cell = cellOf(platform, type)
      return cell ? colorOf(cell)(cellText(cell).padEnd(widths[n] ?? 0)) : ''
    })
    return `  ${platform.title.padEnd(nameWidth)}  ${columns.join('  ')}`.trimEnd()
  })
  return `${`  ${' '.repeat(nameWidth)}  ${head}`.trimEnd()}\n${rows.join('\n')}\n`
}

function groupReport(group: string, title: string, { results }: VerificationResult, layout: Layout): string {
  const byCheck = Map.groupBy(
    results.filter(({ check }) => groupOf(check) === group),
    ({ check }) => check,
  )
  if (byCheck.size === 0) return ''
  const { paint } = layout
  const lines = together([...byCheck]).flatMap(checks => {
    const [[check, ofCheck] = []] = checks
    if (!check || !ofCheck) return []
    if (checks.length === 1) return checkReport(check, ofCheck, layout)
    const ids = checks.map(([{ id }]) => id).join(', ')
    return layout.wrapped(`– ${checks.length} checks: ${unseen(ofCheck)} ${ids}`, '  ').map(paint.faint)
  })
  return `${paint.strong(title)}\n${lines.join('\n').trimEnd()}\n`
}

/** At least this many checks that did not run for the same reason share one line. */
const MIN_TOGETHER = 3

type OfCheck = readonly [check: Check, results: readonly CheckResult[]]

/** Groups neighbours that did not run for the same reason. */
function together(byCheck: readonly OfCheck[]): OfCheck[][] {
  const rows: { why: string; checks: OfCheck[] }[] = []
  for (const each of byCheck) {
    const why = verdictOf(each[1]) === 'not checked' ? unseen(each[1]) : ''
    const last = rows.at(-1)
    if (last && why !== '' && last.why === why) last.checks.push(each)
    else rows.push({ why, checks: [each] })
  }
  return rows.flatMap(({ checks }) => (checks.length < MIN_TOGETHER ? checks.map(each => [each]) : [checks]))
}

/** Why a check did not run. */
function unseen(results: readonly CheckResult[]): string {
  const whys = results.flatMap(({ finding }) => (finding.result === 'not checked' ? finding.why : []))
  return [...new Set(whys)].join(' ')
}

function checkReport(check: Check, results: readonly CheckResult[], layout: Layout): string[] {
  const { paint, wrapped } = layout
  const verdict = verdictOf(results)
  const { mark, color } = {
    passed: { mark: '✓', color: paint.good },
    failed: { mark: '✗', color: paint.bad },
    advised: { mark: '!', color: paint.doubtful },
    'not checked': { mark: '–', color: paint.faint },
  }[verdict]
  const lines = [`  ${color(mark)} ${check.title} ${paint.faint(check.id)}`]
  if (verdict === 'not checked') return [`${lines[0]}${paint.faint(`: ${unseen(results)}`)}`]
  const isOfSeveralTypes = results.length > 1
  for (const { type, finding } of results) {
    const about = isOfSeveralTypes ? `${type}: ` : ''
    if (finding.result === 'passed' && finding.note !== undefined)
      lines.push(...wrapped(`${about}${finding.note}`, '      ').map(paint.faint))
    if (finding.result === 'failed') {
      for (const problem of finding.problems) lines.push(...problemLines(problem, about, color, layout))
    }
  }
  if (verdict === 'failed' || verdict === 'advised') {
    lines.push(...wrapped(`Why: ${check.why}`, '      '), ...wrapped(`Fix: ${check.fix}`, '      '), '')
  }
  return lines
}

function problemLines(
  { text, on, seenIn, consequences }: Problem,
  about: string,
  color: (text: string) => string,
  { paint, wrapped }: Layout,
): string[] {
  const where = on ? ` On ${on.join('; ')}.` : ''
  const isHarmless = consequences.every(({ kind }) => kind === 'usable')
  return [
    ...wrapped(`${about}${text}${where}`, '      ').map(color),
    ...wrapped(`in: ${shortened(seenIn)}`, '        ').map(paint.faint),
    ...(isHarmless
      ? []
      : consequenceTexts(consequences).flatMap(({ text: eventExchanges }) => wrapped(eventExchanges, '        '))),
  ]
}

function shortened(labels: readonly string[]): string {
  const others = labels.length - MAX_LABELS
  return `${labels.slice(0, MAX_LABELS).join('; ')}${others > 0 ? `; and ${others} more` : ''}`
}

const verbs: Readonly<Record<Consequence['kind'], string>> = {
  usable: 'works on',
  partial: 'works in part on',
  declined: 'declined on',
  broken: 'breaks on',
}

/** `breaks on WSO2 Identity Server 7.1: … The client sees 500 …`. No reason and no client if all of it works. */
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

function answersReport({ eventExchanges, types }: VerificationResult, layout: Layout): string {
  const { paint, wrapped } = layout
  if (eventExchanges.length === 0) return ''
  const parts = types.flatMap(type => {
    const byScenario = Map.groupBy(
      eventExchanges.filter(exchange => exchange.type === type),
      ({ label }) => label,
    )
    // Scenarios with the same effect on platforms are listed together.
    const byOpinion = Map.groupBy(
      [...byScenario].map(([label, exchanges]) => ({ label, lines: opinionLines(exchanges, layout) })),
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
  return `${paint.strong('What each platform does with the answers')}\n${parts.join('\n')}\n`
}

/** The decisions, and what platforms do with them. */
function opinionLines(exchanges: readonly Exchange[], { paint, wrapped }: Layout): string[] {
  const colors = { usable: paint.good, partial: paint.doubtful, declined: paint.doubtful, broken: paint.bad }
  const all = exchanges.flatMap(({ judgements }) => judgements).length
  const byDecision = Map.groupBy(exchanges, exchange => decisionOf(exchange).words)
  return [...byDecision].flatMap(([words, same]) => {
    const consequences = consequencesOf(same.flatMap(judgedOf))
    const [first] = consequences
    const isUnanimous = new Set(consequences.map(({ kind }) => kind)).size === 1 && byDecision.size === 1
    if (first?.kind === 'usable' && isUnanimous)
      return [`      ${plain(words)}: ${colors.usable(`works on all ${all}`)}`]
    return [
      ...wrapped(words, '      '),
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
