import { unlessTaken } from '@preflow/database'
import { type Selectable, sql } from 'kysely'
import { type Database, mustLockRows } from './database.ts'
import type { Group, Organization } from './model.ts'
import { nameKey } from './name-key.ts'
import type { Tables } from './tables.ts'

/** Stores a group without members. `false`: the organization already has a group with this name. */
export function insertGroup(db: Database, group: Group): Promise<boolean> {
  const row = { ...toRow(group), id: group.id, tenant_id: group.tenantId, organization_id: group.organizationId }
  return unlessTaken(
    db.queries
      .insertInto('groups')
      .values({ ...row, created_at: group.createdAt })
      .execute(),
  )
}

/** Replaces the name and the client's id. `false`: the organization has another group with this name. */
export function updateGroup(db: Database, group: Group): Promise<boolean> {
  return unlessTaken(
    db.queries
      .updateTable('groups')
      .set(toRow(group))
      .where('tenant_id', '=', group.tenantId)
      .where('id', '=', group.id)
      .execute(),
  )
}

/** Deletes a group with its memberships and its roles. Returns whether it existed. */
export async function deleteGroup(db: Database, tenantId: string, id: string): Promise<boolean> {
  const { numDeletedRows } = await db.queries
    .deleteFrom('groups')
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

/** Finds a group. In a transaction it is locked until the end. */
export async function findGroup(db: Database, tenantId: string, id: string): Promise<Group | undefined> {
  const row = await db.queries
    .selectFrom('groups')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .$if(mustLockRows(db), query => query.forUpdate())
    .executeTakeFirst()
  return row && toGroup(row)
}

/** The criteria of {@link listGroups}. A group must match all of them. */
export interface GroupSearch {
  id?: string
  /** Ignores case. */
  name?: { comparison: 'equals' | 'startsWith' | 'contains'; value: string }
  externalId?: string
  /** Only groups with this user. */
  memberId?: string
  orderBy?: { column: 'number' | 'name' | 'updatedAt'; isDescending: boolean }
  /** Zero-based. */
  offset?: number
  limit?: number
}

/** The matching groups of an organization, oldest first, and the total number of matches. */
export async function listGroups(
  db: Database,
  { id: organizationId, tenantId }: Pick<Organization, 'id' | 'tenantId'>,
  search: GroupSearch = {},
): Promise<{ total: number; groups: Group[] }> {
  const { externalId, id, limit = Number.MAX_SAFE_INTEGER, memberId, name, offset = 0, orderBy } = search
  let matching = db.queries
    .selectFrom('groups')
    .where('tenant_id', '=', tenantId)
    .where('organization_id', '=', organizationId)
  if (id !== undefined) matching = matching.where('id', '=', id)
  if (externalId !== undefined) matching = matching.where('external_id', '=', externalId)
  if (name) matching = matching.where(nameMatches(name))
  if (memberId !== undefined) {
    matching = matching.where('id', 'in', of =>
      of.selectFrom('group_members').select('group_id').where('user_id', '=', memberId),
    )
  }
  const { total } = await matching.select(of => of.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
  const rows = await matching
    .selectAll()
    .orderBy(orderOf(db, orderBy?.column), orderBy?.isDescending ? 'desc' : 'asc')
    .orderBy('number')
    .limit(limit)
    .offset(offset)
    .execute()
  return { total, groups: rows.map(toGroup) }
}

function orderOf({ engine }: Database, column: NonNullable<GroupSearch['orderBy']>['column'] = 'number') {
  // By the characters, not by the language of the PostgreSQL server.
  if (column === 'name') return engine === 'postgresql' ? sql`name_key collate "C"` : sql`name_key`
  return sql.ref(column === 'number' ? 'number' : 'updated_at')
}

function nameMatches({ comparison, value }: NonNullable<GroupSearch['name']>) {
  const key = nameKey(value)
  if (comparison === 'equals') return sql<boolean>`name_key = ${key}`
  const text = key.replace(/[\\%_]/g, '\\$&')
  return sql<boolean>`name_key like ${comparison === 'startsWith' ? `${text}%` : `%${text}%`} escape '\\'`
}

function toRow({ externalId, name, updatedAt }: Group) {
  return { name, name_key: nameKey(name), external_id: externalId ?? null, updated_at: updatedAt }
}

function toGroup(row: Selectable<Tables['groups']>): Group {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    organizationId: row.organization_id,
    name: row.name,
    ...(row.external_id === null ? {} : { externalId: row.external_id }),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
