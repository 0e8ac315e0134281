import { present } from '@preflow/contract'
import { findScopes } from '../../ground/store/api-resources.ts'
import { findApplicationById } from '../../ground/store/applications.ts'
import { insertAuditRecord } from '../../ground/store/audit.ts'
import { type Database, inTransaction } from '../../ground/store/database.ts'
import type { Organization, Role } from '../../ground/store/model.ts'
import { deleteRole as deleteFromStore, findRole, insertRole, updateRole } from '../../ground/store/roles.ts'
import { keepingAdministrator } from './last-administrator.ts'
import { changeMembers, changeNames, type MemberChange } from './member-changes.ts'
import { membershipProblems } from './membership-problems.ts'
import { canCount, permissionsOfRole } from './permissions.ts'

/** The ports that changes of roles need. */
export interface RolePorts {
  db: Database
  /** Epoch milliseconds. */
  now(): number
  newId(): string
}

/** A role as a client requests it. */
export interface WantedRole {
  name: string
  permissions: readonly MemberChange[]
  users: readonly MemberChange[]
  groups: readonly MemberChange[]
}

/** The initiator and the place of a change. */
export interface RoleChange {
  organization: Organization
  initiator: string
  /** The `updatedAt` that the client has. Absent: any version. */
  readAt?: number
}

/** Whether a role is managed at an organization: its own, and at the root also those of the applications. */
export function isRoleOf({ audience, tenantId }: Role, organization: Organization): boolean {
  if (tenantId !== organization.tenantId) return false
  return audience.type === 'organization' ? audience.id === organization.id : organization.depth === 0
}

/** The permissions of a role for a response. Those of a fixed role are computed, not stored. */
export function permissionsShown(role: Role, organization: Organization): readonly string[] {
  return role.kind ? permissionsOfRole(role, organization) : role.permissions
}

/**
 * Creates a role with its members, or nothing. Throws a 409 for an existing name, and a 400 for unknown permissions or members.
 */
export async function createRole(
  ports: RolePorts,
  { audience, ...wanted }: WantedRole & Pick<Role, 'audience'>,
  { initiator, organization }: RoleChange,
): Promise<Role> {
  const createdAt = ports.now()
  const role: Role = {
    ...{ id: ports.newId(), tenantId: organization.tenantId, audience, name: wanted.name },
    ...{ permissions: changeNames([], wanted.permissions), createdAt, updatedAt: createdAt },
  }
  if (!isRoleOf(role, organization)) throw membershipProblems.unknownAudience()
  await inTransaction(ports.db, async tx => {
    if (audience.type === 'application' && !(await findApplicationById(tx, role.tenantId, audience.id))) {
      throw membershipProblems.unknownAudience()
    }
    await mustExist(tx, role.permissions, organization)
    if (!(await insertRole(tx, role))) throw membershipProblems.nameTaken(role.name)
    const members = await changeBoth(tx, role, wanted, organization)
    await audit(tx, ports, role, { initiator, action: 'ADD', details: { permissions: role.permissions, ...members } })
  })
  return role
}

/**
 * Applies all changes of a role, or none. The version changes only if the role does.
 *
 * Throws a 403 for the name and the permissions of a fixed role, and if the tenant would be left without an administrator; a
 * 409 for a name that the audience has, a 400 for what does not exist, and a 412 for another version than `readAt`.
 */
export function changeRole(
  ports: RolePorts,
  read: Role,
  wanted: WantedRole,
  { initiator, organization, readAt }: RoleChange,
): Promise<Role> {
  return keepingAdministrator(ports.db, read.tenantId, async tx => {
    const role = await findRole(tx, read.tenantId, read.id)
    if (!role) throw membershipProblems.notFound()
    if (readAt !== undefined && readAt !== role.updatedAt) throw membershipProblems.changedMeanwhile()
    // If this change keeps the name, another change may have set it.
    const name = wanted.name === read.name ? role.name : wanted.name
    const permissions = changeNames(permissionsShown(role, organization), wanted.permissions).sort()
    const fields = [
      ...(name === role.name ? [] : ['name']),
      ...(isSame(permissions, permissionsShown(role, organization)) ? [] : ['permissions']),
    ]
    if (role.kind && fields.length > 0) throw membershipProblems.fixedRole()
    if (fields.includes('permissions')) await mustExist(tx, permissions, organization)
    const members = await changeBoth(tx, role, wanted, organization)
    if (fields.length === 0 && Object.keys(members).length === 0) return role
    // It is the version of the role, so it must differ after every change.
    const updatedAt = Math.max(ports.now(), role.updatedAt + 1)
    const changed: Role = { ...role, name, permissions: role.kind ? [] : permissions, updatedAt }
    if (!(await updateRole(tx, changed))) throw membershipProblems.nameTaken(name)
    const details = { changed: fields, ...(fields.includes('permissions') ? { permissions } : {}), ...members }
    await audit(tx, ports, role, { initiator, action: 'UPDATE', details })
    return changed
  })
}

/** Deletes a role, and the rights that its members have through it. Throws a 403 for a fixed role. */
export async function deleteRole(ports: RolePorts, role: Role, initiator: string): Promise<void> {
  if (role.kind) throw membershipProblems.fixedRole()
  await inTransaction(ports.db, async tx => {
    if (!(await deleteFromStore(tx, role.tenantId, role.id))) throw membershipProblems.notFound()
    await audit(tx, ports, role, { initiator, action: 'DELETE', details: { name: role.name } })
  })
}

/** Refuses permissions that would have no effect in the role. */
async function mustExist(tx: Database, names: readonly string[], organization: Organization): Promise<void> {
  const known = new Set((await findScopes(tx, organization.tenantId, names)).map(({ name }) => name))
  const unknown = names.find(name => !known.has(name) || !canCount(name, organization))
  if (unknown !== undefined) throw membershipProblems.unknownPermission(unknown)
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  const [a, b] = [new Set(one), new Set(other)]
  return a.size === b.size && one.every(name => b.has(name))
}

/** Maximum number of member ids in one audit record. */
const SHOWN_IDS = 100

/** Changes users and groups. Resolves with the changes, for the audit log. */
async function changeBoth(
  tx: Database,
  { id }: Role,
  { groups, users }: WantedRole,
  organization: Organization,
): Promise<Record<string, string[]>> {
  const list = { ownerId: id, organization }
  const ofUsers = await changeMembers(tx, { ...list, list: 'users of a role', what: 'users' }, users)
  const ofGroups = await changeMembers(tx, { ...list, list: 'groups of a role', what: 'groups' }, groups)
  const shown = (ids: string[]) => (ids.length > 0 ? ids.slice(0, SHOWN_IDS) : undefined)
  return present({
    addedUsers: shown(ofUsers.added),
    removedUsers: shown(ofUsers.removed),
    addedGroups: shown(ofGroups.added),
    removedGroups: shown(ofGroups.removed),
  }) as Record<string, string[]>
}

function audit(
  db: Database,
  { newId, now }: RolePorts,
  { id, tenantId }: Role,
  entry: { initiator: string; action: string; details: object },
): Promise<void> {
  return insertAuditRecord(db, { ...entry, id: newId(), tenantId, recordedAt: now(), targetType: 'ROLE', targetId: id })
}
