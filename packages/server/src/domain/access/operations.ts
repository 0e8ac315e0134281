import type { TenantPermission } from './permission-names.ts'

/** What one operation requires. */
export interface OperationRule {
  /** The permission at the root of a tenant. Below it the same right has the name `internal_org_…`. */
  permission: TenantPermission
  /**
   * Whether the caller must have every permission that the target can obtain. True if the operation reads, sets or redirects a
   * credential of the target, because the caller could then act as the target.
   */
  covers?: true
  /** Whether system applications are refused: no caller may change what the server itself depends on. */
  sparesSystem?: true
}

/** Every operation on an object that has or grants permissions. Each row is one rule. */
export const OPERATIONS = {
  'application.create': { permission: 'internal_application_mgt_create' },
  'application.describe': { permission: 'internal_application_mgt_update' },
  'application.configure': { permission: 'internal_application_mgt_update', covers: true, sparesSystem: true },
  'application.delete': { permission: 'internal_application_mgt_delete', covers: true, sparesSystem: true },
  'application.read-secret': { permission: 'internal_application_mgt_client_secret_view', covers: true },
  'application.make-secret': {
    permission: 'internal_application_mgt_client_secret_create',
    covers: true,
    sparesSystem: true,
  },
  'application.authorize-api': { permission: 'internal_application_mgt_update', covers: true },
  'action.create': { permission: 'internal_action_mgt_create', covers: true },
  'action.update': { permission: 'internal_action_mgt_update', covers: true },
  'action.delete': { permission: 'internal_action_mgt_delete', covers: true },
  'authenticator.create': { permission: 'internal_custom_authenticator_create', covers: true },
  'authenticator.update': { permission: 'internal_custom_authenticator_update', covers: true },
  'authenticator.delete': { permission: 'internal_custom_authenticator_delete', covers: true },
  'user.update': { permission: 'internal_user_mgt_update', covers: true },
  'user.delete': { permission: 'internal_user_mgt_delete', covers: true },
  'group.update': { permission: 'internal_group_mgt_update', covers: true },
  'group.delete': { permission: 'internal_group_mgt_delete', covers: true },
  // For roles the target is the role before and after the change, so no caller can give a permission that they lack, or take
  // over a role with one.
  'role.create': { permission: 'internal_role_mgt_create', covers: true },
  'role.update': { permission: 'internal_role_mgt_update', covers: true },
  'role.create-meta': { permission: 'internal_role_mgt_meta_create', covers: true },
  'role.update-meta': { permission: 'internal_role_mgt_meta_update', covers: true },
  'role.set-permissions': { permission: 'internal_role_mgt_permissions_update', covers: true },
  'role.set-users': { permission: 'internal_role_mgt_users_update', covers: true },
  'role.set-groups': { permission: 'internal_role_mgt_groups_update', covers: true },
  'role.delete': { permission: 'internal_role_mgt_delete', covers: true },
  'user.invite': { permission: 'internal_offline_invite', covers: true },
} as const satisfies Record<string, OperationRule>

export type OperationName = keyof typeof OPERATIONS
