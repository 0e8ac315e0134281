import { Resources, type Types } from 'scimmy'
import { CORE_USER } from '../../ground/claims/local-claims.ts'
import type { Database } from '../../ground/store/database.ts'
import type { Organization, User } from '../../ground/store/model.ts'
import { listUsers, type UserSearch } from '../../ground/store/users.ts'
import { checkComparisons, matchesFilter } from './match-filter.ts'
import { fromLibrary, scimProblems } from './scim-problems.ts'
import { toResource } from './user-resource.ts'

/** What `GET /Users` and the like may ask. */
export interface ScimQuery {
  filter?: Types.Filter
  attributes?: Types.Filter
  /** From 1. */
  startIndex: number
  count: number
}

export const MAX_RESULTS = 1000
const DEFAULT_RESULTS = 100
const PAGE_SIZE = 500

/** Reads the query of a request. Throws a problem for a filter that cannot be understood. */
export function readQuery(given: Record<string, string>): ScimQuery {
  const number = (name: string, fallback: number) => {
    const value = given[name] === undefined ? fallback : Number(given[name])
    if (Number.isInteger(value)) return value
    throw scimProblems.invalidValue(`${name} must be a whole number.`)
  }
  try {
    const { filter, attributes } = new Resources.User({
      ...(given['filter'] ? { filter: given['filter'] } : {}),
      ...(given['attributes'] ? { attributes: given['attributes'] } : {}),
      ...(given['excludedAttributes'] ? { excludedAttributes: given['excludedAttributes'] } : {}),
    } as never)
    if (filter) for (const branch of filter) checkComparisons(branch)
    return {
      ...(filter ? { filter } : {}),
      ...(attributes ? { attributes } : {}),
      startIndex: Math.max(1, number('startIndex', 1)),
      count: Math.min(MAX_RESULTS, Math.max(0, number('count', DEFAULT_RESULTS))),
    }
  } catch (error) {
    // What scimmy cannot parse it answers with a TypeError; nothing here reads anything but the client's query.
    throw error instanceof TypeError ? scimProblems.invalidFilter(error.message) : fromLibrary(error)
  }
}

/**
 * The users of an organization that a filter matches, one page of them, and how many there are in all. What can be said in
 * SQL — the user name and the id — is; the rest is compared here, page by page.
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
      if (filter && !matchesFilter(filter, comparable(user))) continue
      total++
      if (total >= startIndex && matching.length < count) matching.push(user)
    }
    if (users.length < PAGE_SIZE) return { total, users: matching }
  }
}

/** As much of a filter as the store can answer. `isWhole`: nothing is left to compare. */
function toSearch(filter: Types.Filter | undefined): { search: UserSearch; isWhole: boolean } {
  if (!filter) return { search: {}, isWhole: true }
  // Several branches are an "or": the store would have to answer all of them.
  const [branch, ...others] = [...filter] as Record<string, unknown>[]
  if (!branch || others.length > 0) return { search: {}, isWhole: false }
  const search: UserSearch = {}
  let isWhole = true
  for (const [attribute, comparison] of Object.entries(branch)) {
    const [operator, value] = Array.isArray(comparison) ? comparison : []
    const name = attribute.toLowerCase().replace(`${CORE_USER.toLowerCase()}:`, '')
    const known = COMPARISONS[String(operator).toLowerCase()]
    if (name === 'username' && known && typeof value === 'string') {
      search.userName = { comparison: known, value }
    } else if (name === 'id' && known === 'equals' && typeof value === 'string') search.id = value
    else isWhole = false
  }
  return { search, isWhole }
}

const COMPARISONS: Record<string, NonNullable<UserSearch['userName']>['comparison']> = {
  eq: 'equals',
  sw: 'startsWith',
  co: 'contains',
}

/** The user as filters see them: with the attributes of each schema under their full names as well. */
function comparable(user: User): object {
  const resource = JSON.parse(JSON.stringify(toResource(user, ''))) as Record<string, unknown>
  const qualified = Object.entries(resource).flatMap(([name, value]) =>
    name.startsWith('urn:')
      ? Object.entries(value as object).map(([inner, innerValue]) => [`${name}:${inner}`, innerValue])
      : [[`${CORE_USER}:${name}`, value]],
  )
  return { ...resource, ...Object.fromEntries(qualified) }
}
