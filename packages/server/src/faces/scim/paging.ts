/** The requested part of a list: by index (RFC 7644, section 3.4.2.4) or by cursor (RFC 9865). */
import { createHash } from 'node:crypto'
import { present } from '@preflow/contract'
import { type Seal, SealError } from '../../ground/store/sealed-secrets.ts'
import { scimProblems } from './scim-problems.ts'

export const LIST_RESPONSE = 'urn:ietf:params:scim:api:messages:2.0:ListResponse'
/** Maximum number of resources in one response, as in the reference. */
export const MAX_RESULTS = 200
/** Number of resources in one response if the client sends no count. */
export const DEFAULT_RESULTS = 100

/** A requested part of a list. */
export interface Page {
  count: number
  /** The first is 1. */
  startIndex: number
  /** Absent: the client pages by index. Empty: it requests the first page by cursor. */
  cursor?: string
}

/** Reads `startIndex`, `count` and `cursor`. Throws a problem `invalidValue`. */
export function readPage(given: Readonly<Record<string, unknown>>): Page {
  const number = (name: string, fallback: number) => {
    const value = given[name] === undefined ? fallback : Number(given[name])
    if (Number.isSafeInteger(value)) return value
    throw scimProblems.invalidValue(`${name} must be a whole number.`)
  }
  const { cursor, startIndex } = given
  if (cursor !== undefined && startIndex !== undefined) {
    throw scimProblems.invalidValue('Send either startIndex or cursor.')
  }
  return {
    startIndex: Math.max(1, number('startIndex', 1)),
    count: Math.min(MAX_RESULTS, Math.max(0, number('count', DEFAULT_RESULTS))),
    ...present({ cursor: cursor === undefined ? undefined : String(cursor) }),
  }
}

/** The start of a page: after the resource with this number, or after this many resources. */
export type Position = { after: number } | { offset: number }

/** The query to which a cursor belongs. It is valid only there. */
export interface CursorScope {
  organizationId: string
  /** The query without its page. */
  query: Readonly<Record<string, unknown>>
}

/** Returns the start of the page. Throws a problem `invalidCursor`. */
export function positionOf({ cursor, startIndex }: Page, seal: Seal, scope: CursorScope): Position {
  if (cursor === undefined) return { offset: startIndex - 1 }
  if (cursor === '') return { offset: 0 }
  try {
    return JSON.parse(seal.open(cursor, contextOf(scope)))
  } catch (error) {
    if (error instanceof SealError) throw scimProblems.invalidCursor()
    throw error
  }
}

/** Creates a cursor. It is sealed, because the numbers of users would reveal how many users other tenants have. */
export function cursorAt(position: Position, seal: Seal, scope: CursorScope): string {
  return seal.seal(JSON.stringify(position), contextOf(scope))
}

const DETERMINING = ['filter', 'sortBy', 'sortOrder', 'sortOder']

function contextOf({ organizationId, query }: CursorScope): string {
  const determining = DETERMINING.map(name => String(query[name] ?? ''))
  const digest = createHash('sha256').update(JSON.stringify(determining)).digest('base64url')
  return `scim-cursor/${organizationId}/${digest}`
}

/** Creates the ListResponse of a page. `nextCursor` is for clients that page by cursor. */
export function listResponse(
  { cursor, startIndex }: Page,
  found: { total: number; resources: readonly object[]; nextCursor?: string },
): object {
  return {
    schemas: [LIST_RESPONSE],
    totalResults: found.total,
    ...(cursor === undefined ? { startIndex } : present({ nextCursor: found.nextCursor })),
    itemsPerPage: found.resources.length,
    Resources: found.resources,
  }
}
