import type { Grant } from 'oidc-provider'
import { IDENTITY_SCOPES } from '../../ground/claims/oidc-claims.ts'
import { authorizedScopes } from '../../ground/store/api-resources.ts'
import type { Database } from '../../ground/store/database.ts'
import type { Application } from '../../ground/store/model.ts'
import { RESOURCE } from './resource.ts'

/**
 * The scopes an application may get. Others are dropped without an error, as the reference does: those of APIs it was not
 * authorized for, unknown ones, and without a user those that ask for the user's attributes.
 */
export async function allowedScopes(db: Database, application: Application, isForUser: boolean): Promise<string[]> {
  const authorized = await authorizedScopes(db, application.tenantId, application.id)
  return isForUser ? [...IDENTITY_SCOPES, ...authorized] : authorized
}

/** Notes in a grant that the user agreed to these scopes. */
export function grantScopes(grant: Grant, scopes: readonly string[]): void {
  grant.addResourceScope(RESOURCE, [...scopes])
  grant.addOIDCScope(scopes.filter(scope => IDENTITY_SCOPES.includes(scope)))
}
