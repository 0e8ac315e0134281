/** Checks and converts the values of clients by the schema. */
import { isDeepStrictEqual } from 'node:util'
import { type Attribute, findAttribute } from './attribute.ts'
import { scimProblems } from './scim-problems.ts'

export type Json = Record<string, unknown>

/** Maximum number of elements of a list. The largest document has no more. */
export const MAX_ELEMENTS = 500

/** How to handle a member that the schema does not have. */
export type OnUnknown = 'ignore' | 'refuse'

/**
 * Reads the value of an attribute. `null`, `""`, `[]` and an object without any value are `undefined`: the attribute is absent.
 *
 * Throws a problem `invalidValue` for a value of another type. Beyond the standard it accepts booleans and numbers as strings,
 * one value instead of a list, and a string for a complex value that has a `value`.
 */
export function readValue(attribute: Attribute, given: unknown, onUnknown: OnUnknown): unknown {
  return attribute.multiValued ? readList(attribute, given, onUnknown) : readOne(attribute, given, onUnknown)
}

/** Reads a list. A single value becomes a list of one. */
export function readList(attribute: Attribute, given: unknown, onUnknown: OnUnknown): unknown[] | undefined {
  if (isAbsent(given)) return undefined
  const elements = Array.isArray(given) ? given : [given]
  mustBeFew(attribute, elements.length)
  const read = elements.flatMap(element => {
    const value = readOne(attribute, element, onUnknown)
    return value === undefined || isHollow(value) ? [] : [value]
  })
  if (read.filter(isPrimary).length > 1) throw invalid(attribute, 'must have at most one primary value')
  return read.length > 0 ? read : undefined
}

export function mustBeFew(attribute: Attribute, count: number): void {
  const { maxValues = MAX_ELEMENTS } = attribute
  if (count > maxValues) throw invalid(attribute, `must have at most ${maxValues} values`)
}

/** Reads one value, or one element of a list. */
export function readOne(attribute: Attribute, given: unknown, onUnknown: OnUnknown): unknown {
  if (isAbsent(given)) return undefined
  if (!attribute.subAttributes) return readSimple(attribute, given)
  if (typeof given === 'object' && !Array.isArray(given)) return readComplex(attribute, given as Json, onUnknown)
  const value = findAttribute(attribute.subAttributes, 'value')
  if (!value || Array.isArray(given)) throw invalid(attribute, 'must be an object')
  return { [value.name]: readSimple(value, given) }
}

function readComplex(attribute: Attribute, given: Json, onUnknown: OnUnknown): Json | undefined {
  const read: Json = {}
  for (const [name, value] of Object.entries(given)) {
    const sub = findAttribute(attribute.subAttributes, name)
    if (sub) {
      const one = readOne(sub, value, onUnknown)
      if (one !== undefined) read[sub.name] = one
    } else if (onUnknown === 'refuse')
      throw invalid(attribute, `has no sub-attribute ${JSON.stringify(name.slice(0, 40))}`)
  }
  return Object.keys(read).length > 0 ? read : undefined
}

function readSimple(attribute: Attribute, given: unknown): unknown {
  const read = READERS[attribute.type]?.(given)
  if (read === undefined) throw invalid(attribute, MUST_BE[attribute.type])
  const { canonicalValues } = attribute
  if (canonicalValues && !canonicalValues.some(known => known.toLowerCase() === String(read).toLowerCase())) {
    throw invalid(attribute, `must be one of ${canonicalValues.join(', ')}`)
  }
  return read
}

const asString = (given: unknown) => (typeof given === 'string' ? given : undefined)
const asNumber = (given: unknown) => {
  const number = typeof given === 'string' && given.trim() !== '' ? Number(given) : given
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}

const READERS: Partial<Record<Attribute['type'], (given: unknown) => unknown>> = {
  string: asString,
  reference: asString,
  binary: given => (typeof given === 'string' && /^[A-Za-z0-9+/\s_-]*={0,2}\s*$/.test(given) ? given : undefined),
  boolean(given) {
    if (typeof given === 'boolean') return given
    const text = typeof given === 'string' ? given.toLowerCase() : ''
    return text === 'true' ? true : text === 'false' ? false : undefined
  },
  decimal: asNumber,
  integer(given) {
    const number = asNumber(given)
    return Number.isInteger(number) ? number : undefined
  },
  dateTime: given => (typeof given === 'string' && !Number.isNaN(Date.parse(given)) ? given : undefined),
}

const MUST_BE: Record<Attribute['type'], string> = {
  string: 'must be a string',
  reference: 'must be a string',
  binary: 'must be base64',
  boolean: 'must be true or false',
  decimal: 'must be a number',
  integer: 'must be a whole number',
  dateTime: 'must be a date and time, such as 2026-01-02T03:04:05Z',
  complex: 'must be an object',
}

export function invalid({ name }: Attribute, rule: string) {
  return scimProblems.invalidValue(`${name} ${rule}.`)
}

/** Whether a value means that the attribute is absent. */
export function isAbsent(given: unknown): given is undefined | null | '' {
  return given === undefined || given === null || given === '' || (Array.isArray(given) && given.length === 0)
}

export function isPrimary(element: unknown): boolean {
  return (element as Json | null)?.['primary'] === true
}

/** Whether an element of a list has no content except its type and `primary`. */
export function isHollow(element: unknown): boolean {
  if (typeof element !== 'object' || element === null) return false
  return Object.keys(element).every(name => name === 'type' || name === 'primary')
}

/**
 * Whether two elements of a list are the same. Strings are the same if they are equal. Objects are the same if they have equal
 * `value` and `type`, or, without a `value`, if everything except `primary` is equal.
 */
export function isSameElement(one: unknown, other: unknown): boolean {
  if (typeof one !== 'object' || typeof other !== 'object') return one === other
  const [a, b] = [one as Json, other as Json]
  if (a['value'] !== undefined || b['value'] !== undefined) {
    return a['value'] === b['value'] && typeOf(a) === typeOf(b)
  }
  return isDeepStrictEqual({ ...a, primary: undefined }, { ...b, primary: undefined })
}

function typeOf({ type }: Json): string | undefined {
  return type === undefined ? undefined : String(type).toLowerCase()
}
