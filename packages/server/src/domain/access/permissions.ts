import type { Database } from '../../ground/store/database.ts'
import type { Application, Organization, Role, User } from '../../ground/store/model.ts'
import { findOrganizationById } from '../../ground/store/organizations.ts'
import { listRolesOf } from '../../ground/store/roles.ts'
import { FIRST_TENANT } from '../../ground/store/tenants.ts'
import {
  isSelfService,
  isServerScope,
  ORGANIZATION_PERMISSIONS,
  SELF_SERVICE_PERMISSIONS,
  SERVER_PERMISSIONS,
  TENANT_PERMISSIONS,
} from './permission-names.ts'

/** The place for which permissions are computed. */
export interface PermissionPlace {
  organization: Organization
  /** The application that acts for the user. Absent: none, and only roles for organizations apply. */
  application?: Pick<Application, 'id' | 'roleAudience'>
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
  place: PermissionPlace,
): Promise<ReadonlySet<string>> {
  const { organization } = place
  const path = await pathTo(db, organization)
  const permissions = new Set<string>()
  if (isMemberBy(user, organization, roles, path)) for (const name of SELF_SERVICE_PERMISSIONS) permissions.add(name)
  for (const role of roles) {
    if (!applies(role, place, path)) continue
    for (const name of permissionsOfRole(role, organization)) permissions.add(name)
  }
  return permissions
}

/** An application accepts the roles of the organization, or only its own. */
function applies(
  { audience: { id, type } }: Pick<Role, 'audience'>,
  { application }: Pick<PermissionPlace, 'application'>,
  path: ReadonlySet<string>,
): boolean {
  const accepted = application?.roleAudience ?? 'organization'
  return type === accepted && (type === 'organization' ? path.has(id) : id === application?.id)
}

/** The roles that a user with a password sign-in can use in an organization, also through an application. */
export async function rolesUsableAt(db: Database, roles: readonly Role[], organization: Organization): Promise<Role[]> {
  const path = await pathTo(db, organization)
  return roles.filter(({ audience }) => audience.type === 'application' || path.has(audience.id))
}

/** A user as an application sees them in an organization: with the roles that it accepts, without those of organizations above. */
export function asSeenBy(
  user: User,
  application: Pick<Application, 'id' | 'roleAudience'>,
  { id }: Pick<Organization, 'id'>,
): User {
  return { ...user, roles: user.roles.filter(role => applies(role, { application }, new Set([id]))) }
}

/**
 * Whether a user belongs to an organization: the account is in it, it has a role for the user, or a role from above lets the user
 * manage it.
 */
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
    roles.some(role => {
      const { id, type } = role.audience
      if (type !== 'organization' || !path.has(id)) return false
      return id === organization.id || permissionsOfRole(role, organization).some(isServerScope)
    })
  )
}

/** The permissions of a role that apply in an organization. */
export function permissionsOfRole({ kind, permissions }: Role, { depth, tenantId }: Organization): readonly string[] {
  const all = depth === 0 ? rootPermissions(tenantId) : ORGANIZATION_PERMISSIONS
  if (kind === 'administrator') return all
  if (kind === 'organization-administrator') return depth === 0 ? [] : all
  // Scopes of business APIs are the same in every organization.
  return permissions.filter(name => !isServerScope(name) || all.includes(name))
}

/** Whether a role for the organization, or for an application if it is the root, can give a permission that applies anywhere. */
export function canCount(permission: string, { depth, tenantId }: Organization): boolean {
  if (!isServerScope(permission) || isSelfService(permission)) return true
  if (ORGANIZATION_PERMISSIONS.includes(permission)) return true
  return depth === 0 && rootPermissions(tenantId).includes(permission)
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
