import { present } from '@preflow/contract'
import { unlessTaken } from '@preflow/database'
import { type RawBuilder, sql } from 'kysely'
import { type Database, inTransaction, mustLockRows } from './database.ts'
import type { FixedRole, Group, Organization, Role, RoleReference } from './model.ts'
import { nameKey } from './name-key.ts'

const FIXED_NAMES: Record<FixedRole, string> = {
  administrator: 'Administrator',
  'organization-administrator': 'Organization Administrator',
}

/** The fixed role of an organization: the tenant's administrator for a root organization, otherwise the organization's. */
export function fixedRoleOf({ id, tenantId, depth }: Organization, createdAt: number): Role {
  const kind: FixedRole = depth === 0 ? 'administrator' : 'organization-administrator'
  return {
    id: `administrator-${id}`,
    tenantId,
    audience: { type: 'organization', id },
    name: FIXED_NAMES[kind],
    kind,
    permissions: [],
    createdAt,
    updatedAt: createdAt,
  }
}

/** Stores a role. `false`: its audience already has a role with this name. */
export function insertRole(db: Database, role: Role): Promise<boolean> {
  return unlessTaken(
    inTransaction(db, async tx => {
      await tx.queries
        .insertInto('roles')
        .values({
          id: role.id,
          tenant_id: role.tenantId,
          audience_type: role.audience.type,
          audience_id: role.audience.id,
          ...nameOf(role),
          kind: role.kind ?? null,
          created_at: role.createdAt,
          updated_at: role.updatedAt,
        })
        .execute()
      await insertPermissions(tx, role)
    }),
  )
}

/** Replaces the name and the permissions. `false`: its audience has another role with this name. */
export function updateRole(db: Database, role: Role): Promise<boolean> {
  return unlessTaken(
    inTransaction(db, async tx => {
      await tx.queries
        .updateTable('roles')
        .set({ ...nameOf(role), updated_at: role.updatedAt })
        .where('tenant_id', '=', role.tenantId)
        .where('id', '=', role.id)
        .execute()
      await tx.queries.deleteFrom('role_permissions').where('role_id', '=', role.id).execute()
      await insertPermissions(tx, role)
    }),
  )
}

function nameOf({ name }: Role) {
  return { name, name_key: nameKey(name) }
}

async function insertPermissions(tx: Database, { id, permissions }: Role): Promise<void> {
  const rows = [...new Set(permissions)].map(permission => ({ role_id: id, permission }))
  if (rows.length > 0) await tx.queries.insertInto('role_permissions').values(rows).execute()
}

/** Deletes a role with its memberships. Returns whether it existed. */
export async function deleteRole(db: Database, tenantId: string, id: string): Promise<boolean> {
  const { numDeletedRows } = await db.queries
    .deleteFrom('roles')
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

/** Finds a role. In a transaction it is locked until the end. */
export async function findRole(db: Database, tenantId: string, id: string): Promise<Role | undefined> {
  if (mustLockRows(db)) await db.queries.selectFrom('roles').select('id').where('id', '=', id).forUpdate().execute()
  const [role] = await readRoles(db, tenantId, sql`roles.id = ${id}`)
  return role
}

/**
 * The roles of a tenant that are for an organization, oldest first; with `applications` also those for applications, which
 * belong to the tenant.
 */
export function listRoles(
  db: Database,
  tenantId: string,
  { applications, organizationId }: { organizationId: string; applications: boolean },
): Promise<Role[]> {
  const ofOrganization = sql`audience_type = 'organization' and audience_id = ${organizationId}`
  return readRoles(
    db,
    tenantId,
    applications ? sql`(${ofOrganization}) or audience_type = 'application'` : ofOrganization,
  )
}

/** The roles that a user has, directly or through a group, with their permissions. */
export function listRolesOf(db: Database, tenantId: string, userId: string): Promise<Role[]> {
  return readRoles(db, tenantId, sql`roles.id in (select role_id from (${rolesHeld(sql`${userId}`)}) as held)`)
}

/** The roles that every member of a group has, with their permissions. */
export function listRolesOfGroup(db: Database, tenantId: string, groupId: string): Promise<Role[]> {
  return readRoles(db, tenantId, sql`roles.id in (select role_id from role_groups where group_id = ${groupId})`)
}

/** The roles of a group in the form of its users, with the names of their audiences. */
export async function listRoleReferences(db: Database, { id, tenantId }: Pick<Group, 'id' | 'tenantId'>) {
  const rows = await db.queries
    .selectFrom('role_groups')
    .innerJoin('roles', 'roles.id', 'role_groups.role_id')
    .leftJoin('organizations', 'organizations.id', 'roles.audience_id')
    .leftJoin('applications', 'applications.id', 'roles.audience_id')
    .select(['roles.id', 'roles.name', 'roles.audience_type', 'roles.audience_id', 'roles.kind'])
    .select(['organizations.name as organization', 'applications.name as application'])
    .where('role_groups.group_id', '=', id)
    .where('roles.tenant_id', '=', tenantId)
    .orderBy('roles.created_at')
    .orderBy('roles.id')
    .execute()
  return rows.map(
    (row): RoleReference => ({
      id: row.id,
      name: row.name,
      audience: {
        type: row.audience_type as Role['audience']['type'],
        id: row.audience_id,
        ...present({ name: row.organization ?? row.application ?? undefined }),
      },
      ...present({ kind: (row.kind as FixedRole | null) ?? undefined }),
      isDirect: true,
    }),
  )
}

/** The ids of the roles that a user has. `is_direct` is 0 if only a group of the user has the role. */
export function rolesHeld(userId: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`select role_id, max(direct) as is_direct from (
      select role_id, 1 as direct from role_members where user_id = ${userId}
      union all select role_groups.role_id, 0 as direct from role_groups
        join group_members on group_members.group_id = role_groups.group_id where group_members.user_id = ${userId}
    ) as every_way group by role_id`
}

/** The ids of the users who have one of the roles, directly or through a group. */
export function holdersOf(roleIds: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`select user_id from role_members where role_id in (${roleIds})
    union select group_members.user_id from role_groups
      join group_members on group_members.group_id = role_groups.group_id where role_groups.role_id in (${roleIds})`
}

async function readRoles(db: Database, tenantId: string, matching: RawBuilder<unknown>): Promise<Role[]> {
  const rows = await db.queries
    .selectFrom('roles')
    .leftJoin('role_permissions', 'role_permissions.role_id', 'roles.id')
    .selectAll('roles')
    .select('role_permissions.permission')
    .where('roles.tenant_id', '=', tenantId)
    .where(sql<boolean>`(${matching})`)
    .orderBy('roles.created_at')
    .orderBy('roles.id')
    .orderBy('role_permissions.permission')
    .execute()
  const roles = new Map<string, Role>()
  for (const row of rows) {
    const role = roles.get(row.id) ?? {
      id: row.id,
      tenantId: row.tenant_id,
      audience: { type: row.audience_type as Role['audience']['type'], id: row.audience_id },
      name: row.name,
      ...(row.kind === null ? {} : { kind: row.kind as FixedRole }),
      permissions: [],
      createdAt: row.created_at,
      updatedAt: row.updated_at,
    }
    if (row.permission !== null) role.permissions.push(row.permission)
    roles.set(row.id, role)
  }
  return [...roles.values()]
}
