import { present } from '@preflow/contract'
import { Hono } from 'hono'
import { Messages } from 'scimmy'
import { decide } from '../../domain/access/decide.ts'
import type { OperationName } from '../../domain/access/operations.ts'
import { reachOfUser } from '../../domain/access/reach.ts'
import { type Caller, createAuthenticate, type VerifyAccessToken } from '../../domain/credentials/authenticate.ts'
import { mustBeAllowed, mustHold } from '../../domain/credentials/credential-problems.ts'
import { SCIM_USER_SCOPES } from '../../domain/tenants/api-scopes.ts'
import { auditUser } from '../../domain/users/audit-user.ts'
import { isLastAdministrator } from '../../domain/users/last-administrator.ts'
import { changesOf } from '../../domain/users/profile-event.ts'
import { registerUser } from '../../domain/users/register-user.ts'
import { updateUser } from '../../domain/users/update-user.ts'
import { areClaimsShort, type Initiator, type Profile, type UserPorts } from '../../domain/users/user-change.ts'
import { CORE_USER, ENTERPRISE_USER, WSO2_USER } from '../../ground/claims/local-claims.ts'
import type { Mounted } from '../../ground/http/mounted.ts'
import { readJson } from '../../ground/http/read-json.ts'
import type { Log } from '../../ground/observe/log.ts'
import { type Problem, problemOf } from '../../ground/problem.ts'
import { inTransaction } from '../../ground/store/database.ts'
import type { User } from '../../ground/store/model.ts'
import { deleteUser, findUserById } from '../../ground/store/users.ts'
import { findUsers, MAX_RESULTS, readQuery } from './find-users.ts'
import { schemas } from './schema.ts'
import { describeProblem, scimProblems } from './scim-problems.ts'
import { patchUser, readUser, toResource, versionOf, type WantedUser } from './user-resource.ts'

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
const RESOURCE_TYPE_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:ResourceType'

type App = { Bindings: Mounted }

/** A request in whose name it is known. */
interface Visit extends Mounted {
  request: Request
  caller: Caller
  /** Where the users are, as the client reached them. */
  usersUrl: string
}

/**
 * Makes the SCIM 2.0 API for users: create, read, filter, replace, patch and delete, and `/Me` for one's own account.
 *
 * scimmy coerces, patches and parses filters; its resource classes are not used, because they are global to the process and
 * turn every fault of a handler into 404.
 *
 * @see RFC 7643, RFC 7644.
 */
export function createScimApi(ports: ScimPorts, settings: ScimSettings = {}): ScimApi {
  const { db } = ports
  const { maxBodyBytes = 1_048_576 } = settings
  const authenticate = createAuthenticate(db, ports.verifyAccessToken)

  const app = new Hono<App>({ strict: false }).basePath(SCIM_BASE_PATH)

  app.post('/Users', async context => {
    const visit = await enter(context.req.raw, context.env, 'create')
    const { profile, password } = readUser(await bodyOf(visit.request))
    mustFit(profile)
    const registered = await registerUser(ports, {
      ...changeOf(visit),
      profile,
      ...present({ password }),
    })
    if (registered.status === 'user_name_taken') throw scimProblems.userNameTaken()
    if (registered.status === 'refused')
      throw scimProblems.byAction(registered.problem, 'Error in adding the user', profile)
    const { user } = registered
    await audit(visit, 'ADD', user, changesOf({}, user.claims))
    return answerUser(visit, user, context.req.query(), 201)
  })

  app.get('/Users', async context => {
    const visit = await enter(context.req.raw, context.env, 'list')
    const query = readQuery(context.req.query())
    const { total, users } = await findUsers(db, visit.organization, query)
    return answer(200, {
      schemas: [Messages.ListResponse.id],
      totalResults: total,
      startIndex: query.startIndex,
      itemsPerPage: users.length,
      Resources: users.map(user => toResource(user, visit.usersUrl, query.attributes)),
    })
  })

  app.get('/Users/:id', async context => {
    const visit = await enter(context.req.raw, context.env, 'view')
    return answerUser(visit, await mustFind(visit, context.req.param('id')), context.req.query())
  })

  app.on(['PUT', 'PATCH'], '/Users/:id', async context => {
    const visit = await enter(context.req.raw, context.env, 'update')
    const user = await mustFind(visit, context.req.param('id'))
    await mayChange(visit, 'user.update', user)
    return answerUser(visit, await change(visit, user, initiatorOf(visit)), context.req.query())
  })

  app.delete('/Users/:id', async context => {
    const visit = await enter(context.req.raw, context.env, 'delete')
    const user = await mustFind(visit, context.req.param('id'))
    await mayChange(visit, 'user.delete', user)
    checkVersion(visit.request, user)
    await inTransaction(db, async tx => {
      if (await isLastAdministrator(tx, user)) throw scimProblems.lastAdministrator()
      await deleteUser(tx, user.tenantId, user.id)
    })
    await audit(visit, 'DELETE', user, [])
    return new Response(null, { status: 204 })
  })

  app.get('/Me', async context => {
    const visit = await enter(context.req.raw, context.env, 'me')
    return answerUser(visit, await self(visit), context.req.query())
  })

  app.on(['PUT', 'PATCH'], '/Me', async context => {
    const visit = await enter(context.req.raw, context.env, 'me')
    const user = await self(visit)
    return answerUser(visit, await change(visit, user, { type: 'USER', id: user.id }), context.req.query())
  })

  app.get('/ServiceProviderConfig', context => answer(200, describeService(locationOf(context.env))))
  app.get('/Schemas', context => {
    const at = `${locationOf(context.env)}/Schemas`
    return answer(200, listOf([...schemas.values()].map(schema => schema.describe(at))))
  })
  app.get('/Schemas/:id', context => {
    const schema = schemas.get(context.req.param('id'))
    if (!schema) throw scimProblems.notFound()
    return answer(200, schema.describe(`${locationOf(context.env)}/Schemas`))
  })
  app.get('/ResourceTypes', context => answer(200, listOf([describeUserType(locationOf(context.env))])))
  app.get('/ResourceTypes/User', context => answer(200, describeUserType(locationOf(context.env))))

  app.notFound(() => {
    throw scimProblems.noSuchEndpoint()
  })
  app.onError(error => {
    const defect = { line: 'a SCIM request failed', problem: scimProblems.unexpected }
    return refuse(problemOf(error, ports, defect).problem)
  })

  async function enter(request: Request, mounted: Mounted, right: keyof typeof SCIM_USER_SCOPES): Promise<Visit> {
    const caller = await authenticate(request, mounted)
    const scope = SCIM_USER_SCOPES[right]
    mustHold(caller, scope, mounted.organization)
    return { ...mounted, request, caller, usersUrl: `${locationOf(mounted)}/Users` }
  }

  async function bodyOf(request: Request): Promise<unknown> {
    const read = await readJson(request, maxBodyBytes, MEDIA_TYPES)
    if (!read) throw scimProblems.invalidSyntax('The body is not JSON in UTF-8.')
    return read.value
  }

  async function mustFind({ tenant, organization }: Visit, id: string): Promise<User> {
    const user = id.includes('\0') ? undefined : await findUserById(db, tenant.id, id)
    if (user?.organizationId !== organization.id) throw scimProblems.notFound()
    return user
  }

  /**
   * The caller as a user. Applications and administrators of the first tenant have no account here, and an account of another
   * organization is looked after there: its own actions have a say in it, not those of the organization in the path.
   */
  async function self({ caller, organization, tenant }: Visit): Promise<User> {
    const user = caller.userId === undefined ? undefined : await findUserById(db, tenant.id, caller.userId)
    if (user?.organizationId !== organization.id) {
      throw scimProblems.notHere()
    }
    return user
  }

  /** A manager of users could otherwise take over the account of somebody who may do more, by setting its password. */
  async function mayChange({ caller, organization }: Visit, operation: OperationName, user: User): Promise<void> {
    mustBeAllowed(decide(caller, operation, organization, { reach: await reachOfUser(db, user) }))
  }

  /** Replaces or patches, as the method says. */
  async function change(visit: Visit, user: User, initiator: Initiator): Promise<User> {
    const body = await bodyOf(visit.request)
    checkVersion(visit.request, user)
    const isPatch = visit.request.method === 'PATCH'
    if (isPatch && removesPassword(body)) throw scimProblems.passwordStays()
    const { password, profile }: WantedUser = isPatch ? await patchUser(body, user) : readUser(body, user)
    mustFit(profile)
    const updated = await updateUser(ports, {
      ...changeOf(visit),
      initiator,
      user,
      profile,
      ...present({ password }),
      action: 'UPDATE',
    })
    switch (updated.status) {
      case 'updated':
        await audit(visit, 'UPDATE', user, [...(password === undefined ? [] : ['password']), ...updated.changedClaims])
        return updated.user
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

  /** @param changed Names of what changed, never values. */
  function audit({ caller }: Visit, action: string, user: User, changed: string[]): Promise<void> {
    return auditUser(ports, user, { initiator: caller.id, action, details: changed.length > 0 ? { changed } : {} })
  }

  return { fetch: async (request, mounted) => app.fetch(request, mounted) }
}

function locationOf({ origin, prefix }: Mounted): string {
  return `${origin}${prefix}${SCIM_BASE_PATH}`
}

function changeOf(visit: Visit) {
  const { tenant, organization } = visit
  return { tenant, organization, initiator: initiatorOf(visit) }
}

function initiatorOf({ caller }: Visit): Initiator {
  return { type: caller.kind === 'user' ? 'ADMIN' : 'APPLICATION', id: caller.id }
}

function checkVersion(request: Request, user: User): void {
  const wanted = request.headers.get('if-match')
  if (wanted === null || wanted.trim() === '*') return
  if (wanted.split(',').some(version => version.trim() === versionOf(user))) return
  throw scimProblems.otherVersion()
}

function answerUser(visit: Visit, user: User, query: Record<string, string>, status = 200): Response {
  const { attributes } = readQuery(query)
  return answer(status, toResource(user, visit.usersUrl, attributes), {
    etag: versionOf(user),
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

/**
 * Whether a PatchOp message takes the password away. What is patched never shows it, so that would be answered as done while the
 * old one still opens the account.
 */
function removesPassword(message: unknown): boolean {
  const { Operations } = (message ?? {}) as { Operations?: unknown }
  return Array.isArray(Operations) && Operations.some(takesPasswordAway)
}

function takesPasswordAway(operation: unknown): boolean {
  const { op, path, value } = (operation ?? {}) as { op?: unknown; path?: unknown; value?: unknown }
  if (path === 'password') return String(op).toLowerCase() === 'remove' || (value ?? null) === null
  return path === undefined && (value as { password?: unknown } | null | undefined)?.password === null
}

function mustFit({ claims }: Profile): void {
  if (areClaimsShort(claims)) return
  throw scimProblems.tooLong()
}

function listOf(resources: object[]): object {
  return {
    schemas: [Messages.ListResponse.id],
    totalResults: resources.length,
    startIndex: 1,
    itemsPerPage: resources.length,
    Resources: resources,
  }
}

function describeUserType(location: string): object {
  return {
    schemas: [RESOURCE_TYPE_SCHEMA],
    id: 'User',
    name: 'User',
    endpoint: '/Users',
    description: 'User Account',
    schema: CORE_USER,
    schemaExtensions: [ENTERPRISE_USER, WSO2_USER].map(schema => ({ schema, required: false })),
    meta: { resourceType: 'ResourceType', location: `${location}/ResourceTypes/User` },
  }
}

function describeService(location: string): object {
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
    patch: { supported: true },
    bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
    filter: { supported: true, maxResults: MAX_RESULTS },
    changePassword: { supported: true },
    sort: { supported: false },
    etag: { supported: true },
    authenticationSchemes: [
      {
        type: 'oauthbearertoken',
        name: 'OAuth Bearer Token',
        description: 'An access token with the scope of the operation',
      },
      { type: 'httpbasic', name: 'HTTP Basic', description: 'User name and password' },
    ],
    meta: { resourceType: 'ServiceProviderConfig', location: `${location}/ServiceProviderConfig` },
  }
}
