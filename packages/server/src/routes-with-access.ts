import type { Access } from './domain/access/permission-names.ts'
import { USERS_API_PATH, usersApiRouteList } from './faces/account/users-api.ts'
import { MANAGEMENT_BASE_PATH, managementRouteList, openApiRoute } from './faces/management/routes/routes.ts'
import { SCIM_BASE_PATH, scimRouteList } from './faces/scim/scim-routes.ts'

/** A route and the access that it requires. */
export interface RouteAccess {
  method: string
  /** The path below the prefix of a tenant or organization, with parameters in braces. */
  path: string
  access: Access
  /** Where it exists: at the first tenant, at the root of every tenant, or also in organizations below. */
  level: 'first-tenant' | 'tenant' | 'organization'
}

/** The declared routes of every API, from which docs/reference/access.md is generated. */
export const routesWithAccess: readonly RouteAccess[] = [
  ...below(MANAGEMENT_BASE_PATH, [...managementRouteList, openApiRoute]),
  ...below(SCIM_BASE_PATH, scimRouteList),
  ...below(USERS_API_PATH, usersApiRouteList),
]

/** Pages and protocol endpoints that require no permission. */
export const openFaces = {
  start: { paths: /^\/$/, access: { open: 'shows public links' } },
  invitation: { paths: /^\/set-password$/, access: { open: 'the link contains a one-time invitation' } },
  signIn: {
    paths: /^\/sign-in\/[^/]+$/,
    access: { open: 'requires the cookie of the browser that started the sign-in' },
  },
  protocol: {
    paths: /^\/(oauth2|oidc|device|\.well-known)(\/|$)/,
    access: { open: 'OAuth 2 and OpenID Connect authenticate clients and users themselves' },
    shared: {
      withAllowed: /^\/oauth2\/(token|revoke|introspect|userinfo|par|device_authorize)$/,
      withAll: /^\/oauth2\/jwks$|\/\.well-known\/(openid-configuration|oauth-authorization-server)$/,
    },
  },
} as const

function below(
  basePath: string,
  routes: readonly (Omit<RouteAccess, 'level'> & Partial<Pick<RouteAccess, 'level'>>)[],
): RouteAccess[] {
  return routes.map(({ method, path, access, level = 'organization' }) => ({
    ...{ method, access, level },
    path: basePath + path,
  }))
}
