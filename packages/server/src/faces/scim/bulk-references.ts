/** References of bulk operations to resources that other operations create: `bulkId:x` (RFC 7644, section 3.7.2). */
import { scimProblems } from './scim-problems.ts'

/** Deeper data is refused: no resource of the schemas is as deep. */
const MAX_DEPTH = 32
const REFERENCE = /^bulkId:(.+)$/s
const REFERENCE_IN_PATH = /(?<=\/)bulkId:([^/]+)$/

/** The part of an operation that may contain references. */
export interface Referring {
  method: string
  path: string
  bulkId?: string
  data?: unknown
}

/** The bulkIds to which an operation refers, in its path and its data. Throws a problem for data that is too deep. */
export function referencesOf({ data, path }: Referring): string[] {
  const inPath = REFERENCE_IN_PATH.exec(path)?.[1]
  const found = new Set(inPath === undefined ? [] : [inPath])
  mapStrings(data, text => {
    const id = REFERENCE.exec(text)?.[1]
    if (id !== undefined) found.add(id)
    return text
  })
  return [...found]
}

/** The path and the data with the ids of the resources. */
export function resolve({ data, path }: Referring, ids: ReadonlyMap<string, string>): { path: string; data: unknown } {
  const idOf = (bulkId: string) => ids.get(bulkId) ?? `bulkId:${bulkId}`
  return {
    path: path.replace(REFERENCE_IN_PATH, (_, bulkId: string) => idOf(bulkId)),
    data: mapStrings(data, text => {
      const bulkId = REFERENCE.exec(text)?.[1]
      return bulkId === undefined ? text : idOf(bulkId)
    }),
  }
}

function mapStrings(value: unknown, change: (text: string) => string, depth = 0): unknown {
  if (depth > MAX_DEPTH) throw scimProblems.invalidValue(`Nest data at most ${MAX_DEPTH} levels deep.`)
  if (typeof value === 'string') return change(value)
  if (Array.isArray(value)) return value.map(element => mapStrings(element, change, depth + 1))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, mapStrings(inner, change, depth + 1)]))
}

/** Operations in the order of the request, but each behind those it refers to; and those that refer to each other in a circle. */
export function arrange<Operation extends Referring>(operations: readonly Operation[]) {
  const creating = new Map(operations.flatMap(one => (one.method === 'POST' ? [[one.bulkId, one] as const] : [])))
  const needs = new Map(
    operations.map(one => [one, new Set(referencesOf(one).flatMap(id => creating.get(id) ?? []))] as const),
  )
  const ordered: Operation[] = []
  const waiting = new Set(operations)
  const open: Operation[] = []
  const place = (operation: Operation) => {
    ordered.push(operation)
    waiting.delete(operation)
  }
  for (const start of operations) {
    open.push(start)
    // Depth first, with a stack of our own: a chain may have as many links as there are operations.
    for (let operation = open.at(-1); operation; operation = open.at(-1)) {
      const next = [...(needs.get(operation) ?? [])].find(one => waiting.has(one) && !open.includes(one))
      if (next) open.push(next)
      else {
        open.pop()
        if (waiting.has(operation)) place(operation)
      }
    }
  }
  return { ordered, circular: circularOf(needs) }
}

/** What is left when operations are removed again and again that refer to none of the others. */
function circularOf<Operation>(needs: ReadonlyMap<Operation, ReadonlySet<Operation>>): Set<Operation> {
  const users = new Map<Operation, Operation[]>()
  const open = new Map<Operation, number>()
  for (const [operation, needed] of needs) {
    open.set(operation, needed.size)
    for (const one of needed) users.set(one, [...(users.get(one) ?? []), operation])
  }
  const free = [...open].flatMap(([operation, count]) => (count === 0 ? [operation] : []))
  const left = new Set(needs.keys())
  for (let operation = free.pop(); operation; operation = free.pop()) {
    left.delete(operation)
    for (const user of users.get(operation) ?? []) {
      const count = (open.get(user) ?? 0) - 1
      open.set(user, count)
      if (count === 0) free.push(user)
    }
  }
  return left
}
