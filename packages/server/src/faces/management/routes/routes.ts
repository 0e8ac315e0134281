/**
 * The management API: every route with its parameters, bodies and responses, declared once. The server and its OpenAPI document
 * are derived from this table. Console and tools call the server through it.
 */
import { type ActionRoutes, actionRoutes } from './actions.ts'
import { type ApiResourceRoutes, apiResourceRoutes } from './api-resources.ts'
import { type ApplicationRoutes, applicationRoutes } from './applications.ts'
import { type AuthenticatorRoutes, authenticatorRoutes } from './authenticators.ts'
import { type CallRoutes, callRoutes } from './calls.ts'
import type { Route, RouteTable } from './route.ts'
import { type TenantRoutes, tenantRoutes } from './tenants.ts'

/** The shapes of all routes, by operation id. */
export interface ManagementRoutes
  extends ActionRoutes,
    CallRoutes,
    ApplicationRoutes,
    ApiResourceRoutes,
    AuthenticatorRoutes,
    TenantRoutes {}

export type ManagementRouteName = keyof ManagementRoutes

/**
 * The table of routes. A path without parameters comes before one with parameters that would also match, so the first match is
 * the right one.
 */
export const managementRoutes: RouteTable<ManagementRoutes> = {
  ...callRoutes,
  ...actionRoutes,
  ...applicationRoutes,
  ...apiResourceRoutes,
  ...authenticatorRoutes,
  ...tenantRoutes,
}

/** The same routes as a list, in their order. */
export const managementRouteList: readonly (Route & { name: ManagementRouteName })[] = Object.entries(
  managementRoutes as unknown as Record<ManagementRouteName, Route>,
).map(([name, route]) => ({ ...route, name: name as ManagementRouteName }))

/** The prefix of all paths of the table, in each tenant and organization. */
export const MANAGEMENT_BASE_PATH = '/api/server/v1'

/** The route of the OpenAPI document itself. */
export const openApiRoute = {
  method: 'GET',
  path: '/openapi.json',
  access: { open: 'describes the service and is the same for every caller' },
  level: 'organization',
} as const
