/** Converts groups to SCIM resources, and the requests of clients to groups. */
import { present } from '@preflow/contract'
import type { MemberChange } from '../../domain/access/member-changes.ts'
import type { WantedGroup } from '../../domain/users/change-group.ts'
import type { Member } from '../../ground/store/memberships.ts'
import type { Group, RoleReference } from '../../ground/store/model.ts'
import { type Attribute, findAttribute } from './attribute.ts'
import { groupType } from './group-schema.ts'
import { applyStep, readSteps } from './patch.ts'
import type { Json } from './read-value.ts'
import { changeOf, readIds } from './reference-lists.ts'
import { scimProblems } from './scim-problems.ts'
import { givenIn, isObject, readAttributes, showRoles, versionOf, withoutStore } from './user-resource.ts'

const MEMBERS = findAttribute(groupType.core.attributes, 'members') as Attribute
const OWN = [...groupType.common, ...groupType.core.attributes].filter(attribute => attribute !== MEMBERS)

/**
 * @param group.members Absent: the client does not select them.
 * @param location The URL of the API, without a slash at the end.
 */
export function toGroupResource(
  { members, roles, ...group }: Group & { members?: readonly Member[]; roles: readonly RoleReference[] },
  location: string,
): Json {
  return {
    schemas: [groupType.core.id],
    id: group.id,
    ...present({
      externalId: group.externalId,
      displayName: group.name,
      members: members?.map(({ id, name }) => ({
        ...{ value: id, display: name, type: 'User' },
        $ref: `${location}/Users/${id}`,
      })),
      roles: showRoles(roles, location),
    }),
    meta: {
      resourceType: groupType.name,
      created: new Date(group.createdAt).toISOString(),
      lastModified: new Date(group.updatedAt).toISOString(),
      location: `${location}/Groups/${group.id}`,
      version: versionOf(group),
    },
  }
}

/** Reads the body that creates or replaces a group. Throws a problem of status 400 for values that the schema does not allow. */
export function readGroup(body: unknown): WantedGroup {
  if (!isObject(body)) throw scimProblems.invalidSyntax('The body must be one group.')
  const { members, ...given } = givenIn(body, groupType)
  const ids = readIds(MEMBERS, members)
  return { ...ownOf(readAttributes(given, OWN, {})), members: [{ kind: 'replace', ids }] }
}

/** Applies a PatchOp message to a group. Throws a problem of status 400 for an invalid message. */
export function patchGroup(message: unknown, { externalId, id, name }: Group): WantedGroup {
  const resource: Json = { displayName: name, ...present({ externalId }) }
  const members: MemberChange[] = []
  for (const step of readSteps(message, { id }, groupType)) {
    if (step.path.attribute.name === MEMBERS.name) members.push(changeOf(step))
    else applyStep(resource, step)
  }
  return { ...ownOf(resource), members }
}

function ownOf({ displayName, externalId }: Json): Omit<WantedGroup, 'members'> {
  return {
    name: readName(String(displayName ?? '')),
    ...present({ externalId: externalId === undefined ? undefined : readExternalId(String(externalId)) }),
  }
}

const MAX_CHARACTERS = 255

function readName(given: string): string {
  const name = withoutStore(given).trim()
  if (isPlain(name) && name !== '') return name
  throw scimProblems.invalidValue(`displayName must have 1 to ${MAX_CHARACTERS} characters and no control characters.`)
}

function readExternalId(given: string): string {
  if (isPlain(given)) return given
  throw scimProblems.invalidValue(
    `externalId must have at most ${MAX_CHARACTERS} characters and no control characters.`,
  )
}

function isPlain(text: string): boolean {
  return text.length <= MAX_CHARACTERS && !/\p{Cc}/u.test(text)
}
