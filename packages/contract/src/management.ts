/**
 * The management API: every route with what it takes and gives, declared once. The server and its OpenAPI document are made of
 * this table; console and tools call the server through it.
 */
import { type ActionRoutes, actionRoutes } from './management/actions.ts'
import { type ApiResourceRoutes, apiResourceRoutes } from './management/api-resources.ts'
import { type ApplicationRoutes, applicationRoutes } from './management/applications.ts'
import { type AuthenticatorRoutes, authenticatorRoutes } from './management/authenticators.ts'
import { type CallRoutes, callRoutes } from './management/calls.ts'
import type { Route, RouteTable } from './management/route.ts'
import { type TenantRoutes, tenantRoutes } from './management/tenants.ts'

export type {
  ActionInput,
  ActionPatch,
  ActionSummary,
  ActionTypeSummary,
  ActionView,
  AuthenticationInput,
  EndpointInput,
  EndpointPatch,
  EndpointView,
  LocalClaimView,
  PasswordSharingInput,
  RuleFieldView,
  RuleGroupInput,
  RuleInput,
  SigningInput,
} from './management/actions.ts'
export type {
  ApiResourceInput,
  ApiResourceList,
  ApiResourcePatch,
  ApiResourceSummary,
  ApiResourceView,
  ApiScopeInput,
  ApiScopeView,
} from './management/api-resources.ts'
export type {
  ApplicationInput,
  ApplicationList,
  ApplicationPatch,
  ApplicationSummary,
  ApplicationView,
  AuthenticationSequenceInput,
  AuthenticationSequenceView,
  AuthorizedApiInput,
  AuthorizedApiView,
  OidcInput,
  OidcView,
} from './management/applications.ts'
export type {
  AuthenticationTypeName,
  AuthenticatorSummary,
  CustomAuthenticatorInput,
  CustomAuthenticatorUpdate,
  CustomAuthenticatorView,
} from './management/authenticators.ts'
export type { AuditView, CallCount, CallSummary, CallView } from './management/calls.ts'
export { type OpenApiDocument, type OpenApiOperation, openApiDocument } from './management/open-api.ts'
export {
  type PageLink,
  type Problem,
  problemSchema,
  type Route,
  type RouteAnswer,
  type RouteShape,
  type RouteTable,
} from './management/route.ts'
export type {
  OrganizationInput,
  OrganizationSummary,
  OrganizationView,
  TenantInput,
  TenantList,
  TenantOwnerInput,
  TenantView,
} from './management/tenants.ts'

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
 * The table of routes. A path without parameters stands before one with parameters that would match it as well, so the first
 * match is the right one.
 */
export const managementRoutes: RouteTable<ManagementRoutes> = {
  ...callRoutes,
  ...actionRoutes,
  ...applicationRoutes,
  ...apiResourceRoutes,
  ...authenticatorRoutes,
  ...tenantRoutes,
}

/** The same routes in their order, for who treats them all alike. */
export const managementRouteList: readonly (Route & { name: ManagementRouteName })[] = Object.entries(
  managementRoutes as unknown as Record<ManagementRouteName, Route>,
).map(([name, route]) => ({ ...route, name: name as ManagementRouteName }))

/** What all paths of the table are below, in each tenant and organization. */
export const MANAGEMENT_BASE_PATH = '/api/server/v1'
