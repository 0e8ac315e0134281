import { present } from '@preflow/contract'
import { insertAuditRecord } from '../../ground/store/audit.ts'
import { type Database, inTransaction } from '../../ground/store/database.ts'
import { deleteGroup as deleteFromStore, findGroup, insertGroup, updateGroup } from '../../ground/store/groups.ts'
import type { Group, Organization } from '../../ground/store/model.ts'
import { keepingAdministrator } from '../access/last-administrator.ts'
import { changeMembers, type MemberChange } from '../access/member-changes.ts'
import { membershipProblems } from '../access/membership-problems.ts'

/** The ports that changes of groups need. */
export interface GroupPorts {
  db: Database
  /** Epoch milliseconds. */
  now(): number
  newId(): string
}

/** A group as a client requests it. */
export interface WantedGroup {
  name: string
  /** Absent: none. */
  externalId?: string
  members: readonly MemberChange[]
}

/** Creates a group with its members, or nothing. Throws a 409 for a name that is in use, and a 400 for unknown members. */
export async function createGroup(
  ports: GroupPorts,
  organization: Organization,
  { externalId, members, name }: WantedGroup,
  initiator: string,
): Promise<Group> {
  const createdAt = ports.now()
  const group: Group = {
    ...{ id: ports.newId(), tenantId: organization.tenantId, organizationId: organization.id, name },
    ...present({ externalId }),
    ...{ createdAt, updatedAt: createdAt },
  }
  await inTransaction(ports.db, async tx => {
    if (!(await insertGroup(tx, group))) throw membershipProblems.nameTaken(name)
    const changed = await changeMembers(tx, listOf(group), members)
    await audit(tx, ports, group, { initiator, action: 'ADD', details: detailsOf(['name'], changed.added) })
  })
  return group
}

/**
 * Applies all changes of a group, or none. The version changes only if the group does.
 *
 * Throws a 409 for a name that is in use, a 400 for unknown members, a 403 if the tenant would be left without an administrator,
 * and a 412 if the group has another version than `readAt`.
 *
 * @param read The group on which the change is based.
 * @param options.readAt The `updatedAt` that the client has. Absent: any version.
 */
export async function changeGroup(
  ports: GroupPorts,
  read: Group,
  wanted: WantedGroup,
  { initiator, readAt }: { initiator: string; readAt?: number },
): Promise<Group> {
  return keepingAdministrator(ports.db, read.tenantId, async tx => {
    const group = await findGroup(tx, read.tenantId, read.id)
    if (!group) throw membershipProblems.notFound()
    if (readAt !== undefined && readAt !== group.updatedAt) throw membershipProblems.changedMeanwhile()
    const { added, removed } = await changeMembers(tx, listOf(group), wanted.members)
    // Another change may have set what this change keeps.
    const name = wanted.name === read.name ? group.name : wanted.name
    const externalId = wanted.externalId === read.externalId ? group.externalId : wanted.externalId
    const fields = [
      ...(name === group.name ? [] : ['name']),
      ...(externalId === group.externalId ? [] : ['externalId']),
      ...(added.length + removed.length > 0 ? ['members'] : []),
    ]
    if (fields.length === 0) return group
    const { externalId: _, ...rest } = group
    // It is the version of the group, so it must differ after every change.
    const updatedAt = Math.max(ports.now(), group.updatedAt + 1)
    const changed: Group = { ...rest, name, ...present({ externalId }), updatedAt }
    if (!(await updateGroup(tx, changed))) throw membershipProblems.nameTaken(name)
    await audit(tx, ports, group, { initiator, action: 'UPDATE', details: detailsOf(fields, added, removed) })
    return changed
  })
}

/**
 * Deletes a group, and the rights that its members have through it. Throws a 403 if the tenant would be left without an
 * administrator.
 */
export async function deleteGroup(ports: GroupPorts, group: Group, initiator: string): Promise<void> {
  await keepingAdministrator(ports.db, group.tenantId, async tx => {
    if (!(await deleteFromStore(tx, group.tenantId, group.id))) throw membershipProblems.notFound()
    await audit(tx, ports, group, { initiator, action: 'DELETE', details: {} })
  })
}

function listOf({ id, organizationId, tenantId }: Group) {
  const organization = { id: organizationId, tenantId }
  return { list: 'members of a group', what: 'members', ownerId: id, organization } as const
}

/** Maximum number of member ids in one audit record. */
const SHOWN_IDS = 100

function detailsOf(changed: string[], added: string[], removed: string[] = []) {
  return {
    changed,
    ...present({
      added: added.length > 0 ? added.slice(0, SHOWN_IDS) : undefined,
      removed: removed.length > 0 ? removed.slice(0, SHOWN_IDS) : undefined,
    }),
  }
}

function audit(
  db: Database,
  { newId, now }: GroupPorts,
  { id, tenantId }: Group,
  entry: { initiator: string; action: string; details: object },
): Promise<void> {
  return insertAuditRecord(db, {
    ...entry,
    id: newId(),
    tenantId,
    recordedAt: now(),
    targetType: 'GROUP',
    targetId: id,
  })
}
