import { setImmediate } from 'node:timers/promises'
import { present } from '@preflow/contract'
import { DatabaseUnavailable } from '@preflow/database'
import type { Database } from '../../ground/store/database.ts'
import type { Organization, User } from '../../ground/store/model.ts'
import {
  SearchTooBroad,
  searchNumbers,
  searchUsers,
  type UserOrder,
  type UserSearch,
} from '../../ground/store/user-search.ts'
import { findUsersByNumber } from '../../ground/store/users.ts'
import { findAttribute } from './attribute.ts'
import { type Comparison, type Filter, mapComparisons, matches, parseFilter } from './filter.ts'
import type { Page, Position } from './paging.ts'
import { readPage } from './paging.ts'
import { userType } from './schema.ts'
import { scimProblems } from './scim-problems.ts'
import { readSelection, type Selection } from './select.ts'
import { conditionOf, readUserOrder } from './user-conditions.ts'
import { toResource, withoutStoreIn } from './user-resource.ts'

/** The parameters of a search for users. */
export interface ScimQuery {
  filter?: Filter
  selection: Selection
  order?: UserOrder
  page: Page
}

/** Reads the query of a request, or the body of a search. Throws a problem for an invalid one. */
export function readQuery(given: Record<string, unknown>): ScimQuery {
  const { attributes, excludedAttributes, filter } = given
  return {
    ...present({
      filter: filter ? mapComparisons(parseFilter(String(filter), userType), asMeant) : undefined,
      order: readUserOrder(given),
    }),
    selection: readSelection(attributes, excludedAttributes, userType),
    page: readPage(given),
  }
}

/** Maximum number of documents that are compared for one filter if the index cannot answer it. */
const MAX_COMPARED = 10_000
/** Documents per slice. Between two slices the process serves other requests. */
const SLICE = 100

/** One page of users. */
export interface FoundUsers {
  total: number
  users: User[]
  /** The start of the next page. Absent: this is the last page. */
  next?: Position
}

/**
 * Finds one page of the users of an organization that match a filter, and the total number of matches.
 *
 * The index answers the filter in SQL. Where it finds too many users, their documents are compared, up to a limit. Throws a
 * problem `tooMany` for a filter that would read more.
 */
export async function findUsers(
  { lanes: { search: db } }: Database,
  { id: organizationId }: Organization,
  { filter, order, page }: Pick<ScimQuery, 'filter' | 'order' | 'page'>,
  position: Position,
): Promise<FoundUsers> {
  try {
    const indexed = await searchUsers(db, organizationId, filter && conditionOf(filter))
    const search =
      filter && !indexed.isExact
        ? await searchNumbers(db, organizationId, await compareDocuments(db, indexed, filter))
        : indexed
    const total = await search.count()
    // One more row shows whether another page follows.
    const numbers = await pageOf(search, order, position, page.count + 1)
    const shown = numbers.slice(0, page.count)
    const users = await readUsers(db, shown)
    const hasNext = numbers.length > page.count && page.count > 0
    return { total, users, ...present({ next: hasNext ? nextOf(order, position, shown) : undefined }) }
  } catch (error) {
    const isTooSlow = error instanceof DatabaseUnavailable && error.code === 'slow'
    throw isTooSlow || error instanceof SearchTooBroad ? scimProblems.tooMany() : error
  }
}

function pageOf(search: UserSearch, order: UserOrder | undefined, position: Position, limit: number) {
  if (!order) return search.page({ ...position, limit })
  return search.sortedPage(order, { offset: 'offset' in position ? position.offset : 0, limit })
}

/** A page in the order of creation starts after a user, so no page is slower than the first and no user is missed. */
function nextOf(order: UserOrder | undefined, position: Position, shown: readonly number[]): Position {
  if (!order) return { after: shown.at(-1) as number }
  return { offset: ('offset' in position ? position.offset : 0) + shown.length }
}

async function compareDocuments(db: Database, indexed: UserSearch, filter: Filter): Promise<number[]> {
  const candidates = await indexed.page({ limit: MAX_COMPARED + 1 })
  if (candidates.length > MAX_COMPARED) throw scimProblems.tooMany()
  const matching: number[] = []
  for (let from = 0; from < candidates.length; from += SLICE) {
    const users = await findUsersByNumber(db, candidates.slice(from, from + SLICE))
    for (const [number, user] of users) if (matches(filter, toResource(user, ''))) matching.push(number)
    await setImmediate()
  }
  return matching
}

async function readUsers(db: Database, numbers: readonly number[]): Promise<User[]> {
  const users = await findUsersByNumber(db, numbers)
  return numbers.flatMap(number => users.get(number) ?? [])
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
