import type { Access } from './faces/management/routes/route.ts'
import { MANAGEMENT_BASE_PATH, managementRouteList } from './faces/management/routes/routes.ts'

/** A route and what it needs of its caller. */
export interface RouteAccess {
  method: string
  /** Below the prefix of a tenant or organization; parameters in braces. */
  path: string
  access: Access
  /** Where it exists: at the first tenant, at the root of any tenant, or in organizations below as well. */
  level: 'first-tenant' | 'tenant' | 'organization'
}

const everywhere = (method: string, path: string, access: Access): RouteAccess => ({
  method,
  path,
  access,
  level: 'organization',
})

const DESCRIPTION: Access = { open: 'describes the service, the same for everybody' }

/** The routes of every API, with what each needs: docs/reference/access.md is written from here. */
export const routesWithAccess: readonly RouteAccess[] = [
  ...managementRouteList.map(({ method, path, access, level }) => ({
    method,
    path: MANAGEMENT_BASE_PATH + path,
    access,
    level,
  })),
  everywhere('GET', `${MANAGEMENT_BASE_PATH}/openapi.json`, DESCRIPTION),
  everywhere('POST', '/scim2/Users', { permission: 'internal_user_mgt_create' }),
  everywhere('GET', '/scim2/Users', { permission: 'internal_user_mgt_list' }),
  everywhere('POST', '/scim2/Users/.search', { permission: 'internal_user_mgt_list' }),
  everywhere('POST', '/scim2/.search', { permission: 'internal_user_mgt_list' }),
  everywhere('GET', '/scim2/Users/{id}', { permission: 'internal_user_mgt_view' }),
  everywhere('PUT', '/scim2/Users/{id}', { permission: 'internal_user_mgt_update' }),
  everywhere('PATCH', '/scim2/Users/{id}', { permission: 'internal_user_mgt_update' }),
  everywhere('DELETE', '/scim2/Users/{id}', { permission: 'internal_user_mgt_delete' }),
  everywhere('GET', '/scim2/Me', { permission: 'internal_login' }),
  everywhere('PUT', '/scim2/Me', { permission: 'internal_login' }),
  everywhere('PATCH', '/scim2/Me', { permission: 'internal_login' }),
  everywhere('GET', '/scim2/ServiceProviderConfig', DESCRIPTION),
  everywhere('GET', '/scim2/Schemas', DESCRIPTION),
  everywhere('GET', '/scim2/Schemas/{id}', DESCRIPTION),
  everywhere('GET', '/scim2/ResourceTypes', DESCRIPTION),
  everywhere('GET', '/scim2/ResourceTypes/User', DESCRIPTION),
  everywhere('POST', '/api/users/v1/me/change-password', { permission: 'internal_user_password_update' }),
  everywhere('POST', '/api/users/v1/offline-invite-link', { permission: 'internal_offline_invite' }),
]
