import { actionTypes } from '@preflow/contract'
import { type Consequence, consequencesOf, decisionOf } from '../answer.ts'
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
  { text, seenIn, consequences }: Problem,
  about: string,
  color: (text: string) => string,
  paint: Paint,
): string[] {
  const named = seenIn.slice(0, MAX_LABELS).join('; ')
  const others = seenIn.length > MAX_LABELS ? `; and ${seenIn.length - MAX_LABELS} more` : ''
  return [
    ...wrapped(`${about}${text}`, '      ').map(color),
    paint.faint(`        in: ${named}${others}`),
    ...consequences.flatMap(consequence => wrapped(consequenceText(consequence), '        ')),
  ]
}

/** `works on Preflow; WSO2 Identity Server 7.1 would answer 500 …` */
function consequenceText({ kind, platforms, client, why }: Consequence): string {
  const who = platforms.join(', ')
  switch (kind) {
    case 'usable':
      return `works on ${who}: the client sees ${client}`
    case 'declined':
      return `declined on ${who}: the client sees ${client}`
    case 'broken':
      return `breaks on ${who}: the client sees ${client}. ${why ?? ''}`
    default:
      return kind satisfies never
  }
}

function answersReport({ told, types }: VerificationResult, paint: Paint): string {
  if (told.length === 0) return ''
  const parts = types.flatMap(type => {
    const ofType = told.filter(exchange => exchange.type === type)
    const byOccasion = Map.groupBy(ofType, ({ label }) => label)
    const width = Math.max(0, ...[...byOccasion.keys()].map(label => label.length))
    return [
      `  ${type}`,
      ...[...byOccasion].flatMap(([label, exchanges]) => occasionLines(label.padEnd(width), exchanges, paint)),
    ]
  })
  return `${paint.strong('What each platform makes of the answers')}\n${parts.join('\n')}\n`
}

/** One line when all platforms make the same of it, else one for each opinion. */
function occasionLines(label: string, exchanges: readonly Exchange[], paint: Paint): string[] {
  const rows = exchanges.flatMap(exchange =>
    consequencesOf(exchange).map(consequence => ({ words: decisionOf(exchange).words, ...consequence })),
  )
  // Where it works, what the client sees may differ in an address; where it breaks, it matters.
  const opinions = [
    ...Map.groupBy(rows, ({ words, kind, client, why }) =>
      [words, kind, ...(kind === 'broken' ? [client, why] : [])].join('\n'),
    ),
  ].map(([, same]) => ({ first: same[0], platforms: same.flatMap(({ platforms }) => platforms) }))
  return opinions.flatMap(({ first, platforms }, n) => {
    if (!first) return []
    const { kind, words, client, why } = first
    const color = { usable: paint.good, declined: paint.doubtful, broken: paint.bad }[kind]
    const verb = { usable: 'works on', declined: 'declined on', broken: 'breaks on' }[kind]
    const head = n === 0 ? label : ' '.repeat(label.length)
    const where = opinions.length === 1 ? `${verb} all ${platforms.length}` : `${verb} ${platforms.join(', ')}`
    return [
      `    ${head}  ${words}: ${color(where)}`,
      ...(kind === 'broken'
        ? wrapped(`the client sees ${client}. ${why ?? ''}`, `    ${' '.repeat(label.length)}    `)
        : []),
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
