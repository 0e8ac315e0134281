import { type CheckResult, groupOf } from '../check.ts'
import { groups } from '../checks/checks.ts'
import type { Cell, VerificationResult } from '../verify.ts'
import { verdictOf } from './summary.ts'

/**
 * The report as JUnit XML, which every CI system shows: one suite per group of checks, and one for the platforms.
 *
 * @param isStrict Whether advice counts as a failure.
 */
export function junitReport(result: VerificationResult, isStrict: boolean): string {
  const suites = [
    ...Object.entries(groups).map(([group, title]) => ({
      name: title,
      cases: result.results
        .filter(({ check }) => groupOf(check) === group)
        .map(checked => checkCase(checked, isStrict)),
    })),
    { name: 'Platforms', cases: result.cells.map(cellCase) },
  ].filter(({ cases }) => cases.length > 0)
  const all = suites.flatMap(({ cases }) => cases)
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    element('testsuites', { name: 'preflow verify', time: (result.durationMs / 1000).toFixed(3), ...tally(all) }, [
      ...suites.map(({ name, cases }) =>
        element(
          'testsuite',
          { name, ...tally(cases) },
          cases.map(({ xml }) => xml),
        ),
      ),
    ]),
    '',
  ].join('\n')
}

interface Case {
  xml: string
  kind: 'passed' | 'failed' | 'skipped'
}

function tally(cases: readonly Case[]): Record<string, number> {
  const count = (wanted: Case['kind']) => cases.filter(({ kind }) => kind === wanted).length
  return { tests: cases.length, failures: count('failed'), errors: 0, skipped: count('skipped') }
}

function checkCase(checked: CheckResult, isStrict: boolean): Case {
  const { check, type, finding } = checked
  const attributes = { classname: `preflow.${type}`, name: `${check.id}: ${check.title}` }
  if (finding.result === 'not checked') {
    return { kind: 'skipped', xml: element('testcase', attributes, [element('skipped', { message: finding.why })]) }
  }
  if (finding.result === 'passed') return { kind: 'passed', xml: element('testcase', attributes) }
  const told = finding.problems.map(({ text, seenIn }) => `${text} (in: ${seenIn.join('; ')})`)
  const words = [...told, `Why: ${check.why}`, `Mend: ${check.mend}`].join('\n')
  if (verdictOf([checked]) === 'advised' && !isStrict) {
    return { kind: 'passed', xml: element('testcase', attributes, [element('system-out', {}, [escaped(words)])]) }
  }
  const failure = element('failure', { type: check.level, message: finding.problems[0]?.text ?? '' }, [escaped(words)])
  return { kind: 'failed', xml: element('testcase', attributes, [failure]) }
}

function cellCase({ platform, type, state, usable, declined, broken }: Cell): Case {
  const attributes = { classname: `preflow.${type}`, name: `works on ${platform.title}` }
  const counts = `${usable} usable, ${declined} declined, ${broken} broken`
  switch (state) {
    case 'works':
    case 'declines':
      return { kind: 'passed', xml: element('testcase', attributes) }
    case 'breaks':
      return { kind: 'failed', xml: element('testcase', attributes, [element('failure', { message: counts })]) }
    case 'absent':
    case 'not checked':
      return { kind: 'skipped', xml: element('testcase', attributes, [element('skipped', { message: state })]) }
    default:
      return state satisfies never
  }
}

function element(name: string, attributes: Record<string, string | number>, children: readonly string[] = []): string {
  const given = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(String(value))}"`)
  const open = `<${name}${given.join('')}`
  return children.length === 0 ? `${open}/>` : `${open}>${children.join('\n')}</${name}>`
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** XML knows no control characters at all, not even escaped. */
function escaped(text: string): string {
  return text
    .replaceAll(/[&<>"]/g, character => entities[character] ?? '')
    .replaceAll(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
}
