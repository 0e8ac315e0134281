/**
 * The management API for client programs: every route with its parameters, bodies and responses, and the OpenAPI document. It
 * loads nothing of the server.
 */
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
} from './faces/management/routes/actions.ts'
export type {
  ApiResourceInput,
  ApiResourceList,
  ApiResourcePatch,
  ApiResourceSummary,
  ApiResourceView,
  ApiScopeInput,
  ApiScopeView,
} from './faces/management/routes/api-resources.ts'
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
} from './faces/management/routes/applications.ts'
export type {
  AuthenticationTypeName,
  AuthenticatorSummary,
  CustomAuthenticatorInput,
  CustomAuthenticatorUpdate,
  CustomAuthenticatorView,
} from './faces/management/routes/authenticators.ts'
export type { AuditView, CallCount, CallSummary, CallView } from './faces/management/routes/calls.ts'
export { type OpenApiDocument, type OpenApiOperation, openApiDocument } from './faces/management/routes/open-api.ts'
export {
  type PageLink,
  type ProblemView,
  problemViewSchema,
  type Route,
  type RouteAnswer,
  type RouteShape,
  type RouteTable,
} from './faces/management/routes/route.ts'
export {
  MANAGEMENT_BASE_PATH,
  type ManagementRouteName,
  type ManagementRoutes,
  managementRouteList,
  managementRoutes,
} from './faces/management/routes/routes.ts'
export type {
  OrganizationInput,
  OrganizationSummary,
  OrganizationView,
  TenantInput,
  TenantList,
  TenantOwnerInput,
  TenantView,
} from './faces/management/routes/tenants.ts'
