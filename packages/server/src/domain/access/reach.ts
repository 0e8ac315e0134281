import type { ActionType } from '@preflow/contract'
import { listAuthorizedScopes } from '../../ground/store/api-resources.ts'
import type { Database } from '../../ground/store/database.ts'
import type { Application, Group, Organization, Role, User } from '../../ground/store/model.ts'
import { listRolesOf, listRolesOfGroup } from '../../ground/store/roles.ts'
import {
  isSelfService,
  isServerScope,
  ORGANIZATION_PERMISSIONS,
  SERVER_PERMISSIONS,
  TENANT_PERMISSIONS,
} from './permission-names.ts'

/** All permissions of the server in a tenant and its organizations. */
export const EVERY_PERMISSION: ReadonlySet<string> = new Set([
  ...TENANT_PERMISSIONS,
  ...SERVER_PERMISSIONS,
  ...ORGANIZATION_PERMISSIONS,
])
const EVERY_ORGANIZATION_PERMISSION: ReadonlySet<string> = new Set(ORGANIZATION_PERMISSIONS)
const NOTHING: ReadonlySet<string> = new Set()

/** The permissions that an application's credentials can obtain: its authorized scopes of the server. */
export async function reachOfApplication(db: Database, application: Application): Promise<ReadonlySet<string>> {
  if (application.isSystem) return EVERY_PERMISSION
  const authorized = await listAuthorizedScopes(db, application.tenantId, application.id)
  return new Set(authorized.map(({ name }) => name).filter(scope => isServerScope(scope) && !isSelfService(scope)))
}

/** The permissions that a signed-in user can obtain at any organization of the tenant, without self-service. */
export async function reachOfUser(db: Database, { id, tenantId }: User): Promise<ReadonlySet<string>> {
  return reachOfRoles(await listRolesOf(db, tenantId, id))
}

/** The permissions that the members of a group obtain through it. */
export async function reachOfGroup(db: Database, { id, tenantId }: Group): Promise<ReadonlySet<string>> {
  return reachOfRoles(await listRolesOfGroup(db, tenantId, id))
}

/** The same for roles that are already loaded. */
export function reachOfRoles(roles: readonly Role[]): ReadonlySet<string> {
  const kinds = new Set(roles.map(({ kind }) => kind))
  if (kinds.has('administrator')) return EVERY_PERMISSION
  return new Set([
    ...(kinds.has('organization-administrator') ? ORGANIZATION_PERMISSIONS : []),
    ...roles.flatMap(({ permissions }) => permissions).filter(scope => isServerScope(scope) && !isSelfService(scope)),
  ])
}

/**
 * The permissions that an extension can obtain through the actions it decides. An extension that sees new passwords, or decides
 * who a user is, can become every user of the place. All others get nothing of the server's own namespace.
 */
export function reachOfAction(
  { type, identifies = false }: { type: ActionType; identifies?: boolean },
  { depth }: Organization,
): ReadonlySet<string> {
  if (type !== 'PRE_UPDATE_PASSWORD' && !identifies) return NOTHING
  return depth > 0 ? EVERY_ORGANIZATION_PERMISSION : EVERY_PERMISSION
}
