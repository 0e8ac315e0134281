import { present } from '@preflow/contract'
import { decide } from '../../domain/access/decide.ts'
import { inTurnOfAdministrators, isLastAdministrator } from '../../domain/access/last-administrator.ts'
import type { OperationName } from '../../domain/access/operations.ts'
import { reachOfUser } from '../../domain/access/reach.ts'
import { mustBeAllowed } from '../../domain/credentials/credential-problems.ts'
import { auditUser } from '../../domain/users/audit-user.ts'
import { registerUser } from '../../domain/users/register-user.ts'
import { updateUser } from '../../domain/users/update-user.ts'
import { type Initiator, isDocumentShort, type Profile } from '../../domain/users/user-change.ts'
import { changedClaimsOf } from '../../ground/claims/document-claims.ts'
import { type MountedApi, mountRoutes, type RoutedRequest } from '../../ground/http/mount.ts'
import { type Problem, problemOf } from '../../ground/problem.ts'
import type { User } from '../../ground/store/model.ts'
import { deleteUser, findUserById } from '../../ground/store/users.ts'
import type { ResourceType } from './attribute.ts'
import { createBulkHandler } from './bulk.ts'
import {
  describeOneSchema,
  describeOneType,
  describeProfile,
  describeSchemas,
  describeService,
  describeTypes,
} from './describe-service.ts'
import { findUsers, readQuery } from './find-users.ts'
import { groupHandlers } from './group-api.ts'
import { cursorAt, listResponse, positionOf } from './paging.ts'
import { roleHandlers } from './role-api.ts'
import { ownUserType, userType } from './schema.ts'
import { describeProblem, scimProblems } from './scim-problems.ts'
import { type GuardedScimRoute, type OpenScimRoute, SCIM_BASE_PATH, scimRouteList } from './scim-routes.ts'
import { select } from './select.ts'
import { patchUser, readUser, toResource, versionOf } from './user-resource.ts'
import {
  answer,
  answerResource,
  checkVersion,
  createEntrance,
  type Handler,
  inWantedType,
  locationOf,
  readSearch,
  type ScimPorts,
  type ScimSettings,
  type Visit,
  wantsPlainJson,
} from './visit.ts'

/**
 * Creates the SCIM 2.0 API from its table of routes: create, read, filter, replace, patch and delete users, groups and roles, and
 * `/Me` for the caller's own account.
 *
 * @see RFC 7643, RFC 7644.
 */
export function createScimApi(ports: ScimPorts, settings: ScimSettings = {}): MountedApi {
  const enter = createEntrance(ports, settings)
  const guarded: Record<GuardedScimRoute, Handler> = {
    ...userHandlers(ports),
    ...ownHandlers(ports),
    ...groupHandlers(ports),
    ...roleHandlers(ports),
    'POST /Bulk': createBulkHandler((request, visit) => api.fetch(request, visit)),
  }
  const api = mountRoutes(SCIM_BASE_PATH, scimRouteList, {
    async answer(route, routed) {
      return 'permission' in route.access
        ? guarded[route.name as GuardedScimRoute](await enter({ ...route, access: route.access }, routed))
        : describe(route.name as OpenScimRoute, routed)
    },
    noSuchPath: scimProblems.noSuchEndpoint,
    wrongMethod: scimProblems.methodNotAllowed,
    refuse(error) {
      const defect = { line: 'a SCIM request failed', problem: scimProblems.unexpected }
      return refuse(problemOf(error, ports, defect).problem)
    },
  })
  return { fetch: async (request, mounted) => inWantedType(request, await api.fetch(request, mounted)) }
}

function describe(name: OpenScimRoute, { mounted, params, request }: RoutedRequest): Response {
  if (name === 'GET /Schemas' && wantsPlainJson(request)) return answer(200, describeProfile())
  return descriptions[name](locationOf(mounted), params)
}

function userHandlers(ports: ScimPorts) {
  const search: Handler = async visit => list({ ...visit, query: await readSearch(visit) }, ports)
  const change: Handler = async visit => {
    const user = await mustFind(visit, ports)
    await mayChange(visit, 'user.update', user, ports)
    const wanted = { user, type: userType, initiator: initiatorOf(visit), body: await visit.readBody() }
    return answerUser(visit, await changeUser(visit, wanted, ports))
  }
  return {
    'POST /Users': async visit => answerUser(visit, await register(visit, await visit.readBody(), ports), 201),
    'GET /Users': visit => list(visit, ports),
    'POST /Users/.search': search,
    'POST /.search': search,
    'GET /Users/{id}': async visit => answerUser(visit, await mustFind(visit, ports)),
    'PUT /Users/{id}': change,
    'PATCH /Users/{id}': change,
    'DELETE /Users/{id}': visit => remove(visit, ports),
  } satisfies Partial<Record<GuardedScimRoute, Handler>>
}

function ownHandlers(ports: ScimPorts) {
  const change: Handler = async visit => {
    const user = await findSelf(visit, ports)
    const initiator = { type: 'USER', id: user.id } as const
    const wanted = { user, type: ownUserType, initiator, body: await visit.readBody() }
    return answerUser(visit, await changeUser(visit, wanted, ports))
  }
  return {
    'GET /Me': async visit => answerUser(visit, await findSelf(visit, ports)),
    'PUT /Me': change,
    'PATCH /Me': change,
  } satisfies Partial<Record<GuardedScimRoute, Handler>>
}

const descriptions: Record<OpenScimRoute, (location: string, params: Record<string, string>) => Response> = {
  'GET /ServiceProviderConfig': location => answer(200, describeService(location)),
  'GET /Schemas': location => answer(200, describeSchemas(location)),
  'GET /Schemas/{id}': (location, { id = '' }) => answer(200, describeOneSchema(id, location)),
  'GET /ResourceTypes': location => answer(200, describeTypes(location)),
  'GET /ResourceTypes/{id}': (location, { id = '' }) => answer(200, describeOneType(id, location)),
}

async function remove(visit: Visit, ports: ScimPorts): Promise<Response> {
  const user = await mustFind(visit, ports)
  await mayChange(visit, 'user.delete', user, ports)
  checkVersion(visit.request, versionOf(user))
  await inTurnOfAdministrators(ports.db, user.tenantId, async tx => {
    if (await isLastAdministrator(tx, user)) throw scimProblems.lastAdministrator()
    await deleteUser(tx, user.tenantId, user.id)
  })
  await audit(visit, { action: 'DELETE', user, changed: [] }, ports)
  return new Response(null, { status: 204 })
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
  if (registered.status === 'password_broke_rule') throw scimProblems.invalidValue(registered.sentence)
  if (registered.status === 'refused') {
    throw scimProblems.byAction(registered.problem, 'Error in adding the user', profile)
  }
  const { user } = registered
  await audit(visit, { action: 'ADD', user, changed: [...changedClaimsOf({}, user.document).keys()] }, ports)
  return user
}

async function list(visit: Visit, { db }: ScimPorts): Promise<Response> {
  const query = readQuery(visit.query)
  const { organization } = visit
  const scope = { organizationId: organization.id, query: visit.query }
  const { next, total, users } = await findUsers(db, organization, query, positionOf(query.page, db.seal, scope))
  const resources = users.map(user => select(toResource(user, visit.location), query.selection))
  const nextCursor = next && cursorAt(next, db.seal, scope)
  return answer(200, listResponse(query.page, { total, resources, ...present({ nextCursor }) }))
}

async function mustFind({ organization, params, tenant }: Visit, { db }: ScimPorts): Promise<User> {
  const { id = '' } = params
  const user = id.includes('\0') ? undefined : await findUserById(db, tenant.id, id)
  if (user?.organizationId !== organization.id) throw scimProblems.notFound()
  return user
}

/**
 * Finds the caller's user. Applications and administrators of the first tenant have no account here. An account of another
 * organization is managed there, because that organization's actions decide about it.
 */
async function findSelf({ caller, organization, tenant }: Visit, { db }: ScimPorts): Promise<User> {
  const user = caller.userId === undefined ? undefined : await findUserById(db, tenant.id, caller.userId)
  if (user?.organizationId !== organization.id) throw scimProblems.notHere()
  return user
}

/** A change that a client requests. */
interface Change {
  user: User
  /** The user type with what this client may change. */
  type: ResourceType
  initiator: Initiator
  body: unknown
}

/** Replaces or patches a user, depending on the method. */
async function changeUser(visit: Visit, { body, initiator, type, user }: Change, ports: ScimPorts): Promise<User> {
  checkVersion(visit.request, versionOf(user))
  const isPatch = visit.request.method === 'PATCH'
  const { password, profile, statedFlags } = isPatch ? patchUser(body, type, user) : readUser(body, type, user)
  // A stolen token must not take over the account. Only the current password proves the right to change it.
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
    case 'password_broke_rule':
      throw scimProblems.invalidValue(updated.sentence)
    case 'last_administrator':
      throw scimProblems.lastAdministrator()
    case 'changed_meanwhile':
      throw scimProblems.changedMeanwhile()
    default:
      return updated satisfies never
  }
}

/** @param entry.changed Names of the changed attributes, never values. */
function audit(
  { caller }: Visit,
  { action, changed, user }: { action: string; user: User; changed: string[] },
  ports: ScimPorts,
): Promise<void> {
  return auditUser(ports, user, { initiator: caller.id, action, details: changed.length > 0 ? { changed } : {} })
}

function initiatorOf({ caller }: Visit): Initiator {
  return { type: caller.kind === 'user' ? 'ADMIN' : 'APPLICATION', id: caller.id }
}

/** Without this check a user manager could set the password of a user with more rights and take over the account. */
async function mayChange(
  { caller, organization }: Visit,
  operation: OperationName,
  user: User,
  { db }: ScimPorts,
): Promise<void> {
  mustBeAllowed(decide(caller, operation, organization, { reach: await reachOfUser(db, user) }))
}

function answerUser(visit: Visit, user: User, status?: number): Response {
  const { location } = visit
  const shown = {
    resource: toResource(user, location),
    type: userType,
    version: versionOf(user),
    url: `${location}/Users/${user.id}`,
  }
  return answerResource(visit, shown, status)
}

function refuse(problem: Problem): Response {
  return answer(problem.status, describeProblem(problem), problem.headers)
}

function mustFit({ document }: Profile): void {
  if (!isDocumentShort(document)) throw scimProblems.tooLong()
}
