import type { Database } from '../../ground/store/database.ts'
import type { Organization, Role, User } from '../../ground/store/model.ts'
import { findOrganizationById } from '../../ground/store/organizations.ts'
import { listRolesOf } from '../../ground/store/roles.ts'
import { FIRST_TENANT } from '../../ground/store/tenants.ts'

/** What may be done at the root of a tenant. A permission is a scope: this is the server's own namespace. */
export const TENANT_PERMISSIONS = [
  'internal_action_mgt_create',
  'internal_action_mgt_delete',
  'internal_action_mgt_update',
  'internal_action_mgt_view',
  'internal_api_resource_create',
  'internal_api_resource_delete',
  'internal_api_resource_update',
  'internal_api_resource_view',
  'internal_application_mgt_client_secret_create',
  'internal_application_mgt_client_secret_view',
  'internal_application_mgt_create',
  'internal_application_mgt_delete',
  'internal_application_mgt_update',
  'internal_application_mgt_view',
  'internal_audit_log_view',
  'internal_claim_meta_view',
  'internal_custom_authenticator_create',
  'internal_custom_authenticator_delete',
  'internal_custom_authenticator_update',
  'internal_custom_authenticator_view',
  'internal_offline_invite',
  'internal_organization_create',
  'internal_organization_view',
  'internal_rule_metadata_view',
  'internal_user_mgt_create',
  'internal_user_mgt_delete',
  'internal_user_mgt_list',
  'internal_user_mgt_update',
  'internal_user_mgt_view',
] as const

/** What administrators of the first tenant may do to all tenants. */
export const SERVER_PERMISSIONS = ['internal_list_tenants', 'internal_modify_tenants'] as const

/** What every user may do where they are a member: look after their own account. */
export const SELF_SERVICE_PERMISSIONS = ['internal_login', 'internal_user_password_update'] as const

type InternalName<Permission> = Permission extends `internal_${infer Name}` ? Name : never

/** A permission of the server at the root of a tenant. */
export type TenantPermission =
  | (typeof TENANT_PERMISSIONS)[number]
  | (typeof SERVER_PERMISSIONS)[number]
  | (typeof SELF_SERVICE_PERMISSIONS)[number]

/** The same below the root: `internal_org_user_mgt_list`. */
export type OrganizationPermission = `internal_org_${InternalName<(typeof TENANT_PERMISSIONS)[number]>}`

/** A permission that opens operations of this server. */
export type Permission = TenantPermission | OrganizationPermission

/** The permission with the same meaning in organizations below the root. */
export function organizationForm(permission: string): string {
  return (SELF_SERVICE_PERMISSIONS as readonly string[]).includes(permission)
    ? permission
    : permission.replace(/^internal_(?!org_)/, 'internal_org_')
}

export const ORGANIZATION_PERMISSIONS: readonly string[] = TENANT_PERMISSIONS.map(organizationForm)

/** Names that belong to the server, in any case: nobody but the server puts them into a token. */
export function isServerScope(scope: string): boolean {
  return /^(internal|console:)|^system$/i.test(scope)
}

/** Where permissions are looked up. */
export interface PermissionPlace {
  organization: Organization
  /** Counts roles whose audience is this application as well. */
  applicationId?: string
}

/**
 * What a user may do in an organization: the union of their roles that count there, and the self-service of members.
 *
 * At the root only `internal_*` permissions count, below only `internal_org_*`, so that a right of one place is never one of
 * the other. A role counts in its organization and in those below, never above.
 */
export async function permissionsOf(db: Database, user: User, place: PermissionPlace): Promise<ReadonlySet<string>> {
  const { organization, applicationId } = place
  const path = await pathTo(db, organization)
  const roles = await listRolesOf(db, user.tenantId, user.id)
  const permissions = new Set<string>()
  if (isMemberBy(user, organization, roles, path)) for (const name of SELF_SERVICE_PERMISSIONS) permissions.add(name)
  for (const role of roles) {
    const { type, id } = role.audience
    const counts = type === 'organization' ? path.has(id) : id === applicationId
    if (counts) for (const name of permissionsOfRole(role, organization)) permissions.add(name)
  }
  return permissions
}

/** Whether a user belongs to an organization: lives in it, or has a role that counts in it. */
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
  // Scopes of business APIs are the same everywhere.
  return permissions.filter(name => !isServerScope(name) || all.includes(name))
}

function rootPermissions(tenantId: string): readonly string[] {
  return tenantId === FIRST_TENANT.id ? [...TENANT_PERMISSIONS, ...SERVER_PERMISSIONS] : TENANT_PERMISSIONS
}

/** The ids of an organization and of all above it. */
async function pathTo(db: Database, organization: Organization): Promise<ReadonlySet<string>> {
  const path = new Set([organization.id])
  let parentId = organization.parentId
  while (parentId !== undefined && !path.has(parentId)) {
    path.add(parentId)
    parentId = (await findOrganizationById(db, organization.tenantId, parentId))?.parentId
  }
  return path
}
