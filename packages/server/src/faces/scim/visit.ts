import { present } from '@preflow/contract'
import { type AuthenticatePorts, type Caller, createAuthenticate } from '../../domain/credentials/authenticate.ts'
import { mustHold } from '../../domain/credentials/credential-problems.ts'
import type { UserPorts } from '../../domain/users/user-change.ts'
import { type DeclaredRoute, type RoutedRequest, weightOf } from '../../ground/http/mount.ts'
import type { Mounted } from '../../ground/http/mounted.ts'
import { readJson } from '../../ground/http/read-json.ts'
import type { Log } from '../../ground/observe/log.ts'
import type { ResourceType } from './attribute.ts'
import type { Json } from './read-value.ts'
import { scimProblems } from './scim-problems.ts'
import { SCIM_BASE_PATH } from './scim-routes.ts'
import { readSelection, select } from './select.ts'
import { isObject } from './user-resource.ts'

export interface ScimPorts extends UserPorts, AuthenticatePorts {
  log: Pick<Log, 'error' | 'info'>
}

/** Default of the largest body. */
export const MAX_BODY_BYTES = 1_048_576

export interface ScimSettings {
  /** Maximum size of a body. Default 1 MiB. */
  maxBodyBytes?: number
}

const MEDIA_TYPE = 'application/scim+json'
const PLAIN_TYPE = 'application/json'
const MEDIA_TYPES = [MEDIA_TYPE, PLAIN_TYPE]

/**
 * Whether a client wants plain JSON: it accepts `application/json` and does not mention the media type of SCIM. Asgardeo's SDKs
 * read nothing else as JSON.
 */
export function wantsPlainJson({ headers }: Request): boolean {
  const accepted = (headers.get('accept') ?? '').split(',').map(range => range.split(';', 1)[0]?.trim().toLowerCase())
  return accepted.includes(PLAIN_TYPE) && !accepted.includes(MEDIA_TYPE)
}

/** Sends a response in the media type that the client wants. */
export function inWantedType(request: Request, response: Response): Response {
  const isScim = response.headers.get('content-type')?.startsWith(MEDIA_TYPE) ?? false
  if (isScim && wantsPlainJson(request)) response.headers.set('content-type', `${PLAIN_TYPE};charset=utf-8`)
  return response
}

/** A request whose caller is authenticated and authorized. */
export interface Visit extends Mounted {
  request: Request
  /** Parameters of the path. */
  params: Record<string, string>
  /** Parameters of the query, or of the body of a search. */
  query: Json
  caller: Caller
  /** The URL of the API, as the client reached it, without a slash at the end. */
  location: string
  /** Reads the body. Throws a problem if it is not JSON, too large or of another media type. */
  readBody(): Promise<unknown>
}

/** A route that requires a permission. */
type GuardedRoute = DeclaredRoute & { access: { permission: string } }

/** Answers an authorized request. */
export type Handler = (visit: Visit) => Promise<Response>

/** Creates the function that authenticates and authorizes a request. */
export function createEntrance(ports: ScimPorts, { maxBodyBytes = MAX_BODY_BYTES }: ScimSettings) {
  const authenticate = createAuthenticate(ports)
  return async (route: GuardedRoute, { mounted, params, query, request }: RoutedRequest): Promise<Visit> => {
    const { permission } = route.access
    const caller = await authenticate(request, mounted, weightOf(route, request))
    mustHold(caller, permission, mounted.organization)
    const readBody = async () => {
      const read = await readJson(request, maxBodyBytes, MEDIA_TYPES)
      if (!read) throw scimProblems.invalidSyntax('The body is not JSON in UTF-8.')
      return read.value
    }
    return { ...mounted, request, params, query, caller, location: locationOf(mounted), readBody }
  }
}

/** Reads the body of a search, which has the parameters of a list. */
export async function readSearch({ readBody }: Visit): Promise<Json> {
  const body = await readBody()
  if (isObject(body)) return body
  throw scimProblems.invalidSyntax('The body must be one SearchRequest message.')
}

/** The URL of the API, as the client reached it, without a slash at the end. */
export function locationOf({ origin, prefix }: Mounted): string {
  return `${origin}${prefix}${SCIM_BASE_PATH}`
}

/** Throws a 412 if `If-Match` does not list this version. */
export function checkVersion(request: Request, version: string): void {
  const wanted = request.headers.get('if-match')
  if (wanted === null || wanted.trim() === '*' || namesVersion(wanted, version)) return
  throw scimProblems.otherVersion()
}

/** Whether the list of versions of `If-Match` or `If-None-Match` has this one. */
function namesVersion(versions: string, wanted: string): boolean {
  return versions.split(',').some(version => version.trim() === wanted)
}

/** A resource before the client's selection. */
export interface Shown {
  resource: Json
  type: ResourceType
  version: string
  url: string
}

/** Answers with the selected attributes of a resource, or with 304 if the client has this version. */
export function answerResource(visit: Visit, { resource, type, url, version: etag }: Shown, status = 200): Response {
  const selection = readSelection(visit.query['attributes'], visit.query['excludedAttributes'], type)
  const known = visit.request.method === 'GET' ? visit.request.headers.get('if-none-match') : null
  if (known !== null && (known.trim() === '*' || namesVersion(known, etag))) {
    return new Response(null, { status: 304, headers: { etag } })
  }
  return answer(status, select(resource, selection), {
    etag,
    ...present({ location: status === 201 ? url : undefined }),
  })
}

/** Answers with JSON in the media type of SCIM. */
export function answer(status: number, body: object, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': `${MEDIA_TYPE};charset=utf-8`, 'cache-control': 'no-store', ...headers },
  })
}
