/** Reads lists of users, groups or permissions in a resource as changes of members. */
import type { MemberChange } from '../../domain/access/member-changes.ts'
import type { Member } from '../../ground/store/memberships.ts'
import type { Attribute } from './attribute.ts'
import { type Filter, mapComparisons, matchesElement } from './filter.ts'
import type { Step } from './patch.ts'
import { invalid, isAbsent, readList } from './read-value.ts'
import { scimProblems } from './scim-problems.ts'
import { withoutStoreIn } from './user-resource.ts'

/** Reads the ids of a list. Throws a problem for an element without an id. */
export function readIds(attribute: Attribute, given: unknown): string[] {
  const elements = (readList(attribute, given, 'ignore') ?? []) as { value?: string }[]
  return elements.map(({ value }) => {
    if (value === undefined) throw invalid(attribute, 'must have a value in each element')
    return value
  })
}

/** The change that a PATCH step makes to a list. Throws a problem for a step that changes a part of an element. */
export function changeOf({ op, path, value }: Step): MemberChange {
  const { attribute, filter, sub } = path
  const isRemoval = op === 'remove' || (op === 'replace' && isAbsent(value))
  if (sub || (filter && !isRemoval)) {
    throw scimProblems.mutability(`Elements of ${attribute.name} cannot be changed. Add and remove them.`)
  }
  if (filter) {
    const ids = idsIn(filter)
    return ids ? { kind: 'remove', ids } : { kind: 'removeMatching', isMeant: matcherOf(filter) }
  }
  if (isRemoval && isAbsent(value)) return { kind: 'replace', ids: [] }
  return { kind: op, ids: readIds(attribute, value) }
}

/** The ids of a filter that only compares ids: `value eq "…"`, or several with `or`. */
function idsIn(filter: Filter): string[] | undefined {
  if (filter.kind === 'or') {
    const parts = filter.parts.map(idsIn)
    return parts.every(ids => ids !== undefined) ? parts.flat() : undefined
  }
  const isId = filter.kind === 'compare' && filter.operator === 'eq' && filter.path.attribute?.name === 'value'
  return isId && typeof filter.value === 'string' ? [filter.value] : undefined
}

/** Creates a matcher of members for a filter in brackets. Clients may put the user store before a name. */
function matcherOf(filter: Filter): (member: Member) => boolean {
  const plain = mapComparisons(filter, comparison =>
    comparison.path.attribute?.name === 'display' ? withoutStoreIn(comparison) : comparison,
  )
  return ({ id, name }) => matchesElement(plain, { value: id, display: name })
}
