/** PATCH of RFC 7644, section 3.5.2, driven by the schema. It also accepts the forms that real clients send. */
import { type Attribute, findAttribute, type ResourceType } from './attribute.ts'
import { type Filter, matchesElement, parsePath, type TargetPath } from './filter.ts'
import { type AttributePath, findPath } from './path.ts'
import {
  invalid,
  isAbsent,
  isHollow,
  isPrimary,
  isSameElement,
  type Json,
  mustBeFew,
  readList,
  readOne,
  readValue,
} from './read-value.ts'
import { scimProblems } from './scim-problems.ts'

const MAX_OPERATIONS = 64

type OperationName = 'add' | 'replace' | 'remove'

interface Operation {
  op: OperationName
  path?: string
  value?: unknown
}

export interface Patched {
  /** The resource after all operations. */
  resource: Json
  /** The attributes that the operations named, changed or not. */
  touched: readonly AttributePath[]
}

/**
 * Applies a PatchOp message to a copy of a resource: all of its operations, or none.
 *
 * Throws a problem of status 400 with the `scimType` of the standard. A result means that every operation is done: what the
 * schema cannot store is refused. Removing an absent value succeeds.
 */
export function applyPatch(message: unknown, resource: Json, type: ResourceType): Patched {
  const changed = structuredClone(resource)
  const touched: AttributePath[] = []
  for (const operation of readOperations(message)) {
    for (const step of stepsOf(operation, changed, type)) {
      touched.push(step.path)
      applyStep(changed, step)
    }
  }
  return { resource: changed, touched }
}

/**
 * Splits a PatchOp message into steps, for a caller that stores lists elsewhere. Only for resources without extensions.
 *
 * @param resource The message may repeat its `id`.
 */
export function readSteps(message: unknown, resource: Json, type: ResourceType): Step[] {
  return readOperations(message).flatMap(operation => stepsOf(operation, resource, type))
}

function readOperations(message: unknown): Operation[] {
  const operations = isObject(message) ? member(message, 'Operations') : undefined
  if (!Array.isArray(operations)) {
    throw scimProblems.invalidSyntax('The body must be one PatchOp message with a list Operations.')
  }
  if (operations.length === 0) throw scimProblems.invalidValue('Operations must have at least one operation.')
  if (operations.length > MAX_OPERATIONS) {
    throw scimProblems.invalidValue(`A message must have at most ${MAX_OPERATIONS} operations. Split it.`)
  }
  return operations.map(readOperation)
}

function readOperation(given: unknown): Operation {
  if (!isObject(given)) throw scimProblems.invalidSyntax('Each operation must be an object with op, path and value.')
  const op = String(member(given, 'op') ?? '').toLowerCase()
  const path = member(given, 'path')
  if (op !== 'add' && op !== 'replace' && op !== 'remove') {
    throw scimProblems.invalidSyntax('The op of each operation must be add, replace or remove.')
  }
  if (!isAbsent(path) && typeof path !== 'string') throw scimProblems.invalidSyntax('The path must be a string.')
  return { op, value: member(given, 'value'), ...(isAbsent(path) ? {} : { path: path as string }) }
}

/** One change of one attribute. */
export interface Step {
  op: OperationName
  path: TargetPath & { attribute: Attribute }
  value: unknown
}

/** Splits an operation without a path, or with the URI of a schema as path, into one step per member of its value. */
function stepsOf({ op, path, value }: Operation, resource: Json, type: ResourceType): Step[] {
  if (path !== undefined && !isCore(path, type)) return stepsAt({ op, value }, path, resource, type)
  if (op === 'remove') throw scimProblems.noTarget('A removal needs a path.')
  if (!isObject(value)) throw scimProblems.invalidValue('Without a path, value must be an object with attributes.')
  return Object.entries(value).flatMap(([name, inner]) => {
    // Clients send back the whole resource that they read.
    if (name.toLowerCase() === 'schemas' || (name.toLowerCase() === 'id' && inner === resource['id'])) return []
    return isCore(name, type)
      ? stepsOf({ op, value: inner }, resource, type)
      : stepsAt({ op, value: inner }, name, resource, type)
  })
}

function isCore(name: string, { core }: ResourceType): boolean {
  return name.toLowerCase() === core.id.toLowerCase()
}

function stepsAt({ op, value }: Operation, name: string, resource: Json, type: ResourceType): Step[] {
  const path = parsePath(name, type)
  if (!path) throw scimProblems.invalidPath(`The attribute ${JSON.stringify(name.slice(0, 80))} is unknown.`)
  const { attribute, extension } = path
  if (attribute) return [checked({ op, value, path: { ...path, attribute } })]
  if (op !== 'remove' && isObject(value)) {
    return Object.entries(value).flatMap(([inner, one]) =>
      inner.toLowerCase() === 'schemas' ? [] : stepsAt({ op, value: one }, `${name}:${inner}`, resource, type),
    )
  }
  if (op !== 'remove' && !isAbsent(value)) throw scimProblems.invalidValue('The value of a schema must be an object.')
  // Remove the attributes of the extension one by one, so that a protected one refuses the operation.
  const held = Object.keys((extension && (resource[extension.id] as Json | undefined)) ?? {})
  return (extension?.attributes ?? []).flatMap(one =>
    held.includes(one.name) ? [checked({ op: 'remove', value: undefined, path: { ...path, attribute: one } })] : [],
  )
}

function checked(step: Step): Step {
  const { op, path, value } = step
  const { attribute, filter, sub } = path
  if (attribute.mutability === 'readOnly' || sub?.mutability === 'readOnly') {
    throw scimProblems.mutability(`${attribute.name} cannot be changed here.`)
  }
  if (filter && !attribute.multiValued) throw scimProblems.invalidPath(`${attribute.name} is not a list.`)
  const isRemoval = op === 'remove' || isAbsent(value)
  if (isRemoval && !sub && !filter) mustBeRemovable(step)
  return step
}

function mustBeRemovable({ op, path: { attribute }, value }: Step): void {
  if (attribute.returned === 'never') {
    if (op !== 'remove' && value === '') throw invalid(attribute, 'must not be empty')
    throw scimProblems.passwordStays()
  }
  if (attribute.required || attribute.isPermanent) {
    throw scimProblems.invalidValue(`${attribute.name} cannot be removed. Replace it.`)
  }
}

/** Applies one step to the resource. */
export function applyStep(resource: Json, step: Step): void {
  const { attribute, extension } = step.path
  const holder = extension ? { ...(resource[extension.id] as Json | undefined) } : resource
  const value = attribute.multiValued ? nextList(holder[attribute.name], step) : nextOne(holder[attribute.name], step)
  if (value === undefined) delete holder[attribute.name]
  else holder[attribute.name] = value
  if (!extension) return
  if (Object.keys(holder).length > 0) resource[extension.id] = holder
  else delete resource[extension.id]
}

function nextOne(now: unknown, { op, path: { attribute, sub }, value }: Step): unknown {
  if (sub) {
    const inner = op === 'remove' ? undefined : readOne(sub, value, 'refuse')
    return whole({ ...(now as Json | undefined), [sub.name]: inner })
  }
  if (op === 'remove') return undefined
  if (!attribute.subAttributes || !isObject(value)) return readValue(attribute, value, 'refuse')
  // Members that are null remove the stored members. The others are merged in.
  const removed = Object.entries(value).flatMap(([name, inner]) => {
    const known = isAbsent(inner) ? findAttribute(attribute.subAttributes, name) : undefined
    return known ? [[known.name, undefined]] : []
  })
  const read = readOne(attribute, value, 'refuse') as Json | undefined
  return whole({ ...(now as Json | undefined), ...Object.fromEntries(removed), ...read })
}

/** The value without absent members. Nothing if none is left. */
function whole(value: Json): Json | undefined {
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined)
  return entries.length > 0 ? Object.fromEntries(entries) : undefined
}

function nextList(now: unknown, step: Step): unknown[] | undefined {
  const { attribute } = step.path
  const elements = ((now as unknown[] | undefined) ?? []).slice()
  const next = step.path.filter || step.path.sub ? withinList(elements, step) : ofList(elements, step)
  const kept = next.filter(element => element !== undefined && !isHollow(element))
  mustBeFew(attribute, kept.length)
  return kept.length > 0 ? withOnePrimary(elements, kept, attribute) : undefined
}

/** Changes a list as a whole. */
function ofList(elements: unknown[], { op, path: { attribute }, value }: Step): unknown[] {
  const given = readList(attribute, value, 'refuse') ?? []
  if (op === 'replace') return given
  if (op === 'remove') {
    // Some clients list the elements to remove in the value.
    return given.length === 0 ? [] : elements.filter(element => !given.some(named => isMeant(named, element)))
  }
  const next = elements.slice()
  for (const added of given) {
    const index = next.findIndex(element => isSameElement(element, added))
    if (index < 0) next.push(added)
    else next[index] = isObject(added) ? { ...(next[index] as Json), ...added } : added
  }
  return next
}

/** Whether a client's element, given by its value and perhaps its type, is this one. */
function isMeant(named: unknown, element: unknown): boolean {
  if (!isObject(named) || !isObject(element)) return named === element
  const names = named['value'] === undefined ? Object.keys(named) : ['value', 'type'].filter(name => name in named)
  return names.every(name => String(element[name]).toLowerCase() === String(named[name]).toLowerCase())
}

/** Changes the elements of a list that match the filter, or all of them. */
function withinList(elements: unknown[], step: Step): unknown[] {
  const { op, value } = step
  const { attribute, filter, sub } = step.path
  const isMatch = (element: unknown) => !filter || matchesElement(filter, element)
  const isRemoval = op === 'remove' || isAbsent(value)
  if (isRemoval) {
    return elements.map(element => {
      if (!isMatch(element)) return element
      return sub && isObject(element) ? whole({ ...element, [sub.name]: undefined }) : undefined
    })
  }
  const change = changeOf(step)
  if (elements.some(isMatch)) return elements.map(element => (isMatch(element) ? change(element) : element))
  return [...elements, change(filter && madeOf(filter, attribute))]
}

/** Creates the element that a filter describes and that does not exist yet. */
function madeOf(filter: Filter, attribute: Attribute): unknown {
  const noTarget = () => scimProblems.noTarget(`No value of ${attribute.name} matches the filter of the path.`)
  const made = defaultsOf(filter)
  if (made['type'] === undefined) throw noTarget()
  try {
    return readOne(attribute, made, 'refuse')
  } catch {
    // An element with an invalid type cannot exist.
    throw noTarget()
  }
}

/** Returns the function that changes one element. */
function changeOf({ op, path: { attribute, filter, sub }, value }: Step): (element: unknown) => unknown {
  if (sub) {
    const inner = readOne(sub, value, 'refuse')
    return element => whole({ ...(element as Json | undefined), [sub.name]: inner })
  }
  const read = readOne(attribute, Array.isArray(value) && value.length === 1 ? value[0] : value, 'refuse')
  if (!isObject(read)) return () => read
  // The new element still matches the filter, unless the value overrides it.
  const kept =
    op === 'replace' && filter ? (readOne(attribute, defaultsOf(filter), 'refuse') as Json | undefined) : undefined
  return element => (op === 'add' ? { ...(element as Json | undefined), ...read } : { ...kept, ...read })
}

/** The members that a filter of equalities implies for a new element. */
function defaultsOf(filter: Filter): Json {
  if (filter.kind === 'and') return Object.assign({}, ...filter.parts.map(defaultsOf))
  if (filter.kind !== 'compare' || filter.operator !== 'eq' || !filter.path.attribute) return {}
  return { [filter.path.attribute.name]: filter.value }
}

/** A new primary value replaces the old one. */
function withOnePrimary(before: readonly unknown[], elements: unknown[], attribute: Attribute): unknown[] {
  const primary = elements.filter(isPrimary)
  if (primary.length < 2) return elements
  const old = before.filter(isPrimary)
  const fresh = primary.filter(element => !old.some(known => isSameElement(known, element)))
  const [winner, ...others] = fresh
  if (!winner || others.length > 0) throw invalid(attribute, 'must have at most one primary value')
  return elements.map(element =>
    isPrimary(element) && element !== winner ? { ...(element as Json), primary: false } : element,
  )
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Reads a member of an operation, ignoring the case of its name. */
function member(given: Json, name: string): unknown {
  const key = Object.keys(given).find(known => known.toLowerCase() === name.toLowerCase())
  return key === undefined ? undefined : given[key]
}

/** Whether the operations named an attribute or its whole extension. */
export function isTouched(touched: readonly AttributePath[], type: ResourceType, name: string): boolean {
  const wanted = findPath(type, name)
  return touched.some(({ attribute, extension }) => attribute === wanted?.attribute && extension === wanted?.extension)
}
