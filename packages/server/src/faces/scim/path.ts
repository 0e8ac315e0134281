import { type Attribute, findAttribute, type ResourceType, type Schema } from './attribute.ts'

/** The place of an attribute in a resource. */
export interface AttributePath {
  /** Absent: a core or common attribute. */
  extension?: Schema
  /** Absent: the whole extension. */
  attribute?: Attribute
  sub?: Attribute
}

/**
 * Finds the attribute for a name: `title`, `name.givenName`, `urn:…:User:department`, or an extension alone. The comparison of
 * names and URIs ignores case. Returns nothing for an unknown attribute.
 */
export function findPath(type: ResourceType, name: string): AttributePath | undefined {
  const lower = name.toLowerCase()
  for (const schema of [type.core, ...type.extensions]) {
    const id = schema.id.toLowerCase()
    const isCore = schema === type.core
    if (lower === id) return isCore ? undefined : { extension: schema }
    if (!lower.startsWith(`${id}:`)) continue
    const found = findIn(isCore ? [...type.common, ...schema.attributes] : schema.attributes, name.slice(id.length + 1))
    return found && (isCore ? found : { extension: schema, ...found })
  }
  return findIn([...type.common, ...type.core.attributes], name)
}

function findIn(attributes: readonly Attribute[], name: string): AttributePath | undefined {
  const dot = name.indexOf('.')
  const attribute = findAttribute(attributes, dot < 0 ? name : name.slice(0, dot))
  if (!attribute || dot < 0) return attribute && { attribute }
  const sub = findAttribute(attribute.subAttributes, name.slice(dot + 1))
  return sub && { attribute, sub }
}

/** The value at a path. For a sub-attribute of a list: the values of all its elements. */
export function readPath(resource: Readonly<Record<string, unknown>>, path: AttributePath): unknown {
  const { attribute, extension, sub } = path
  const holder = (extension ? resource[extension.id] : resource) as Record<string, unknown> | undefined
  if (!attribute) return holder
  const value = holder?.[attribute.name]
  if (!sub) return value
  if (Array.isArray(value)) return value.map(element => element?.[sub.name])
  return (value as Record<string, unknown> | undefined)?.[sub.name]
}
