/** Converts filters to conditions for the index of users. */
import { INDEXED, valueKey } from '../../ground/store/user-index.ts'
import type { UserColumn, UserCondition, UserOrder, ValueColumn, ValueTest } from '../../ground/store/user-search.ts'
import type { Comparison, Filter, Operator } from './filter.ts'
import { type AttributePath, findPath } from './path.ts'
import { userType } from './schema.ts'
import { scimProblems } from './scim-problems.ts'

const UNKNOWN = { kind: 'unknown' } as const
const ALWAYS: UserCondition = { kind: 'and', parts: [] }
const NEVER: UserCondition = { kind: 'or', parts: [] }
const not = (part: UserCondition): UserCondition => ({ kind: 'not', part })

/** Converts a filter to a condition. Parts that the index cannot evaluate are `unknown`. */
export function conditionOf(filter: Filter): UserCondition {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return { kind: filter.kind, parts: filter.parts.map(conditionOf) }
    case 'not':
      return not(conditionOf(filter.part))
    case 'present':
      return compared({ kind: 'compare', path: filter.path, operator: 'ne', value: null }, true)
    case 'compare':
      return compared(filter, false)
    case 'element':
      return elementCondition(filter)
    default:
      return filter satisfies never
  }
}

/** @param isPresence Whether the operator is `pr`. A complex value can be present without its `value`. */
function compared(comparison: Comparison, isPresence: boolean): UserCondition {
  const { path } = comparison
  const name = nameOf(path)
  const column = COLUMNS[name]
  if (column) return column(comparison)
  if (!path.extension && path.attribute?.name === 'groups') return groupCondition(comparison, path.sub?.name)
  const place = placeOf(path)
  if (!place || (isPresence && place.isImplied)) return UNKNOWN
  return valueCondition(comparison, place)
}

/** The values of a path in the index. */
interface Place {
  name: string
  column: ValueColumn
  /** The path is a complex value, so its `value` is compared. */
  isImplied?: boolean
}

function placeOf(path: AttributePath): Place | undefined {
  const { sub: _, ...list } = path
  const listName = nameOf(list)
  if (INDEXED[listName]?.isTyped) {
    const column = path.sub ? VALUE_COLUMNS[path.sub.name] : 'key'
    return column && { name: listName, column }
  }
  const name = nameOf(path)
  if (INDEXED[name]) return { name, column: 'key' }
  const implied = `${name}.value`
  return !path.sub && INDEXED[implied] ? { name: implied, column: 'key', isImplied: true } : undefined
}

const VALUE_COLUMNS: Readonly<Record<string, ValueColumn>> = { value: 'key', type: 'type' }

function nameOf({ attribute, extension, sub }: AttributePath): string {
  return `${extension ? `${extension.id}:` : ''}${attribute?.name ?? ''}${sub ? `.${sub.name}` : ''}`
}

function valueCondition({ operator, value }: Comparison, { column, name }: Place): UserCondition {
  const some = (test: ValueTest): UserCondition => ({ kind: 'some', name, test })
  const hasValue = some({ kind: 'present', column })
  if (value === null) return operator === 'ne' ? hasValue : operator === 'eq' ? not(hasValue) : NEVER
  if (typeof value !== 'string' && operator !== 'eq' && operator !== 'ne') return UNKNOWN
  const operand = operandOf(value, name, column)
  // In the index an empty string means that there is no value.
  if (operator === 'ne') return operand === '' ? UNKNOWN : not({ kind: 'only', name, column, operand })
  return some(testOf(operator, column, operand))
}

function operandOf(value: string | number | boolean, name: string, column: ValueColumn): string {
  return valueKey(String(value), column === 'key' && INDEXED[name]?.isExact)
}

function testOf(operator: Exclude<Operator, 'ne'>, column: ValueColumn, operand: string): ValueTest {
  // Every value starts with, contains and ends with the empty string.
  if (operand === '' && (operator === 'co' || operator === 'sw' || operator === 'ew'))
    return { kind: 'present', column }
  return { kind: 'compare', column, operator, operand }
}

function elementCondition({ part, path }: Filter & { kind: 'element' }): UserCondition {
  if (!path.extension && path.attribute?.name === 'groups') {
    return part.kind === 'compare' ? groupCondition(part, part.path.attribute?.name) : UNKNOWN
  }
  const name = nameOf(path)
  if (!INDEXED[name] || !path.attribute?.multiValued) return UNKNOWN
  return { kind: 'some', name, test: elementTest(part, name) }
}

function elementTest(filter: Filter, name: string): ValueTest {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return { kind: filter.kind, parts: filter.parts.map(part => elementTest(part, name)) }
    case 'not':
      return { kind: 'not', part: elementTest(filter.part, name) }
    case 'present':
    case 'compare': {
      const column = VALUE_COLUMNS[filter.path.attribute?.name ?? '']
      if (!column) return UNKNOWN
      const hasValue: ValueTest = { kind: 'present', column }
      if (filter.kind === 'present') return hasValue
      const { operator, value } = filter
      if (value === null) {
        if (operator === 'eq') return { kind: 'not', part: hasValue }
        return operator === 'ne' ? hasValue : { kind: 'or', parts: [] }
      }
      const operand = operandOf(value, name, column)
      if (operator === 'ne') return { kind: 'not', part: { kind: 'compare', column, operator: 'eq', operand } }
      return testOf(operator, column, operand)
    }
    default:
      return UNKNOWN
  }
}

function groupCondition({ operator, value }: Comparison, sub: string | undefined): UserCondition {
  if (value === null) {
    const isMember: UserCondition = { kind: 'group' }
    return operator === 'eq' ? not(isMember) : operator === 'ne' ? isMember : NEVER
  }
  const operand = String(value)
  if (sub === 'display' && (operator === 'eq' || operator === 'co' || operator === 'ew')) {
    return { kind: 'group', test: { column: 'name_key', operator, operand: valueKey(operand) } }
  }
  if ((sub === undefined || sub === 'value') && operator === 'eq') {
    return { kind: 'group', test: { column: 'id', operator, operand: valueKey(operand, true) } }
  }
  return UNKNOWN
}

/** Attributes that are columns of the user and always have a value. */
const COLUMNS: Readonly<Record<string, (comparison: Comparison) => UserCondition>> = {
  id: ({ operator, value }) =>
    inColumn({ operator, value }, value =>
      operator === 'eq' || operator === 'ne' ? { column: 'id', operand: valueKey(String(value), true) } : undefined,
    ),
  active: ({ operator, value }) =>
    inColumn({ operator, value }, value => {
      const word = String(value).toLowerCase()
      const isEquality = operator === 'eq' || operator === 'ne'
      return isEquality && /^(true|false)$/.test(word)
        ? { column: 'is_active', operand: Number(word === 'true') }
        : undefined
    }),
  'meta.created': comparison => inColumn(comparison, value => moment('created_at', value)),
  'meta.lastModified': comparison => inColumn(comparison, value => moment('updated_at', value)),
}

function moment(column: UserColumn, value: string | number | boolean) {
  const operand = Date.parse(String(value))
  return Number.isNaN(operand) ? undefined : { column, operand }
}

function inColumn(
  { operator, value }: Pick<Comparison, 'operator' | 'value'>,
  find: (value: string | number | boolean) => { column: UserColumn; operand: string | number } | undefined,
): UserCondition {
  if (value === null) return operator === 'ne' ? ALWAYS : NEVER
  const found = find(value)
  if (!found || operator === 'co' || operator === 'sw' || operator === 'ew') return UNKNOWN
  const equal: UserCondition = { kind: 'column', ...found, operator: 'eq' }
  return operator === 'ne' ? not(equal) : { ...equal, operator }
}

const SORTED_COLUMNS: Readonly<Record<string, UserColumn>> = {
  'meta.created': 'created_at',
  'meta.lastModified': 'updated_at',
}

/** Reads `sortBy` and `sortOrder`, which the reference spells `sortOder`. Throws a problem `invalidValue`. */
export function readUserOrder(given: Readonly<Record<string, unknown>>): UserOrder | undefined {
  const { sortBy, sortOder, sortOrder = sortOder } = given
  if (sortBy === undefined || sortBy === '') return undefined
  const path = findPath(userType, String(sortBy))
  const column = path && SORTED_COLUMNS[nameOf(path)]
  const place = path && placeOf(path)
  const isDescending = String(sortOrder).toLowerCase() === 'descending'
  if (column) return { by: { column }, isDescending }
  if (place?.column === 'key') return { by: { name: place.name }, isDescending }
  throw scimProblems.invalidValue(
    'Users cannot be sorted by this attribute. Sort by userName, displayName, a part of name, emails, meta.created or meta.lastModified.',
  )
}
