import { present } from '@preflow/contract'
import type { Database } from '../../ground/store/database.ts'
import type { Organization, User } from '../../ground/store/model.ts'
import { listUsers, type UserSearch } from '../../ground/store/users.ts'
import { findAttribute } from './attribute.ts'
import { type Comparison, type Filter, mapComparisons, matches, type Operator, parseFilter } from './filter.ts'
import { userType } from './schema.ts'
import { scimProblems } from './scim-problems.ts'
import { readSelection, type Selection } from './select.ts'
import { toResource, withoutStoreIn } from './user-resource.ts'

/** The parameters of a search for users. */
export interface ScimQuery {
  filter?: Filter
  selection: Selection
  /** The first is 1. */
  startIndex: number
  count: number
}

export const MAX_RESULTS = 1000
const DEFAULT_RESULTS = 100
const PAGE_SIZE = 500

/** Reads the query of a request, or the body of a search. Throws a problem for an invalid filter. */
export function readQuery(given: Record<string, unknown>): ScimQuery {
  const { attributes, excludedAttributes, filter } = given
  return {
    ...present({ filter: filter ? mapComparisons(parseFilter(String(filter), userType), asMeant) : undefined }),
    selection: readSelection(attributes, excludedAttributes, userType),
    ...readPage(given),
  }
}

/** Reads which part of a list is wanted. */
export function readPage(given: Record<string, unknown>): { startIndex: number; count: number } {
  const number = (name: string, fallback: number) => {
    const value = given[name] === undefined ? fallback : Number(given[name])
    if (Number.isInteger(value)) return value
    throw scimProblems.invalidValue(`${name} must be a whole number.`)
  }
  return {
    startIndex: Math.max(1, number('startIndex', 1)),
    count: Math.min(MAX_RESULTS, Math.max(0, number('count', DEFAULT_RESULTS))),
  }
}

/**
 * Finds one page of the users of an organization that match a filter, and the total number of matches. SQL compares the user
 * name and the id. Everything else is compared here, page by page.
 */
export async function findUsers(
  db: Database,
  { tenantId, id: organizationId }: Organization,
  { filter, startIndex, count }: ScimQuery,
): Promise<{ total: number; users: User[] }> {
  const { search, isWhole } = toSearch(filter)
  const base = { ...search, organizationId }
  if (isWhole) return await listUsers(db, tenantId, { ...base, offset: startIndex - 1, limit: count })

  const matching: User[] = []
  let total = 0
  for (let offset = 0; ; offset += PAGE_SIZE) {
    const { users } = await listUsers(db, tenantId, { ...base, offset, limit: PAGE_SIZE })
    for (const user of users) {
      if (filter && !matches(filter, toResource(user, ''))) continue
      total++
      if (total >= startIndex && matching.length < count) matching.push(user)
    }
    if (users.length < PAGE_SIZE) return { total, users: matching }
  }
}

/** A comparison as it is meant: of user names and groups without the store before them, and of groups by their name as well. */
function asMeant(comparison: Comparison): Filter {
  const { operator, path } = comparison
  const { attribute, sub } = path
  if (attribute?.name === 'userName') return withoutStoreIn(comparison)
  if (attribute?.name !== 'groups' || path.extension) return comparison
  const named = withoutStoreIn(comparison)
  const display = findAttribute(attribute.subAttributes, 'display')
  if (sub || !display || operator === 'ne') return named
  return { kind: 'or', parts: [named, { ...named, path: { attribute, sub: display } }] }
}

/** The part of a filter that SQL can evaluate. `isWhole`: SQL evaluates all of it. */
function toSearch(filter: Filter | undefined): { search: UserSearch; isWhole: boolean } {
  const search: UserSearch = {}
  if (!filter) return { search, isWhole: true }
  let isWhole = true
  for (const part of filter.kind === 'and' ? filter.parts : [filter]) {
    if (part.kind !== 'compare' || !searchFor(part, search)) isWhole = false
  }
  return { search, isWhole }
}

/** Adds a comparison to a search. Returns `false` if SQL cannot evaluate it or the search already has one. */
function searchFor({ operator, path, value }: Comparison, search: UserSearch): boolean {
  // PostgreSQL accepts no NUL in a string, not even for a comparison.
  if (path.extension || path.sub || typeof value !== 'string' || value.includes('\0')) return false
  const comparison = COMPARISONS[operator]
  if (path.attribute?.name === 'id' && operator === 'eq' && search.id === undefined) search.id = value
  else if (path.attribute?.name === 'userName' && comparison && !search.userName) {
    search.userName = { comparison, value }
  } else return false
  return true
}

const COMPARISONS: Partial<Record<Operator, NonNullable<UserSearch['userName']>['comparison']>> = {
  eq: 'equals',
  sw: 'startsWith',
  co: 'contains',
}
