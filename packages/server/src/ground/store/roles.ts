import { unlessTaken } from '@preflow/database'
import { type Database, inTransaction } from './database.ts'
import type { FixedRole, Organization, Role } from './model.ts'

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
          name: role.name,
          kind: role.kind ?? null,
          created_at: role.createdAt,
          updated_at: role.updatedAt,
        })
        .execute()
      const rows = [...new Set(role.permissions)].map(permission => ({ role_id: role.id, permission }))
      if (rows.length > 0) await tx.queries.insertInto('role_permissions').values(rows).execute()
    }),
  )
}

/** The roles that a user is a member of, with their permissions. */
export async function listRolesOf(db: Database, tenantId: string, userId: string): Promise<Role[]> {
  const rows = await db.queries
    .selectFrom('role_members')
    .innerJoin('roles', 'roles.id', 'role_members.role_id')
    .leftJoin('role_permissions', 'role_permissions.role_id', 'roles.id')
    .selectAll('roles')
    .select('role_permissions.permission')
    .where('roles.tenant_id', '=', tenantId)
    .where('role_members.user_id', '=', userId)
    .orderBy('roles.created_at')
    .orderBy('roles.id')
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

/** Adds a user to a role. `false`: the user is already a member. */
export function addRoleMember(db: Database, roleId: string, userId: string): Promise<boolean> {
  return unlessTaken(db.queries.insertInto('role_members').values({ role_id: roleId, user_id: userId }).execute())
}

/** Removes a user from a role. Returns whether the user was a member. */
export async function removeRoleMember(db: Database, roleId: string, userId: string): Promise<boolean> {
  const { numDeletedRows } = await db.queries
    .deleteFrom('role_members')
    .where('role_id', '=', roleId)
    .where('user_id', '=', userId)
    .executeTakeFirst()
  return numDeletedRows > 0n
}
