import type { Database } from '../../ground/store/database.ts'
import type { Organization, Role, User } from '../../ground/store/model.ts'
import { findOrganizationById } from '../../ground/store/organizations.ts'
import { listRolesOf } from '../../ground/store/roles.ts'
import { FIRST_TENANT } from '../../ground/store/tenants.ts'
import {
  isServerScope,
  ORGANIZATION_PERMISSIONS,
  SELF_SERVICE_PERMISSIONS,
  SERVER_PERMISSIONS,
  TENANT_PERMISSIONS,
} from './permission-names.ts'

/** The place for which permissions are computed. */
export interface PermissionPlace {
  organization: Organization
  /** Also includes roles whose audience is this application. */
  applicationId?: string
}

/**
 * The permissions of a user in an organization: those of all roles that apply there, and self-service for members.
 *
 * At the root only `internal_*` permissions count, below it only `internal_org_*`, so a right in one place is never a right in
 * the other. A role applies to its organization and those below it, never above.
 */
export async function permissionsOf(db: Database, user: User, place: PermissionPlace): Promise<ReadonlySet<string>> {
  return permissionsByRoles(db, user, await listRolesOf(db, user.tenantId, user.id), place)
}

/** The same for roles that are already loaded. */
export async function permissionsByRoles(
  db: Database,
  user: User,
  roles: readonly Role[],
  { applicationId, organization }: PermissionPlace,
): Promise<ReadonlySet<string>> {
  const path = await pathTo(db, organization)
  const permissions = new Set<string>()
  if (isMemberBy(user, organization, roles, path)) for (const name of SELF_SERVICE_PERMISSIONS) permissions.add(name)
  for (const role of roles) {
    const { type, id } = role.audience
    const counts = type === 'organization' ? path.has(id) : id === applicationId
    if (counts) for (const name of permissionsOfRole(role, organization)) permissions.add(name)
  }
  return permissions
}

/** Whether a user belongs to an organization: the account is in it, or a role applies to it. */
export async function isMember(db: Database, user: User, organization: Organization): Promise<boolean> {
  const roles = await listRolesOf(db, user.tenantId, user.id)
  return isMemberBy(user, organization, roles, await pathTo(db, organization))
}

function isMemberBy(
  user: User,
  organization: Organization,
  roles: readonly Role[],
  path: ReadonlySet<string>,
): boolean {
  return (
    user.organizationId === organization.id ||
    roles.some(({ audience }) => audience.type === 'organization' && path.has(audience.id))
  )
}

function permissionsOfRole({ kind, permissions }: Role, { depth, tenantId }: Organization): readonly string[] {
  const all = depth === 0 ? rootPermissions(tenantId) : ORGANIZATION_PERMISSIONS
  if (kind === 'administrator') return all
  if (kind === 'organization-administrator') return depth === 0 ? [] : all
  // Scopes of business APIs are the same in every organization.
  return permissions.filter(name => !isServerScope(name) || all.includes(name))
}

function rootPermissions(tenantId: string): readonly string[] {
  return tenantId === FIRST_TENANT.id ? [...TENANT_PERMISSIONS, ...SERVER_PERMISSIONS] : TENANT_PERMISSIONS
}

/** The ids of an organization and of all organizations above it. */
async function pathTo(db: Database, organization: Organization): Promise<ReadonlySet<string>> {
  const path = new Set([organization.id])
  let parentId = organization.parentId
  while (parentId !== undefined && !path.has(parentId)) {
    path.add(parentId)
    parentId = (await findOrganizationById(db, organization.tenantId, parentId))?.parentId
  }
  return path
}
