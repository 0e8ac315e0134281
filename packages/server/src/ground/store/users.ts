import { present } from '@preflow/contract'
import { unlessTaken } from '@preflow/database'
import { type Selectable, sql } from 'kysely'
import { maySignIn } from './account-state.ts'
import { type Database, inTransaction, mustLockRows } from './database.ts'
import { newGeneration } from './generation.ts'
import { addMembers } from './memberships.ts'
import type { FixedRole, GroupReference, Role, RoleReference, User } from './model.ts'
import { nameKey } from './name-key.ts'
import { keepGrant } from './oidc-artifacts.ts'
import { holdersOf, rolesHeld } from './roles.ts'
import type { Tables } from './tables.ts'
import { indexUser, STATES } from './user-index.ts'

type UserRow = Selectable<Tables['users']> & { memberships: string | null; role_list: string | null }

/** The columns of `users`, and the groups and roles of the user as JSON. */
function selectUsers(db: Database) {
  return db.queries
    .selectFrom('users')
    .selectAll('users')
    .select([groupsColumn(db), rolesColumn(db)])
}

/** A list of lists in JSON, in any order. `null` or `[]` without rows. */
function jsonList({ engine }: Database, ...columns: string[]) {
  const values = sql.join(columns.map(column => sql.ref(column)))
  return engine === 'sqlite'
    ? sql`json_group_array(json_array(${values}))`
    : sql`cast(json_agg(json_build_array(${values})) as text)`
}

function groupsColumn(db: Database) {
  return sql<string | null>`(select ${jsonList(db, 'groups.number', 'groups.id', 'groups.name')}
    from group_members join "groups" on "groups".id = group_members.group_id
    where group_members.user_id = users.id)`.as('memberships')
}

function rolesColumn(db: Database) {
  const columns = ['created_at', 'id', 'name', 'audience_type', 'audience_id', 'kind'].map(name => `roles.${name}`)
  return sql<
    string | null
  >`(select ${jsonList(db, ...columns, 'held.is_direct', 'organizations.name', 'applications.name')}
    from (${rolesHeld(sql.ref('users.id'))}) as held join roles on roles.id = held.role_id
    left join organizations on organizations.id = roles.audience_id
    left join applications on applications.id = roles.audience_id)`.as('role_list')
}

/**
 * Stores a user as a member of their groups and direct roles. Without a password the user cannot sign in. `false`: the
 * organization already has the user name.
 */
export async function insertUser(db: Database, user: User, password?: string): Promise<boolean> {
  const hash = password === undefined ? null : await db.passwords.hash(password, { owner: user.tenantId })
  return unlessTaken(
    inTransaction(db, async tx => {
      const { createdAt: created_at, id, tenantId: tenant_id } = user
      const row = { ...toRow(user), password: hash, id, tenant_id, generation: newGeneration(), created_at }
      const { number } = await tx.queries
        .insertInto('users')
        .values({ ...row, ...(tx.engine === 'sqlite' && { number: NEXT_NUMBER }) })
        .returning('number')
        .executeTakeFirstOrThrow()
      await indexUser(tx.queries, user, number)
      for (const { id } of user.groups) await addMembers(tx, 'members of a group', id, [user.id])
      for (const { id, isDirect } of user.roles) if (isDirect) await addMembers(tx, 'users of a role', id, [user.id])
      if (!user.isAdministrator) return
      await tx.queries
        .insertInto('role_members')
        .columns(['role_id', 'user_id'])
        .expression(roles =>
          roles
            .selectFrom('roles')
            .select(['id', roles.val(user.id).as('user_id')])
            .where('tenant_id', '=', user.tenantId)
            .where('kind', '=', 'administrator'),
        )
        .execute()
    }),
  )
}

/** SQLite has one writer at a time and no sequences. PostgreSQL assigns the number itself. */
const NEXT_NUMBER = sql<number>`(select coalesce(max(number), 0) + 1 from users)`

export type UserStored = 'updated' | 'user_name_taken' | 'changed_meanwhile'

/** Options for replacing a user. */
export interface UserReplacement {
  password?: string
  /**
   * The `updatedAt` of the user that the change is based on. If the user changed since, nothing is replaced. Absent: the user is
   * replaced in any case.
   */
  readAt?: number
  /** The grant that survives the change, together with its session. */
  keptGrantId?: string
}

/**
 * Replaces a user and their part of the index in one transaction, and the password only if one is given.
 *
 * A new password ends everything that was issued for the user before: sessions, grants and what belongs to them. So does
 * disabling the user.
 */
export async function updateUser(
  db: Database,
  user: User,
  { password, readAt, keptGrantId }: UserReplacement = {},
): Promise<UserStored> {
  const hash = password === undefined ? undefined : await db.passwords.hash(password, { owner: user.tenantId })
  const generation = hash === undefined && maySignIn(user, db.now()) ? undefined : newGeneration()
  let isThere = false
  const isFree = await unlessTaken(
    inTransaction(db, async tx => {
      let query = tx.queries
        .updateTable('users')
        .set({ ...toRow(user), ...present({ password: hash, generation }) })
        .where('tenant_id', '=', user.tenantId)
        .where('id', '=', user.id)
      if (readAt !== undefined) query = query.where('updated_at', '=', readAt)
      const row = await query.returning('number').executeTakeFirst()
      isThere = row !== undefined
      if (!row) return
      await indexUser(tx.queries, user, row.number)
      if (generation !== undefined && keptGrantId !== undefined) await keepGrant(tx, user, keptGrantId, generation)
    }),
  )
  if (!isFree) return 'user_name_taken'
  return isThere ? 'updated' : 'changed_meanwhile'
}

/** Deletes a user. Returns whether the user existed. */
export async function deleteUser(db: Database, tenantId: string, id: string): Promise<boolean> {
  const { numDeletedRows } = await db.queries
    .deleteFrom('users')
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

export async function findUserById(db: Database, tenantId: string, id: string): Promise<User | undefined> {
  const row = await selectUsers(db)
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .$if(mustLockRows(db), query => query.forUpdate())
    .executeTakeFirst()
  return row && toUser(row)
}

/** Finds a user, ignoring case. Default organization: the tenant's root organization. */
export async function findUserByUserName(
  db: Database,
  tenantId: string,
  userName: string,
  organizationId?: string,
): Promise<User | undefined> {
  const row = await findRowByUserName(db, tenantId, userName, organizationId)
  return row && toUser(row)
}

/**
 * Returns the active user with this name and password. Takes the same time if the user does not exist, has no password or is
 * inactive. Default organization: the tenant's root organization.
 *
 * @param network The network of the client. One network can fill only a part of the queue.
 */
export async function verifyPassword(
  db: Database,
  tenantId: string,
  userName: string,
  password: string,
  organizationId?: string,
  network?: string,
): Promise<User | undefined> {
  const row = await findRowByUserName(db, tenantId, userName, organizationId)
  const holder = { owner: tenantId, ...present({ guest: network }) }
  const matches = await db.passwords.matches(row?.password ?? undefined, password, holder)
  const user = row && toUser(row)
  return user && matches && maySignIn(user, db.now()) ? user : undefined
}

/** The stored hash of the password, which is different after every change. Absent: the user cannot sign in. */
export async function findPasswordHash(db: Database, tenantId: string, id: string): Promise<string | undefined> {
  const row = await db.queries
    .selectFrom('users')
    .select('password')
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirst()
  return row?.password ?? undefined
}

/** The criteria of {@link listUsers}. A user must match all of them. Comparisons ignore case. */
export interface UserSearch {
  organizationId?: string
  userName?: { comparison: 'equals' | 'startsWith' | 'contains'; value: string }
  id?: string
  /** Zero-based. */
  offset?: number
  limit?: number
}

/** The matching users, oldest first, and the total number of matches. */
export async function listUsers(
  db: Database,
  tenantId: string,
  search: UserSearch = {},
): Promise<{ total: number; users: User[] }> {
  let matching = db.queries.selectFrom('users').where('tenant_id', '=', tenantId)
  const { organizationId, userName, id, offset = 0, limit = Number.MAX_SAFE_INTEGER } = search
  if (organizationId !== undefined) matching = matching.where('organization_id', '=', organizationId)
  if (id !== undefined) matching = matching.where('id', '=', id)
  if (userName) {
    const key = nameKey(userName.value)
    if (userName.comparison === 'equals') matching = matching.where('user_name_key', '=', key)
    else {
      const text = key.replace(/[\\%_]/g, '\\$&')
      const pattern = userName.comparison === 'startsWith' ? `${text}%` : `%${text}%`
      matching = matching.where(sql<boolean>`user_name_key like ${pattern} escape '\\'`)
    }
  }
  const { total } = await matching.select(select => select.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
  const rows = await matching
    .selectAll('users')
    .select([groupsColumn(db), rolesColumn(db)])
    .orderBy('created_at')
    .orderBy('id')
    .limit(limit)
    .offset(offset)
    .execute()
  return { total, users: rows.map(toUser) }
}

/** Whether the tenant has an administrator who may sign in, other than the user `except`. A lock counts even if it ends some time. */
export async function hasAdministrator(db: Database, tenantId: string, except = ''): Promise<boolean> {
  const row = await db.queries
    .selectFrom('users')
    .select('id')
    .where('tenant_id', '=', tenantId)
    .where('is_active', '=', 1)
    .where('id', '<>', except)
    .where(isOpen)
    .where(isAdministratorOf(tenantId))
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** The account is neither locked nor disabled. */
const isOpen = sql<boolean>`not exists (select 1 from user_values
  join user_attributes on user_attributes.number = user_values.attribute
  where user_values.user_number = users.number and user_values.key = 'true' and user_attributes.name in (${sql.join(STATES)}))`

function isAdministratorOf(tenantId: string) {
  const fixed = sql`select id from roles where tenant_id = ${tenantId} and kind = 'administrator'`
  return sql<boolean>`users.id in (${holdersOf(fixed)})`
}

/** The existing users with these numbers. */
export async function findUsersByNumber(db: Database, numbers: readonly number[]): Promise<Map<number, User>> {
  if (numbers.length === 0) return new Map()
  const rows = await selectUsers(db).where('number', 'in', numbers).execute()
  return new Map(rows.map(row => [row.number, toUser(row)]))
}

/** The administrators of the tenant, by a role of their own or of a group, oldest first. */
export async function listAdministrators(db: Database, tenantId: string): Promise<User[]> {
  const rows = await selectUsers(db)
    .where('tenant_id', '=', tenantId)
    .where(isAdministratorOf(tenantId))
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return rows.map(toUser)
}

async function findRowByUserName(
  db: Database,
  tenantId: string,
  userName: string,
  organizationId: string | undefined,
): Promise<UserRow | undefined> {
  return await selectUsers(db)
    .where('tenant_id', '=', tenantId)
    .where('organization_id', '=', where =>
      organizationId === undefined
        ? where.selectFrom('tenants').select('root_organization_id').where('id', '=', tenantId)
        : where.val(organizationId),
    )
    .where('user_name_key', '=', nameKey(userName))
    .executeTakeFirst()
}

function toRow(user: User) {
  return {
    organization_id: user.organizationId,
    user_name: user.userName,
    user_name_key: nameKey(user.userName),
    document: JSON.stringify(user.document),
    is_active: Number(user.isActive),
    updated_at: user.updatedAt,
  }
}

function toUser(row: UserRow): User {
  const roles = readRoles(row.role_list)
  return {
    id: row.id,
    tenantId: row.tenant_id,
    organizationId: row.organization_id,
    userName: row.user_name,
    document: JSON.parse(row.document),
    groups: readGroups(row.memberships),
    roles,
    isActive: row.is_active === 1,
    isAdministrator: roles.some(({ kind }) => kind === 'administrator'),
    generation: row.generation,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

function readGroups(list: string | null): GroupReference[] {
  const rows: [number: number, id: string, name: string][] = JSON.parse(list ?? '[]')
  return rows.sort(([one], [other]) => one - other).map(([, id, name]) => ({ id, name }))
}

type RoleRow = [
  createdAt: number,
  id: string,
  name: string,
  audienceType: Role['audience']['type'],
  audienceId: string,
  kind: FixedRole | null,
  isDirect: number,
  organization: string | null,
  application: string | null,
]

function readRoles(list: string | null): RoleReference[] {
  const rows: RoleRow[] = JSON.parse(list ?? '[]')
  const inOrder = ([created, id]: RoleRow, [createdToo, other]: RoleRow) =>
    created - createdToo || (id < other ? -1 : Number(id > other))
  return rows.sort(inOrder).map(([, id, name, type, audienceId, kind, isDirect, organization, application]) => ({
    id,
    name,
    audience: {
      type,
      id: audienceId,
      ...present({ name: (type === 'organization' ? organization : application) ?? undefined }),
    },
    ...present({ kind: kind ?? undefined }),
    isDirect: isDirect === 1,
  }))
}
