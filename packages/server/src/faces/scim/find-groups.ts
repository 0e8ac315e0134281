import { present } from '@preflow/contract'
import type { Database } from '../../ground/store/database.ts'
import { type GroupSearch, listGroups } from '../../ground/store/groups.ts'
import { listMembers, type Member } from '../../ground/store/memberships.ts'
import type { Group, Organization, RoleReference } from '../../ground/store/model.ts'
import { listRoleReferences } from '../../ground/store/roles.ts'
import { type Comparison, type Filter, mapComparisons, matches, type Operator, parseFilter } from './filter.ts'
import { toGroupResource } from './group-resource.ts'
import { groupType } from './group-schema.ts'
import { type Page, type Position, readPage } from './paging.ts'
import { findPath } from './path.ts'
import { scimProblems } from './scim-problems.ts'
import { readSelection, type Selection } from './select.ts'
import { withoutStoreIn } from './user-resource.ts'

/** The parameters of a search for groups. */
export interface GroupQuery {
  filter?: Filter
  selection: Selection
  orderBy?: NonNullable<GroupSearch['orderBy']>
  page: Page
}

/** A group with its members and roles. */
export type WholeGroup = Group & { members?: Member[]; roles: RoleReference[] }

const PAGE_SIZE = 500

/** Reads the query of a request, or the body of a search. Throws a problem for an invalid parameter. */
export function readGroupQuery(given: Record<string, unknown>): GroupQuery {
  const { attributes, excludedAttributes, filter } = given
  return {
    ...present({
      filter: filter ? mapComparisons(parseFilter(String(filter), groupType), asMeant) : undefined,
      orderBy: readOrder(given),
    }),
    selection: readSelection(attributes, excludedAttributes, groupType),
    page: readPage(given),
  }
}

/** Removes the name of the user store, which clients may put before the name of a group or member. */
function asMeant(comparison: Comparison): Comparison {
  const { attribute, sub } = comparison.path
  const isName = attribute?.name === 'displayName' || (sub ?? attribute)?.name === 'display'
  return isName ? withoutStoreIn(comparison) : comparison
}

const SORTED_BY: Record<string, NonNullable<GroupSearch['orderBy']>['column']> = {
  'displayName.': 'name',
  'meta.created': 'number',
  'meta.lastModified': 'updatedAt',
}

/** Reads the sort order. The reference spells the parameter `sortOder`. */
function readOrder({ sortBy, sortOder, sortOrder = sortOder }: Record<string, unknown>): GroupQuery['orderBy'] {
  if (sortBy === undefined || sortBy === '') return undefined
  const path = findPath(groupType, String(sortBy))
  const column = SORTED_BY[`${path?.attribute?.name}.${path?.sub?.name ?? ''}`]
  if (!column) {
    throw scimProblems.invalidValue('sortBy: groups can be sorted by displayName, meta.created or meta.lastModified.')
  }
  return { column, isDescending: String(sortOrder).toLowerCase() === 'descending' }
}

/**
 * Finds one page of the groups of an organization that match a filter, and the total number of matches. SQL evaluates a part of
 * the filter. The rest is compared here, page by page. Members are loaded only if they are needed.
 */
export async function findGroups(
  db: Database,
  organization: Organization,
  { filter, orderBy, page: { count }, selection }: GroupQuery,
  position: Position,
): Promise<{ total: number; groups: WholeGroup[] }> {
  const skipped = 'offset' in position ? position.offset : 0
  const { rest, search } = toSearch(filter)
  const ordered = { ...search, ...present({ orderBy }) }
  const withMembers = showsMembers(selection)
  if (!rest) {
    const found = await listGroups(db, organization, { ...ordered, offset: skipped, limit: count })
    return { total: found.total, groups: await wholeGroups(db, found.groups, withMembers) }
  }
  const needsMembers = mentions(rest, 'members')
  const matching: WholeGroup[] = []
  let total = 0
  for (let offset = 0; ; offset += PAGE_SIZE) {
    const { groups } = await listGroups(db, organization, { ...ordered, offset, limit: PAGE_SIZE })
    for (const group of await wholeGroups(db, groups, needsMembers)) {
      if (!matches(rest, toGroupResource(group, ''))) continue
      total++
      if (total > skipped && matching.length < count) matching.push(group)
    }
    if (groups.length < PAGE_SIZE) break
  }
  return { total, groups: needsMembers === withMembers ? matching : await wholeGroups(db, matching, withMembers) }
}

/** Adds the members and roles of groups. */
export async function wholeGroups(db: Database, groups: readonly Group[], withMembers: boolean): Promise<WholeGroup[]> {
  const whole: WholeGroup[] = []
  for (const group of groups) {
    const members = withMembers ? await listMembers(db, 'members of a group', group.id) : undefined
    whole.push({ ...group, ...present({ members }), roles: await listRoleReferences(db, group) })
  }
  return whole
}

/** Whether a selection includes members, or parts of them. */
export function showsMembers({ attributes, excluded }: Selection): boolean {
  const isAbout = ({ attribute }: { attribute?: { name: string } }) => attribute?.name === 'members'
  return (attributes?.some(isAbout) ?? true) && !excluded.some(path => isAbout(path) && !path.sub)
}

function mentions(filter: Filter, name: string): boolean {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.parts.some(part => mentions(part, name))
    case 'not':
      return mentions(filter.part, name)
    default:
      return filter.path.attribute?.name === name
  }
}

/** The part of a filter that SQL can evaluate, and the rest to compare. */
function toSearch(filter: Filter | undefined): { search: GroupSearch; rest?: Filter } {
  const search: GroupSearch = {}
  if (!filter) return { search }
  const parts = filter.kind === 'and' ? filter.parts : [filter]
  const rest = parts.filter(part => !searchFor(part, search))
  return rest.length > 0 ? { search, rest: { kind: 'and', parts: rest } } : { search }
}

/** Adds a condition to a search. Returns `false` if SQL cannot evaluate it or the search already has one. */
function searchFor(part: Filter, search: GroupSearch): boolean {
  if (part.kind === 'element') {
    // `members[value eq "…"]` matches the same groups as `members.value eq "…"`.
    const { attribute: list } = part.path
    const inner = part.part
    if (inner.kind !== 'compare' || list?.name !== 'members' || inner.path.attribute?.name !== 'value') return false
    return searchFor({ ...inner, path: { attribute: list, sub: inner.path.attribute } }, search)
  }
  if (part.kind !== 'compare' || typeof part.value !== 'string') return false
  // PostgreSQL accepts no NUL in a string, not even for a comparison.
  if (part.value.includes('\0')) return false
  return searchForText(part, part.value, search)
}

function searchForText({ operator, path }: Comparison, value: string, search: GroupSearch): boolean {
  const { attribute, sub } = path
  const name = `${attribute?.name}${sub ? `.${sub.name}` : ''}`
  const comparison = COMPARISONS[operator]
  if (name === 'displayName' && comparison && !search.name) {
    search.name = { comparison, value }
    return true
  }
  const exact = EXACT[name]
  if (operator !== 'eq' || !exact || search[exact] !== undefined) return false
  search[exact] = value
  return true
}

const EXACT: Record<string, 'id' | 'externalId' | 'memberId'> = {
  id: 'id',
  externalId: 'externalId',
  members: 'memberId',
  'members.value': 'memberId',
}

const COMPARISONS: Partial<Record<Operator, NonNullable<GroupSearch['name']>['comparison']>> = {
  eq: 'equals',
  sw: 'startsWith',
  co: 'contains',
}
