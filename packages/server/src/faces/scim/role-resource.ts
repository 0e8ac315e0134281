/** Converts roles to SCIM resources, and the requests of clients to roles. */
import { present } from '@preflow/contract'
import type { WantedRole } from '../../domain/access/change-role.ts'
import type { MemberChange } from '../../domain/access/member-changes.ts'
import type { Member } from '../../ground/store/memberships.ts'
import type { Organization, Role } from '../../ground/store/model.ts'
import { type Attribute, findAttribute } from './attribute.ts'
import { applyStep, readSteps, type Step } from './patch.ts'
import { isAbsent, type Json } from './read-value.ts'
import { changeOf, readIds } from './reference-lists.ts'
import { PARTS, type Part, roleType } from './role-schema.ts'
import { scimProblems } from './scim-problems.ts'
import { givenIn, isObject, readAttributes, versionOf } from './user-resource.ts'

/** A role with its members and its audience. */
export interface WholeRole extends Role {
  /** The name of the organization or application. */
  audienceName?: string
  /** The scopes that it gives in the organization of the request, with their display names. */
  shown: readonly { name: string; displayName: string }[]
  /** Absent: the client does not select them. */
  users?: readonly Member[]
  groups?: readonly Member[]
}

/** A role as a client requests it, and the lists in the request. */
export interface WantedByClient extends WantedRole {
  parts: ReadonlySet<Part>
}

/**
 * @param location The URL of the API, without a slash at the end.
 * @param rolesUrl The URL of the roles, below v2 or v3.
 */
export function toRoleResource(role: WholeRole, location: string, rolesUrl: string): Json {
  const { audience, audienceName, createdAt, groups, id, name, shown, updatedAt, users } = role
  const references = (members: readonly Member[] | undefined, kind: string) =>
    members?.map(member => ({ value: member.id, display: member.name, $ref: `${location}/${kind}/${member.id}` }))
  return {
    schemas: [roleType.core.id],
    id,
    displayName: name,
    audience: { value: audience.id, ...present({ display: audienceName }), type: audience.type },
    permissions: shown.map(permission => ({ value: permission.name, display: permission.displayName })),
    ...present({
      users: references(users, 'Users'),
      groups: references(groups, 'Groups'),
      associatedApplications:
        audience.type === 'application' ? [{ value: audience.id, ...present({ display: audienceName }) }] : undefined,
    }),
    meta: {
      resourceType: roleType.name,
      created: new Date(createdAt).toISOString(),
      lastModified: new Date(updatedAt).toISOString(),
      location: `${rolesUrl}/${id}`,
      version: versionOf(role),
    },
  }
}

const LISTS = new Map(PARTS.map(part => [part, findAttribute(roleType.core.attributes, part) as Attribute]))
const NAMED = [...roleType.common, ...roleType.core.attributes].filter(({ name }) => !LISTS.has(name as Part))

/**
 * Reads the body that creates or replaces a role. Throws a problem of status 400 for values that the schema does not allow.
 *
 * @param known The parts that this version of the API reads here. Others are ignored.
 * @param before The role to replace. Its audience stays. The permissions of a fixed role also stay if the body has none.
 */
export function readRole(
  body: unknown,
  organization: Organization,
  known: readonly Part[],
  before?: Role,
): WantedByClient & Pick<Role, 'audience'> {
  if (!isObject(body)) throw scimProblems.invalidSyntax('The body must be one role.')
  const given = givenIn(body, roleType)
  const ids = (part: Part) => (known.includes(part) ? readIds(LISTS.get(part) as Attribute, given[part]) : [])
  const own = Object.fromEntries(Object.entries(given).filter(([name]) => !LISTS.has(name as Part)))
  const { audience, displayName } = readAttributes(own, NAMED, {})
  const changesOf = (part: Part): MemberChange[] => (known.includes(part) ? [{ kind: 'replace', ids: ids(part) }] : [])
  return {
    name: readName(String(displayName ?? ''), before),
    audience: readAudience(audience as Json | undefined, organization, before),
    permissions: before?.kind && isAbsent(given['permissions']) ? [] : changesOf('permissions'),
    users: changesOf('users'),
    groups: changesOf('groups'),
    parts: new Set(known.filter(part => ids(part).length > 0)),
  }
}

/** Applies a PatchOp message to a role. Throws a problem of status 400 for an invalid message. */
export function patchRole(message: unknown, role: Role, known: readonly Part[]): WantedByClient {
  const resource: Json = { displayName: role.name }
  const changes: Record<Part, MemberChange[]> = { permissions: [], users: [], groups: [] }
  for (const step of readSteps(message, { id: role.id }, roleType)) {
    const { name } = step.path.attribute
    if (LISTS.has(name as Part))
      changes[known.includes(name as Part) ? (name as Part) : refusePart(step)].push(changeOf(step))
    else if (name === 'audience') throw scimProblems.mutability('audience cannot be changed. Create another role.')
    else applyStep(resource, step)
  }
  return {
    name: readName(String(resource['displayName'] ?? ''), role),
    permissions: changes.permissions,
    users: changes.users,
    groups: changes.groups,
    parts: new Set(PARTS.filter(part => changes[part].length > 0)),
  }
}

function refusePart({ path }: Step): never {
  const { name } = path.attribute
  throw scimProblems.invalidPath(`${name} cannot be changed here. Use its own path below the role.`)
}

const MAX_CHARACTERS = 255
const FORM = `1 to ${MAX_CHARACTERS} characters, no control characters and no slash, and must not begin with “system_”`

function readName(given: string, before?: Role): string {
  const name = given.trim()
  const isGood = name !== '' && name.length <= MAX_CHARACTERS && !/[\p{Cc}/]|^system_/iu.test(name)
  if (name === before?.name || isGood) return name
  throw scimProblems.invalidValue(`displayName must have ${FORM}.`)
}

function readAudience(given: Json | undefined, { id }: Organization, before?: Role): Role['audience'] {
  const type = String(
    given?.['type'] ?? before?.audience.type ?? 'organization',
  ).toLowerCase() as Role['audience']['type']
  const value = given?.['value'] ?? before?.audience.id ?? (type === 'organization' ? id : '')
  const audience = { type, id: String(value) }
  if (before && (audience.type !== before.audience.type || audience.id !== before.audience.id)) {
    throw scimProblems.mutability('audience cannot be changed. Create another role.')
  }
  return audience
}
