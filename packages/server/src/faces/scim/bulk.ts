/**
 * Bulk requests (RFC 7644, section 3.7). Each operation becomes a request of its own to this API, with the credentials of the
 * caller. So it passes the same checks and calls the same actions as if it were sent alone.
 */
import { present } from '@preflow/contract'
import type { Problem } from '../../ground/problem.ts'
import { arrange, referencesOf, resolve } from './bulk-references.ts'
import type { Json } from './read-value.ts'
import { describeProblem, scimProblems } from './scim-problems.ts'
import { SCIM_BASE_PATH } from './scim-routes.ts'
import { isObject } from './user-resource.ts'
import { answer, type Handler, type Visit } from './visit.ts'

/** Most operations of a request, as in the reference. */
export const MAX_BULK_OPERATIONS = 1000
const MAX_BULK_ID_LENGTH = 255
const BULK_RESPONSE = 'urn:ietf:params:scim:api:messages:2.0:BulkResponse'

const METHODS = ['POST', 'PUT', 'PATCH', 'DELETE']
/** Resources. Not the caller's own account, searches or another bulk request. */
const PATH = /^\/(?:Users|Groups|v[23]\/Roles)(?:\/(?!\.)[^/?#]+)?$/

/** One operation of the request. */
interface Operation {
  method: string
  path: string
  bulkId?: string
  version?: string
  data?: unknown
}

/** The result of an operation, in the form of the standard. */
interface Result {
  method: string
  bulkId?: string
  location?: string
  version?: string
  status: string
  response?: unknown
}

/** @param send Answers a request as if the client sent it alone. */
export function createBulkHandler(send: (request: Request, visit: Visit) => Promise<Response>): Handler {
  return async visit => {
    const { failOnErrors, operations } = readBulk(await visit.readBody())
    const { circular, ordered } = arrange(operations)
    const results = new Map<Operation, Result>()
    const ids = new Map<string, string>()
    let failures = 0
    for (const operation of ordered) {
      // The client could not learn what is done from here on.
      if (visit.request.signal.aborted) break
      const { id, ...result } = circular.has(operation)
        ? failed(operation, scimProblems.circularReference())
        : await run(operation, { ids, send, visit })
      results.set(operation, result)
      if (id !== undefined && operation.bulkId !== undefined) ids.set(operation.bulkId, id)
      if (Number(result.status) >= 400 && ++failures === failOnErrors) break
    }
    const Operations = operations.flatMap(operation => results.get(operation) ?? [])
    return answer(200, { schemas: [BULK_RESPONSE], Operations })
  }
}

/** Throws a problem that refuses the whole request. */
function readBulk(body: unknown): { failOnErrors: number; operations: Operation[] } {
  const given = isObject(body) ? member(body, 'Operations') : undefined
  if (!isObject(body) || !Array.isArray(given) || given.length === 0) {
    throw scimProblems.invalidSyntax('The body must be one BulkRequest message with operations in Operations.')
  }
  if (given.length > MAX_BULK_OPERATIONS) throw scimProblems.tooManyOperations(MAX_BULK_OPERATIONS)
  const failOnErrors = Number(member(body, 'failOnErrors') ?? 0)
  if (!Number.isInteger(failOnErrors) || failOnErrors < 0) {
    throw scimProblems.invalidValue('failOnErrors must be a whole number of at least 0.')
  }
  const operations = given.map(readOperation)
  const ids = operations.flatMap(({ bulkId }) => bulkId ?? [])
  if (new Set(ids).size < ids.length) throw scimProblems.invalidValue('Each bulkId must be unique in the request.')
  return { failOnErrors, operations }
}

function readOperation(given: unknown): Operation {
  if (!isObject(given)) throw scimProblems.invalidSyntax('Each operation must be an object with method and path.')
  const method = String(member(given, 'method') ?? '').toUpperCase()
  const path = String(member(given, 'path') ?? '')
  const [bulkId, version] = [member(given, 'bulkId'), member(given, 'version')]
  if (!METHODS.includes(method)) throw scimProblems.invalidSyntax(`A method must be one of ${METHODS.join(', ')}.`)
  if (!PATH.test(path)) {
    throw scimProblems.invalidSyntax('A path must name a resource, such as /Users or /Users/{id}.')
  }
  if (bulkId !== undefined && (typeof bulkId !== 'string' || bulkId === '' || bulkId.length > MAX_BULK_ID_LENGTH)) {
    throw scimProblems.invalidValue(`A bulkId must be a string of 1 to ${MAX_BULK_ID_LENGTH} characters.`)
  }
  if (method === 'POST' && bulkId === undefined) throw scimProblems.invalidValue('Each POST needs a bulkId.')
  return {
    ...{ method, path, data: member(given, 'data') },
    ...present({ bulkId, version: version === undefined ? undefined : String(version) }),
  }
}

/** A member, in any case of its name. */
function member(given: Json, name: string): unknown {
  const key = Object.keys(given).find(known => known.toLowerCase() === name.toLowerCase())
  return key === undefined ? undefined : given[key]
}

function failed({ bulkId, method }: Operation, problem: Problem): Result & { id?: string } {
  return { method, ...present({ bulkId }), status: String(problem.status), response: describeProblem(problem) }
}

interface Running {
  /** The ids of created resources, by their bulkId. */
  ids: ReadonlyMap<string, string>
  visit: Visit
  send(request: Request, visit: Visit): Promise<Response>
}

async function run(operation: Operation, { ids, send, visit }: Running): Promise<Result & { id?: string }> {
  const { bulkId, method, version } = operation
  const missing = referencesOf(operation).find(id => !ids.has(id))
  if (missing !== undefined) return failed(operation, scimProblems.unresolvedReference(missing))
  const { data, path } = resolve(operation, ids)
  const request = new Request(new URL(`${SCIM_BASE_PATH}${path}`, visit.request.url), {
    method,
    headers: {
      authorization: visit.request.headers.get('authorization') ?? '',
      'content-type': 'application/scim+json',
      ...present({ 'if-match': version }),
    },
    ...(method === 'DELETE' ? {} : { body: JSON.stringify(data ?? null) }),
  })
  const response = await send(request, visit)
  const text = await response.text()
  const body = text === '' ? undefined : JSON.parse(text)
  const common = { method, ...present({ bulkId }), status: String(response.status) }
  if (!response.ok) return { ...common, response: body }
  const location = response.headers.get('location') ?? `${visit.location}${path}`
  return { ...common, location, ...present({ version: response.headers.get('etag') ?? undefined, id: body?.id }) }
}
