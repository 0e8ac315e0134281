/** Memberships: one set of queries for every table that only connects two others. */
import { type RawBuilder, sql } from 'kysely'
import type { Database } from './database.ts'

/** A list of members: of users or groups, by their ids. */
export type MemberList = keyof typeof LISTS

/** A member with the name that clients may use. */
export interface Member {
  id: string
  name: string
}

const USERS = { table: 'users', name: 'user_name', order: ['created_at', 'id'] } as const
const GROUPS = { table: 'groups', name: 'name', order: ['number'] } as const

const LISTS = {
  'members of a group': { table: 'group_members', owner: 'group_id', member: 'user_id', kind: USERS },
  'users of a role': { table: 'role_members', owner: 'role_id', member: 'user_id', kind: USERS },
  'groups of a role': { table: 'role_groups', owner: 'role_id', member: 'group_id', kind: GROUPS },
} as const

/** Maximum number of ids in one statement. Both databases allow many more parameters. */
const CHUNK = 500

/** Lists the members, oldest first. */
export async function listMembers(db: Database, list: MemberList, ownerId: string): Promise<Member[]> {
  const { kind, member, owner, table } = LISTS[list]
  const order = sql.join(kind.order.map(column => sql.ref(`${kind.table}.${column}`)))
  const { rows } =
    await sql<Member>`select ${sql.ref(`${kind.table}.id`)} as id, ${sql.ref(`${kind.table}.${kind.name}`)} as name
    from ${sql.table(table)} join ${sql.table(kind.table)} on ${sql.ref(`${kind.table}.id`)} = ${sql.ref(`${table}.${member}`)}
    where ${sql.ref(`${table}.${owner}`)} = ${ownerId} order by ${order}`.execute(db.queries)
  return rows
}

/** Lists the ids that cannot become members, because the organization has no such user or group. */
export async function listStrangers(
  db: Database,
  list: MemberList,
  { id, tenantId }: { id: string; tenantId: string },
  ids: readonly string[],
): Promise<string[]> {
  const table = sql.table(LISTS[list].kind.table)
  const known = new Set<string>()
  // PostgreSQL accepts no NUL in a string, not even for a comparison.
  for (const chunk of chunksOf(ids.filter(one => !one.includes('\0')))) {
    const { rows } = await sql<{ id: string }>`select id from ${table}
      where tenant_id = ${tenantId} and organization_id = ${id} and id in (${sql.join(chunk)})`.execute(db.queries)
    for (const row of rows) known.add(row.id)
  }
  return ids.filter(one => !known.has(one))
}

/** Adds members. Resolves with the new ones. */
export function addMembers(db: Database, list: MemberList, ownerId: string, ids: readonly string[]): Promise<string[]> {
  const { member, owner, table } = LISTS[list]
  return inChunks(db, [...new Set(ids)], chunk => {
    const rows = sql.join(chunk.map(id => sql`(${ownerId}, ${id})`))
    return sql<{
      id: string
    }>`insert into ${sql.table(table)} (${sql.ref(owner)}, ${sql.ref(member)}) values ${rows} on conflict do nothing
      returning ${sql.ref(member)} as id`
  })
}

/** Removes members. Resolves with the removed ones. */
export function removeMembers(
  db: Database,
  list: MemberList,
  ownerId: string,
  ids: readonly string[],
): Promise<string[]> {
  const { member, owner, table } = LISTS[list]
  return inChunks(
    db,
    ids,
    chunk =>
      sql<{
        id: string
      }>`delete from ${sql.table(table)} where ${sql.ref(owner)} = ${ownerId} and ${sql.ref(member)} in (${sql.join(chunk)})
        returning ${sql.ref(member)} as id`,
  )
}

async function inChunks(
  db: Database,
  ids: readonly string[],
  statement: (chunk: readonly string[]) => RawBuilder<{ id: string }>,
): Promise<string[]> {
  const affected: string[] = []
  for (const chunk of chunksOf(ids)) {
    const { rows } = await statement(chunk).execute(db.queries)
    for (const { id } of rows) affected.push(id)
  }
  return affected
}

function chunksOf(ids: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(ids.length / CHUNK) }, (_, index) =>
    ids.slice(index * CHUNK, (index + 1) * CHUNK),
  )
}
