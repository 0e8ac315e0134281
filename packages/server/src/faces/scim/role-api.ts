/** The routes of roles: version 2, and version 3, in which users and groups have their own paths. */
import { present } from '@preflow/contract'
import { changeRole, createRole, deleteRole, isRoleOf, permissionsShown } from '../../domain/access/change-role.ts'
import { decide } from '../../domain/access/decide.ts'
import { idsAdded } from '../../domain/access/member-changes.ts'
import type { OperationName } from '../../domain/access/operations.ts'
import { EVERY_PERMISSION, reachOfRoles } from '../../domain/access/reach.ts'
import { mustBeAllowed } from '../../domain/credentials/credential-problems.ts'
import type { RouteName } from '../../ground/http/mount.ts'
import { findScopes } from '../../ground/store/api-resources.ts'
import { listApplications } from '../../ground/store/applications.ts'
import { listMembers } from '../../ground/store/memberships.ts'
import type { Role } from '../../ground/store/model.ts'
import { findRole, listRoles } from '../../ground/store/roles.ts'
import { type Filter, matches, parseFilter } from './filter.ts'
import { cursorAt, listResponse, positionOf, readPage } from './paging.ts'
import { findPath, readPath } from './path.ts'
import { isAbsent } from './read-value.ts'
import { patchRole, readRole, toRoleResource, type WantedByClient, type WholeRole } from './role-resource.ts'
import { ON_REQUEST, PARTS, type Part, roleType } from './role-schema.ts'
import { scimProblems } from './scim-problems.ts'
import type { GuardedScimRoute } from './scim-routes.ts'
import { readSelection, type Selection, select } from './select.ts'
import { isObject, versionOf } from './user-resource.ts'
import { answer, answerResource, checkVersion, type Handler, readSearch, type ScimPorts, type Visit } from './visit.ts'

type Version = 'v2' | 'v3'

/** The lists that each version of the API reads in the role itself, and its operations. */
const VERSIONS = {
  v2: { parts: PARTS, create: 'role.create', update: 'role.update' },
  v3: { parts: ['permissions'], create: 'role.create-meta', update: 'role.update-meta' },
} as const satisfies Record<Version, { parts: readonly Part[]; create: OperationName; update: OperationName }>

/** The operations that changing a list in version 2 requires, in addition to changing the role. */
const SET: Record<Part, OperationName> = {
  permissions: 'role.set-permissions',
  users: 'role.set-users',
  groups: 'role.set-groups',
}

export function roleHandlers(ports: ScimPorts) {
  return {
    ...handlersOf('v2', ports),
    ...handlersOf('v3', ports),
    'PUT /v3/Roles/{id}/Users': replaceMembers('users', ports),
    'PATCH /v3/Roles/{id}/Users': patchMembers('users', ports),
    'PUT /v3/Roles/{id}/Groups': replaceMembers('groups', ports),
    'PATCH /v3/Roles/{id}/Groups': patchMembers('groups', ports),
  } satisfies Partial<Record<GuardedScimRoute, Handler>>
}

type RouteOf<V extends Version, Route = GuardedScimRoute> = Route extends `${string} /${V}/Roles${infer Rest}`
  ? Rest extends `/{id}/${string}`
    ? never
    : Route
  : never

function handlersOf<V extends Version>(version: V, ports: ScimPorts) {
  const { create, parts, update } = VERSIONS[version]
  const change: Handler = async visit => {
    const role = await mustFind(visit, ports)
    const body = await visit.readBody()
    const isPatch = visit.request.method === 'PATCH'
    const wanted = isPatch ? patchRole(body, role, parts) : readRole(body, visit.organization, parts, role)
    const touched = isPatch ? wanted.parts : new Set([...wanted.parts, ...(await partsHeld(role, parts, ports))])
    return changed(visit, { role, wanted }, [update, ...operationsFor(version, touched)], ports)
  }
  const handlers: Record<RouteName, Handler> = {
    async [`POST /${version}/Roles` as const](visit: Visit) {
      const wanted = readRole(await visit.readBody(), visit.organization, parts)
      const { audience, name } = wanted
      const role = { ...NOTHING, tenantId: visit.tenant.id, audience, name, permissions: givenBy(wanted) }
      for (const operation of [create, ...operationsFor(version, wanted.parts)]) mayDo(visit, operation, [role])
      const made = await createRole(ports, wanted, { organization: visit.organization, initiator: visit.caller.id })
      return answerRole(visit, made, ports, 201)
    },
    [`GET /${version}/Roles` as const]: (visit: Visit) => list(visit, ports),
    [`POST /${version}/Roles/.search` as const]: async (visit: Visit) =>
      list({ ...visit, query: await readSearch(visit) }, ports),
    [`GET /${version}/Roles/{id}` as const]: async (visit: Visit) =>
      answerRole(visit, await mustFind(visit, ports), ports),
    [`PUT /${version}/Roles/{id}` as const]: change,
    [`PATCH /${version}/Roles/{id}` as const]: change,
    async [`DELETE /${version}/Roles/{id}` as const](visit: Visit) {
      const role = await mustFind(visit, ports)
      mayDo(visit, 'role.delete', [role])
      checkVersion(visit.request, versionOf(role))
      await deleteRole(ports, role, visit.caller.id)
      return new Response(null, { status: 204 })
    },
  }
  return handlers as Record<RouteOf<V>, Handler>
}

const NOTHING = { id: '', createdAt: 0, updatedAt: 0 }

/** In version 3 the permissions of a role are part of it. */
function operationsFor(version: Version, parts: ReadonlySet<Part>): OperationName[] {
  return version === 'v3' ? [] : [...parts].map(part => SET[part])
}

/** Replaces the members with a plain list. */
function replaceMembers(part: 'users' | 'groups', ports: ScimPorts): Handler {
  return async visit => {
    const role = await mustFind(visit, ports)
    const body = await visit.readBody()
    if (!Array.isArray(body)) throw scimProblems.invalidSyntax(`The body must be a list of ${part}, each with a value.`)
    const { [part]: changes } = readRole({ displayName: role.name, [part]: body }, visit.organization, [part], role)
    const wanted = { ...unchanged(role), [part]: changes }
    return changed(visit, { role, wanted }, [SET[part]], ports)
  }
}

/** Patches the members. The path may omit the name of the list, as in `value eq "…"`, or be absent. */
function patchMembers(part: 'users' | 'groups', ports: ScimPorts): Handler {
  return async visit => {
    const role = await mustFind(visit, ports)
    const wanted = patchRole(completed(await visit.readBody(), part), role, [part])
    return changed(visit, { role, wanted: { ...unchanged(role), [part]: wanted[part] } }, [SET[part]], ports)
  }
}

function unchanged({ name }: Role): WantedByClient {
  return { name, permissions: [], users: [], groups: [], parts: new Set() }
}

function completed(message: unknown, part: 'users' | 'groups'): unknown {
  if (!isObject(message)) return message
  return Object.fromEntries(
    Object.entries(message).map(([name, operations]) => [
      name,
      name.toLowerCase() === 'operations' && Array.isArray(operations)
        ? operations.map(operation => withPath(operation, part))
        : operations,
    ]),
  )
}

function withPath(operation: unknown, part: 'users' | 'groups'): unknown {
  if (!isObject(operation)) return operation
  const { path, value } = operation
  if (isAbsent(path)) return Array.isArray(value) || isAbsent(value) ? { ...operation, path: part } : operation
  const isWhole = new RegExp(`^${part}(\\[|$)`, 'i').test(String(path))
  return isWhole ? operation : { ...operation, path: `${part}[${String(path)}]` }
}

/** Changes a role, if the caller may manage it both before and after the change. */
async function changed(
  visit: Visit,
  { role, wanted }: { role: Role; wanted: WantedByClient },
  operations: readonly OperationName[],
  ports: ScimPorts,
): Promise<Response> {
  for (const operation of operations) mayDo(visit, operation, [role, { ...role, permissions: givenBy(wanted) }])
  checkVersion(visit.request, versionOf(role))
  const isConditional = visit.request.headers.has('if-match')
  const after = await changeRole(ports, role, wanted, {
    ...{ organization: visit.organization, initiator: visit.caller.id },
    ...present({ readAt: isConditional ? role.updatedAt : undefined }),
  })
  return answerRole(visit, after, ports)
}

/** The permissions that a change may give. Unknown ones are refused later, as a bad request. */
function givenBy({ permissions }: WantedByClient): string[] {
  return idsAdded(permissions).filter(name => EVERY_PERMISSION.has(name))
}

function mayDo({ caller, organization }: Visit, operation: OperationName, roles: readonly Role[]): void {
  mustBeAllowed(decide(caller, operation, organization, { reach: reachOfRoles(roles) }))
}

/** Finds the role, with the permissions for the response. */
async function mustFind({ organization, params, tenant }: Visit, { db }: ScimPorts): Promise<Role> {
  const { id = '' } = params
  const role = id.includes('\0') ? undefined : await findRole(db, tenant.id, id)
  if (!role || !isRoleOf(role, organization)) throw scimProblems.notFound()
  return { ...role, permissions: [...permissionsShown(role, organization)] }
}

/** The lists of a role that are not empty. */
async function partsHeld(role: Role, parts: readonly Part[], { db }: ScimPorts): Promise<Part[]> {
  const held: Part[] = role.permissions.length > 0 && !role.kind ? ['permissions'] : []
  if ((await listMembers(db, 'users of a role', role.id)).length > 0) held.push('users')
  if ((await listMembers(db, 'groups of a role', role.id)).length > 0) held.push('groups')
  return held.filter(part => parts.includes(part))
}

async function list(visit: Visit, { db }: ScimPorts): Promise<Response> {
  const { organization, query, tenant } = visit
  const page = readPage(query)
  const scope = { organizationId: organization.id, query }
  const position = positionOf(page, db.seal, scope)
  const start = 'offset' in position ? position.offset : 0
  const filter = query['filter'] ? parseFilter(String(query['filter']), roleType) : undefined
  const selection = readSelection(query['attributes'], query['excludedAttributes'], roleType)
  const place = { organizationId: organization.id, applications: organization.depth === 0 }
  const withMembers = namesOf(selection, filter).some(name => name === 'users' || name === 'groups')
  const roles = await wholeRoles(visit, await listRoles(db, tenant.id, place), withMembers, db)
  const resources = roles
    .map(role => toRoleResource(role, visit.location, rolesUrlOf(visit)))
    .filter(resource => !filter || matches(filter, resource))
  sort(resources, query)
  const end = start + page.count
  const shown = resources.slice(start, end).map(resource => select(withoutLists(resource, selection), selection))
  const nextCursor = shown.length > 0 && end < resources.length ? cursorAt({ offset: end }, db.seal, scope) : undefined
  return answer(200, listResponse(page, { total: resources.length, resources: shown, ...present({ nextCursor }) }))
}

/** Sorts the resources. The reference spells the parameter `sortOder`. */
function sort(resources: Record<string, unknown>[], { sortBy, sortOder, sortOrder = sortOder }: Visit['query']): void {
  if (isAbsent(sortBy)) return
  const path = findPath(roleType, String(sortBy))
  if (!path?.attribute || (path.attribute.subAttributes && !path.sub) || path.attribute.multiValued) {
    throw scimProblems.invalidValue('sortBy must name one attribute with one value, for example displayName.')
  }
  const key = (resource: Record<string, unknown>) => String(readPath(resource, path) ?? '').toLowerCase()
  const sign = String(sortOrder).toLowerCase() === 'descending' ? -1 : 1
  resources.sort((one, other) => (key(one) < key(other) ? -sign : key(one) > key(other) ? sign : 0))
}

/** A list of roles contains their lists only if the client selects them. */
function withoutLists(resource: Record<string, unknown>, { attributes }: Selection): Record<string, unknown> {
  if (attributes) return resource
  return Object.fromEntries(Object.entries(resource).filter(([name]) => !ON_REQUEST.includes(name)))
}

/** The attributes that a client selects or filters by. */
function namesOf({ attributes = [] }: Selection, filter: Filter | undefined): (string | undefined)[] {
  const ofFilter = (part: Filter): (string | undefined)[] => {
    if ('parts' in part) return part.parts.flatMap(ofFilter)
    return part.kind === 'not' ? ofFilter(part.part) : [part.path.attribute?.name]
  }
  return [...attributes.map(({ attribute }) => attribute?.name), ...(filter ? ofFilter(filter) : [])]
}

/** Adds the members and audiences of roles. */
async function wholeRoles(
  { organization, tenant }: Visit,
  given: readonly Role[],
  withMembers: boolean,
  db: ScimPorts['db'],
): Promise<WholeRole[]> {
  const roles = given.map(role => ({ ...role, permissions: [...permissionsShown(role, organization)] }))
  const scopes = await findScopes(db, tenant.id, [...new Set(roles.flatMap(({ permissions }) => permissions))])
  const displayNames = new Map(scopes.map(({ displayName, name }) => [name, displayName]))
  const hasApplications = roles.some(({ audience }) => audience.type === 'application')
  const applications = hasApplications ? await listApplications(db, tenant.id) : []
  const audiences = new Map([organization, ...applications].map(({ id, name }) => [id, name]))
  const whole: WholeRole[] = []
  for (const role of roles) {
    whole.push({
      ...role,
      ...present({ audienceName: audiences.get(role.audience.id) }),
      shown: role.permissions.map(name => ({ name, displayName: displayNames.get(name) ?? name })),
      ...(withMembers && {
        users: await listMembers(db, 'users of a role', role.id),
        groups: await listMembers(db, 'groups of a role', role.id),
      }),
    })
  }
  return whole
}

function rolesUrlOf({ location, request }: Visit): string {
  const isV3 = new URL(request.url).pathname.includes('/v3/Roles')
  return `${location}/${isV3 ? 'v3' : 'v2'}/Roles`
}

async function answerRole(visit: Visit, role: Role, { db }: ScimPorts, status = 200): Promise<Response> {
  const [whole] = await wholeRoles(visit, [role], true, db)
  if (!whole) throw scimProblems.notFound()
  const rolesUrl = rolesUrlOf(visit)
  const resource = toRoleResource(whole, visit.location, rolesUrl)
  const selection = readSelection(visit.query['attributes'], undefined, roleType)
  const shown = {
    // As in the reference: a new role is returned without its lists, unless the client selects them.
    resource: status === 201 ? withoutLists(resource, selection) : resource,
    type: roleType,
    version: versionOf(role),
    url: `${rolesUrl}/${role.id}`,
  }
  return answerResource(visit, shown, status)
}
