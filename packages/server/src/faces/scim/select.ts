import type { ResourceType } from './attribute.ts'
import { type AttributePath, findPath } from './path.ts'
import type { Json } from './read-value.ts'

/** The attributes that a client selects (RFC 7644, section 3.9). */
export interface Selection {
  /** Absent: all. */
  attributes?: readonly AttributePath[]
  excluded: readonly AttributePath[]
}

/**
 * Reads `attributes` and `excludedAttributes`, as lists or comma-separated names. Unknown names are ignored. For
 * `emails[type eq "work"]`, which Microsoft's tests send, the part before the bracket counts.
 */
export function readSelection(attributes: unknown, excluded: unknown, type: ResourceType): Selection {
  const names = (given: unknown) =>
    [given ?? []]
      .flat()
      .flatMap(text => String(text).split(','))
      .map(name => name.split('[', 1)[0]?.trim() ?? '')
      .filter(name => name !== '')
  const paths = (given: readonly string[]) => given.flatMap(name => findPath(type, name) ?? [])
  const wanted = names(attributes)
  return { ...(wanted.length > 0 ? { attributes: paths(wanted) } : {}), excluded: paths(names(excluded)) }
}

/** The selected part of a resource. Attributes that are always returned cannot be excluded. */
export function select(resource: Json, { attributes, excluded }: Selection): Json {
  return exclude(attributes ? include(resource, attributes) : resource, excluded)
}

function include(resource: Json, paths: readonly AttributePath[]): Json {
  const chosen: Json = { schemas: resource['schemas'], id: resource['id'] }
  for (const { attribute, extension, sub } of paths) {
    const from = extension ? ((resource[extension.id] as Json | undefined) ?? {}) : resource
    const to = extension ? { ...(chosen[extension.id] as Json | undefined) } : chosen
    if (!attribute) Object.assign(to, from)
    else if (!sub) to[attribute.name] = from[attribute.name]
    else to[attribute.name] = withPart(to[attribute.name], from[attribute.name], sub.name)
    if (extension && Object.keys(to).length > 0) chosen[extension.id] = to
  }
  return chosen
}

/** Adds a part of a complex value, or of each element of a list, to the parts that are already selected. */
function withPart(chosen: unknown, from: unknown, part: string): unknown {
  if (Array.isArray(from)) {
    return from.map((element, index) => withPart((chosen as unknown[] | undefined)?.[index], element, part))
  }
  const value = (from as Json | undefined)?.[part]
  return value === undefined ? chosen : { ...(chosen as Json | undefined), [part]: value }
}

function exclude(resource: Json, paths: readonly AttributePath[]): Json {
  const left = { ...resource }
  for (const { attribute, extension, sub } of paths) {
    if (attribute?.returned === 'always') continue
    if (!attribute) {
      if (extension) delete left[extension.id]
      continue
    }
    const holder = extension ? { ...(left[extension.id] as Json | undefined) } : left
    if (sub) holder[attribute.name] = withoutPart(holder[attribute.name], sub.name)
    else delete holder[attribute.name]
    if (extension) left[extension.id] = Object.keys(holder).length > 0 ? holder : undefined
  }
  return left
}

function withoutPart(value: unknown, part: string): unknown {
  if (Array.isArray(value)) return value.map(element => withoutPart(element, part))
  if (typeof value !== 'object' || value === null) return value
  const { [part]: _, ...rest } = value as Json
  return rest
}
