import type { Types } from 'scimmy'
import { scimProblems } from './scim-problems.ts'

/** `['eq', 'x']`, `['not', 'eq', 'x']`, `['pr']` */
type Comparison = [string, ...unknown[]]
/** What scimmy's parser makes of a filter: all members of an object and all elements of a list must hold. */
type Expression = Comparison | Expression[] | { [attribute: string]: Expression }

const ISO_DATE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/

/**
 * Whether a resource matches a filter (RFC 7644, section 3.4.2.2). Texts are compared without regard to case; a comparison with
 * a multi-valued attribute holds when it does for any of its values.
 *
 * scimmy parses filters well; its own matching regards case, and fails for a resource that lacks a complex attribute.
 */
export function matchesFilter(filter: Types.Filter, resource: object): boolean {
  return ([...filter] as Expression[]).some(branch => holds(branch, resource))
}

/** Throws a problem for `userName eq` without a value and the like, which the parser lets through. */
export function checkComparisons(expression: unknown): void {
  if (!Array.isArray(expression) || expression.some(isComposite)) {
    for (const part of Object.values(expression as object)) checkComparisons(part)
    return
  }
  const { operator, values } = readComparison(expression as Comparison)
  if (operator === PRESENT ? values.length === 0 : Object.hasOwn(COMPARISONS, operator) && values.length === 1) return
  throw scimProblems.invalidFilter('Each comparison of a filter needs an attribute, an operator and a value.')
}

function holds(expression: Expression, actual: unknown): boolean {
  if (!Array.isArray(expression)) {
    return elementsOf(actual).some(element =>
      Object.entries(expression).every(([name, inner]) => holds(inner, memberOf(element, name))),
    )
  }
  if (expression.some(isComposite)) return (expression as Expression[]).every(part => holds(part, actual))
  const { isNegated, operator, values } = readComparison(expression as Comparison)
  const compare = COMPARISONS[operator]
  const result = elementsOf(actual).some(element =>
    // Of what is only asked to be there, nothing is compared: a complex value need not have a `value`.
    operator === PRESENT ? element != null : (compare?.(plain(element), plain(values[0])) ?? false),
  )
  return result !== isNegated
}

function readComparison([first, ...rest]: Comparison): { isNegated: boolean; operator: string; values: unknown[] } {
  const isNegated = first.toLowerCase() === 'not'
  const [operator, ...values] = isNegated ? rest : [first, ...rest]
  return { isNegated, operator: String(operator).toLowerCase(), values }
}

const PRESENT = 'pr'
const COMPARISONS: Record<string, (actual: unknown, expected: unknown) => boolean> = {
  eq: (actual, expected) => actual === expected || String(actual) === expected,
  ne: (actual, expected) => actual !== expected && String(actual) !== expected,
  co: (actual, expected) => actual !== undefined && String(actual).includes(String(expected)),
  sw: (actual, expected) => actual !== undefined && String(actual).startsWith(String(expected)),
  ew: (actual, expected) => actual !== undefined && String(actual).endsWith(String(expected)),
  gt: (actual, expected) => order(actual, expected) > 0,
  ge: (actual, expected) => order(actual, expected) >= 0,
  lt: (actual, expected) => order(actual, expected) < 0,
  le: (actual, expected) => order(actual, expected) <= 0,
}

/** Not a number, for which no comparison holds, when the two cannot be ordered. */
function order(actual: unknown, expected: unknown): number {
  if (typeof actual !== typeof expected) return Number.NaN
  if (typeof actual === 'number') return actual - Number(expected)
  return typeof actual === 'string' ? actual.localeCompare(String(expected)) : Number.NaN
}

/** A list stands for any of its elements; nothing for one that is not there, so that `ne` and `not` can hold. */
function elementsOf(value: unknown): unknown[] {
  if (!Array.isArray(value)) return [value]
  return value.length === 0 ? [undefined] : value
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  const wanted = name.toLowerCase()
  return Object.entries(value).find(([key]) => key.toLowerCase() === wanted)?.[1]
}

/** A complex value compares as its `value`; dates as moments, texts without case; null and nothing are the same. */
function plain(value: unknown): unknown {
  if (value instanceof Date) return value.getTime()
  if (typeof value === 'string') return ISO_DATE.test(value) ? Date.parse(value) : value.toLowerCase()
  if (typeof value === 'object' && value !== null) return plain(memberOf(value, 'value'))
  return value ?? undefined
}

function isComposite(part: unknown): boolean {
  return typeof part === 'object' && part !== null && !(part instanceof Date)
}
