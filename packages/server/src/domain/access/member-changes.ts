import type { Database } from '../../ground/store/database.ts'
import {
  addMembers,
  listMembers,
  listStrangers,
  type Member,
  type MemberList,
  removeMembers,
} from '../../ground/store/memberships.ts'
import type { Organization } from '../../ground/store/model.ts'
import { membershipProblems } from './membership-problems.ts'

/** One change of a list of members. Several changes are applied in order. */
export type MemberChange =
  /** Existing members stay. */
  | { kind: 'add'; ids: readonly string[] }
  /** Exactly these are the members. */
  | { kind: 'replace'; ids: readonly string[] }
  /** Ids that are not members are ignored. */
  | { kind: 'remove'; ids: readonly string[] }
  /** Reads all members, and removes those that match. */
  | { kind: 'removeMatching'; isMeant: (member: Member) => boolean }

/** The added and the removed members. */
export interface MembersChanged {
  added: string[]
  removed: string[]
}

/** The list to change. */
export interface ChangedList {
  list: MemberList
  /** The name of the list for clients. */
  what: string
  ownerId: string
  /** Only users and groups of this organization can be members. */
  organization: Pick<Organization, 'id' | 'tenantId'>
}

/**
 * Changes a list of members. Additions and removals by id read no list, so a large group changes as fast as a small one, and two
 * concurrent changes both count.
 *
 * Throws a 400 for ids that the organization does not have. Call it in a transaction.
 */
export async function changeMembers(
  tx: Database,
  { list, organization, ownerId, what }: ChangedList,
  changes: readonly MemberChange[],
): Promise<MembersChanged> {
  const added = new Set<string>()
  const removed = new Set<string>()

  async function add(ids: readonly string[]): Promise<void> {
    const [stranger] = await listStrangers(tx, list, organization, ids)
    if (stranger !== undefined) throw membershipProblems.stranger(what, stranger)
    for (const id of await addMembers(tx, list, ownerId, ids)) if (!removed.delete(id)) added.add(id)
  }

  async function remove(ids: readonly string[]): Promise<void> {
    for (const id of await removeMembers(tx, list, ownerId, ids)) if (!added.delete(id)) removed.add(id)
  }

  /** Existing members that stay need no check. */
  async function replace(ids: readonly string[]): Promise<void> {
    const members = (await listMembers(tx, list, ownerId)).map(({ id }) => id)
    const [before, wanted] = [new Set(members), new Set(ids)]
    await remove(members.filter(id => !wanted.has(id)))
    await add([...wanted].filter(id => !before.has(id)))
  }

  async function make(change: MemberChange): Promise<void> {
    switch (change.kind) {
      case 'add':
        return add(change.ids)
      case 'replace':
        return replace(change.ids)
      case 'remove':
        return remove(change.ids)
      case 'removeMatching':
        return remove((await listMembers(tx, list, ownerId)).filter(change.isMeant).map(({ id }) => id))
      default:
        return change satisfies never
    }
  }

  for (const change of changes) await make(change)
  return { added: [...added], removed: [...removed] }
}

/** Applies changes to a list of names, in which each name is its own id. */
export function changeNames(names: readonly string[], changes: readonly MemberChange[]): string[] {
  let changed = [...names]
  for (const change of changes) {
    if (change.kind === 'add') changed.push(...change.ids)
    else if (change.kind === 'replace') changed = [...change.ids]
    else if (change.kind === 'remove') changed = changed.filter(name => !change.ids.includes(name))
    else changed = changed.filter(name => !change.isMeant({ id: name, name }))
  }
  return [...new Set(changed)]
}

/** The ids that changes may add. */
export function idsAdded(changes: readonly MemberChange[]): string[] {
  return changes.flatMap(change => (change.kind === 'add' || change.kind === 'replace' ? [...change.ids] : []))
}
