import { type CheckResult, groupOf } from '../check.ts'
import { groups } from '../checks/checks.ts'
import type { Cell, VerificationResult } from '../verify.ts'
import { verdictOf } from './summary.ts'

/**
 * The report as JUnit XML, which every CI system shows: one suite per group of checks, and one for the platforms.
 *
 * @param isStrict Whether advice counts as a failure.
 * @param hide Removes secrets from a string, before it is escaped.
 */
export function junitReport(
  result: VerificationResult,
  isStrict: boolean,
  hide: (text: string) => string = text => text,
): string {
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
  const document = element(
    'testsuites',
    { name: 'preflow verify', time: (result.durationMs / 1000).toFixed(3), ...tally(all) },
    suites.map(({ name, cases }) => element('testsuite', { name, ...tally(cases) }, cases.map(toElement))),
  )
  return `<?xml version="1.0" encoding="UTF-8"?>\n${render(document, hide)}\n`
}

interface Case {
  name: string
  /** Its content. */
  content?: Element
  kind: 'passed' | 'failed' | 'skipped'
  classname: string
}

function toElement({ name, classname, content }: Case): Element {
  return element('testcase', { classname, name }, content ? [content] : [])
}

function tally(cases: readonly Case[]): Record<string, number> {
  const count = (wanted: Case['kind']) => cases.filter(({ kind }) => kind === wanted).length
  return { tests: cases.length, failures: count('failed'), errors: 0, skipped: count('skipped') }
}

function checkCase(checked: CheckResult, isStrict: boolean): Case {
  const { check, type, finding } = checked
  const named = { classname: `preflow.${type}`, name: `${check.id}: ${check.title}` }
  if (finding.result === 'not checked') {
    return { ...named, kind: 'skipped', content: element('skipped', { message: finding.why }) }
  }
  if (finding.result === 'passed') return { ...named, kind: 'passed' }
  const problems = finding.problems.map(({ text, seenIn }) => `${text} (in: ${seenIn.join('; ')})`)
  const words = [...problems, `Why: ${check.why}`, `Fix: ${check.fix}`].join('\n')
  if (verdictOf([checked]) === 'advised' && !isStrict) {
    return { ...named, kind: 'passed', content: element('system-out', {}, [words]) }
  }
  const message = finding.problems[0]?.text ?? ''
  return { ...named, kind: 'failed', content: element('failure', { type: check.level, message }, [words]) }
}

function cellCase({ platform, type, state, usable, declined, broken }: Cell): Case {
  const named = { classname: `preflow.${type}`, name: `works on ${platform.title}` }
  const counts = `${usable} usable, ${declined} declined, ${broken} broken`
  switch (state) {
    case 'works':
    case 'declines':
      return { ...named, kind: 'passed' }
    case 'breaks':
      return { ...named, kind: 'failed', content: element('failure', { message: counts }) }
    case 'absent':
    case 'not checked':
      return { ...named, kind: 'skipped', content: element('skipped', { message: state }) }
    default:
      return state satisfies never
  }
}

interface Element {
  name: string
  attributes: Record<string, string | number>
  children: readonly (Element | string)[]
}

function element(
  name: string,
  attributes: Record<string, string | number>,
  children: readonly (Element | string)[] = [],
): Element {
  return { name, attributes, children }
}

function render({ name, attributes, children }: Element, hide: (text: string) => string): string {
  const given = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(hide(String(value)))}"`)
  const inside = children.map(child => (typeof child === 'string' ? escaped(hide(child)) : render(child, hide)))
  const open = `<${name}${given.join('')}`
  return inside.length === 0 ? `${open}/>` : `${open}>${inside.join('\n')}</${name}>`
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** XML has no control characters, not even escaped ones. */
function escaped(text: string): string {
  return text
    .replaceAll(/[&<>"]/g, character => entities[character] ?? '')
    .replaceAll(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
}
