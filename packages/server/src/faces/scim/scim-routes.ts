import type { Access } from '../../domain/access/permission-names.ts'
import { type RouteName, routesOf } from '../../ground/http/mount.ts'

/** The beginning of every path of the SCIM API. */
export const SCIM_BASE_PATH = '/scim2'

const DESCRIPTION = { open: 'describes the service and is the same for every caller' }

const ROLE_VIEW = { permission: 'internal_role_mgt_view' } as const

/** Every route of the SCIM API, with the access that it requires. */
export const scimRoutes = {
  'POST /Users': { permission: 'internal_user_mgt_create' },
  'GET /Users': { permission: 'internal_user_mgt_list' },
  'POST /Users/.search': { permission: 'internal_user_mgt_list' },
  'POST /.search': { permission: 'internal_user_mgt_list' },
  'GET /Users/{id}': { permission: 'internal_user_mgt_view' },
  'PUT /Users/{id}': { permission: 'internal_user_mgt_update' },
  'PATCH /Users/{id}': { permission: 'internal_user_mgt_update' },
  'DELETE /Users/{id}': { permission: 'internal_user_mgt_delete' },
  'GET /Me': { permission: 'internal_login' },
  'PUT /Me': { permission: 'internal_login' },
  'PATCH /Me': { permission: 'internal_login' },
  'POST /Groups': { permission: 'internal_group_mgt_create' },
  'GET /Groups': { permission: 'internal_group_mgt_view' },
  'POST /Groups/.search': { permission: 'internal_group_mgt_view' },
  'GET /Groups/{id}': { permission: 'internal_group_mgt_view' },
  'PUT /Groups/{id}': { permission: 'internal_group_mgt_update' },
  'PATCH /Groups/{id}': { permission: 'internal_group_mgt_update' },
  'DELETE /Groups/{id}': { permission: 'internal_group_mgt_delete' },
  'POST /v2/Roles': { permission: 'internal_role_mgt_create' },
  'GET /v2/Roles': ROLE_VIEW,
  'POST /v2/Roles/.search': ROLE_VIEW,
  'GET /v2/Roles/{id}': ROLE_VIEW,
  'PUT /v2/Roles/{id}': { permission: 'internal_role_mgt_update' },
  'PATCH /v2/Roles/{id}': { permission: 'internal_role_mgt_update' },
  'DELETE /v2/Roles/{id}': { permission: 'internal_role_mgt_delete' },
  'POST /v3/Roles': { permission: 'internal_role_mgt_meta_create' },
  'GET /v3/Roles': ROLE_VIEW,
  'POST /v3/Roles/.search': ROLE_VIEW,
  'GET /v3/Roles/{id}': ROLE_VIEW,
  'PUT /v3/Roles/{id}': { permission: 'internal_role_mgt_meta_update' },
  'PATCH /v3/Roles/{id}': { permission: 'internal_role_mgt_meta_update' },
  'DELETE /v3/Roles/{id}': { permission: 'internal_role_mgt_delete' },
  'PUT /v3/Roles/{id}/Users': { permission: 'internal_role_mgt_users_update' },
  'PATCH /v3/Roles/{id}/Users': { permission: 'internal_role_mgt_users_update' },
  'PUT /v3/Roles/{id}/Groups': { permission: 'internal_role_mgt_groups_update' },
  'PATCH /v3/Roles/{id}/Groups': { permission: 'internal_role_mgt_groups_update' },
  'POST /Bulk': { permission: 'internal_bulk_resource_create' },
  'GET /ServiceProviderConfig': DESCRIPTION,
  'GET /Schemas': DESCRIPTION,
  'GET /Schemas/{id}': DESCRIPTION,
  'GET /ResourceTypes': DESCRIPTION,
  'GET /ResourceTypes/{id}': DESCRIPTION,
} as const satisfies Record<RouteName, Access>

/** The same routes as a list. */
export const scimRouteList = routesOf(scimRoutes)

type Table = typeof scimRoutes

/** The routes that require a permission. */
export type GuardedScimRoute = {
  [Name in keyof Table]: Table[Name] extends { permission: string } ? Name : never
}[keyof Table]

/** The routes that are open to every caller. */
export type OpenScimRoute = Exclude<keyof Table, GuardedScimRoute>
