/** The permissions at the root of a tenant. A permission is a scope in the server's own namespace. */
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
  'internal_bulk_resource_create',
  'internal_claim_meta_view',
  'internal_custom_authenticator_create',
  'internal_custom_authenticator_delete',
  'internal_custom_authenticator_update',
  'internal_custom_authenticator_view',
  'internal_group_mgt_create',
  'internal_group_mgt_delete',
  'internal_group_mgt_update',
  'internal_group_mgt_view',
  'internal_offline_invite',
  'internal_organization_create',
  'internal_organization_view',
  'internal_role_mgt_create',
  'internal_role_mgt_delete',
  'internal_role_mgt_groups_update',
  'internal_role_mgt_meta_create',
  'internal_role_mgt_meta_update',
  'internal_role_mgt_permissions_update',
  'internal_role_mgt_update',
  'internal_role_mgt_users_update',
  'internal_role_mgt_view',
  'internal_rule_metadata_view',
  'internal_user_mgt_create',
  'internal_user_mgt_delete',
  'internal_user_mgt_list',
  'internal_user_mgt_update',
  'internal_user_mgt_view',
] as const

/** The permissions of the first tenant's administrators over all tenants. */
export const SERVER_PERMISSIONS = ['internal_list_tenants', 'internal_modify_tenants'] as const

/**
 * Lets users read and change their own profile. Every application gets this scope for a user if it requests it, as in WSO2's
 * products: official SDKs request it by default.
 */
export const OWN_PROFILE = 'internal_login'

/** The permissions of every user in their organizations: managing their own account. */
export const SELF_SERVICE_PERMISSIONS = ['internal_login', 'internal_user_password_update'] as const

type InternalName<Permission> = Permission extends `internal_${infer Name}` ? Name : never

/** A permission of the server at the root of a tenant. */
export type TenantPermission =
  | (typeof TENANT_PERMISSIONS)[number]
  | (typeof SERVER_PERMISSIONS)[number]
  | (typeof SELF_SERVICE_PERMISSIONS)[number]

/** A permission below the root, such as `internal_org_user_mgt_list`. */
export type OrganizationPermission = `internal_org_${InternalName<(typeof TENANT_PERMISSIONS)[number]>}`

/** A permission that allows operations of this server. */
export type Permission = TenantPermission | OrganizationPermission

/** The access that a route requires: a permission, in the form of the organization, or none, with the reason. */
export type Access = { permission: TenantPermission } | { open: string }

/** Whether every user has the permission for their own account. */
export function isSelfService(permission: string): boolean {
  return (SELF_SERVICE_PERMISSIONS as readonly string[]).includes(permission)
}

/** The permission with the same meaning in organizations below the root. */
export function organizationForm(permission: string): string {
  return isSelfService(permission) ? permission : permission.replace(/^internal_(?!org_)/, 'internal_org_')
}

export const ORGANIZATION_PERMISSIONS: readonly string[] = TENANT_PERMISSIONS.map(organizationForm)

/** Whether the name belongs to the server, in any case. Only the server puts these scopes into a token. */
export function isServerScope(scope: string): boolean {
  return /^(internal|console:)|^system$/i.test(scope)
}
