import { present } from '@preflow/contract'
import { Hono } from 'hono'
import { decide } from '../../domain/access/decide.ts'
import type { OperationName } from '../../domain/access/operations.ts'
import { reachOfUser } from '../../domain/access/reach.ts'
import { type Caller, createAuthenticate, type VerifyAccessToken } from '../../domain/credentials/authenticate.ts'
import { mustBeAllowed, mustHold } from '../../domain/credentials/credential-problems.ts'
import { SCIM_USER_SCOPES } from '../../domain/tenants/api-scopes.ts'
import { auditUser } from '../../domain/users/audit-user.ts'
import { isLastAdministrator } from '../../domain/users/last-administrator.ts'
import { registerUser } from '../../domain/users/register-user.ts'
import { updateUser } from '../../domain/users/update-user.ts'
import { type Initiator, isDocumentShort, type Profile, type UserPorts } from '../../domain/users/user-change.ts'
import { changedClaimsOf } from '../../ground/claims/document-claims.ts'
import type { Mounted } from '../../ground/http/mounted.ts'
import { readJson } from '../../ground/http/read-json.ts'
import type { Log } from '../../ground/observe/log.ts'
import { type Problem, problemOf } from '../../ground/problem.ts'
import { inTransaction } from '../../ground/store/database.ts'
import type { User } from '../../ground/store/model.ts'
import { deleteUser, findUserById } from '../../ground/store/users.ts'
import type { ResourceType } from './attribute.ts'
import {
  describeOneSchema,
  describeOneType,
  describeSchemas,
  describeService,
  describeTypes,
  LIST_RESPONSE,
} from './describe-service.ts'
import { findUsers, readQuery } from './find-users.ts'
import type { Json } from './read-value.ts'
import { ownUserType, userType } from './schema.ts'
import { describeProblem, scimProblems } from './scim-problems.ts'
import { readSelection, select } from './select.ts'
import { patchUser, readUser, toResource, versionOf } from './user-resource.ts'

/** What all paths of this API are below. */
export const SCIM_BASE_PATH = '/scim2'

export interface ScimPorts extends UserPorts {
  log: Pick<Log, 'error' | 'info'>
  verifyAccessToken: VerifyAccessToken
}

export interface ScimSettings {
  /** Largest body that is read. Default 1 MiB. */
  maxBodyBytes?: number
}

/** The SCIM API. It answers every request itself; it never rejects. */
export interface ScimApi {
  /** @param request With the prefix of tenant and organization taken off: its path begins with `/scim2`. */
  fetch(request: Request, mounted: Mounted): Promise<Response>
}

const MEDIA_TYPE = 'application/scim+json'
const MEDIA_TYPES = [MEDIA_TYPE, 'application/json']

type App = { Bindings: Mounted }

/** The request with its authenticated caller. */
interface Visit extends Mounted {
  request: Request
  caller: Caller
  /** Where the users are, as the client reached them. */
  usersUrl: string
  /** Parameters of the query, or of the body of a search. */
  query: Json
}

/**
 * Makes the SCIM 2.0 API for users: create, read, filter, replace, patch and delete, and `/Me` for one's own account.
 *
 * @see RFC 7643, RFC 7644.
 */
export function createScimApi(ports: ScimPorts, settings: ScimSettings = {}): ScimApi {
  const app = new Hono<App>({ strict: false }).basePath(SCIM_BASE_PATH)
  addUserRoutes(app, createEntrance(ports, settings), ports)
  addDescriptions(app)
  app.notFound(context => {
    const methods = methodsAt(context.req.path.slice(SCIM_BASE_PATH.length))
    throw methods ? scimProblems.methodNotAllowed(methods) : scimProblems.noSuchEndpoint()
  })
  app.onError(error => {
    const defect = { line: 'a SCIM request failed', problem: scimProblems.unexpected }
    return refuse(problemOf(error, ports, defect).problem)
  })
  return { fetch: async (request, mounted) => app.fetch(request, mounted) }
}

/** Methods by path; a path in this table is answered with 405 for any other method. */
const METHODS: readonly [path: RegExp, methods: readonly string[]][] = [
  [/^\/Users\/?$/i, ['GET', 'POST']],
  [/^(\/Users)?\/\.search\/?$/i, ['POST']],
  [/^\/Users\/[^/]+\/?$/i, ['GET', 'PUT', 'PATCH', 'DELETE']],
  [/^\/Me\/?$/i, ['GET', 'PUT', 'PATCH']],
  [/^\/(ServiceProviderConfig|Schemas|ResourceTypes)\/?$/i, ['GET']],
  [/^\/(Schemas|ResourceTypes)\/[^/]+\/?$/i, ['GET']],
]

function methodsAt(path: string): readonly string[] | undefined {
  return METHODS.find(([pattern]) => pattern.test(path))?.[1]
}

/** What every request passes first. */
interface Entrance {
  /** Authenticates and authorizes. */
  enter(
    context: { env: Mounted; req: { raw: Request; query(): Record<string, string> } },
    right: keyof typeof SCIM_USER_SCOPES,
  ): Promise<Visit>
  /** Reads the body. Throws a problem for one that is no JSON, too large or of another media type. */
  bodyOf(request: Request): Promise<unknown>
}

function createEntrance(ports: ScimPorts, { maxBodyBytes = 1_048_576 }: ScimSettings): Entrance {
  const authenticate = createAuthenticate(ports.db, ports.verifyAccessToken)
  return {
    async enter({ env, req }, right) {
      const caller = await authenticate(req.raw, env)
      mustHold(caller, SCIM_USER_SCOPES[right], env.organization)
      return { ...env, request: req.raw, caller, usersUrl: `${locationOf(env)}/Users`, query: req.query() }
    },
    async bodyOf(request) {
      const read = await readJson(request, maxBodyBytes, MEDIA_TYPES)
      if (!read) throw scimProblems.invalidSyntax('The body is not JSON in UTF-8.')
      return read.value
    },
  }
}

function addUserRoutes(app: Hono<App>, { bodyOf, enter }: Entrance, ports: ScimPorts): void {
  const { db } = ports

  app.post('/Users', async context => {
    const visit = await enter(context, 'create')
    return answerUser(visit, await register(visit, await bodyOf(visit.request), ports), 201)
  })

  app.get('/Users', async context => list(await enter(context, 'list'), ports))
  for (const path of ['/Users/.search', '/.search']) {
    app.post(path, async context => {
      const visit = await enter(context, 'list')
      const body = await bodyOf(visit.request)
      if (typeof body !== 'object' || body === null || Array.isArray(body)) {
        throw scimProblems.invalidSyntax('The body must be one SearchRequest message.')
      }
      return list({ ...visit, query: body as Json }, ports)
    })
  }

  app.get('/Users/:id', async context => {
    const visit = await enter(context, 'view')
    return answerUser(visit, await mustFind(visit, context.req.param('id'), ports))
  })

  app.on(['PUT', 'PATCH'], '/Users/:id', async context => {
    const visit = await enter(context, 'update')
    const user = await mustFind(visit, context.req.param('id'), ports)
    await mayChange(visit, 'user.update', user, ports)
    const change = { user, type: userType, initiator: initiatorOf(visit), body: await bodyOf(visit.request) }
    return answerUser(visit, await changeUser(visit, change, ports))
  })

  app.delete('/Users/:id', async context => {
    const visit = await enter(context, 'delete')
    const user = await mustFind(visit, context.req.param('id'), ports)
    await mayChange(visit, 'user.delete', user, ports)
    checkVersion(visit.request, user)
    await inTransaction(db, async tx => {
      if (await isLastAdministrator(tx, user)) throw scimProblems.lastAdministrator()
      await deleteUser(tx, user.tenantId, user.id)
    })
    await audit(visit, { action: 'DELETE', user, changed: [] }, ports)
    return new Response(null, { status: 204 })
  })

  app.get('/Me', async context => {
    const visit = await enter(context, 'me')
    return answerUser(visit, await findSelf(visit, ports))
  })

  app.on(['PUT', 'PATCH'], '/Me', async context => {
    const visit = await enter(context, 'me')
    const user = await findSelf(visit, ports)
    const initiator = { type: 'USER', id: user.id } as const
    const change = { user, type: ownUserType, initiator, body: await bodyOf(visit.request) }
    return answerUser(visit, await changeUser(visit, change, ports))
  })
}

function addDescriptions(app: Hono<App>): void {
  app.get('/ServiceProviderConfig', ({ env }) => answer(200, describeService(locationOf(env))))
  app.get('/Schemas', ({ env }) => answer(200, describeSchemas(locationOf(env))))
  app.get('/Schemas/:id', ({ env, req }) => answer(200, describeOneSchema(req.param('id'), locationOf(env))))
  app.get('/ResourceTypes', ({ env }) => answer(200, describeTypes(locationOf(env))))
  app.get('/ResourceTypes/:id', ({ env, req }) => answer(200, describeOneType(req.param('id'), locationOf(env))))
}

async function register(visit: Visit, body: unknown, ports: ScimPorts): Promise<User> {
  const { profile, password } = readUser(body, userType)
  mustFit(profile)
  const registered = await registerUser(ports, {
    tenant: visit.tenant,
    organization: visit.organization,
    initiator: initiatorOf(visit),
    profile,
    ...present({ password }),
  })
  if (registered.status === 'user_name_taken') throw scimProblems.userNameTaken()
  if (registered.status === 'refused') {
    throw scimProblems.byAction(registered.problem, 'Error in adding the user', profile)
  }
  const { user } = registered
  await audit(visit, { action: 'ADD', user, changed: [...changedClaimsOf({}, user.document).keys()] }, ports)
  return user
}

async function list(visit: Visit, { db }: ScimPorts): Promise<Response> {
  const query = readQuery(visit.query)
  const { total, users } = await findUsers(db, visit.organization, query)
  return answer(200, {
    schemas: [LIST_RESPONSE],
    totalResults: total,
    startIndex: query.startIndex,
    itemsPerPage: users.length,
    Resources: users.map(user => select(toResource(user, visit.usersUrl), query.selection)),
  })
}

async function mustFind({ tenant, organization }: Visit, id: string, { db }: ScimPorts): Promise<User> {
  const user = id.includes('\0') ? undefined : await findUserById(db, tenant.id, id)
  if (user?.organizationId !== organization.id) throw scimProblems.notFound()
  return user
}

/**
 * The caller as a user. Applications and administrators of the first tenant have no account here, and an account of another
 * organization is looked after there: its own actions have a say in it, not those of the organization in the path.
 */
async function findSelf({ caller, organization, tenant }: Visit, { db }: ScimPorts): Promise<User> {
  const user = caller.userId === undefined ? undefined : await findUserById(db, tenant.id, caller.userId)
  if (user?.organizationId !== organization.id) throw scimProblems.notHere()
  return user
}

/** What a client wants of a user. */
interface Change {
  user: User
  /** The user as this client may change them. */
  type: ResourceType
  initiator: Initiator
  body: unknown
}

/** Replaces or patches, as the method says. */
async function changeUser(visit: Visit, { body, initiator, type, user }: Change, ports: ScimPorts): Promise<User> {
  checkVersion(visit.request, user)
  const isPatch = visit.request.method === 'PATCH'
  const { password, profile, statedFlags } = isPatch ? patchUser(body, type, user) : readUser(body, type, user)
  // A stolen token must not become the account: only the password proves the right to change it.
  if (password !== undefined && initiator.type === 'USER' && visit.caller.via === 'token') {
    throw scimProblems.passwordByToken()
  }
  mustFit(profile)
  const { tenant, organization } = visit
  const updated = await updateUser(ports, {
    ...{ tenant, organization, initiator, user, profile, statedFlags },
    ...present({ password }),
    action: 'UPDATE',
  })
  switch (updated.status) {
    case 'updated': {
      const changed = [...(password === undefined ? [] : ['password']), ...updated.changedClaims]
      await audit(visit, { action: 'UPDATE', user, changed }, ports)
      return updated.user
    }
    case 'refused':
      throw scimProblems.byAction(updated.problem, 'Error while updating attributes of user', user)
    case 'user_name_taken':
      throw scimProblems.userNameTaken()
    case 'last_administrator':
      throw scimProblems.lastAdministrator()
    case 'changed_meanwhile':
      throw scimProblems.changedMeanwhile()
    default:
      return updated satisfies never
  }
}

/** @param entry.changed Names of what changed, never values. */
function audit(
  { caller }: Visit,
  { action, changed, user }: { action: string; user: User; changed: string[] },
  ports: ScimPorts,
): Promise<void> {
  return auditUser(ports, user, { initiator: caller.id, action, details: changed.length > 0 ? { changed } : {} })
}

function locationOf({ origin, prefix }: Mounted): string {
  return `${origin}${prefix}${SCIM_BASE_PATH}`
}

function initiatorOf({ caller }: Visit): Initiator {
  return { type: caller.kind === 'user' ? 'ADMIN' : 'APPLICATION', id: caller.id }
}

/** A manager of users could otherwise take over the account of somebody who may do more, by setting its password. */
async function mayChange(
  { caller, organization }: Visit,
  operation: OperationName,
  user: User,
  { db }: ScimPorts,
): Promise<void> {
  mustBeAllowed(decide(caller, operation, organization, { reach: await reachOfUser(db, user) }))
}

function checkVersion(request: Request, user: User): void {
  const wanted = request.headers.get('if-match')
  if (wanted === null || wanted.trim() === '*' || namesVersion(wanted, user)) return
  throw scimProblems.otherVersion()
}

/** Whether a list of versions, as `If-Match` and `If-None-Match` have it, names that of the user. */
function namesVersion(versions: string, user: User): boolean {
  return versions.split(',').some(version => version.trim() === versionOf(user))
}

function answerUser(visit: Visit, user: User, status = 200): Response {
  const selection = readSelection(visit.query['attributes'], visit.query['excludedAttributes'], userType)
  const etag = versionOf(user)
  const known = visit.request.method === 'GET' ? visit.request.headers.get('if-none-match') : null
  if (known !== null && (known.trim() === '*' || namesVersion(known, user))) {
    return new Response(null, { status: 304, headers: { etag } })
  }
  return answer(status, select(toResource(user, visit.usersUrl), selection), {
    etag,
    ...present({ location: status === 201 ? `${visit.usersUrl}/${user.id}` : undefined }),
  })
}

function answer(status: number, body: object, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': `${MEDIA_TYPE};charset=utf-8`, 'cache-control': 'no-store', ...headers },
  })
}

function refuse(problem: Problem): Response {
  return answer(problem.status, describeProblem(problem), problem.headers)
}

function mustFit({ document }: Profile): void {
  if (!isDocumentShort(document)) throw scimProblems.tooLong()
}
