import { unlessTaken } from '@preflow/database'
import { type Selectable, sql } from 'kysely'
import { type Database, inTransaction, mustLockRows } from './database.ts'
import type { User } from './model.ts'
import { hashPassword, matchesPassword } from './passwords.ts'
import type { Tables } from './tables.ts'

type UserRow = Selectable<Tables['users']> & { is_administrator: number }

/** Computes whether the user is a member of the fixed role Administrator. */
const isAdministrator = sql<number>`case when exists (
    select 1 from role_members join roles on roles.id = role_members.role_id
    where role_members.user_id = users.id and roles.kind = 'administrator'
  ) then 1 else 0 end`.as('is_administrator')

function selectUsers(db: Database) {
  return db.queries.selectFrom('users').selectAll('users').select(isAdministrator)
}

/** Stores a user. Without a password the user cannot sign in. `false`: the organization already has the user name. */
export async function insertUser(db: Database, user: User, password?: string): Promise<boolean> {
  const hash = password === undefined ? null : await hashPassword(password, db.passwordCost)
  const insert = (tx: Database) =>
    tx.queries
      .insertInto('users')
      .values({ ...toRow(user), password: hash, id: user.id, tenant_id: user.tenantId, created_at: user.createdAt })
      .execute()
  if (!user.isAdministrator) return unlessTaken(insert(db))
  return unlessTaken(
    inTransaction(db, async tx => {
      await insert(tx)
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

export type UserStored = 'updated' | 'user_name_taken' | 'changed_meanwhile'

/**
 * Replaces a user in one statement, and the password only if one is given.
 *
 * @param options.readAt The `updatedAt` of the user that the change is based on. If the user changed since, nothing is replaced.
 *   Absent: the user is replaced in any case.
 */
export async function updateUser(
  db: Database,
  user: User,
  { password, readAt }: { password?: string; readAt?: number } = {},
): Promise<UserStored> {
  const hash = password === undefined ? undefined : await hashPassword(password, db.passwordCost)
  let query = db.queries
    .updateTable('users')
    .set({ ...toRow(user), ...(hash === undefined ? {} : { password: hash }) })
    .where('tenant_id', '=', user.tenantId)
    .where('id', '=', user.id)
  if (readAt !== undefined) query = query.where('updated_at', '=', readAt)
  let isThere = false
  const isFree = await unlessTaken(
    query.executeTakeFirst().then(({ numUpdatedRows }) => {
      isThere = numUpdatedRows > 0n
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
 */
export async function verifyPassword(
  db: Database,
  tenantId: string,
  userName: string,
  password: string,
  organizationId?: string,
): Promise<User | undefined> {
  const row = await findRowByUserName(db, tenantId, userName, organizationId)
  const matches = await matchesPassword(row?.password ?? undefined, password, db.passwordCost)
  return row && matches && row.is_active === 1 ? toUser(row) : undefined
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
    const key = keyOf(userName.value)
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
    .select(isAdministrator)
    .orderBy('created_at')
    .orderBy('id')
    .limit(limit)
    .offset(offset)
    .execute()
  return { total, users: rows.map(toUser) }
}

/** The administrators of the tenant, oldest first. */
export async function listAdministrators(db: Database, tenantId: string): Promise<User[]> {
  const rows = await selectUsers(db)
    .where('tenant_id', '=', tenantId)
    .where('id', 'in', members =>
      members
        .selectFrom('role_members')
        .innerJoin('roles', 'roles.id', 'role_members.role_id')
        .select('role_members.user_id')
        .where('roles.tenant_id', '=', tenantId)
        .where('roles.kind', '=', 'administrator'),
    )
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
    .where('user_name_key', '=', keyOf(userName))
    .executeTakeFirst()
}

function keyOf(userName: string): string {
  return userName.normalize('NFC').toLowerCase()
}

function toRow(user: User) {
  return {
    organization_id: user.organizationId,
    user_name: user.userName,
    user_name_key: keyOf(user.userName),
    document: JSON.stringify(user.document),
    groups: JSON.stringify(user.groups),
    is_active: Number(user.isActive),
    updated_at: user.updatedAt,
  }
}

function toUser(row: UserRow): User {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    organizationId: row.organization_id,
    userName: row.user_name,
    document: JSON.parse(row.document),
    groups: JSON.parse(row.groups),
    isActive: row.is_active === 1,
    isAdministrator: row.is_administrator === 1,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
