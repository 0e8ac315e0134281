/** Filters of RFC 7644, section 3.4.2.2: parsing and matching. */

import { valueKey } from '../../ground/store/user-index.ts'
import { type Attribute, findAttribute, type ResourceType } from './attribute.ts'
import { type AttributePath, findPath, readPath } from './path.ts'
import { scimProblems } from './scim-problems.ts'

export type Filter =
  | { kind: 'and' | 'or'; parts: readonly Filter[] }
  | { kind: 'not'; part: Filter }
  | Comparison
  | { kind: 'present'; path: AttributePath }
  /** One element of the list matches. The paths inside name its sub-attributes. */
  | { kind: 'element'; path: AttributePath; part: Filter }

export interface Comparison {
  kind: 'compare'
  path: AttributePath
  operator: Operator
  /** `null` means that the attribute is absent. */
  value: string | number | boolean | null
}

export type Operator = 'eq' | 'ne' | 'co' | 'sw' | 'ew' | 'gt' | 'ge' | 'lt' | 'le'

const OPERATORS: ReadonlySet<string> = new Set(['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'])
const MAX_CHARACTERS = 4096
const MAX_DEPTH = 40

/** A path of a PATCH operation: `emails[type eq "work"].value`. */
export interface TargetPath extends AttributePath {
  /** Selects elements of the list. */
  filter?: Filter
}

/**
 * Parses a filter. Beyond the grammar it accepts values without quotation marks, as in the reference's documentation, and
 * `emails[type eq "work"].value eq "x"`, which Microsoft sends.
 *
 * Throws a problem `invalidFilter` if the filter is malformed, names an unknown attribute, or names `password`.
 */
export function parseFilter(text: string, type: ResourceType): Filter {
  const parser = createParser(text, name => findPath(type, name))
  const filter = parser.readOr(0)
  parser.mustEnd()
  return filter
}

/**
 * Parses a path of a PATCH operation. Returns nothing for an unknown attribute. Throws `invalidFilter` for a bad filter in it.
 */
export function parsePath(text: string, type: ResourceType): TargetPath | undefined {
  const bracket = text.indexOf('[')
  if (bracket < 0) return findPath(type, text.trim())
  const path = findPath(type, text.slice(0, bracket).trim())
  if (!path?.attribute || path.sub) return undefined
  const { attribute } = path
  const parser = createParser(text.slice(bracket), name => findWithin(attribute, name))
  parser.mustTake('[')
  const filter = parser.readOr(0)
  parser.mustTake(']')
  const rest = parser.rest()
  if (rest === '') return { ...path, filter }
  const sub = rest.startsWith('.') ? findAttribute(attribute.subAttributes, rest.slice(1)) : undefined
  return sub && { ...path, sub, filter }
}

/** Finds a path inside brackets: a sub-attribute, or `value`, which is the element itself in a list of simple values. */
function findWithin(attribute: Attribute, name: string): AttributePath | undefined {
  const sub = findAttribute(attribute.subAttributes, name)
  if (sub) return { attribute: sub }
  return !attribute.subAttributes && name.toLowerCase() === 'value'
    ? { attribute: { ...attribute, name: 'value', multiValued: false } }
    : undefined
}

type Find = (name: string) => AttributePath | undefined

interface Token {
  /** The characters of the token, or the content of a quoted string. */
  text: string
  isQuoted: boolean
  /** The position after the token. */
  end: number
}

/** A quoted string with the escapes of JSON, a bracket, or everything else up to a space or bracket. */
const TOKEN = /\s*("(?:[^"\\]|\\.)*"|[()[\]]|[^\s()[\]"]+)/y

/** Splits a filter into tokens. */
function createTokens(text: string) {
  if (text.length > MAX_CHARACTERS) throw invalid(`Use at most ${MAX_CHARACTERS} characters.`)
  let position = 0
  let next = scan()

  function scan(): Token | undefined {
    TOKEN.lastIndex = position
    const found = TOKEN.exec(text)?.[1]
    if (found === undefined) {
      if (text.slice(position).trim() !== '') throw invalid(`Character ${position + 1} is unexpected.`)
      return undefined
    }
    const end = TOKEN.lastIndex
    return found.startsWith('"') ? { text: unquote(found), isQuoted: true, end } : { text: found, isQuoted: false, end }
  }

  function take(): Token {
    const token = next
    if (!token) throw invalid('The filter is incomplete.')
    position = token.end
    next = scan()
    return token
  }

  const isNext = (word: string) => next !== undefined && !next.isQuoted && next.text.toLowerCase() === word

  return {
    take,
    isNext,
    /** Whether the next token is unquoted and begins with `start`. */
    isNextLike: (start: string) => next !== undefined && !next.isQuoted && next.text.startsWith(start),
    mustTake(word: string): void {
      if (!isNext(word))
        throw invalid(next ? `“${word}” is missing before “${shown(next.text)}”.` : `“${word}” is missing.`)
      take()
    },
    mustEnd(): void {
      if (next) throw invalid(`“${shown(next.text)}” is unexpected.`)
    },
    /** The characters after the last token. */
    rest: () => text.slice(position).trim(),
  }
}

function createParser(text: string, findOutside: Find) {
  const { isNext, isNextLike, mustEnd, mustTake, rest, take } = createTokens(text)
  let find = findOutside

  function readChain(word: 'and' | 'or', read: (depth: number) => Filter, depth: number): Filter {
    const parts = [read(depth)]
    while (isNext(word)) {
      take()
      parts.push(read(depth))
    }
    const [only] = parts
    return parts.length === 1 && only ? only : { kind: word, parts }
  }

  const readOr = (depth: number): Filter => readChain('or', readAnd, depth)
  const readAnd = (depth: number): Filter => readChain('and', readOne, depth)

  function readOne(depth: number): Filter {
    if (depth >= MAX_DEPTH) throw invalid(`Nest it at most ${MAX_DEPTH} levels deep.`)
    if (isNext('(')) return readGroup(depth)
    const token = take()
    if (!token.isQuoted && token.text.toLowerCase() === 'not' && isNext('(')) {
      return { kind: 'not', part: readGroup(depth) }
    }
    const path = token.isQuoted ? undefined : find(token.text)
    if (!path?.attribute) throw invalid(`The attribute “${shown(token.text)}” is unknown.`)
    if (path.attribute.returned === 'never') throw invalid(`${path.attribute.name} cannot be used in a filter.`)
    return isNext('[') ? readElement(path, depth) : readComparison(path)
  }

  function readGroup(depth: number): Filter {
    mustTake('(')
    const filter = readOr(depth + 1)
    mustTake(')')
    return filter
  }

  /** Reads `emails[…]`. If `.value eq "x"` follows, the same element must match it. */
  function readElement(path: AttributePath, depth: number): Filter {
    const { attribute } = path
    if (!attribute || path.sub) throw invalid('A filter in brackets must follow an attribute, not a sub-attribute.')
    const outer = find
    find = name => findWithin(attribute, name)
    mustTake('[')
    const part = readOr(depth + 1)
    mustTake(']')
    const isGoingOn = isNextLike('.')
    const sub = isGoingOn ? find(take().text.slice(1)) : undefined
    if (isGoingOn && !sub) throw invalid('The sub-attribute after the brackets is unknown.')
    const more = sub && readComparison(sub)
    find = outer
    return { kind: 'element', path, part: more ? { kind: 'and', parts: [part, more] } : part }
  }

  function readComparison(path: AttributePath): Filter {
    const word = take().text.toLowerCase()
    if (word === 'pr') return { kind: 'present', path }
    if (!OPERATORS.has(word)) throw invalid(`The operator “${shown(word)}” is unknown.`)
    const operator = word as Operator
    const token = take()
    if (!token.isQuoted && /^[()[\]]$/.test(token.text)) throw invalid('A comparison needs a value.')
    return { kind: 'compare', path, operator, value: token.isQuoted ? token.text : literal(token.text, path) }
  }

  return { readOr, mustTake, mustEnd, rest }
}

function unquote(quoted: string): string {
  try {
    return JSON.parse(quoted)
  } catch {
    throw invalid('A quoted string must follow the rules of JSON.')
  }
}

/** Reads a value without quotation marks: a literal or number of JSON, unless the attribute is a string. */
function literal(text: string, path: AttributePath): Comparison['value'] {
  if (text === 'null') return null
  const type = (path.sub ?? path.attribute)?.type
  if (type === 'string' || type === 'reference' || type === 'binary') return text
  if (/^(true|false)$/i.test(text)) return text.toLowerCase() === 'true'
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
}

/** Shortens a value of the client for a message. */
function shown(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}

function invalid(why: string) {
  return scimProblems.invalidFilter(`The filter is invalid. ${why}`)
}

/** Replaces every comparison of a filter, including those in brackets. */
export function mapComparisons(filter: Filter, change: (comparison: Comparison) => Filter): Filter {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return { ...filter, parts: filter.parts.map(part => mapComparisons(part, change)) }
    case 'not':
    case 'element':
      return { ...filter, part: mapComparisons(filter.part, change) }
    case 'compare':
      return change(filter)
    case 'present':
      return filter
    default:
      return filter satisfies never
  }
}

type Resource = Readonly<Record<string, unknown>>

/**
 * Whether a resource matches. A comparison with a list matches if one of its values does. `ne` and `not` match if the attribute
 * is absent.
 */
export function matches(filter: Filter, resource: Resource): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.parts.every(part => matches(part, resource))
    case 'or':
      return filter.parts.some(part => matches(part, resource))
    case 'not':
      return !matches(filter.part, resource)
    case 'present':
      return valuesAt(resource, filter.path).length > 0
    case 'element':
      return valuesAt(resource, filter.path).some(element => matchesElement(filter.part, element))
    case 'compare':
      return compare(filter, resource)
    default:
      return filter satisfies never
  }
}

/** Whether an element of a list matches a filter in brackets. A simple value is its own `value`. */
export function matchesElement(filter: Filter, element: unknown): boolean {
  return matches(filter, typeof element === 'object' && element !== null ? (element as Resource) : { value: element })
}

function compare({ operator, path, value }: Comparison, resource: Resource): boolean {
  const attribute = leafOf(path)
  const actual = valuesAt(resource, path)
    .map(simple)
    .filter(one => one !== '')
    .map(one => plain(one, attribute))
  if (value === null) return operator === 'eq' ? actual.length === 0 : operator === 'ne' && actual.length > 0
  const expected = plain(value, attribute)
  if (operator === 'ne') return actual.length === 0 || actual.some(one => one !== expected)
  return actual.some(one => COMPARE[operator](one, expected))
}

type Plain = string | number | boolean
const order = (holds: (sign: number) => boolean) => (one: Plain, other: Plain) =>
  typeof one === typeof other && typeof one !== 'boolean' && holds(compareByCharacters(one, other))

/** Compares by code points, like the database. JavaScript compares by UTF-16 units. */
function compareByCharacters(one: Plain, other: Plain): number {
  if (typeof one === 'string' && typeof other === 'string') return Buffer.compare(Buffer.from(one), Buffer.from(other))
  return one < other ? -1 : one > other ? 1 : 0
}

const COMPARE: Record<Exclude<Operator, 'ne'>, (actual: Plain, expected: Plain) => boolean> = {
  eq: (actual, expected) => actual === expected,
  co: (actual, expected) => String(actual).includes(String(expected)),
  sw: (actual, expected) => String(actual).startsWith(String(expected)),
  ew: (actual, expected) => String(actual).endsWith(String(expected)),
  gt: order(sign => sign > 0),
  ge: order(sign => sign >= 0),
  lt: order(sign => sign < 0),
  le: order(sign => sign <= 0),
}

/** The attribute whose values are compared. For a complex attribute this is its `value`. */
function leafOf({ attribute, sub }: AttributePath): Attribute | undefined {
  const last = sub ?? attribute
  return findAttribute(last?.subAttributes, 'value') ?? last
}

/** The values at a path, without absent ones. */
function valuesAt(resource: Resource, path: AttributePath): unknown[] {
  return [readPath(resource, path)].flat().filter(value => value !== undefined && value !== null && value !== '')
}

function simple(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? ((value as { value?: unknown }).value ?? '') : value
}

/** The comparable form of a value: dates as points in time, strings in lower case unless the attribute is case-sensitive. */
function plain(value: unknown, attribute: Attribute | undefined): Plain {
  if (attribute?.type === 'dateTime') {
    const moment = Date.parse(String(value))
    if (!Number.isNaN(moment)) return moment
  }
  if (attribute?.type === 'boolean' && typeof value === 'string' && /^(true|false)$/i.test(value)) {
    return value.toLowerCase() === 'true'
  }
  if (typeof value === 'boolean' || typeof value === 'number') return value
  return valueKey(String(value), attribute?.caseExact)
}
